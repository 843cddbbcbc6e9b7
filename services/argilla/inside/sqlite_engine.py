"""Argilla's search engine on Argilla's own SQLite database: nothing to index, nothing to lag.

Whatever Argilla has committed is found by the next search; the methods that tell an engine of a
change have nothing to do. Imported before the server starts, it is there under NAME.
"""

import hashlib
import json
from typing import Any
from uuid import UUID

import numpy as np
import text_query
from argilla_server.database import async_engine
from argilla_server.enums import MetadataPropertyType, SimilarityOrder
from argilla_server.search_engine.base import (
    FloatMetadataMetrics,
    IntegerMetadataMetrics,
    SearchEngine,
    SearchResponseItem,
    SearchResponses,
    TermsMetrics,
    TextQuery,
)
from argilla_server.settings import settings
from conditions import Parameters, filter_sql, hexadecimal, order_sql, text_sql
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

NAME = "srt-sqlite"
# Connections of its own. A request that searches holds one of the server's already: as many such
# requests at once as the server's pool has would all wait for a second one, for ever.
_ENGINE = create_async_engine(async_engine.url, **settings.database_engine_args)
_PRIME = 2**31 - 1


@SearchEngine.register(NAME)
class SqliteSearchEngine(SearchEngine):
    """Stateless: every call takes a connection from one pool."""

    @classmethod
    async def new_instance(cls) -> "SqliteSearchEngine":
        return cls()

    async def close(self) -> None:
        pass

    async def ping(self) -> bool:
        return bool(await _rows("SELECT 1", {}))

    async def info(self) -> dict:
        version = (await _rows("SELECT sqlite_version()", {}))[0][0]
        return {"name": NAME, "version": {"number": version}}

    async def create_index(self, dataset) -> None: ...

    async def delete_index(self, dataset) -> None: ...

    async def configure_metadata_property(self, dataset, metadata_property) -> None: ...

    async def configure_index_vectors(self, vector_settings) -> None: ...

    async def index_records(self, dataset, records) -> None: ...

    async def partial_record_update(self, record, **update) -> None: ...

    async def delete_records(self, dataset, records) -> None: ...

    async def update_record_response(self, response) -> None: ...

    async def delete_record_response(self, response) -> None: ...

    async def update_record_suggestion(self, suggestion) -> None: ...

    async def delete_record_suggestion(self, suggestion) -> None: ...

    async def get_dataset_progress(self, dataset) -> dict:
        if dataset.is_draft:
            return {}
        counts = await _rows(
            "SELECT status, COUNT(*) FROM records WHERE dataset_id = :dataset GROUP BY status",
            {"dataset": hexadecimal(dataset.id)},
        )
        return _with_total(counts)

    async def get_dataset_user_progress(self, dataset, user) -> dict:
        if dataset.is_draft:
            return {}
        counts = await _rows(
            "SELECT a.status, COUNT(*) FROM responses a JOIN records r ON r.id = a.record_id "
            "WHERE r.dataset_id = :dataset AND a.user_id = :user GROUP BY a.status",
            {"dataset": hexadecimal(dataset.id), "user": hexadecimal(user.id)},
        )
        return _with_total(counts)

    async def search(
        self,
        dataset,
        query: TextQuery | str | None = None,
        filter=None,  # noqa: A002 - Argilla's names
        sort=None,
        offset: int = 0,
        limit: int = 100,
        user_id: UUID | None = None,
    ) -> SearchResponses:
        given = Parameters()
        where, node, field = _where(dataset, query, filter, given)
        total = (await _rows(f"SELECT COUNT(*) FROM records r WHERE {where}", given))[0][0]
        scores, score = "", "NULL"
        if node is not None and (scored := _scores(node, field, given)):
            scores, score = f"LEFT JOIN ({scored}) AS scored ON scored.record_id = r.id", "score"
        order = order_sql(sort, given) if sort else _default_order(score, user_id, given)
        found = await _rows(
            f"SELECT r.id, {score} FROM records r {scores} WHERE {where} "
            f"ORDER BY {', '.join([*order, 'r.rowid'])} "
            f"LIMIT {given.add(limit)} OFFSET {given.add(offset)}",
            given,
        )
        items = [SearchResponseItem(record_id=UUID(row), score=points) for row, points in found]
        return SearchResponses(items=items, total=total)

    async def compute_metrics_for(self, metadata_property):
        given = Parameters(dataset=hexadecimal(metadata_property.dataset_id))
        values = (
            f"FROM records r, json_each(r.metadata, {given.add(_path(metadata_property.name))}) j "
            "WHERE r.dataset_id = :dataset AND j.type <> 'null'"
        )
        if metadata_property.type == MetadataPropertyType.terms:
            counts = await _rows(
                f"SELECT j.value, COUNT(*) {values} GROUP BY j.value ORDER BY 2 DESC, 1", given
            )
            terms = [TermsMetrics.TermCount(term=str(term), count=n) for term, n in counts]
            return TermsMetrics(total=sum(n for _, n in counts), values=terms)
        low, high = (await _rows(f"SELECT MIN(j.value), MAX(j.value) {values}", given))[0]
        whole = metadata_property.type == MetadataPropertyType.integer
        return (IntegerMetadataMetrics if whole else FloatMetadataMetrics)(min=low, max=high)

    async def similarity_search(
        self,
        dataset,
        vector_settings,
        value: list[float] | None = None,
        record=None,
        query: TextQuery | str | None = None,
        filter=None,  # noqa: A002 - Argilla's names
        max_results: int = 100,
        order: SimilarityOrder = SimilarityOrder.most_similar,
        threshold: float | None = None,
    ) -> SearchResponses:
        """Every vector of the dataset is compared: (1 + cosine) / 2, as Elasticsearch scores."""
        if bool(value) == bool(record):
            raise ValueError("a similarity search needs a vector or a record, and not both")
        wanted = value or record.vector_value_by_vector_settings(vector_settings)
        if not wanted:
            raise ValueError("the record has no such vector")
        given = Parameters()
        where, _, _ = _where(dataset, query, filter, given)
        if record is not None:
            where += f" AND r.id <> {given.add(hexadecimal(record.id))}"
        found = await _rows(
            "SELECT r.id, v.value FROM vectors v JOIN records r ON r.id = v.record_id "
            f"WHERE v.vector_settings_id = {given.add(hexadecimal(vector_settings.id))} "
            f"AND {where} ORDER BY r.rowid",
            given,
        )
        scores = _cosine_scores([json.loads(vector) for _, vector in found], wanted)
        if order == SimilarityOrder.least_similar:
            scores = 1 - scores
        items = [
            SearchResponseItem(record_id=UUID(found[at][0]), score=float(scores[at]))
            for at in np.argsort(-scores, kind="stable")[:max_results]
            if threshold is None or scores[at] >= threshold
        ]
        return SearchResponses(items=items, total=len(items))


