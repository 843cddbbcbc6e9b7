"""A frozen set `audits/NAME/`: pairs that people judged, never changed again.

`pairs.parquet` has the pairs and `set.json`, written last, what the set is and a digest of both.
"""

import hashlib
import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from builders.audit.rows import PAIR_ROWS
from builders.duplicates.seen import InstructionIndex
from builders.errors import BadInput, first_problem
from builders.files.atomic import write_json
from builders.files.hashes import sha256_of_file
from builders.files.parquet import write_parquet
from builders.rows import InvalidRow, Row
from builders.rows.read import read_rows

AUDITS = Path("audits")
FACTS, PAIRS = "set.json", "pairs.parquet"
SET_SCHEMA = "1.0"
# The one "person" of a set whose right answers are computed.
CHECKER = "checker"


class _Facts(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class SetSource(_Facts):
    """Where the pairs are from: names only, no paths."""

    kind: Literal["run", "review", "release", "pairs"]
    name: str
    version: str | None = None
    digest: str


class SetCounts(_Facts):
    """`people` judged `pairs` pairs with `choices` answers, of which `ties` were no preference.

    `left_out` counts what the source had besides, by reason (`LEFT_OUT`).
    """

    pairs: int
    instructions: int
    people: int
    choices: int
    ties: int
    left_out: dict[str, int]


class SetFacts(_Facts):
    """The contents of set.json. `answers` says what A and B are; `judged_by` who stands for people.

    `design` says how the pairs were drawn. `digest` is a hash of everything else and of the pairs.
    """

    schema_: str = Field(alias="schema")
    name: str
    source: SetSource
    license: str
    answers: Literal["draft and refinement", "two answers"]
    judged_by: Literal["people", "checker"]
    design: list[dict[str, Any]]
    counts: SetCounts
    frozen_at: datetime
    pairs_sha256: str
    digest: str


# Why a part of a source is not in a set.
LEFT_OUT: dict[str, str] = {
    "no_instruction": "there is no instruction",
    "bad_transcript": "the transcript is not turns of a human and an assistant in alternation",
    "tool_turns": "a tool takes part in the conversation",
    "has_media": "there is a picture or another medium",
    "other_contexts": "the two answers are to different conversations",
    "no_two_answers": "there are no two answers",
    "empty_answer": "an answer is empty",
    "equal_answers": "the two answers are the same",
    "no_preference": "nobody said which answer is better",
    "duplicate": "the same pair came earlier",
    "unjudged": "nobody was asked, or nobody answered",
}


@dataclass(frozen=True)
class FrozenSet:
    """A set on disk, as it was frozen."""

    folder: Path
    facts: SetFacts
    pairs: Sequence[Row]

    @property
    def name(self) -> str:
        return self.facts.name

    @property
    def digest(self) -> str:
        return self.facts.digest

    @cached_property
    def index(self) -> InstructionIndex:
        """The set's instructions, to find them and near-duplicates of them among other rows."""
        index = InstructionIndex()
        for pair in self.pairs:
            index.add(pair)
        return index


def write_set(
    folder: Path,
    pairs: Sequence[Row],
    *,
    source: SetSource,
    license: str,
    answers: Literal["draft and refinement", "two answers"],
    design: Sequence[Mapping[str, Any]],
    left_out: Mapping[str, int],
) -> FrozenSet:
    """Freeze `pairs` in `folder`, which must not exist. BadInput if there is nothing to freeze."""
    if folder.exists():
        raise BadInput(f"{folder}: exists already; a set is never changed, so choose another --out")
    if not pairs:
        why = "; ".join(f"{count:,} × {LEFT_OUT[reason]}" for reason, count in left_out.items())
        raise BadInput(f"{source.name}: no pair to freeze{f': {why}' if why else ''}")
    for pair in pairs:
        try:
            PAIR_ROWS.validate(pair)
        except InvalidRow as error:
            raise BadInput(f"{source.name}: pair {pair['id']}: {error}") from None
    folder.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        table = pa.Table.from_pylist(list(pairs), schema=PAIR_ROWS.schema)
        write_parquet(staging / PAIRS, table)
        facts = SetFacts(
            schema=SET_SCHEMA,
            name=folder.name,
            source=source,
            license=license,
            answers=answers,
            judged_by="checker" if _people(pairs) == {CHECKER} else "people",
            design=list(design),
            counts=_counts(pairs, left_out),
            frozen_at=datetime.now(UTC).replace(microsecond=0),
            pairs_sha256=sha256_of_file(staging / PAIRS),
            digest="",
        )
        facts = facts.model_copy(update={"digest": _digest(facts)})
        write_json(staging / FACTS, facts.model_dump(mode="json", by_alias=True))
        staging.chmod(0o755)
        try:
            staging.rename(folder)
        except OSError:
            raise BadInput(f"{folder}: another process froze a set there") from None
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return open_set(folder)


def open_set(folder: Path) -> FrozenSet:
    """The set in `folder`; BadInput if there is none, or if a file is not as it was frozen."""
    path = folder / FACTS
    if not path.is_file():
        raise BadInput(f"{folder}: not a frozen set (it has no {FACTS}); `srt audit freeze` is how")
    try:
        facts = SetFacts.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise BadInput(f"{path}: not the facts of a set ({first_problem(error)})") from None
    if facts.schema_ != SET_SCHEMA:
        raise BadInput(f"{path}: written with schema {facts.schema_}; this reads {SET_SCHEMA}")
    pairs = folder / PAIRS
    if not pairs.is_file():
        raise BadInput(f"{folder}: {PAIRS} is missing")
    for file, is_as_frozen in (
        (path, facts.digest == _digest(facts)),
        (pairs, sha256_of_file(pairs) == facts.pairs_sha256),
    ):
        if not is_as_frozen:
            raise BadInput(f"{file}: the set was changed after it was frozen; freeze a new one")
    return FrozenSet(folder, facts, list(read_rows(pairs, PAIR_ROWS)))


def _digest(facts: SetFacts) -> str:
    values = facts.model_dump(mode="json", by_alias=True, exclude={"digest"})
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def _counts(pairs: Sequence[Row], left_out: Mapping[str, int]) -> SetCounts:
    answers = Counter(choice["better"] for pair in pairs for choice in pair["choices"])
    return SetCounts(
        pairs=len(pairs),
        instructions=len({instruction_key(pair) for pair in pairs}),
        people=len(_people(pairs)),
        choices=answers.total(),
        ties=answers["tie"],
        left_out={reason: count for reason, count in sorted(left_out.items()) if count},
    )


def instruction_key(pair: Row) -> str:
    """What pairs on the same instruction share: its text and the turns before it."""
    return json.dumps([pair["system"], pair["history"], pair["instruction"]], sort_keys=True)


def _people(pairs: Sequence[Row]) -> set[str]:
    return {choice["person"] for pair in pairs for choice in pair["choices"]}
