"""Ledger rows and complete runs as a stage-1 build leaves them, for tests; no model is asked.

Row `number` is always the same row, whatever comes before or after it.
"""

import hashlib
import random
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from builders.critique.prompts import critique_prompt, score_prompt
from builders.ledger.funnel import Funnel
from builders.ledger.manifest import RunManifest
from builders.ledger.run import Run
from builders.rows.schema import LEDGER_ROWS, SCHEMA_VERSION, new_ledger_row

_TOPICS = [
    "photosynthesis",
    "the tides",
    "a bicycle's gears",
    "compound interest",
    "sourdough bread",
    "vaccines",
    "the French Revolution",
    "binary search",
    "noise-cancelling headphones",
    "plate tectonics",
]
_READERS = [
    "a child of ten",
    "a new colleague",
    "a sceptical neighbour",
    "a nurse",
    "a judge",
    "a pilot",
    "a poet",
]
_SENTENCE = (
    "light water slowly energy because therefore usually each larger small the a of and with "
    "through between system changes moves stores returns example measured simple careful café "
    "naïve 漢字 heat surface pressure balance growth cause effect"
)
_WORDS = _SENTENCE.split()

# How often each fate befalls a row, in percent.
_FATES = {
    None: 62,
    "duplicate": 3,
    "draft_empty": 2,
    "draft_truncated": 4,
    "call_failed": 2,
    "sections_ambiguous": 3,
    "score_missing": 5,
    "no_change": 7,
    "refinement_score_missing": 3,
    "margin": 9,
}
# How far a dropped row came, by reason: which of its columns are filled.
_BEFORE_DRAFT = ("duplicate",)
_NO_DRAFT = (*_BEFORE_DRAFT, "draft_empty", "call_failed")
_NO_CRITIQUE = (*_NO_DRAFT, "draft_truncated", "sections_ambiguous")
_NOT_SCORED = (*_NO_CRITIQUE, "score_missing", "no_change")

MODELS = {
    "draft": "example/small-draft-135m",
    "critique": "example/large-critic-70b",
    "score_draft": "example/large-critic-70b",
    "score_refinement": "example/large-critic-70b",
}


def _prose(chance: random.Random, words: int) -> str:
    return " ".join(chance.choice(_WORDS) for _ in range(words)).capitalize() + "."


def _critique(chance: random.Random, score: int) -> dict[str, Any]:
    count = chance.randint(1, 4)
    return {
        "weaknesses": [_prose(chance, chance.randint(8, 30)) for _ in range(count)],
        "suggestions": [_prose(chance, chance.randint(8, 30)) for _ in range(count)],
        "score": score,
    }


def _call(chance: random.Random, step: str) -> dict[str, Any]:
    templates = {
        "draft": None,
        "critique": critique_prompt().sha256,
        "score_draft": score_prompt().sha256,
        "score_refinement": score_prompt().sha256,
    }
    return {
        "step": step,
        "model": MODELS[step],
        "endpoint": "openai",
        "template": templates[step],
        "system": None,
        "temperature": 0.7 if step == "draft" else 0.0,
        "top_p": 1.0,
        "max_new_tokens": 2048,
        "seed": 0,
        "tokens_in": chance.randint(40, 900),
        "tokens_out": chance.randint(20, 700),
        "tokens_reasoning": None,
        "cost": 0.0001 * chance.randint(1, 90),
        "latency": round(chance.uniform(0.2, 9.0), 3),
        "attempts": 1,
        "failures": [],
        "finish_reason": "stop",
        "reasoning": None,
    }


