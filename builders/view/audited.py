"""An audit: the two answers of each pair, the model's scores, and people's choices."""

import tempfile
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from builders.audit.frozen import PAIRS
from builders.audit.result import read_audit, read_judgments
from builders.audit.rows import PAIR_ROWS
from builders.errors import BadInput
from builders.files.parquet import write_parquet
from builders.rows import Row
from builders.rows.read import read_rows
from builders.rows.schema import LEDGER_ROWS, new_ledger_row
from builders.view.source import Source, estimated


def audit_source(folder: Path) -> Source:
    """The pairs of the frozen set that an audit is about; BadInput if the set is gone.

    The pairs are written once more in the ledger's shape, into a temporary folder that goes with
    the source. Scores that are no whole numbers are rounded there, and exact in the notes.
    """
    audit = read_audit(folder)
    frozen = folder.resolve().parent.parent
    if not (frozen / PAIRS).is_file():
        raise BadInput(f"{folder}: an audit is shown with its frozen set, and {frozen} has none")
    judged: dict[str, list[Row]] = {}
    for row in read_judgments(folder):
        if row["times"] == 1:
            judged.setdefault(row["id"], []).append(row)
    pairs = [row for row in read_rows(frozen / PAIRS, PAIR_ROWS) if row["id"] in judged]
    temporary = tempfile.TemporaryDirectory(prefix="srt-view-")
    path = Path(temporary.name) / "pairs.parquet"
    rows = [_ledger_row(pair, judged[pair["id"]]) for pair in pairs]
    write_parquet(path, pa.Table.from_pylist(rows, schema=LEDGER_ROWS.schema))
    source = Source(
        kind="audit",
        title=f"{audit.model.name} on {audit.set.name}",
        folder=folder,
        parts=lambda: [path],
        facts=[
            *estimated("agrees with people on", audit.agreement["raw"]),
            f"judged by {audit.set.judged_by}",
        ],
        labels={"draft": "answer A", "refinement": "answer B"},
        said={pair["id"]: said for pair in pairs if (said := _people(pair))},
        outcomes={pair["id"]: (_outcome(pair, judged[pair["id"]]), None) for pair in pairs},
        notes={pair["id"]: _notes(pair, judged[pair["id"]]) for pair in pairs},
    )
    weakref.finalize(source, temporary.cleanup)
    return source


def _of_model(judged: Sequence[Row]) -> Row | None:
    return next((row for row in judged if row["role"] == "model"), None)


def _ledger_row(pair: Row, judged: Sequence[Row]) -> Row:
    model = _of_model(judged)
    scores = {"draft": None, "refinement": None}
    if model is not None:
        scores = {"draft": _whole(model["score_a"]), "refinement": _whole(model["score_b"])}
    shared = ("id", "instruction", "system", "history", "criteria", "task", "source", "license")
    return new_ledger_row(
        **{name: pair[name] for name in shared},
        draft=pair["answer_a"],
        refinement=pair["answer_b"],
        **{f"{part}_score": score for part, score in scores.items()},
        status="dropped",
    )


def _whole(score: float | None) -> int | None:
    """A score of a judge, whose scale may be another than 1 to 10."""
    return None if score is None or not abs(score) < 100 else round(score)


def _people(pair: Mapping[str, object]) -> str | None:
    """What most people chose, as the columns of a ledger have it; None if nobody chose."""
    choices = [choice["better"] for choice in pair["choices"]]
    if not choices:
        return None
    a, b = choices.count("a"), choices.count("b")
    return "tie" if a == b else "draft" if a > b else "refinement"


def _outcome(pair: Row, judged: Sequence[Row]) -> str:
    model, people = _of_model(judged), _people(pair)
    if model is None or model["score_a"] is None or model["score_b"] is None:
        return "unreadable"
    if model["leaked"]:
        return "leaked"
    if people in (None, "tie"):
        return "people undecided"
    if model["score_a"] == model["score_b"]:
        return "model undecided"
    chosen = "draft" if model["score_a"] > model["score_b"] else "refinement"
    return "agrees" if chosen == people else "disagrees"


def _notes(pair: Row, judged: Sequence[Row]) -> list[str]:
    lines = []
    for row in judged:
        scores = ", ".join(
            f"{side.upper()} {'–' if score is None else format(score, '.4g')}"
            for side, score in (("a", row["score_a"]), ("b", row["score_b"]))
        )
        lines.append(f"{row['judge']} ({row['role']}): {scores}")
    for choice in pair["choices"]:
        better = choice["better"]
        said = "no preference" if better == "tie" else f"{better.upper()} is better"
        lines.append(f"{choice['person']}: {said}")
    for side in ("a", "b"):
        if pair[f"writer_{side}"] is not None:
            lines.append(f"answer {side.upper()} was written by {pair[f'writer_{side}']}")
    return lines
