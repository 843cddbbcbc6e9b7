"""The config `kto`: which answers it has, and with which label."""

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from builders.rows.reasons import REASONS
from builders.rows.schema import LEDGER, new_ledger_row
from builders.training.kto import to_kto
from builders.training.kto_table import kto_table

TEXT = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=20)
SCORE = st.one_of(st.none(), st.integers(1, 10))
TURNS = [("user", "assistant"), ()]


@st.composite
def ledger_rows(draw):
    reason = draw(st.sampled_from([None, "margin", *REASONS]))
    draft = draw(TEXT)
    columns = {
        "id": draw(TEXT),
        "status": "dropped" if reason else "kept",
        "reason": reason,
        "system": draw(st.one_of(st.none(), st.just(""), TEXT)),
        "history": [{"role": role, "content": draw(TEXT)} for role in draw(st.sampled_from(TURNS))],
        "instruction": draw(TEXT),
        "draft": draft,
        "refinement": draw(st.one_of(st.just(draft), TEXT)),
        "draft_score": draw(SCORE if reason else st.integers(1, 10)),
        "refinement_score": draw(SCORE if reason else st.integers(1, 10)),
    }
    return new_ledger_row(**columns)


@settings(max_examples=50)
@given(rows=st.lists(ledger_rows(), max_size=8), skipped=st.integers(0, 2))
def test_the_columns_hold_what_the_rows_say(rows, skipped):
    table = pa.Table.from_pylist(rows, LEDGER.arrow_schema).slice(skipped)
    expected = [one for row in rows[skipped:] for one in to_kto(row)]
    assert kto_table(table).to_pylist() == expected


def labels(**columns):
    row = {
        "id": "a",
        "status": "kept",
        "system": "Be brief.",
        "history": [],
        "instruction": "Where is it?",
        "draft": "In a city.",
        "refinement": "In Paris.",
        "draft_score": 4,
        "refinement_score": 9,
        **columns,
    }
    return [(one["turn"], one["label"], one["score"]) for one in to_kto(new_ledger_row(**row))]


def test_of_a_kept_row_the_refinement_is_desirable_and_the_draft_is_not():
    assert labels() == [("draft", False, 4), ("refinement", True, 9)]


def test_a_draft_that_scored_as_high_has_no_label():
    assert labels(draft_score=9) == [("refinement", True, 9)]
    assert labels(draft="In Paris.", draft_score=9) == [("refinement", True, 9)]


def test_of_dropped_rows_only_refinements_below_their_drafts_are_labeled():
    for reason in REASONS:
        dropped = {"status": "dropped", "reason": reason}
        worse = labels(**dropped, draft_score=9, refinement_score=4)
        assert worse == ([("refinement", False, 4)] if reason == "margin" else [])
        assert labels(**dropped) == labels(**dropped, draft_score=9) == []


def test_what_redaction_made_equal_is_not_labeled():
    scores = {"draft_score": 9, "refinement_score": 4}
    dropped = {"status": "dropped", "reason": "margin", **scores}
    assert labels(**dropped, draft="[EMAIL]", refinement="[EMAIL]") == []
