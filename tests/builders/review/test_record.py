"""Records as annotators see them, and answers as verdicts: any text, and nothing of the model's."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders.parse import Critique, parse_critique
from builders.review.record import (
    CHOICES,
    FIELDS,
    QUESTIONS,
    answers_of,
    critique_text,
    letters,
    record_of,
)
from builders.schema import ORDERS, validate_verdict_row
from tests.ledger_rows import ledger_row
from tests.verdict_rows import verdict_row

texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
items = st.lists(texts.filter(str.strip), max_size=3)
scores = st.none() | st.integers(1, 10)
# No deadline: the machine may be busy.
quickly = settings(max_examples=50)
HOSTILE = "<script>alert('x')</script> <b>bold</b> [a](http://b) ![c](d) 🦊 مرحبا ‮txet‬ 漢字"


def shown_row(**columns):
    models = {"draft_model": "secret-drafter", "critic_model": "secret-critic"}
    return {**ledger_row(4, reason=None), **models, **columns}


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
    assert fields["critique"].startswith(f"Of answer {letter['draft']}\n")
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
        "draft_model": "another",
        "critic_model": None,
        "draft_assessment": None,
        "refinement_assessment": None,
        "source": "elsewhere",
    }
    one = record_of(row, drawn_row(order))
    other = record_of(judged, drawn_row(order, stratum="all", inclusion_probability=1.0))
    assert one["fields"] == other["fields"]
    assert one["suggestions"] == other["suggestions"] == {}
    assert "secret" not in json.dumps(one["fields"])


def test_metadata_is_of_what_the_row_has():
    row = shown_row(draft="1234", refinement="123456", draft_score=4, refinement_score=7)
    assert record_of(row, drawn_row())["metadata"] == {
        "source": row["source"],
        "draft_model": "secret-drafter",
        "critic_model": "secret-critic",
        "score_bin": "1-4",
        "margin": 3,
        "length_delta": 2,
        "stratum": "web, score 5-6",
    }
    bare = record_of(shown_row(draft_model=None, draft_score=None), drawn_row())["metadata"]
    assert "draft_model" not in bare
    assert "margin" not in bare
    assert bare["score_bin"] == "unscored"


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
    given = record_of(row, drawn_row(order), assisted=True)["suggestions"]
    assert set(given) <= set(QUESTIONS)
    assert given.pop("corrected_critique") == critique_text(row["critique"])
    assert given.pop("corrected_refinement") == row["refinement"]
    assert given == expected


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
    read = parse_critique(f"Of answer B\n\n{text}" if headed else text)
    assert read == Critique(weaknesses, suggestions, None)


def test_hostile_text_in_a_critique_is_parsed_as_what_it_was():
    text = critique_text({"weaknesses": [HOSTILE], "suggestions": [f"{HOSTILE}\nmore"]})
    assert parse_critique(text).weaknesses == [HOSTILE]


@pytest.mark.parametrize("order", ORDERS)
def test_answers_are_of_the_draft_and_the_refinement(order):
    letter = letters(order)
    values = {
        "better": letter["refinement"],
        f"score_{letter['draft'].lower()}": 3,
        f"score_{letter['refinement'].lower()}": 9,
        "weaknesses_real": "some",
        "suggestions_actionable": "yes",
        "refinement_introduces_error": "no",
        "corrected_critique": "Weaknesses:\n1. Wrong.",
        "corrected_refinement": " \n",
    }
    answers = answers_of(values, order)
    assert answers == {
        "better": "refinement",
        "draft_score": 3,
        "refinement_score": 9,
        "weaknesses_real": "some",
        "suggestions_actionable": True,
        "refinement_introduces_error": False,
        "corrected_critique": "Weaknesses:\n1. Wrong.",
        "corrected_refinement": None,
    }
    validate_verdict_row(verdict_row(**answers))


@pytest.mark.parametrize("order", ORDERS)
def test_without_values_nothing_was_answered(order):
    assert set(answers_of({}, order).values()) == {None}


@quickly
@given(st.sampled_from(ORDERS), st.sampled_from(CHOICES))
def test_a_choice_is_read_by_what_was_shown(order, choice):
    better = answers_of({"better": choice}, order)["better"]
    assert choice == {**letters(order), "tie": "tie"}[better]


ANSWERS = st.one_of(texts, st.integers(), st.booleans(), st.lists(texts, max_size=2), st.none())


@quickly
@given(st.dictionaries(st.sampled_from(QUESTIONS), ANSWERS))
def test_unknown_answers_are_left_for_the_validator(values):
    answers_of(values, "draft_first")
