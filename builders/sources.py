"""Where instructions come from: files in the usual shapes, the built-in set, verifiable problems.

Every source yields `Candidate`s; `draw` turns them into the ledger's first columns, drops what
was seen before, and keeps the dropped ones with their reason.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

from builders.dedup import SeenInstructions
from builders.errors import BadInput
from builders.run import Run
from builders.schema import LEDGER
from builders.tables import read_table

BUILTIN_NAME = "srt-builtin"
BUILTIN_LICENCE = "apache-2.0"
BUILTIN_PATH = Path(__file__).parent / "data" / "instructions.jsonl"
VERIFIABLE_NAME = "srt-verifiable"

_USER_ROLES = {"user", "human"}
_ASSISTANT_ROLES = {"assistant", "gpt", "model", "bot"}
_COLUMNS = ("instruction", "input", "system", "draft")


@dataclass(frozen=True)
class Candidate:
    """An instruction as its source has it; `reason` where it cannot be used."""

    instruction: str
    system: str | None = None
    draft: str | None = None
    task: str | None = None
    reason: str | None = None
    detail: str | None = None


class Source(Protocol):
    """A named, licensed, repeatable stream of candidates."""

    name: str
    licence: str

    def candidates(self) -> Iterator[Candidate]: ...


@dataclass(frozen=True)
class FileSource:
    """Rows of a table file.

    `columns` maps "instruction", "input", "system" and "draft" to columns; a dotted path such
    as "instances.0.input" reaches into nested values. Without it the usual shapes are known:
    `instruction` (+ `input`, Alpaca), `prompt`, `messages`, and ShareGPT's `conversations`.
    `bad_rows` is "fail" (BadInput) or "drop" (a candidate with the reason `no_instruction`).
    """

    path: Path
    name: str
    licence: str
    columns: Mapping[str, str] = field(default_factory=dict)
    bad_rows: str = "fail"
    limit: int | None = None

    def candidates(self) -> Iterator[Candidate]:
        for place, row in islice(read_table(self.path), self.limit):
            candidate = self._read(row, place)
            if candidate.reason == "no_instruction" and self.bad_rows == "fail":
                raise BadInput(
                    f"{place}: no instruction ({candidate.detail}); "
                    "set `columns`, or `bad_rows: drop` to go on without such rows"
                )
            yield candidate

    def _read(self, row: Mapping[str, Any], place: str) -> Candidate:
        if self.columns:
            return _from_columns(row, self.columns, place)
        for key in ("messages", "conversations"):
            if row.get(key) is not None:
                return _from_chat(row[key], row.get("system"))
        for key in ("instruction", "prompt"):
            if key in row:
                return _from_columns(row, {**_present(row), "instruction": key}, place)
        return Candidate("", reason="no_instruction", detail=f"columns: {', '.join(row)}")


def _present(row: Mapping[str, Any]) -> dict[str, str]:
    return {key: key for key in ("input", "system", "draft") if key in row}


def _from_columns(row: Mapping[str, Any], columns: Mapping[str, str], place: str) -> Candidate:
    texts = {key: _text_at(row, columns[key], place) for key in _COLUMNS if key in columns}
    instruction = texts.get("instruction")
    if not instruction:
        detail = f"{columns['instruction']!r} is empty"
        return Candidate("", reason="no_instruction", detail=detail)
    if texts.get("input"):
        instruction = f"{instruction}\n\n{texts['input']}"
    return Candidate(instruction, texts.get("system"), texts.get("draft"))


def _text_at(row: Mapping[str, Any], path: str, place: str) -> str | None:
    """The text under a dotted path, stripped; None where it is blank or null."""
    value: Any = row
    for key in [path] if path in row else path.split("."):
        try:
            value = value[int(key)] if isinstance(value, list) else value[key]
        except (KeyError, IndexError, ValueError, TypeError):
            raise BadInput(
                f"{place}: no column {path!r}; there are {', '.join(map(str, row))}"
            ) from None
    if value is None:
        return None
    if not isinstance(value, str):
        raise BadInput(f"{place}: {path} is {type(value).__name__}, not text")
    return value.strip() or None


def _from_chat(turns: Any, system: str | None) -> Candidate:
    """A conversation of one question; ShareGPT says `from`/`value`, the rest `role`/`content`."""
    said: dict[str, list[str]] = {"user": [], "assistant": [], "system": []}
    for turn in turns if isinstance(turns, list) else []:
        role = turn.get("role") or turn.get("from") if isinstance(turn, Mapping) else None
        text = turn.get("content") or turn.get("value") if isinstance(turn, Mapping) else None
        if role in _USER_ROLES:
            role = "user"
        elif role in _ASSISTANT_ROLES:
            role = "assistant"
        if role not in said or not isinstance(text, str):
            return Candidate("", reason="no_instruction", detail=f"a turn has the role {role!r}")
        said[role].append(text.strip())
    if not said["user"] or not said["user"][0]:
        return Candidate("", reason="no_instruction", detail="no user turn")
    instruction = said["user"][0]
    system = (said["system"] or [system])[0]
    if len(said["user"]) > 1:
        return Candidate(instruction, system, reason="multi_turn")
    return Candidate(instruction, system, draft=(said["assistant"] or [None])[0])


@dataclass(frozen=True)
class BuiltinSource:
    """The instructions that come with this package, in two disjoint halves for the two stages."""

    half: int
    languages: tuple[str, ...] | None = None
    limit: int | None = None
    name: str = BUILTIN_NAME
    licence: str = BUILTIN_LICENCE

    def candidates(self) -> Iterator[Candidate]:
        rows = (
            row
            for _, row in read_table(BUILTIN_PATH)
            if row["half"] == self.half
            and (self.languages is None or row["language"] in self.languages)
        )
        for row in islice(rows, self.limit):
            yield Candidate(row["instruction"])


@dataclass(frozen=True)
class VerifiableSource:
    """Problems whose answer can be computed, from a seed."""

    count: int
    seed: int = 0
    families: tuple[str, ...] | None = None
    split: str = "train"
    name: str = VERIFIABLE_NAME
    licence: str = BUILTIN_LICENCE

    def candidates(self) -> Iterator[Candidate]:
        from builders.verifiable.registry import generate

        for problem in generate(self.seed, self.count, self.families, self.split):
            yield Candidate(problem.instruction, task=problem.task)


@dataclass(frozen=True)
class RefinementSource:
    """The kept rows of a complete run, each with its refinement as the draft to go on from."""

    run: Run
    name: str
    licence: str

    def candidates(self) -> Iterator[Candidate]:
        columns = ["source", "licence", "status", "instruction", "system", "task", "refinement"]
        for row in self.run.iter_rows(columns):
            own = (row["source"], row["licence"]) == (self.name, self.licence)
            if own and row["status"] == "kept":
                yield Candidate(
                    row["instruction"], row["system"], row["refinement"], task=row["task"]
                )


def refinement_sources(run: Run) -> list[Source]:
    """A source for each that the run drew from, so that rows keep source, licence and id."""
    kept = Counter(
        (row["source"], row["licence"])
        for row in run.iter_rows(["source", "licence", "status"])
        if row["status"] == "kept"
    )
    return [RefinementSource(run, name, licence) for name, licence in kept]


@dataclass(frozen=True)
class Survey:
    """What a pass over the sources found: candidates in all, and by source and licence."""

    rows: int
    sources: list[dict[str, Any]]


def survey(sources: Iterable[Source]) -> Survey:
    """Read every source to its end, so that bad rows are told before anything is generated."""
    counts = []
    for source in sources:
        rows = sum(1 for _ in source.candidates())
        if not rows:
            raise BadInput(f"{source.name}: the source has no rows")
        counts.append({"name": source.name, "licence": source.licence, "rows": rows})
    return Survey(sum(count["rows"] for count in counts), counts)


def draw(sources: Iterable[Source]) -> Iterator[dict[str, Any]]:
    """Yield a ledger row for each candidate, all columns present, `reason` set where dropped."""
    seen = SeenInstructions()
    ids: dict[str, int] = {}
    for source in sources:
        for candidate in source.candidates():
            instruction = _storable(candidate.instruction)
            reason = candidate.reason
            if reason is None and not seen.add(instruction):
                reason = "duplicate"
            yield {
                **dict.fromkeys(LEDGER),
                "id": unique_id(source.name, instruction, ids),
                "source": source.name,
                "licence": source.licence,
                "task": candidate.task,
                "system": _storable(candidate.system),
                "instruction": instruction,
                "draft": _storable(candidate.draft),
                "reason": reason,
                "detail": candidate.detail,
                "calls": [],
            }


def _storable(text: str | None) -> str | None:
    """`text` without lone surrogates, which JSON can spell and UTF-8 cannot."""
    return text and text.encode("utf-8", errors="replace").decode()


def unique_id(source: str, instruction: str, ids: dict[str, int]) -> str:
    """A hash of source and instruction; a repeat, which will be dropped, gets its count added."""
    id_ = hashlib.sha256(f"{source}\0{instruction}".encode()).hexdigest()[:16]
    repeats = ids.get(id_, 0)
    ids[id_] = repeats + 1
    return f"{id_}-{repeats}" if repeats else id_
