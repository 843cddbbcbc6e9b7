"""What a release holds: its configs, and the table that each makes of ledger rows.

The first config is a release's default.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from types import MappingProxyType
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from datasets import Features

from builders.prompts import PARTS
from builders.release.columns import (
    all_answers,
    all_asked,
    all_critiques,
    all_scores,
    all_text,
    check_rows,
    full,
    last_of_step,
)
from builders.release.verdicts import Told
from builders.schema import (
    FEEDBACK,
    LEDGER,
    SFT,
    VERDICTS,
    validate_feedback_row,
    validate_sft_row,
)
from builders.sft import SFT_FORMS, SftForm
from builders.sft_table import Taught, sft_table

Row = dict[str, Any]

_PATH = re.compile(r"(?:[/~\\]|\.{1,2}[/\\]|[A-Za-z]:[/\\]|file:)")
_SUMMARY = FEEDBACK.arrow_schema.field("human_verdict").type
_NOBODYS: Mapping[str, Row] = MappingProxyType({})


@dataclass(frozen=True)
class Batch:
    """Some hundred ledger rows of one split, in the order of the release."""

    ledger: pa.Table

    @cached_property
    def kept(self) -> pa.Table:
        return self.ledger.filter(pc.equal(self.ledger["status"], "kept"))

    @cached_property
    def taught(self) -> Taught:
        return Taught(self.kept)

    def last_call(self, step: str, key: str) -> pa.Array:
        """`key` of the kept rows' last call of `step`, or null."""
        return last_of_step(self.kept["calls"].combine_chunks(), step, key)


@dataclass(frozen=True)
class Config:
    """`table` gives the config's rows of a batch: none, one or several of each, all valid.

    It raises `InvalidRow`, naming the row, where one cannot be published.
    """

    name: str
    description: str
    features: Features
    table: Callable[[Batch], pa.Table]


def public_name(name: str) -> str:
    """`name`, or its last part where it is a path: a path means nothing on another machine."""
    return re.split(r"[/\\]", name.rstrip("/\\"))[-1] if _PATH.match(name) else name


def to_public(table: pa.Table) -> pa.Table:
    """Ledger rows with the names of their sources and models made public."""
    table = table.combine_chunks()
    calls = table["calls"].combine_chunks()
    call = calls.flatten()
    fields = [field.name for field in call.type]
    values = [
        _each(call.field(name), public_name) if name == "model" else call.field(name)
        for name in fields
    ]
    # Offsets of a slice begin where the slice does, and what is flattened at zero.
    offsets = pc.subtract(calls.offsets, calls.offsets[0])
    made = pa.ListArray.from_arrays(offsets, pa.StructArray.from_arrays(values, fields))
    changed = {"source": _each(table["source"].combine_chunks(), public_name), "calls": made}
    for name, column in changed.items():
        table = table.set_column(table.column_names.index(name), table.schema.field(name), column)
    return table


def _each(column: pa.Array, change: Callable[[str], str]) -> pa.Array:
    """`change` of each text; of the few different ones, once."""
    coded = column.dictionary_encode()
    return pa.array(map(change, coded.dictionary.to_pylist()), pa.string()).take(coded.indices)


def feedback_table(batch: Batch, summaries: Mapping[str, Row] = _NOBODYS) -> pa.Table:
    """One row for each kept row: what a reader wants of it.

    `summaries` has what people said of rows, by id.
    """
    kept = batch.kept
    said = pa.nulls(len(kept), _SUMMARY)
    if summaries:
        said = pa.array([summaries.get(row_id) for row_id in kept["id"].to_pylist()], _SUMMARY)
    renamed = {"response": "draft", "response_score": "draft_score"}
    made = {
        "draft_model": batch.last_call("draft", "model"),
        "critic_model": batch.last_call("critique", "model"),
        "critique_template": batch.last_call("critique", "template"),
        "human_verdict": said,
    }
    columns = [made[name] if name in made else kept[renamed.get(name, name)] for name in FEEDBACK]
    table = pa.table(columns, schema=FEEDBACK.arrow_schema)
    return check_rows(table, _sound_feedback, validate_feedback_row)


def _sound_feedback(table: pa.Table) -> bool:
    column = {name: table[name].combine_chunks() for name in table.column_names}
    return (
        all(full(column[name]) for name in ("source", "licence", "critic_model"))
        and all(map(all_text, (column[n] for n in ("id", "instruction", "response", "refinement"))))
        and all(map(all_scores, (column[n] for n in ("response_score", "refinement_score"))))
        and all_critiques(column["critique"])
    )


def training_table(form: SftForm, batch: Batch) -> pa.Table:
    """The training rows of the kept rows."""
    return check_rows(sft_table(batch.taught, form), _sound_sft, validate_sft_row)


def _sound_sft(table: pa.Table) -> bool:
    ids, turns, prompts, completions = (column.combine_chunks() for column in table.columns)
    return full(ids) and full(turns) and all_asked(prompts) and all_answers(completions)


def _ledger_table(batch: Batch) -> pa.Table:
    return batch.ledger


def describe_form(form: SftForm) -> str:
    """One sentence on what a training config teaches, for the card."""
    if form.refine_only:
        return "Training rows: the refinement as a direct answer, without draft and feedback."
    missing = [part for part in PARTS if part not in form.parts]
    if not form.parts:
        feedback = "the refinement without any feedback"
    elif missing:
        feedback = f"the feedback without its {' and '.join(missing)}, and the refinement"
    else:
        feedback = "the feedback and the refinement"
    draft = "the draft, then " if form.draft else ""
    balanced = ", then reviews that show good answers scored high" if form.balanced else ""
    unlearnt = "" if form.draft else "; the draft is shown and not learnt"
    return f"Training rows: {draft}{feedback}{balanced}{unlearnt}."


def stage1_configs(told: Told | None = None) -> list[Config]:
    """`told` is what people said, if anybody was asked."""
    summaries = _NOBODYS if told is None else told.summaries
    return [
        Config(
            "feedback",
            "One row per kept instruction: response, critique, refinement and scores.",
            FEEDBACK,
            partial(feedback_table, summaries=summaries),
        ),
        *(
            Config(name, describe_form(form), SFT, partial(training_table, form))
            for name, form in SFT_FORMS.items()
        ),
        ledger_config(),
        *verdict_configs(told),
    ]


def ledger_config() -> Config:
    return Config(
        "ledger",
        "Every candidate, kept or dropped with its reason, and each model call.",
        LEDGER,
        _ledger_table,
    )


def verdict_configs(told: Told | None) -> list[Config]:
    """The config of people's verdicts, if anybody was asked: each with the rows of its id."""
    if told is None:
        return []
    left = dict(told.verdicts)

    def table(batch: Batch) -> pa.Table:
        # An id can be on several ledger rows, which follow each other.
        ids = dict.fromkeys(batch.ledger["id"].to_pylist())
        rows = [verdict for row_id in ids for verdict in left.pop(row_id, ())]
        return pa.Table.from_pylist(rows, schema=VERDICTS.arrow_schema)

    description = "What one person said of one row, under a pseudonym: all verdicts, also those "
    return [Config("verdicts", description + "that do not count.", VERDICTS, table)]
