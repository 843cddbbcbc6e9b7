"""Sources of instructions: the built-in set, verifiable problems, runs.

Files are in `builders.instructions.file_source`.

Every source yields `InstructionRecord`s. `draw` turns them into ledger rows; an instruction that
was seen before becomes a dropped row.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby, islice
from pathlib import Path
from typing import Any, Protocol

from builders.duplicates.exact import SeenInstructions
from builders.errors import BadInput
from builders.files.tables import read_table
from builders.instructions.record import InstructionRecord, Turns
from builders.instructions.texts import storable
from builders.ledger.run import Run
from builders.rows import Row
from builders.rows.conversations import whole_text
from builders.rows.ids import instruction_id, sample_id
from builders.rows.schema import new_ledger_row

BUILTIN_NAME = "srt-builtin"
BUILTIN_LICENSE = "apache-2.0"
BUILTIN_PATH = Path(__file__).parent / "data" / "instructions.jsonl"
VERIFIABLE_NAME = "srt-verifiable"


class Source(Protocol):
    """A named, licensed, repeatable stream of instructions."""

    name: str
    license: str

    def records(self) -> Iterator[InstructionRecord]: ...


@dataclass(frozen=True)
class BuiltinSource:
    """The instructions of this package, in two disjoint halves for the two stages."""

    half: int
    languages: tuple[str, ...] | None = None
    limit: int | None = None
    name: str = BUILTIN_NAME
    license: str = BUILTIN_LICENSE

    def records(self) -> Iterator[InstructionRecord]:
        rows = (
            row
            for _, row in read_table(BUILTIN_PATH)
            if row["half"] == self.half
            and (self.languages is None or row["language"] in self.languages)
        )
        for row in islice(rows, self.limit):
            yield InstructionRecord(row["instruction"])


@dataclass(frozen=True)
class VerifiableSource:
    """Problems whose answer can be computed, from a seed."""

    count: int
    seed: int = 0
    families: tuple[str, ...] | None = None
    split: str = "train"
    name: str = VERIFIABLE_NAME
    license: str = BUILTIN_LICENSE

    def records(self) -> Iterator[InstructionRecord]:
        from builders.verifiable.registry import generate

        for problem in generate(self.seed, self.count, self.families, self.split):
            yield InstructionRecord(problem.instruction, task=problem.task)


_CONVERSATION = ("system", "history", "instruction", "criteria", "task")


@dataclass(frozen=True)
class RefinementSource:
    """The kept rows of a complete run, each with its refinement as the next draft."""

    run: Run
    name: str
    license: str

    def records(self) -> Iterator[InstructionRecord]:
        columns = ["id", "source", "license", "status", "refinement", *_CONVERSATION]
        kept = (
            row
            for row in self.run.iter_rows(columns)
            if (row["source"], row["license"]) == (self.name, self.license)
            and row["status"] == "kept"
        )
        for _, rows in groupby(kept, key=lambda row: instruction_id(row["id"])):
            for number, row in enumerate(rows, start=1):
                conversation = {name: row[name] for name in _CONVERSATION}
                yield InstructionRecord(draft=row["refinement"], sample=number, **conversation)


def refinement_sources(run: Run) -> list[Source]:
    """One source for each source of the run, so that rows keep source, license and id."""
    kept = Counter(
        (row["source"], row["license"])
        for row in run.iter_rows(["source", "license", "status"])
        if row["status"] == "kept"
    )
    return [RefinementSource(run, name, license) for name, license in kept]


@dataclass(frozen=True)
class Survey:
    """What a pass over the sources found, and {name, license, rows} of each source.

    `rows` counts instructions, each of which may come with several drafts.
    """

    rows: int
    sources: list[dict[str, Any]]


def survey(sources: Iterable[Source]) -> Survey:
    """Read every source to its end, so that a bad row is reported before anything is generated."""
    counts = []
    for source in sources:
        rows = sum(record.sample == 1 for record in source.records())
        if not rows:
            raise BadInput(f"{source.name}: the source has no rows")
        counts.append({"name": source.name, "license": source.license, "rows": rows})
    return Survey(sum(count["rows"] for count in counts), counts)


def draw(sources: Iterable[Source]) -> Iterator[Row]:
    """Yield a ledger row for each record, all columns present, `reason` set if it is dropped."""
    seen = SeenInstructions()
    ids: dict[str, int] = {}
    for source in sources:
        for record in source.records():
            instruction = storable(record.instruction)
            if record.sample == 1:
                first_id = unique_id(source.name, instruction, ids, record.history)
                reason = record.reason
                if reason is None and not seen.add(whole_text(instruction, record.history)):
                    reason = "duplicate"
            yield new_ledger_row(
                id=sample_id(first_id, record.sample),
                source=source.name,
                license=source.license,
                task=record.task,
                system=_optional(record.system),
                history=list(record.history),
                instruction=instruction,
                criteria=_optional(record.criteria),
                draft=_optional(record.draft),
                reason=reason,
                detail=record.detail,
            )


def _optional(text: str | None) -> str | None:
    return None if text is None else storable(text)


def unique_id(source: str, instruction: str, ids: dict[str, int], history: Turns = ()) -> str:
    """A hash of source, instruction and history; a repeat gets its number appended."""
    text = f"{source}\0{instruction}"
    if history:
        text += f"\0{json.dumps(history, sort_keys=True)}"
    id_ = hashlib.sha256(text.encode()).hexdigest()[:16]
    repeats = ids.get(id_, 0)
    ids[id_] = repeats + 1
    return f"{id_}-{repeats}" if repeats else id_
