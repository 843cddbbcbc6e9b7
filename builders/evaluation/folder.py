"""The folder of an evaluation: its result, the report in Markdown, and the picture."""

from collections.abc import Sequence
from pathlib import Path

from builders.evaluation.result import Evaluation, write_evaluation
from builders.files.atomic import atomic_file
from builders.rows import Row
from cards.evaluation_plot import plot_evaluation
from cards.evaluation_report import render_evaluation_report

REPORT, PICTURE = "evaluate.md", "assets/evaluate.png"


def write_folder(folder: Path, evaluation: Evaluation, judgments: Sequence[Row]) -> None:
    """Write the picture and the report, then what they are made of; evaluate.json is last."""
    facts = evaluation.model_dump(mode="json")
    with atomic_file(folder / PICTURE) as temporary:
        plot_evaluation(facts, temporary)
    with atomic_file(folder / REPORT) as temporary:
        temporary.write_text(render_evaluation_report(facts, PICTURE), encoding="utf-8")
    write_evaluation(folder, evaluation, judgments)
