import doctest

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.rows.schema import HUMAN, LEDGER, new_ledger_row
from builders.training import sft_table as module
from builders.training.sft import SFT_FORMS, to_sft
from builders.training.sft_table import RowTexts, messages_table, sft_table

TEXT = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=30)
ITEMS = st.lists(TEXT, max_size=3)
CRITIQUE = st.fixed_dictionaries(
    {"weaknesses": ITEMS, "suggestions": ITEMS, "score": st.integers(1, 10)}
)


@st.composite
def kept_rows(draw):
    draft = draw(TEXT)
    columns = {
        "id": draw(TEXT),
        "source": draw(st.sampled_from(["web", HUMAN])),
        "system": draw(st.one_of(st.none(), st.just(""), TEXT)),
        "history": [
            {"role": role, "content": draw(TEXT)}
            for _ in range(draw(st.integers(0, 2)))
            for role in ("user", "assistant")
        ],
        "instruction": draw(TEXT),
        "criteria": draw(st.sampled_from([None, None, "Name a sea.", "{{ mark }}"])),
        "draft": draft,
        "critique": draw(CRITIQUE),
        "refinement": draw(st.one_of(st.just(draft), TEXT)),
        "draft_assessment": draw(CRITIQUE),
        "refinement_assessment": draw(CRITIQUE),
    }
    return new_ledger_row(**columns)


@pytest.mark.parametrize("form", SFT_FORMS.values(), ids=SFT_FORMS)
@given(rows=st.lists(kept_rows(), max_size=6), skipped=st.integers(0, 2))
def test_the_columns_hold_what_the_rows_say(form, rows, skipped):
    # Of a part of a larger table, as a release's batches are.
    table = pa.Table.from_pylist(rows, LEDGER.arrow_schema).slice(skipped)
    expected = [turn for row in rows[skipped:] for turn in to_sft(row, form)]
    assert sft_table(RowTexts(table), form).to_pylist() == expected


@given(rows=st.lists(kept_rows(), max_size=6), skipped=st.integers(0, 2))
def test_a_conversation_has_all_turns_of_sft(rows, skipped):
    table = pa.Table.from_pylist(rows, LEDGER.arrow_schema).slice(skipped)
    last = [list(to_sft(row, SFT_FORMS["sft"]))[-1] for row in rows[skipped:]]
    expected = [
        {"id": turn["id"], "messages": [*turn["prompt"], *turn["completion"]]} for turn in last
    ]
    assert messages_table(RowTexts(table)).to_pylist() == expected


def test_the_worked_example_is_true():
    assert doctest.testmod(module).failed == 0
    assert doctest.testmod(module).attempted > 5
