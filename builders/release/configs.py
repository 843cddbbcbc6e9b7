"""What a stage-1 release holds: its configs, and the rows of each that a ledger row becomes.

The first config is a release's default.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from datasets import Features

from builders.errors import GateRefused
from builders.prompts import PARTS
from builders.release.parquet import SplitWriter, WrittenSplit
from builders.release.splits import SPLITS, Splits
from builders.schema import (
    FEEDBACK,
    LEDGER,
    SFT,
    InvalidRow,
    validate_feedback_row,
    validate_sft_row,
)
from builders.sft import SFT_FORMS, SftForm, to_sft

Row = dict[str, Any]

_PATH = re.compile(r"(?:[/~\\]|\.{1,2}[/\\]|[A-Za-z]:[/\\]|file:)")


@dataclass(frozen=True)
class Config:
    """`rows` gives the config's rows of one ledger row: none, one or several, all valid."""

    name: str
    description: str
    features: Features
    rows: Callable[[Row], Iterable[Row]]


def public_name(name: str) -> str:
    """`name`, or its last part where it is a path: a path means nothing on another machine."""
    return re.split(r"[/\\]", name.rstrip("/\\"))[-1] if _PATH.match(name) else name


def to_public(row: Row) -> Row:
    """The ledger row with the names of its source and models made public."""
    calls = [{**call, "model": public_name(call["model"])} for call in row["calls"]]
    return {**row, "source": public_name(row["source"]), "calls": calls}


def to_feedback(row: Mapping[str, Any]) -> Row:
    """The feedback row of one kept ledger row."""
    # A step that was asked again has several calls; the last one gave what was kept.
    calls = {call["step"]: call for call in row["calls"]}
    draft, critique = calls.get("draft", {}), calls.get("critique", {})
    return {
        "id": row["id"],
        "instruction": row["instruction"],
        "response": row["draft"],
        "critique": row["critique"],
        "refinement": row["refinement"],
        "response_score": row["draft_score"],
        "refinement_score": row["refinement_score"],
        "system": row["system"],
        "task": row["task"],
        "source": row["source"],
        "licence": row["licence"],
        "draft_model": draft.get("model"),
        "critic_model": critique.get("model"),
        "critique_template": critique.get("template"),
    }


def _feedback_rows(row: Row) -> Iterator[Row]:
    if row["status"] == "kept":
        feedback = to_feedback(row)
        validate_feedback_row(feedback)
        yield feedback


def _sft_rows(form: SftForm, row: Row) -> Iterator[Row]:
    if row["status"] == "kept":
        for turn in to_sft(row, form):
            validate_sft_row(turn)
            yield turn


def _ledger_rows(row: Row) -> Iterator[Row]:
    yield row


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


def stage1_configs() -> list[Config]:
    return [
        Config(
            "feedback",
            "One row per kept instruction: response, critique, refinement and scores.",
            FEEDBACK,
            _feedback_rows,
        ),
        *(
            Config(name, describe_form(form), SFT, partial(_sft_rows, form))
            for name, form in SFT_FORMS.items()
        ),
        ledger_config(),
    ]


def ledger_config() -> Config:
    return Config(
        "ledger",
        "Every candidate, kept or dropped with its reason, and each model call.",
        LEDGER,
        _ledger_rows,
    )


def _refuse_second(seen: set[bytes], row_id: str) -> None:
    # 16 bytes an id: the only thing here that grows with the number of rows.
    key = hashlib.sha256(row_id.encode()).digest()[:16]
    if key in seen:
        raise GateRefused(f"the id {row_id} is on two kept rows; an id must be on one")
    seen.add(key)


def write_configs(
    rows: Iterable[Row], configs: Iterable[Config], splits: Splits, folder: Path
) -> dict[str, dict[str, WrittenSplit]]:
    """Write each config into its own folder; what was written, by config and split.

    `rows` are ledger rows, read once. A split without rows gets no file and no entry, nor does a
    config without splits.
    """
    configs = list(configs)
    writers = {
        (config.name, split): SplitWriter(folder / config.name, split, config.features)
        for config in configs
        for split in SPLITS
    }
    seen: set[bytes] = set()
    with ExitStack() as stack:
        for writer in writers.values():
            stack.callback(writer.abandon)
        for row in rows:
            if row["status"] == "kept":
                _refuse_second(seen, row["id"])
            split = splits.of(row["instruction"])
            try:
                for config in configs:
                    for made in config.rows(row):
                        writers[config.name, split].write(made)
            except InvalidRow as error:
                raise GateRefused(f"row {row['id']} cannot be released: {error}") from error
        written = {key: writer.close() for key, writer in writers.items()}
    by_config = {
        config.name: {
            split: written[config.name, split]
            for split in SPLITS
            if written[config.name, split].rows
        }
        for config in configs
    }
    return {name: splits for name, splits in by_config.items() if splits}
