"""An evaluation from files: judgments that exist already, and no model is asked."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from builders.errors import BadInput
from builders.evaluation.annotations import (
    Judgments,
    item_key,
    number_in,
    read_annotations,
    together,
)
from builders.evaluation.controls import read_anchors, read_difficulties
from builders.evaluation.folder import write_folder
from builders.evaluation.measure import Facts, measure
from builders.evaluation.result import RESULT, Benchmark, Evaluation, Instructions, Who
from builders.evaluation.statistics.length_control import Anchors
from builders.evaluation.verdicts import Verdicts
from builders.files.folder import has_files
from builders.files.hashes import sha256_of_file
from builders.files.lock import locked
from builders.files.tables import read_table
from builders.rows import Row


@dataclass(frozen=True)
class Controls:
    """The files that length is controlled by; `by_row` joins them by row number."""

    difficulty: Path | None = None
    anchors: Path | None = None
    by_row: bool = False

    def read(self, judgments: Judgments) -> tuple[Mapping[str, float] | None, Anchors | None]:
        """The difficulty of each item, and the anchors."""
        if self.by_row and self.difficulty is None:
            raise BadInput("--join-by-row: there is no --difficulty to join")
        difficulties = read_difficulties(self.difficulty) if self.difficulty else None
        anchors = read_anchors(self.anchors, difficulties) if self.anchors else None
        found = difficulties.of(judgments, by_row=self.by_row) if difficulties else None
        return found, anchors


def evaluate_files(
    annotations: Path,
    out: Path,
    *,
    draft_annotations: Path | None = None,
    controls: Controls | None = None,
    people: Path | None = None,
    benchmark: Benchmark | None = None,
) -> Evaluation:
    """Measure the judgments of a file, or of two for refinement and draft, into the folder `out`.

    BadInput if a file is wrong, or `out` has something else than an evaluation.
    """
    if out.exists() and not (out / RESULT).is_file() and has_files(out):
        raise BadInput(f"{out}: has something else than an evaluation; choose another --out")
    judgments = read_annotations(annotations, "refinement" if draft_annotations else "answer")
    if draft_annotations:
        judgments = together(judgments, read_annotations(draft_annotations, "draft"))
    difficulties, anchors = (controls or Controls()).read(judgments)
    verdicts = read_people(people, judgments) if people else None
    name = judgments.model or annotations.name.split(".")[0]
    digest = sha256_of_file(annotations)
    evaluation = measure(
        judgments.rows,
        Facts(
            model=Who(name=name),
            reference=Who(name=judgments.reference or "the reference"),
            judge=Who(name=judgments.judge or "the annotations' judge"),
            instructions=Instructions(
                name=annotations.name, digest=digest, count=len(judgments.instructions)
            ),
            made_at=datetime.now(UTC).replace(microsecond=0),
            benchmark=benchmark,
        ),
        difficulties=difficulties,
        anchors=anchors,
        verdicts=verdicts,
    )
    out.mkdir(parents=True, exist_ok=True)
    with locked(out):
        write_folder(out, evaluation, judgments.rows)
    return evaluation


def read_people(path: Path, judgments: Judgments) -> Verdicts:
    """People's preferences from a table: `instruction`, `preference` (0 to 1), `part`, `person`.

    The file is taken for a simple random sample. BadInput if it is about other instructions.
    """
    parts = {row["part"] for row in judgments.rows}
    known = {(row["item"], row["part"]) for row in judgments.rows}
    found: dict[tuple[str, str], list[float]] = {}
    people, count = set(), 0
    for place, row in read_table(path):
        preference = number_in(row.get("preference"), "preference", place)
        if preference is None:
            continue
        if not 0 <= preference <= 1:
            raise BadInput(f"{place}: preference: {preference:g} is not from 0 to 1")
        key = _key(row, parts, place)
        if key not in known:
            raise BadInput(f"{place}: no judgment is about this instruction and part")
        found.setdefault(key, []).append(preference)
        people.add(str(row.get("person")))
        count += 1
    if not count:
        raise BadInput(f"{path}: it has no preferences")
    shares = {key: sum(values) / len(values) for key, values in found.items()}
    return Verdicts(path.name, shares, len(people), count)


def _key(row: Row, parts: set[str], place: str) -> tuple[str, str]:
    if not isinstance(row.get("instruction"), str):
        raise BadInput(f"{place}: instruction: it is missing, or not a text")
    part = row.get("part") or (next(iter(parts)) if len(parts) == 1 else None)
    if part is None:
        raise BadInput(f"{place}: part: it is missing, and there are draft and refinement")
    return item_key(row["instruction"], row.get("history") or ()), part