def ledger_row(number: int, **columns: Any) -> dict[str, Any]:
    """Row `number`, valid, its fate drawn by chance; `columns` replace what was drawn.

    `reason=None` makes a kept row, and any reason of `builders.rows.reasons` a dropped one.
    """
    chance = random.Random(number)
    drawn = chance.choices(list(_FATES), weights=list(_FATES.values()))[0]
    reason = columns.pop("reason", drawn)
    instruction = (
        f"Explain {chance.choice(_TOPICS)} to {chance.choice(_READERS)}, with {number} in mind."
    )
    source = chance.choice(("seed-tasks", "user-questions"))
    draft, refinement = _prose(chance, chance.randint(20, 160)), _prose(chance, 140)
    draft_score = chance.randint(2, 7)
    refinement_score = min(10, draft_score + chance.randint(0, 4))
    if reason == "margin":
        refinement_score = draft_score - 1
    review, before, after = (
        _critique(chance, score) for score in (draft_score, draft_score, refinement_score)
    )
    drafted, critiqued = reason not in _NO_DRAFT, reason not in _NO_CRITIQUE
    scored = reason not in _NOT_SCORED
    if reason == "score_missing":
        review["score"] = None
    steps = ("draft", "critique", "score_draft", "score_refinement")
    reached = 0 if reason in _BEFORE_DRAFT else 4 if scored else 2 if drafted else 1
    row = {
        "id": hashlib.sha256(f"{source}\n{instruction}".encode()).hexdigest()[:20],
        "source": source,
        "license": "apache-2.0" if source == "seed-tasks" else "cc-by-4.0",
        "task": None,
        "system": "Answer briefly." if number % 9 == 0 else None,
        "history": [],
        "instruction": instruction,
        "criteria": None,
        "draft": draft if drafted else None,
        "critic_reply": _prose(chance, 300) if drafted else None,
        "critique": review if critiqued else None,
        "refinement": (draft if reason == "no_change" else refinement) if critiqued else None,
        "draft_assessment": before if scored else None,
        "refinement_assessment": after if scored else None,
        "draft_score": draft_score if scored else None,
        "refinement_score": refinement_score if scored else None,
        "control_scores": [],
        "status": "kept" if reason is None else "dropped",
        "reason": reason,
        "detail": None,
        "calls": [_call(chance, step) for step in steps[:reached]],
    }
    if reason == "refinement_score_missing":
        row["refinement_score"] = row["refinement_assessment"] = None
    return {**row, **columns}


def ledger_rows(count: int, first: int = 0) -> Iterator[dict[str, Any]]:
    return (ledger_row(number) for number in range(first, first + count))


def kept_rows(count: int, first: int = 0) -> Iterator[dict[str, Any]]:
    return (ledger_row(number, reason=None) for number in range(first, first + count))


def ledger_table(rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """The rows as a table; columns that a row has not are null, or empty if they are lists."""
    whole = [new_ledger_row(**row) for row in rows]
    return pa.Table.from_pylist(whole, schema=LEDGER_ROWS.schema)


def models_of(rows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The manifest's block of models, by step, read off the calls of `rows`."""
    keys = ("model", "endpoint", "template", "temperature", "top_p", "max_new_tokens")
    return {call["step"]: {key: call[key] for key in keys} for row in rows for call in row["calls"]}


def make_run(folder: Path, rows: Iterable[dict[str, Any]], **facts: Any) -> tuple[Run, RunManifest]:
    """A complete run of `rows` in `folder`, and its manifest, whose keys `facts` replace."""
    run, funnel, models = Run(folder), Funnel(), {}
    folder.mkdir(parents=True)
    run.recipe_path.write_text("name: test\n")
    rows = iter(rows)
    while part := list(islice(rows, 1000)):
        for row in part:
            funnel.add(row)
        models.update(models_of(part))
        run.append(part)
    manifest = {
        "schema_version": SCHEMA_VERSION,
        "name": "test",
        "stage": 1,
        "recipe_sha256": hashlib.sha256(run.recipe_path.read_bytes()).hexdigest(),
        "seed": 0,
        "license": "cc-by-4.0",
        "language": ["en"],
        "about": None,
        "test_share": 0.05,
        "funnel": funnel.as_facts(),
        "sources": [{"name": "seed-tasks", "license": "apache-2.0", "rows": funnel.rows}],
        "models": models,
        "filters": {"min_margin": 0, "keep_no_change": False, "keep_truncated_drafts": False},
        "versions": {"pyarrow": "0"},
        **facts,
    }
    run.write_manifest(RunManifest(**manifest, files={}))
    read = run.read_manifest()
    assert read is not None
    return run, read
