"""Ledger rows made by columns: a million in a minute or two, all different.

A row has 60 words of instruction, 100 of draft, 150 of refinement and 260 of the critic's reply on
average, of a vocabulary of 4,000; 62 % are kept.
"""

import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from builders.rows.schema import CALL, LEDGER_ROWS, STEPS

MODEL = "example/model-7b"
_FATES = {None: 62, "margin": 14, "no_change": 9, "score_missing": 9, "draft_truncated": 6}
_WORDS = [
    "".join(random.Random(number).choices("etaoinshrdlu", k=2 + number % 9))
    for number in range(4000)
]
_VOCABULARY = pa.array(_WORDS)
_SCHEMA = LEDGER_ROWS.schema.remove_metadata()
_CRITIQUE = _SCHEMA.field("critique").type
_CALLS = _SCHEMA.field("calls").type
_STEPS = pa.array(STEPS[:4])


def ledger_tables(rows: int, batch: int = 4096) -> Iterator[pa.Table]:
    """`rows` candidates in tables of up to `batch`, the same ones each time."""
    for first in range(0, rows, batch):
        yield ledger_table(first, min(batch, rows - first))


def ledger_table(seed: int, rows: int) -> pa.Table:
    """That many candidates drawn from `seed`."""
    draw = np.random.default_rng(seed)
    weights = np.array(list(_FATES.values())) / sum(_FATES.values())
    fates = draw.choice(len(_FATES), rows, p=weights)
    reasons = pa.array(list(_FATES), pa.string()).take(pa.array(fates))
    first = draw.integers(2, 9, rows)
    gained = np.minimum(10, first + draw.integers(0, 4, rows))
    second = np.where(_are(reasons, "margin"), first - 1, gained)
    critiqued = ~_are(reasons, "draft_truncated")
    scored = _are(reasons, "margin") | (fates == 0)
    draft, refinement = _texts(draw, rows, 100), _texts(draw, rows, 150)
    refinement = pc.if_else(pa.array(_are(reasons, "no_change")), draft, refinement)
    read = critiqued & ~_are(reasons, "score_missing")
    columns = {
        "id": _ids(draw, rows),
        "source": pa.repeat("bench", rows),
        "license": pa.repeat("cc0-1.0", rows),
        "history": _none(_SCHEMA.field("history").type, rows),
        "instruction": _texts(draw, rows, 60),
        "draft": draft,
        "critic_reply": _where(critiqued, _texts(draw, rows, 260)),
        "critique": _critiques(draw, first, critiqued, read),
        "refinement": _where(critiqued, refinement),
        "draft_assessment": _critiques(draw, first, scored, scored),
        "refinement_assessment": _critiques(draw, second, scored, scored),
        "draft_score": pa.array(first, pa.int8(), mask=~scored),
        "refinement_score": pa.array(second, pa.int8(), mask=~scored),
        "control_scores": _none(_SCHEMA.field("control_scores").type, rows),
        "status": pa.array(["kept", "dropped"]).take(pa.array((fates > 0).astype(int))),
        "reason": reasons,
        "calls": _calls(draw, critiqued, scored),
    }
    arrays = [columns.get(field.name, pa.nulls(rows, field.type)) for field in _SCHEMA]
    return pa.Table.from_arrays(arrays, schema=_SCHEMA)


def _are(reasons: pa.Array, reason: str) -> np.ndarray:
    return pc.fill_null(pc.equal(reasons, reason), False).to_numpy(zero_copy_only=False)


def _where(chosen: np.ndarray, texts: pa.Array) -> pa.Array:
    return pc.if_else(pa.array(chosen), texts, pa.scalar(None, texts.type))


def _ids(draw: np.random.Generator, rows: int) -> pa.StringArray:
    data = draw.bytes(10 * rows).hex().encode()
    offsets = np.arange(rows + 1, dtype=np.int32) * 20
    return pa.StringArray.from_buffers(rows, pa.py_buffer(offsets), pa.py_buffer(data))


def _texts(draw: np.random.Generator, count: int, words: int) -> pa.Array:
    """Texts of half as many words to half as many more."""
    lengths = draw.integers(words // 2, words * 3 // 2 + 1, count)
    drawn = _VOCABULARY.take(pa.array(draw.integers(len(_WORDS), size=lengths.sum())))
    return pc.binary_join(_lists(lengths, drawn), " ")


def _lists(lengths: np.ndarray, values: pa.Array) -> pa.ListArray:
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), values)


def _none(of: pa.ListType, rows: int) -> pa.ListArray:
    return _lists(np.zeros(rows, int), pa.nulls(0, of.value_type)).cast(of)


def _critiques(
    draw: np.random.Generator, scores: np.ndarray, there: np.ndarray, scored: np.ndarray
) -> pa.StructArray:
    def points() -> pa.ListArray:
        lengths = draw.integers(1, 5, len(scores)) * there
        return _lists(lengths, _texts(draw, int(lengths.sum()), 15))

    children = [points(), points(), pa.array(scores, pa.int8(), mask=~scored)]
    children = [child.cast(field.type) for child, field in zip(children, _CRITIQUE, strict=True)]
    return pa.StructArray.from_arrays(children, fields=list(_CRITIQUE), mask=pa.array(~there))


def _calls(draw: np.random.Generator, critiqued: np.ndarray, scored: np.ndarray) -> pa.ListArray:
    lengths = 1 + critiqued + 2 * scored
    ends = np.cumsum(lengths)
    count = int(ends[-1])
    number = np.arange(count) - np.repeat(ends - lengths, lengths)
    is_draft = number == 0
    values: dict[str, Any] = {
        "step": _STEPS.take(pa.array(number)),
        "model": pa.repeat(MODEL, count),
        "endpoint": pa.repeat("openai", count),
        "template": _where(~is_draft, pa.repeat("ab" * 32, count)),
        "temperature": np.where(is_draft, 0.7, 0.0),
        "top_p": np.ones(count),
        "max_new_tokens": np.full(count, 2048),
        "seed": draw.integers(2**31, size=count),
        "tokens_in": draw.integers(60, 901, count),
        "tokens_out": draw.integers(20, 701, count),
        "cost": draw.integers(1, 91, count) / 10_000,
        "latency": draw.integers(200, 9001, count) / 1000,
        "attempts": np.ones(count, int),
        "failures": _none(_CALLS.value_type.field("failures").type, count),
        "finish_reason": pa.repeat("stop", count),
    }
    fields = [_CALLS.value_type.field(name) for name in CALL]
    arrays = [
        pa.array(values[field.name]).cast(field.type)
        if field.name in values
        else pa.nulls(count, field.type)
        for field in fields
    ]
    return _lists(lengths, pa.StructArray.from_arrays(arrays, fields=fields)).cast(_CALLS)
