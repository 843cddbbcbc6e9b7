import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.schema import HUMAN, LEDGER
from builders.sft import SFT_FORMS
from builders.sft_table import Taught, sft_table
from tests.sft_rows import expected_rows

TEXT = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=30)
ITEMS = st.lists(TEXT, max_size=3)
CRITIQUE = st.fixed_dictionaries(
    {"weaknesses": ITEMS, "suggestions": ITEMS, "score": st.integers(1, 10)}
)


@st.composite
def kept_rows(draw):
    draft = draw(TEXT)
    given_ = {
        "id": draw(TEXT),
        "source": draw(st.sampled_from(["web", HUMAN])),
        "system": draw(st.one_of(st.none(), st.just(""), TEXT)),
        "instruction": draw(TEXT),
        "draft": draft,
        "critique": draw(CRITIQUE),
        "refinement": draw(st.one_of(st.just(draft), TEXT)),
        "draft_assessment": draw(CRITIQUE),
        "refinement_assessment": draw(CRITIQUE),
    }
    return {**dict.fromkeys(LEDGER), **given_}


@pytest.mark.parametrize("form", SFT_FORMS.values(), ids=SFT_FORMS)
@given(rows=st.lists(kept_rows(), max_size=6), skipped=st.integers(0, 2))
def test_the_columns_hold_what_the_rows_say(form, rows, skipped):
    # Of a part of a larger table, as a release's batches are.
    table = pa.Table.from_pylist(rows, LEDGER.arrow_schema).slice(skipped)
    expected = [turn for row in rows[skipped:] for turn in expected_rows(row, form)]
    assert sft_table(Taught(table), form).to_pylist() == expected
