"""The shape of every artefact's rows, and the validator for what the shape lets through.

`Features` describe columns and types for parquet and the Hub. They are no validator:
`Dataset.from_list(features=...)` accepts a null struct, turns 7.9 into 7, keeps a score of 99
and splits a string given for a list of strings into its characters. `validate_ledger_row` and
`validate_feedback_row` refuse all of that.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from datasets import Features, List, Value

from builders.reasons import REASONS
from builders.require import (
    InvalidRow,
    is_int,
    require,
    require_choice,
    require_keys,
    require_score,
    require_text,
    require_texts,
)

# The second number goes up where something is added, the first where something is gone or means
# something else. 1.1: `human_verdict` in `feedback`, and the config `verdicts`.
SCHEMA_VERSION = "1.1"
# The versions whose ledger is today's: runs of these can be released.
LEDGER_VERSIONS = ("1.0", "1.1")

# The `source` of a row that a person wrote, and the `endpoint` of the call that stands for them.
HUMAN = "human"

_TEXT = Value("string")
_SCORE = Value("int8")

CRITIQUE = {"weaknesses": List(_TEXT), "suggestions": List(_TEXT), "score": _SCORE}

# Provenance of one model call. `step` is one of STEPS; `cost` is in the currency of the
# recipe's price; `latency` is in seconds and counts retries; `failures` says why each attempt
# before the last one failed.
CALL = {
    "step": _TEXT,
    "model": _TEXT,
    "endpoint": _TEXT,
    "template": _TEXT,
    "temperature": Value("float64"),
    "top_p": Value("float64"),
    "max_new_tokens": Value("int32"),
    "seed": Value("int64"),
    "tokens_in": Value("int32"),
    "tokens_out": Value("int32"),
    "cost": Value("float64"),
    "latency": Value("float64"),
    "attempts": Value("int32"),
    "failures": List(_TEXT),
    "finish_reason": _TEXT,
}
STEPS = ("draft", "critique", "score_draft", "score_refinement")

# One candidate, kept or dropped. `task` is the JSON of a verifiable problem, where the
# instruction is one; `detail` says what was found where `reason` applies.
LEDGER = Features(
    {
        "id": _TEXT,
        "source": _TEXT,
        "licence": _TEXT,
        "task": _TEXT,
        "system": _TEXT,
        "instruction": _TEXT,
        "draft": _TEXT,
        "critic_reply": _TEXT,
        "critique": CRITIQUE,
        "refinement": _TEXT,
        "draft_assessment": CRITIQUE,
        "refinement_assessment": CRITIQUE,
        "draft_score": _SCORE,
        "refinement_score": _SCORE,
        "status": _TEXT,
        "reason": _TEXT,
        "detail": _TEXT,
        "calls": List(CALL),
    }
)

# What people said of a row, of the verdicts that count (`builders.review.counted`): how many there
# are, the answer that most of those who chose found better (null where none has a majority), and
# the means of the scores that they gave.
HUMAN_VERDICT = {
    "verdicts": Value("int32"),
    "better": _TEXT,
    "draft_score": Value("float64"),
    "refinement_score": Value("float64"),
}

# The default config of a stage-1 release: what a reader wants of a kept row. `human_verdict` is
# null where nobody was asked.
FEEDBACK = Features(
    {
        "id": _TEXT,
        "instruction": _TEXT,
        "response": _TEXT,
        "critique": CRITIQUE,
        "refinement": _TEXT,
        "response_score": _SCORE,
        "refinement_score": _SCORE,
        "system": _TEXT,
        "task": _TEXT,
        "source": _TEXT,
        "licence": _TEXT,
        "draft_model": _TEXT,
        "critic_model": _TEXT,
        "critique_template": _TEXT,
        "human_verdict": HUMAN_VERDICT,
    }
)
# As it was in schema 1.0.
FEEDBACK_1_0 = Features({name: kind for name, kind in FEEDBACK.items() if name != "human_verdict"})

MESSAGES = List({"role": _TEXT, "content": _TEXT})

# Training rows, in TRL's prompt/completion form: the loss falls on `completion` alone.
SFT = Features({"id": _TEXT, "turn": _TEXT, "prompt": MESSAGES, "completion": MESSAGES})

# The default config of a stage-2 release, in TRL's conversational form: the refinement is
# preferred to the draft. Scores are the independent ones, `margin` their difference.
PREFERENCES = Features(
    {
        "id": _TEXT,
        "prompt": MESSAGES,
        "chosen": MESSAGES,
        "rejected": MESSAGES,
        "chosen_score": _SCORE,
        "rejected_score": _SCORE,
        "margin": _SCORE,
        "task": _TEXT,
        "source": _TEXT,
        "licence": _TEXT,
        "model": _TEXT,
        "critic_model": _TEXT,
    }
)

_TIME = Value("timestamp[us, tz=UTC]")

# What one annotator said of one record. `id` is the ledger row's and `record` the review's own
# key; `annotator` is a pseudonym. `order` is what was shown first. `assisted`: the model's own
# verdict was shown beside the question. `calibration`: one of the records that everyone answers
# first. `inclusion_probability` is that of the record under the design that drew it. An answer
# that was not given is null; so is `started_at` where only the submission was recorded.
VERDICTS = Features(
    {
        "id": _TEXT,
        "record": _TEXT,
        "annotator": _TEXT,
        "order": _TEXT,
        "better": _TEXT,
        "draft_score": _SCORE,
        "refinement_score": _SCORE,
        "weaknesses_real": _TEXT,
        "suggestions_actionable": Value("bool"),
        "refinement_introduces_error": Value("bool"),
        "corrected_critique": _TEXT,
        "corrected_refinement": _TEXT,
        "assisted": Value("bool"),
        "calibration": Value("bool"),
        "inclusion_probability": Value("float64"),
        "status": _TEXT,
        "started_at": _TIME,
        "submitted_at": _TIME,
        "seconds": Value("float64"),
    }
)
ORDERS = ("draft_first", "refinement_first")
BETTER = ("draft", "refinement", "tie")
WEAKNESSES_REAL = ("all", "some", "none")
VERDICT_STATUSES = ("submitted", "discarded")


def _require_critique(value: Any, where: str, *, optional: bool, scored: bool) -> None:
    if value is None:
        require(optional, f"{where} is missing")
        return
    require_keys(value, CRITIQUE, where)
    require_texts(value["weaknesses"], f"{where}.weaknesses")
    require_texts(value["suggestions"], f"{where}.suggestions")
    require_score(value["score"], f"{where}.score", optional=not scored)


def _require_number(call: Mapping[str, Any], key: str, *, whole: bool) -> None:
    value = call[key]
    if value is None:
        return
    valid = is_int(value) if whole else isinstance(value, float) or is_int(value)
    if not (valid and value >= 0):
        raise InvalidRow(f"calls.{key} is {value!r}")


def _require_calls(calls: Any) -> None:
    require(isinstance(calls, list), "calls is not a list")
    for call in calls:
        require_keys(call, CALL, "calls")
        if call["step"] not in STEPS:
            raise InvalidRow(f"calls.step is {call['step']!r}, not one of {STEPS}")
        for key in ("model", "endpoint"):
            require_text(call, key)
        for key in ("template", "finish_reason"):
            require_text(call, key, optional=True)
        for key in ("max_new_tokens", "seed", "tokens_in", "tokens_out", "attempts"):
            _require_number(call, key, whole=True)
        for key in ("temperature", "top_p", "cost", "latency"):
            _require_number(call, key, whole=False)
        require_texts(call["failures"], "calls.failures")


def _require_assessment_score(row: Mapping[str, Any], part: str) -> None:
    """The score column repeats the score in its assessment, for readers who only want that."""
    assessment = row[f"{part}_assessment"]
    expected = assessment["score"] if assessment else None
    require(
        row[f"{part}_score"] == expected,
        f"{part}_score is {row[f'{part}_score']!r} and its assessment says {expected!r}",
    )


def validate_ledger_row(row: Mapping[str, Any]) -> None:
    """Raise `InvalidRow`, naming the key, unless `row` is a ledger row that means something."""
    require_keys(row, LEDGER, "row")
    for key in ("id", "source", "licence", "instruction"):
        require_text(row, key)
    for key in ("task", "system", "draft", "critic_reply", "refinement", "reason", "detail"):
        require_text(row, key, optional=True)
    _require_critique(row["critique"], "critique", optional=True, scored=False)
    for part in ("draft", "refinement"):
        _require_critique(
            row[f"{part}_assessment"], f"{part}_assessment", optional=True, scored=False
        )
        require_score(row[f"{part}_score"], f"{part}_score")
        _require_assessment_score(row, part)
    _require_calls(row["calls"])
    require(row["status"] in ("kept", "dropped"), f"status is {row['status']!r}")
    if row["status"] == "dropped":
        require(row["reason"] in REASONS, f"reason {row['reason']!r} is not a known one")
        return
    require(row["reason"] is None, f"a kept row has the reason {row['reason']!r}")
    _require_critique(row["critique"], "critique", optional=False, scored=True)
    for key in ("id", "instruction", "draft", "refinement"):
        require_text(row, key)
        require(bool(row[key].strip()), f"{key} is blank")
    for key in ("draft_score", "refinement_score"):
        require_score(row[key], key, optional=False)


def validate_feedback_row(row: Mapping[str, Any]) -> None:
    """Raise `InvalidRow`, naming the key, unless `row` is a publishable feedback row."""
    require_keys(row, FEEDBACK, "row")
    optional = ("system", "task", "draft_model", "critique_template")
    scored = {"critique", "response_score", "refinement_score", "human_verdict"}
    for key in FEEDBACK.keys() - scored:
        require_text(row, key, optional=key in optional)
    for key in ("id", "instruction", "response", "refinement"):
        require(bool(row[key].strip()), f"{key} is blank")
    _require_critique(row["critique"], "critique", optional=False, scored=True)
    for key in ("response_score", "refinement_score"):
        require_score(row[key], key, optional=False)
    if row["human_verdict"] is not None:
        _require_human_verdict(row["human_verdict"])


def _require_human_verdict(value: Any) -> None:
    require_keys(value, HUMAN_VERDICT, "human_verdict")
    count = value["verdicts"]
    require(is_int(count) and count > 0, f"human_verdict.verdicts is {count!r}")
    require_choice(value, "better", (*BETTER, None))
    for key in ("draft_score", "refinement_score"):
        mean = value[key]
        require(
            mean is None or (isinstance(mean, float) and 1 <= mean <= 10),
            f"human_verdict.{key} is {mean!r}, not a mean of scores from 1 to 10",
        )


def validate_messages(messages: Iterable[Mapping[str, Any]], where: str) -> None:
    """Raise `InvalidRow` unless `messages` are chat turns with a known role and some text."""
    count = 0
    for message in messages:
        count += 1
        require_keys(message, {"role": None, "content": None}, where)
        require(
            message["role"] in ("system", "user", "assistant"),
            f"{where}.role is {message['role']!r}",
        )
        require_text(message, "content")
        require(bool(message["content"].strip()), f"{where}.content is blank")
    require(count > 0, f"{where} is empty")


def validate_sft_row(row: Mapping[str, Any]) -> None:
    """Raise `InvalidRow` unless `row` is one assistant turn with the turns before it."""
    require_keys(row, SFT, "row")
    for key in ("id", "turn"):
        require_text(row, key)
    _require_asked(row["prompt"])
    _require_answer(row, "completion")


def validate_preference_row(row: Mapping[str, Any]) -> None:
    """Raise `InvalidRow` unless `row` is a prompt with two different answers, the better first."""
    require_keys(row, PREFERENCES, "row")
    for key in ("id", "source", "licence"):
        require_text(row, key)
    for key in ("task", "model", "critic_model"):
        require_text(row, key, optional=True)
    _require_asked(row["prompt"])
    _require_answer(row, "chosen")
    _require_answer(row, "rejected")
    require(row["chosen"] != row["rejected"], "chosen and rejected are the same")
    for key in ("chosen_score", "rejected_score"):
        require_score(row[key], key, optional=False)
    gained = row["chosen_score"] - row["rejected_score"]
    require(row["margin"] == gained, f"margin is {row['margin']!r}, and the scores say {gained}")


def _require_asked(prompt: Any) -> None:
    validate_messages(prompt, "prompt")
    require(prompt[-1]["role"] == "user", "prompt does not end with the user's turn")


def _require_answer(row: Mapping[str, Any], key: str) -> None:
    validate_messages(row[key], key)
    require(
        [message["role"] for message in row[key]] == ["assistant"],
        f"{key} is not one turn of the assistant",
    )


def validate_verdict_row(row: Mapping[str, Any]) -> None:
    """Raise `InvalidRow`, naming the key, unless `row` is one annotator's verdict on a record."""
    require_keys(row, VERDICTS, "row")
    for key in ("id", "record", "annotator"):
        require_text(row, key)
        require(bool(row[key].strip()), f"{key} is blank")
    for key in ("corrected_critique", "corrected_refinement"):
        require_text(row, key, optional=True)
    require_choice(row, "order", ORDERS)
    require_choice(row, "status", VERDICT_STATUSES)
    require_choice(row, "better", (*BETTER, None))
    require_choice(row, "weaknesses_real", (*WEAKNESSES_REAL, None))
    for key in ("draft_score", "refinement_score"):
        require_score(row[key], key)
    for key in ("assisted", "calibration"):
        require(isinstance(row[key], bool), f"{key} is {row[key]!r}, not true or false")
    for key in ("suggestions_actionable", "refinement_introduces_error"):
        require(
            row[key] is None or isinstance(row[key], bool),
            f"{key} is {row[key]!r}, not true, false or null",
        )
    chance = row["inclusion_probability"]
    require(
        isinstance(chance, float) and 0 < chance <= 1,
        f"inclusion_probability is {chance!r}, not above 0 and at most 1",
    )
    _require_times(row)


def _require_times(row: Mapping[str, Any]) -> None:
    started, submitted, seconds = row["started_at"], row["submitted_at"], row["seconds"]
    for key in ("started_at", "submitted_at"):
        value = row[key]
        require(
            value is None or (isinstance(value, datetime) and value.tzinfo is not None),
            f"{key} is {value!r}, not a time with its zone",
        )
    if row["status"] == "submitted":
        require(submitted is not None, "submitted_at is missing")
    if started is not None and submitted is not None:
        require(started <= submitted, "started_at is later than submitted_at")
    require(
        seconds is None or (isinstance(seconds, float) and 0 <= seconds < float("inf")),
        f"seconds is {seconds!r}",
    )