async def _rows(statement: str, given: dict[str, Any]) -> list[Any]:
    async with _ENGINE.connect() as connection:
        return list((await connection.execute(text(statement), given)).all())


def _with_total(counts: list[Any]) -> dict[str, int]:
    return {"total": sum(count for _, count in counts), **dict(counts)}


def _path(name: str) -> str:
    return f'$."{name}"'


def _where(
    dataset, query: TextQuery | str | None, condition, given: Parameters
) -> tuple[str, text_query.Node | None, str | None]:
    """The condition on `r`, the text query's tree, and the field that it is limited to."""
    parts = [f"r.dataset_id = {given.add(hexadecimal(dataset.id))}"]
    asked = TextQuery(q=query) if isinstance(query, str) else query
    node = text_query.parse(asked.q) if asked else None
    field = asked.field if asked else None
    if node is not None:
        parts.append(text_sql(node, field, given))
    elif asked is not None:
        parts.append("FALSE")
    if condition is not None and getattr(condition, "filters", True):
        parts.append(filter_sql(condition, given))
    return " AND ".join(parts), node, field


def _scores(node: text_query.Node, field: str | None, given: Parameters) -> str | None:
    """A query of record_id and score (BM25, higher is better); None where nothing is ranked."""
    expressions = [text_query.fts5(leaf) for leaf in text_query.leaves(node)]
    ranked = " OR ".join(f"({expression})" for expression in expressions if expression)
    if not ranked:
        return None
    in_field = f"WHERE t.field = {given.add(field)}" if field else ""
    # FTS5 ranks only in a query of its own: SQLite must not merge it into the one around it.
    return (
        "WITH hits AS MATERIALIZED (SELECT rowid AS id, -rank AS points FROM srt_text_index "
        f"WHERE srt_text_index MATCH {given.add(ranked)}) "
        "SELECT t.record_id, SUM(points) AS score FROM hits JOIN srt_text t ON t.id = hits.id "
        f"{in_field} GROUP BY t.record_id"
    )


def _default_order(score: str, user_id: UUID | None, given: Parameters) -> list[str]:
    """By relevance; then for a user in an order of the user's own, the same in every request."""
    order = [f"{score} DESC"] if score != "NULL" else []
    if user_id is None:
        return [*order, "r.inserted_at"]
    digest = hashlib.blake2b(str(user_id).encode(), digest_size=12).digest()
    a, b, c = (1 + int.from_bytes(digest[at : at + 4]) % (_PRIME - 1) for at in (0, 4, 8))
    # A quadratic of the row's number modulo a prime: no function to register on a connection.
    # Each product stays below 2 ** 63.
    x = f"((r.rowid % {_PRIME}) * {given.add(a)} + {given.add(b)}) % {_PRIME}"
    return [*order, f"((({x}) * ({x})) % {_PRIME} * {given.add(c)} + ({x})) % {_PRIME}"]


def _cosine_scores(vectors: list[list[float]], wanted: list[float]) -> np.ndarray:
    """Shape (number of vectors,), between 0 and 1; a vector of zeros is similar to nothing."""
    if not vectors:
        return np.zeros(0)
    matrix, target = np.asarray(vectors, dtype=float), np.asarray(wanted, dtype=float)
    norms = np.linalg.norm(matrix, axis=1) * np.linalg.norm(target)
    cosines = np.divide(matrix @ target, norms, out=np.zeros(len(matrix)), where=norms > 0)
    return (1 + cosines) / 2
