"""Argilla's filters and sort orders as SQL over the records table, named `r` in every query.

A value in a JSON column may be a scalar or a list; `json_each` turns either into rows, and a
missing one into no rows. So each scope is a FROM clause whose rows have `value` and `type`, and a
filter is an EXISTS over it. Values enter SQL only as parameters.
"""

from collections.abc import Iterable
from contextlib import suppress
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
    """The values of one statement, each with a unique name."""

    def add(self, value: Any) -> str:
        """Add a value; returns its placeholder."""
        name = f"p{len(self)}"
        self[name] = value
        return f":{name}"

    def add_all(self, values: Iterable[Any]) -> str:
        return f"({', '.join(self.add(value) for value in values)})"


def hexadecimal(identifier: UUID) -> str:
    """A UUID as SQLAlchemy stores it in SQLite."""
    return identifier.hex


def filter_sql(condition: Filter, params: Parameters) -> str:
    """A boolean expression over `r`."""
    if isinstance(condition, AndFilter):
        return _all(filter_sql(each, params) for each in condition.filters)
    scope = condition.scope
    if isinstance(scope, RecordFilterScope):
        return _record_filter(condition, params)
    if isinstance(scope, ResponseFilterScope) and not scope.question:
        return _status_filter(condition, params)
    rows = _rows(scope, params)
    if isinstance(condition, RangeFilter):
        return f"EXISTS (SELECT 1 FROM {rows} AND {_between(condition, params)})"
    return f"EXISTS (SELECT 1 FROM {rows} AND {_one_of(condition, params)})"


def order_sql(orders: list[Order], params: Parameters) -> list[str]:
    """ORDER BY terms; records without the value come last in both directions."""
    return [f"{_sort_key(order, params)} {order.order.value} NULLS LAST" for order in orders]


def text_sql(node: text_query.Node, field: str | None, params: Parameters) -> str:
    """A boolean expression over `r`: whether its fields, or one of them, match the query."""
    if isinstance(node, text_query.Not):
        return f"NOT {text_sql(node.node, field, params)}"
    if isinstance(node, text_query.AllOf):
        return _all(text_sql(each, field, params) for each in node.nodes)
    if isinstance(node, text_query.AnyOf):
        return f"({' OR '.join(text_sql(each, field, params) for each in node.nodes)})"
    in_field = f"AND t.field = {params.add(field)}" if field else ""
    expression = text_query.fts5(node)
    if expression is None:
        text = params.add(node.text)
        return (
            "EXISTS (SELECT 1 FROM srt_text t WHERE t.record_id = r.id "
            f"AND instr(lower(t.body), lower({text})) > 0 {in_field})"
        )
    return (
        "r.id IN (SELECT t.record_id FROM srt_text_index JOIN srt_text t "
        f"ON t.id = srt_text_index.rowid WHERE srt_text_index MATCH {params.add(expression)} "
        f"{in_field})"
    )


def _all(expressions: Iterable[str]) -> str:
    return f"({' AND '.join(expressions)})"


def _rows(scope: FilterScope, params: Parameters) -> str:
    """A FROM clause with its WHERE: one row for each value of the record `r` in the scope."""
    if isinstance(scope, MetadataFilterScope):
        path = params.add(f'$."{scope.metadata_property}"')
        return f"json_each(r.metadata, {path}) AS j WHERE TRUE"
    if isinstance(scope, SuggestionFilterScope):
        # The API passes "None" if no property is named.
        column = scope.property if scope.property in _SUGGESTION_COLUMNS else "value"
        as_json = f"s.{column}" if column in ("value", "score") else f"json_quote(s.{column})"
        return (
            f"suggestions AS s JOIN questions AS q ON q.id = s.question_id, "
            f"json_each({as_json}) AS j WHERE s.record_id = r.id "
            f"AND q.name = {params.add(scope.question)}"
        )
    assert isinstance(scope, ResponseFilterScope)
    mine = f"AND a.user_id = {params.add(hexadecimal(scope.user.id))}" if scope.user else ""
    if not scope.question:
        return (
            f"responses AS a, json_each(json_quote(a.status)) AS j WHERE a.record_id = r.id {mine}"
        )
    path = params.add(f'$."{scope.question}".value')
    return f'responses AS a, json_each(a."values", {path}) AS j WHERE a.record_id = r.id {mine}'


