"""Argilla's filters and sort orders as SQL over the records table, named `r` in every query.

A value in a JSON column may be one or a list; `json_each` makes rows of both, and none of what is
absent. So each scope is a FROM clause whose rows have `value` and `type`, and a filter asks whether
there is such a row. Values reach SQL as parameters only.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import text_query
from argilla_server.search_engine.base import (
    AndFilter,
    Filter,
    FilterScope,
    MetadataFilterScope,
    Order,
    RangeFilter,
    RecordFilterScope,
    ResponseFilterScope,
    SuggestionFilterScope,
    TermsFilter,
)

_TIMES = ("inserted_at", "updated_at")
_COLUMNS = ("id", "external_id", "status", *_TIMES)
_SUGGESTION_COLUMNS = ("value", "score", "agent", "type")


class Parameters(dict[str, Any]):
    """The values of one statement, each under a name of its own."""

    def add(self, value: Any) -> str:
        """The placeholder that stands for the value."""
        name = f"p{len(self)}"
        self[name] = value
        return f":{name}"

    def add_all(self, values: Iterable[Any]) -> str:
        return f"({', '.join(self.add(value) for value in values)})"


def hexadecimal(identifier: UUID) -> str:
    """How SQLAlchemy writes a UUID into SQLite."""
    return identifier.hex


def filter_sql(condition: Filter, given: Parameters) -> str:
    """A boolean expression over `r`."""
    if isinstance(condition, AndFilter):
        return _all(filter_sql(each, given) for each in condition.filters)
    scope = condition.scope
    if isinstance(scope, RecordFilterScope):
        return _record_filter(condition, given)
    if isinstance(scope, ResponseFilterScope) and not scope.question:
        return _status_filter(condition, given)
    rows = _rows(scope, given)
    if isinstance(condition, RangeFilter):
        return f"EXISTS (SELECT 1 FROM {rows} AND {_between(condition, given)})"
    return f"EXISTS (SELECT 1 FROM {rows} AND {_one_of(condition, given)})"


def order_sql(orders: list[Order], given: Parameters) -> list[str]:
    """ORDER BY terms; a record without the value comes last in both directions."""
    return [f"{_sort_key(order, given)} {order.order.value} NULLS LAST" for order in orders]


def text_sql(node: text_query.Node, field: str | None, given: Parameters) -> str:
    """A boolean expression over `r`: its texts, or that of one field, match the query."""
    if isinstance(node, text_query.Not):
        return f"NOT {text_sql(node.node, field, given)}"
    if isinstance(node, text_query.All):
        return _all(text_sql(each, field, given) for each in node.nodes)
    if isinstance(node, text_query.Any_):
        return f"({' OR '.join(text_sql(each, field, given) for each in node.nodes)})"
    in_field = f"AND t.field = {given.add(field)}" if field else ""
    expression = text_query.fts5(node)
    if expression is None:
        text = given.add(node.text)
        return (
            "EXISTS (SELECT 1 FROM srt_text t WHERE t.record_id = r.id "
            f"AND instr(lower(t.body), lower({text})) > 0 {in_field})"
        )
    return (
        "r.id IN (SELECT t.record_id FROM srt_text_index JOIN srt_text t "
        f"ON t.id = srt_text_index.rowid WHERE srt_text_index MATCH {given.add(expression)} "
        f"{in_field})"
    )


def _all(expressions: Iterable[str]) -> str:
    return f"({' AND '.join(expressions)})"


def _rows(scope: FilterScope, given: Parameters) -> str:
    """A FROM clause with its WHERE: one row for each value that the record `r` has there."""
    if isinstance(scope, MetadataFilterScope):
        path = given.add(f'$."{scope.metadata_property}"')
        return f"json_each(r.metadata, {path}) AS j WHERE TRUE"
    if isinstance(scope, SuggestionFilterScope):
        # The API passes "None" for the property that is not named.
        column = scope.property if scope.property in _SUGGESTION_COLUMNS else "value"
        as_json = f"s.{column}" if column in ("value", "score") else f"json_quote(s.{column})"
        return (
            f"suggestions AS s JOIN questions AS q ON q.id = s.question_id, "
            f"json_each({as_json}) AS j WHERE s.record_id = r.id "
            f"AND q.name = {given.add(scope.question)}"
        )
    assert isinstance(scope, ResponseFilterScope)
    mine = f"AND a.user_id = {given.add(hexadecimal(scope.user.id))}" if scope.user else ""
    if not scope.question:
        return (
            f"responses AS a, json_each(json_quote(a.status)) AS j WHERE a.record_id = r.id {mine}"
        )
    path = given.add(f'$."{scope.question}".value')
    return f'responses AS a, json_each(a."values", {path}) AS j WHERE a.record_id = r.id {mine}'


def _one_of(condition: TermsFilter, given: Parameters) -> str:
    texts = given.add_all(condition.values)
    numbers = given.add_all(_numbers(condition.values))
    return (
        f"(CASE WHEN j.type IN ('integer', 'real') THEN j.value IN {numbers} "
        f"WHEN j.type IN ('true', 'false') THEN j.type IN {texts} ELSE j.value IN {texts} END)"
    )


def _between(condition: RangeFilter, given: Parameters) -> str:
    # SQLite puts every text above every number: without the type a label would pass.
    return _all(["j.type IN ('integer', 'real')", *_bounds("j.value", condition, given, _number)])


def _bounds(value: str, condition: RangeFilter, given: Parameters, read) -> list[str]:
    sides = ((">=", condition.ge), ("<=", condition.le))
    return [f"{value} {sign} {given.add(read(side))}" for sign, side in sides if side is not None]


def _record_filter(condition: TermsFilter | RangeFilter, given: Parameters) -> str:
    column = _record_column(condition.scope)
    read = _reader(condition.scope.property)
    if isinstance(condition, TermsFilter):
        return f"{column} IN {given.add_all(read(value) for value in condition.values)}"
    return _all(_bounds(column, condition, given, read))


def _record_column(scope: RecordFilterScope) -> str:
    name = str(getattr(scope.property, "value", scope.property))
    if name not in _COLUMNS:
        raise ValueError(f"records have no property {name!r}")
    return f"r.{name}"


def _reader(name: str):
    return {"id": _identifier, "inserted_at": _time, "updated_at": _time}.get(str(name), str)


def _status_filter(condition: TermsFilter, given: Parameters) -> str:
    """`pending` is no status that is stored: the record has no response (of the user)."""
    if not isinstance(condition, TermsFilter):
        raise ValueError("the status of a response is not a range")
    rows = _rows(condition.scope, given)
    statuses = {str(getattr(value, "value", value)) for value in condition.values}
    stored = sorted(statuses - {"pending"})
    ways = []
    if "pending" in statuses:
        ways.append(f"NOT EXISTS (SELECT 1 FROM {rows})")
    if stored:
        ways.append(f"EXISTS (SELECT 1 FROM {rows} AND j.value IN {given.add_all(stored)})")
    return f"({' OR '.join(ways)})"


def _sort_key(order: Order, given: Parameters) -> str:
    """One value for a record: of several responses the mean, of several others the outermost."""
    scope = order.scope
    if isinstance(scope, RecordFilterScope):
        return _record_column(scope)
    outermost = "MIN(j.value)" if order.order.value == "asc" else "MAX(j.value)"
    if isinstance(scope, ResponseFilterScope):
        outermost = (
            f"COALESCE(AVG(CASE WHEN j.type IN ('integer', 'real') THEN j.value END), {outermost})"
        )
    return f"(SELECT {outermost} FROM {_rows(scope, given)})"


def _numbers(values: Iterable[str]) -> list[float]:
    found = []
    for value in values:
        try:
            found.append(float(value))
        except ValueError:
            continue
    return found


def _number(value: float | str) -> float:
    try:
        return float(value)
    except ValueError:
        raise ValueError(f"{value!r} is not a number to compare with") from None


def _identifier(value: str) -> str:
    try:
        return hexadecimal(UUID(str(value)))
    except ValueError:
        return str(value)


def _time(value: str) -> str:
    """An ISO 8601 time as SQLAlchemy writes it: in UTC, without a zone."""
    try:
        time = datetime.fromisoformat(str(value))
    except ValueError:
        return str(value)
    if time.tzinfo is not None:
        time = time.astimezone(UTC).replace(tzinfo=None)
    return time.isoformat(sep=" ", timespec="microseconds")
