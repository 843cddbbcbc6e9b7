"""What Features let through, the validator refuses: each silent acceptance is a test."""

import copy

import pytest
from datasets import Dataset

from builders.rows import InvalidRow
from builders.rows.schema import (
    FEEDBACK,
    LEDGER,
    SFT,
    validate_feedback_row,
    validate_ledger_row,
    validate_sft_row,
)

CRITIQUE = {"weaknesses": ["It is vague."], "suggestions": ["Name the city."], "score": 4}

FEEDBACK_ROW = {
    "id": "a1",
    "instruction": "Where is the Louvre?",
    "draft": "In a city.",
    "critique": CRITIQUE,
    "refinement": "In Paris.",
    "draft_score": 4,
    "refinement_score": 9,
    "control_scores": [],
    "system": None,
    "history": [],
    "criteria": None,
    "task": None,
    "source": "s",
    "license": "mit",
    "draft_model": "m",
    "critic_model": "c",
    "critique_template": None,
    "human_verdict": None,
}
SUMMARY = {"verdicts": 3, "better": "refinement", "draft_score": 4.5, "refinement_score": 8.0}

LEDGER_ROW = {
    **dict.fromkeys(LEDGER),
    "id": "a1",
    "source": "s",
    "license": "mit",
    "history": [],
    "instruction": "Where is the Louvre?",
    "draft": "In a city.",
    "critique": CRITIQUE,
    "refinement": "In Paris.",
    "draft_assessment": CRITIQUE,
    "refinement_assessment": {**CRITIQUE, "score": 9},
    "draft_score": 4,
    "refinement_score": 9,
    "control_scores": [],
    "status": "kept",
    "calls": [],
}


def changed(row, path, value):
    """A copy of `row` with `value` at the dotted `path`; `...` removes the key."""
    row = copy.deepcopy(row)
    *parents, last = path.split(".")
    target = row
    for key in parents:
        target = target[key]
    if value is ...:
        del target[last]
    else:
        target[last] = value
    return row


def accepted_by_features(row):
    return Dataset.from_list([row], features=FEEDBACK)[0]


# The stack's silent acceptances: Features store these and say nothing.
SILENTLY_ACCEPTED = {
    "a null struct": ("critique", None),
    "a missing nested score": ("critique.score", ...),
    "a score with a fraction": ("critique.score", 7.9),
    "a score of 99": ("critique.score", 99),
    "an extra nested key": ("critique.tone", "polite"),
    "a string for a list of strings": ("critique.weaknesses", "vague"),
}


@pytest.mark.parametrize("case", SILENTLY_ACCEPTED)
def test_features_accept_what_the_validator_refuses(case):
    row = changed(FEEDBACK_ROW, *SILENTLY_ACCEPTED[case])
    accepted_by_features(row)
    with pytest.raises(InvalidRow):
        validate_feedback_row(row)


def test_a_string_is_split_into_characters_by_features():
    stored = accepted_by_features(changed(FEEDBACK_ROW, "critique.weaknesses", "vague"))
    assert stored["critique"]["weaknesses"] == list("vague")


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("critique.score", True, "not a whole number"),
        ("critique.score", 0, "outside 1 to 10"),
        ("critique.score", "7", "not a whole number"),
        ("critique.score", None, "missing"),
        ("critique.weaknesses", [" "], "blank"),
        ("critique.weaknesses", [None], "not text"),
        ("critique.weaknesses", None, "not a list"),
        ("draft_score", None, "missing"),
        ("instruction", "  ", "blank"),
        ("instruction", None, "not text"),
        ("refinement", b"bytes", "not text"),
        ("refinement", "\ud800", "surrogate"),
        ("license", ..., "missing keys"),
        ("extra", 1, "unknown keys"),
        ("human_verdict", ..., "missing keys"),
        ("human_verdict", {"verdicts": 3}, "missing keys"),
        ("human_verdict", {**SUMMARY, "verdicts": 0}, "human_verdict.verdicts is 0"),
        ("human_verdict", {**SUMMARY, "better": "A"}, "better is 'A'"),
        ("human_verdict", {**SUMMARY, "draft_score": 0.5}, "human_verdict.draft_score is 0.5"),
        ("human_verdict", {**SUMMARY, "refinement_score": 8}, "not a mean"),
    ],
)
def test_feedback_rows_that_are_refused(path, value, says):
    with pytest.raises(InvalidRow, match=says):
        validate_feedback_row(changed(FEEDBACK_ROW, path, value))


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("status", "maybe", "status"),
        ("reason", "margin", "reason is 'margin', and a kept row has none"),
        ("draft_score", 5, "its assessment says"),
        ("critique", None, "missing"),
        ("draft", None, "not text"),
        ("draft", "", "blank"),
        ("calls", None, "not a list"),
        ("calls", [{"step": "draft"}], "missing keys"),
    ],
)
def test_kept_ledger_rows_that_are_refused(path, value, says):
    with pytest.raises(InvalidRow, match=says):
        validate_ledger_row(changed(LEDGER_ROW, path, value))


def test_a_dropped_row_needs_a_known_reason():
    dropped = {**LEDGER_ROW, "status": "dropped", "reason": "margin"}
    validate_ledger_row(dropped)
    with pytest.raises(InvalidRow, match="not a known one"):
        validate_ledger_row({**dropped, "reason": "whim"})


def test_a_dropped_row_may_lack_what_it_never_got():
    row = {
        **dict.fromkeys(LEDGER),
        "id": "a",
        "source": "s",
        "license": "mit",
        "history": [],
        "instruction": "",
        "control_scores": [],
        "status": "dropped",
        "reason": "no_instruction",
        "calls": [],
    }
    validate_ledger_row(row)


def test_good_rows_pass_and_survive_parquet(tmp_path):
    validate_feedback_row(FEEDBACK_ROW)
    validate_ledger_row(LEDGER_ROW)
    Dataset.from_list([FEEDBACK_ROW], features=FEEDBACK).to_parquet(tmp_path / "rows.parquet")
    assert Dataset.from_parquet(str(tmp_path / "rows.parquet"))[0] == FEEDBACK_ROW


@pytest.mark.parametrize(
    "summary",
    [SUMMARY, {**SUMMARY, "better": None, "draft_score": None}, {**SUMMARY, "verdicts": 1}],
)
def test_what_people_said_survives_parquet(tmp_path, summary):
    row = {**FEEDBACK_ROW, "human_verdict": summary}
    validate_feedback_row(row)
    Dataset.from_list([row], features=FEEDBACK).to_parquet(tmp_path / "rows.parquet")
    assert Dataset.from_parquet(str(tmp_path / "rows.parquet"))[0] == row


SFT_ROW = {
    "id": "a",
    "turn": "draft",
    "prompt": [{"role": "user", "content": "Hi"}],
    "completion": [{"role": "assistant", "content": "Hello"}],
}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("prompt", []),
        ("prompt", [{"role": "assistant", "content": "Hi"}]),
        ("prompt", [{"role": "bot", "content": "Hi"}]),
        ("completion", [{"role": "assistant", "content": " "}]),
        ("completion", [{"role": "user", "content": "Hi"}]),
        ("completion", []),
    ],
)
def test_sft_rows_that_are_refused(path, value):
    validate_sft_row(SFT_ROW)
    assert SFT_ROW.keys() == SFT.keys()
    with pytest.raises(InvalidRow):
        validate_sft_row(changed(SFT_ROW, path, value))