def _one_of(condition: TermsFilter, params: Parameters) -> str:
    texts = params.add_all(condition.values)
    numbers = params.add_all(_numbers(condition.values))
    return (
        f"(CASE WHEN j.type IN ('integer', 'real') THEN j.value IN {numbers} "
        f"WHEN j.type IN ('true', 'false') THEN j.type IN {texts} ELSE j.value IN {texts} END)"
    )


def _between(condition: RangeFilter, params: Parameters) -> str:
    # SQLite sorts any text above any number, so without the type check a label would match.
    return _all(["j.type IN ('integer', 'real')", *_bounds("j.value", condition, params, _number)])


def _bounds(value: str, condition: RangeFilter, params: Parameters, parse) -> list[str]:
    sides = ((">=", condition.ge), ("<=", condition.le))
    return [f"{value} {sign} {params.add(parse(side))}" for sign, side in sides if side is not None]


def _record_filter(condition: TermsFilter | RangeFilter, params: Parameters) -> str:
    column = _record_column(condition.scope)
    parse = _parser(condition.scope.property)
    if isinstance(condition, TermsFilter):
        return f"{column} IN {params.add_all(parse(value) for value in condition.values)}"
    return _all(_bounds(column, condition, params, parse))


def _record_column(scope: RecordFilterScope) -> str:
    name = str(getattr(scope.property, "value", scope.property))
    if name not in _COLUMNS:
        raise ValueError(f"records have no property {name!r}")
    return f"r.{name}"


def _parser(name: str):
    return {"id": _identifier, "inserted_at": _time, "updated_at": _time}.get(str(name), str)


def _status_filter(condition: TermsFilter, params: Parameters) -> str:
    """`pending` is not stored: it means that the record has no response (of the user)."""
    if not isinstance(condition, TermsFilter):
        raise ValueError("a response status cannot be filtered by a range")
    rows = _rows(condition.scope, params)
    statuses = {str(getattr(value, "value", value)) for value in condition.values}
    stored = sorted(statuses - {"pending"})
    alternatives = []
    if "pending" in statuses:
        alternatives.append(f"NOT EXISTS (SELECT 1 FROM {rows})")
    if stored:
        alternatives.append(
            f"EXISTS (SELECT 1 FROM {rows} AND j.value IN {params.add_all(stored)})"
        )
    return f"({' OR '.join(alternatives)})"


def _sort_key(order: Order, params: Parameters) -> str:
    """One value per record: the mean of several responses, the extreme of other values."""
    scope = order.scope
    if isinstance(scope, RecordFilterScope):
        return _record_column(scope)
    extreme = "MIN(j.value)" if order.order.value == "asc" else "MAX(j.value)"
    if isinstance(scope, ResponseFilterScope):
        extreme = (
            f"COALESCE(AVG(CASE WHEN j.type IN ('integer', 'real') THEN j.value END), {extreme})"
        )
    return f"(SELECT {extreme} FROM {_rows(scope, params)})"


def _numbers(values: Iterable[str]) -> list[float]:
    numbers = []
    for value in values:
        with suppress(ValueError):
            numbers.append(float(value))
    return numbers


def _number(value: float | str) -> float:
    try:
        return float(value)
    except ValueError:
        raise ValueError(f"{value!r} is not a number") from None


def _identifier(value: str) -> str:
    try:
        return hexadecimal(UUID(str(value)))
    except ValueError:
        return str(value)


def _time(value: str) -> str:
    """An ISO 8601 time as SQLAlchemy stores it: in UTC, without a time zone."""
    try:
        time = datetime.fromisoformat(str(value))
    except ValueError:
        return str(value)
    if time.tzinfo is not None:
        time = time.astimezone(UTC).replace(tzinfo=None)
    return time.isoformat(sep=" ", timespec="microseconds")
