"""A search engine for Argilla on Argilla's own SQLite database.

A search sees everything that Argilla has committed, so there is no index to keep up to date, and
the methods that notify an engine of changes do nothing. Importing this module registers the engine
as NAME.
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
# A separate pool: a request that searches already has a connection from the server's pool, and if
# enough of them waited for a second one from the same pool, all would wait forever.
_ENGINE = create_async_engine(async_engine.url, **settings.database_engine_args)
_PRIME = 2**31 - 1


@SearchEngine.register(NAME)
class SqliteSearchEngine(SearchEngine):
    """Stateless; each call takes a connection from the pool."""

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
        params = Parameters()
        where, node, field = _where(dataset, query, filter, params)
        total = (await _rows(f"SELECT COUNT(*) FROM records r WHERE {where}", params))[0][0]
        scores, score = "", "NULL"
        if node is not None and (scored := _scores(node, field, params)):
            scores, score = f"LEFT JOIN ({scored}) AS scored ON scored.record_id = r.id", "score"
        order = order_sql(sort, params) if sort else _default_order(score, user_id, params)
        rows = await _rows(
            f"SELECT r.id, {score} FROM records r {scores} WHERE {where} "
            f"ORDER BY {', '.join([*order, 'r.rowid'])} "
            f"LIMIT {params.add(limit)} OFFSET {params.add(offset)}",
            params,
        )
        items = [
            SearchResponseItem(record_id=UUID(record), score=points) for record, points in rows
        ]
        return SearchResponses(items=items, total=total)

    async def compute_metrics_for(self, metadata_property):
        params = Parameters(dataset=hexadecimal(metadata_property.dataset_id))
        path = params.add(f'$."{metadata_property.name}"')
        values = (
            f"FROM records r, json_each(r.metadata, {path}) j "
            "WHERE r.dataset_id = :dataset AND j.type <> 'null'"
        )
        if metadata_property.type == MetadataPropertyType.terms:
            counts = await _rows(
                f"SELECT j.value, COUNT(*) {values} GROUP BY j.value ORDER BY 2 DESC, 1", params
            )
            terms = [TermsMetrics.TermCount(term=str(term), count=n) for term, n in counts]
            return TermsMetrics(total=sum(n for _, n in counts), values=terms)
        low, high = (await _rows(f"SELECT MIN(j.value), MAX(j.value) {values}", params))[0]
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
        """Exact search over all vectors; the score is (1 + cosine) / 2, as in Elasticsearch."""
        if bool(value) == bool(record):
            raise ValueError("a similarity search needs either a vector or a record")
        target = value or record.vector_value_by_vector_settings(vector_settings)
        if not target:
            raise ValueError("the record has no such vector")
        params = Parameters()
        where, _, _ = _where(dataset, query, filter, params)
        if record is not None:
            where += f" AND r.id <> {params.add(hexadecimal(record.id))}"
        rows = await _rows(
            "SELECT r.id, v.value FROM vectors v JOIN records r ON r.id = v.record_id "
            f"WHERE v.vector_settings_id = {params.add(hexadecimal(vector_settings.id))} "
            f"AND {where} ORDER BY r.rowid",
            params,
        )
        scores = _cosine_scores([json.loads(vector) for _, vector in rows], target)
        if order == SimilarityOrder.least_similar:
            scores = 1 - scores
        items = [
            SearchResponseItem(record_id=UUID(rows[at][0]), score=float(scores[at]))
            for at in np.argsort(-scores, kind="stable")[:max_results]
            if threshold is None or scores[at] >= threshold
        ]
        return SearchResponses(items=items, total=len(items))


async def _rows(statement: str, params: dict[str, Any]) -> list[Any]:
    async with _ENGINE.connect() as connection:
        return list((await connection.execute(text(statement), params)).all())


def _with_total(counts: list[Any]) -> dict[str, int]:
    return {"total": sum(count for _, count in counts), **dict(counts)}


def _where(
    dataset, query: TextQuery | str | None, condition, params: Parameters
) -> tuple[str, text_query.Node | None, str | None]:
    """The condition on `r`, the parsed text query, and the field that it is limited to."""
    parts = [f"r.dataset_id = {params.add(hexadecimal(dataset.id))}"]
    query = TextQuery(q=query) if isinstance(query, str) else query
    node = text_query.parse(query.q) if query else None
    field = query.field if query else None
    if node is not None:
        parts.append(text_sql(node, field, params))
    elif query is not None:
        parts.append("FALSE")
    if condition is not None and getattr(condition, "filters", True):
        parts.append(filter_sql(condition, params))
    return " AND ".join(parts), node, field


def _scores(node: text_query.Node, field: str | None, params: Parameters) -> str | None:
    """A query for record_id and score (BM25, higher is better); None if nothing is ranked."""
    expressions = [text_query.fts5(leaf) for leaf in text_query.leaves(node)]
    ranked = " OR ".join(f"({expression})" for expression in expressions if expression)
    if not ranked:
        return None
    in_field = f"WHERE t.field = {params.add(field)}" if field else ""
    # FTS5 computes ranks only in a separate query, so SQLite must not merge it into the outer one.
    return (
        "WITH hits AS MATERIALIZED (SELECT rowid AS id, -rank AS points FROM srt_text_index "
        f"WHERE srt_text_index MATCH {params.add(ranked)}) "
        "SELECT t.record_id, SUM(points) AS score FROM hits JOIN srt_text t ON t.id = hits.id "
        f"{in_field} GROUP BY t.record_id"
    )


def _default_order(score: str, user_id: UUID | None, params: Parameters) -> list[str]:
    """By relevance, then in a random order that is fixed for each user."""
    order = [f"{score} DESC"] if score != "NULL" else []
    if user_id is None:
        return [*order, "r.inserted_at"]
    digest = hashlib.blake2b(str(user_id).encode(), digest_size=12).digest()
    a, b, c = (1 + int.from_bytes(digest[at : at + 4]) % (_PRIME - 1) for at in (0, 4, 8))
    # A quadratic polynomial of the row id modulo a prime: plain SQL, without registering a
    # function. Each product stays below 2 ** 63.
    x = f"((r.rowid % {_PRIME}) * {params.add(a)} + {params.add(b)}) % {_PRIME}"
    return [*order, f"((({x}) * ({x})) % {_PRIME} * {params.add(c)} + ({x})) % {_PRIME}"]


def _cosine_scores(vectors: list[list[float]], target: list[float]) -> np.ndarray:
    """Shape (number of vectors,), between 0 and 1; 0.5 for a zero vector."""
    if not vectors:
        return np.zeros(0)
    matrix, other = np.asarray(vectors, dtype=float), np.asarray(target, dtype=float)
    norms = np.linalg.norm(matrix, axis=1) * np.linalg.norm(other)
    cosines = np.divide(matrix @ other, norms, out=np.zeros(len(matrix)), where=norms > 0)
    return (1 + cosines) / 2
