"""The rules between columns that the tables of `builders.rows.schema` have."""

from collections.abc import Mapping
from typing import Any

import pyarrow.compute as pc

from builders.rows.kinds import all_true
from builders.rows.row_type import Between, Columns

_Row = Mapping[str, Any]


def score_of_assessment(part: str) -> Between:
    """The score column repeats the score in its assessment, for readers who want only that."""
    column, assessment = f"{part}_score", f"{part}_assessment"

    def problem(row: _Row) -> str | None:
        expected = row[assessment]["score"] if row[assessment] else None
        if row[column] == expected:
            return None
        return f"{column} is {row[column]!r} and its assessment says {expected!r}"

    def hold(columns: Columns) -> bool:
        # The children of a null struct are null.
        return columns[column].equals(pc.struct_field(columns[assessment], "score"))

    return Between(problem, hold)


def _equal_answers(row: _Row) -> str | None:
    return "chosen and rejected are the same" if row["chosen"] == row["rejected"] else None


def _answers_differ(columns: Columns) -> bool:
    # Each is one turn of the assistant.
    chosen, rejected = (columns[name].flatten().field("content") for name in ("chosen", "rejected"))
    return all_true(pc.not_equal(chosen, rejected))


CHOSEN_DIFFERS = Between(_equal_answers, _answers_differ)


def _wrong_margin(row: _Row) -> str | None:
    gain = row["chosen_score"] - row["rejected_score"]
    if row["margin"] == gain:
        return None
    return f"margin is {row['margin']!r}, and the scores say {gain}"


def _margins_hold(columns: Columns) -> bool:
    gains = pc.subtract(columns["chosen_score"], columns["rejected_score"])
    return all_true(pc.equal(columns["margin"], gains))


MARGIN = Between(_wrong_margin, _margins_hold)


def _submitted_first(row: _Row) -> str | None:
    started, submitted = row["started_at"], row["submitted_at"]
    wrong = started is not None and submitted is not None and started > submitted
    return "started_at is later than submitted_at" if wrong else None


def _started_first(columns: Columns) -> bool:
    # Null where either is.
    return all_true(pc.less_equal(columns["started_at"], columns["submitted_at"]))


STARTED_BEFORE_SUBMITTED = Between(_submitted_first, _started_first)


def _rows_of_no_stratum(row: _Row) -> str | None:
    rows = row["stratum_rows"]
    if rows is None or row["stratum"] is not None:
        return None
    return f"stratum_rows is {rows!r}, and there is no stratum"


def _rows_have_a_stratum(columns: Columns) -> bool:
    return all_true(pc.or_(columns["stratum"].is_valid(), columns["stratum_rows"].is_null()))


STRATUM_ROWS_NEED_A_STRATUM = Between(_rows_of_no_stratum, _rows_have_a_stratum)
