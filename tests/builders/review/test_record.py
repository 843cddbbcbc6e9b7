"""Records as annotators see them: any text, and nothing from the model."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders.critique.parse import Critique, parse_critique
from builders.review.record import FIELDS, QUESTIONS, critique_text, letters, record_of
from builders.rows.schema import ORDERS
from tests.ledger_rows import ledger_row

texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
items = st.lists(texts.filter(str.strip), max_size=3)
scores = st.none() | st.integers(1, 10)
# No deadline: the machine may be busy.
quickly = settings(max_examples=50)
HOSTILE = "<script>alert('x')</script> <b>bold</b> [a](http://b) ![c](d) 🦊 مرحبا ‮txet‬ 漢字"


def shown_row(**columns):
    return {**ledger_row(4, reason=None), **columns}


def drawn_row(order="draft_first", **columns):
    chosen = {"record": "k", "id": "x", "order": order, "stratum": "web, score 5-6"}
    return {**chosen, "inclusion_probability": 0.5, "calibration": False, **columns}


@quickly
@given(texts, texts, texts, items, items, st.none() | texts, st.sampled_from(ORDERS))
def test_any_text_is_shown_as_it_is(
    instruction, draft, refinement, weaknesses, suggestions, system, order
):
    critique = {"weaknesses": weaknesses, "suggestions": suggestions, "score": 3}
    if draft == refinement:
        refinement += "!"
    row = shown_row(
        instruction=instruction,
        draft=draft,
        refinement=refinement,
        critique=critique,
        system=system,
    )
    fields = record_of(row, drawn_row(order))["fields"]
    assert tuple(fields) == FIELDS
    letter = letters(order)
    assert fields[f"answer_{letter['draft'].lower()}"] == draft
    assert fields[f"answer_{letter['refinement'].lower()}"] == refinement
    assert fields["instruction"].endswith(instruction)
    assert system is None or system in fields["instruction"]
    assert fields["critique"].startswith(f"This critique is about answer {letter['draft']}.\n")
    for text in (*weaknesses, *suggestions):
        for line in text.strip().splitlines():
            assert line in fields["critique"]


@quickly
@given(scores, scores, scores, st.sampled_from(ORDERS))
def test_a_blind_record_shows_nothing_of_the_models_verdict(draft, refinement, own, order):
    """Whatever the scores, the models and the stratum are, the page is the same."""
    row = shown_row()
    judged = {
        **row,
        "draft_score": draft,
        "refinement_score": refinement,
        "critique": {**row["critique"], "score": own},
        "calls": [],
        "draft_assessment": None,
        "refinement_assessment": None,
        "source": "elsewhere",
    }
    one = record_of(row, drawn_row(order))
    other = record_of(judged, drawn_row(order, stratum="all", inclusion_probability=1.0))
    assert one == other
    assert one["suggestions"] == {}
    assert "example/" not in json.dumps(one)


def test_what_comes_before_an_instruction_is_shown_with_it_and_apart():
    history = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]
    row = shown_row(system="Be brief.", history=history, criteria="Names the sea.")
    record = record_of(row, drawn_row())
    assert record["context"] == {
        "system": "Be brief.",
        "history": history,
        "instruction": row["instruction"],
        "criteria": "Names the sea.",
    }
    assert record["fields"]["instruction"] == (
        "System prompt\nBe brief.\n\nConversation so far\n\nUser: Hi\n\nAssistant: Hello\n\n"
        f"What a good answer has to do\nNames the sea.\n\nInstruction\n{row['instruction']}"
    )
    bare = record_of(shown_row(system=None, history=[], criteria=None), drawn_row())
    assert bare["fields"]["instruction"] == row["instruction"]


def test_a_row_with_nothing_to_compare_makes_no_record():
    with pytest.raises(ValueError, match="has nothing to compare"):
        record_of(shown_row(refinement=None), drawn_row())


@pytest.mark.parametrize(
    ("order", "draft", "refinement", "expected"),
    [
        ("draft_first", 4, 7, {"better": "B", "score_a": 4, "score_b": 7}),
        ("refinement_first", 4, 7, {"better": "A", "score_a": 7, "score_b": 4}),
        ("refinement_first", 8, 7, {"better": "B", "score_a": 7, "score_b": 8}),
        ("draft_first", 7, 7, {"better": "tie", "score_a": 7, "score_b": 7}),
        ("draft_first", None, 7, {"score_b": 7}),
    ],
)
def test_assisted_shows_the_models_verdict(order, draft, refinement, expected):
    row = shown_row(draft_score=draft, refinement_score=refinement)
    suggestions = record_of(row, drawn_row(order), assisted=True)["suggestions"]
    assert set(suggestions) <= set(QUESTIONS)
    assert suggestions.pop("corrected_critique") == critique_text(row["critique"])
    assert suggestions.pop("corrected_refinement") == row["refinement"]
    assert suggestions == expected


WORDS = ("claim", "date", "step", "example", "answer", "reader", "list", "error", "source")
sentences = st.lists(
    st.lists(st.sampled_from(WORDS), min_size=3, max_size=6).map(
        lambda words: f"{' '.join(words).capitalize()}."
    ),
    max_size=4,
)


@quickly
@given(sentences, sentences, st.booleans())
def test_what_was_shown_is_parsed_as_what_it_was(weaknesses, suggestions, headed):
    text = critique_text({"weaknesses": weaknesses, "suggestions": suggestions})
    read = parse_critique(f"This critique is about answer B.\n\n{text}" if headed else text)
    assert read == Critique(weaknesses, suggestions, None)


def test_hostile_text_in_a_critique_is_parsed_as_what_it_was():
    text = critique_text({"weaknesses": [HOSTILE], "suggestions": [f"{HOSTILE}\nmore"]})
    assert parse_critique(text).weaknesses == [HOSTILE]
