"""An evaluation: the reference's answer beside the model's, and what the judge preferred."""

from pathlib import Path

from builders.errors import BadInput
from builders.evaluation.pairs import pair_id
from builders.evaluation.result import JUDGMENTS, read_evaluation
from builders.evaluation.rows import JUDGED_ROWS
from builders.review.folder import PAIRS
from builders.rows import Row
from builders.rows.read import read_rows
from builders.view.source import Source, estimated, verdicts_of_review


def evaluation_source(folder: Path) -> Source:
    """The pairs of an evaluation; BadInput if it has no texts."""
    evaluation = read_evaluation(folder)
    pairs = folder / PAIRS
    if not pairs.is_file():
        raise BadInput(
            f"{folder}: it has no {PAIRS}, so no texts to show; `srt evaluate MODEL` writes one, "
            "--annotations does not"
        )
    judged = {
        pair_id(row["item"], row["part"]): row for row in read_rows(folder / JUDGMENTS, JUDGED_ROWS)
    }
    facts = [
        f"{evaluation.model.name} against {evaluation.reference.name}",
        f"judged by {evaluation.judge.name}",
    ]
    for part, figures in evaluation.parts.items():
        facts += estimated(f"{part} wins", figures.raw)
    return Source(
        kind="evaluation",
        title=folder.resolve().name,
        folder=folder,
        parts=lambda: [pairs],
        facts=facts,
        labels={"draft": "reference's answer", "refinement": "model's answer"},
        verdicts=verdicts_of_review(folder),
        outcomes={row_id: (_outcome(row["preference"]), None) for row_id, row in judged.items()},
        notes={row_id: [_note(row)] for row_id, row in judged.items()},
    )


def _outcome(preference: float | None) -> str:
    if preference is None:
        return "unreadable"
    if preference == 0.5:
        return "tie"
    return "wins" if preference > 0.5 else "loses"


def _note(row: Row) -> str:
    shown = [
        f"{row[key]:.2f} where it came {place}"
        for key, place in (("shown_first", "first"), ("shown_second", "second"))
        if row[key] is not None
    ]
    if row["preference"] is None:
        return "the judge's preference cannot be read"
    mean = f"the judge's preference for the model's answer: {row['preference']:.2f}"
    return f"{mean} ({', '.join(shown)})" if shown else mean
