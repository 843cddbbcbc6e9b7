"""The card of a checkpoint with what was measured of it: its audit and its win rates."""

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from builders.audit.result import RESULT as AUDIT
from builders.audit.result import read_audit
from builders.errors import BadInput
from builders.evaluation.result import JUDGMENTS as EVALUATION_JUDGMENTS
from builders.evaluation.result import RESULT as EVALUATION
from builders.evaluation.result import Evaluation, read_evaluation
from builders.files.atomic import atomic_file
from builders.files.documents import read_json
from builders.files.hashes import sha256_of_file
from cards.audit_plot import plot_audit
from cards.eval_results import FOLDER as EVAL_RESULTS
from cards.eval_results import eval_results
from cards.evaluation_plot import plot_evaluation
from cards.model_card import render_model_card

# Where a checkpoint keeps what its card shows.
AUDIT_FOLDER, EVALUATION_FOLDER = "audit", "evaluation"


def attach_evaluation(checkpoint: Path, evaluation: Path) -> None:
    """Put an evaluation's figures, judgments and picture into the checkpoint, and on its card.

    A benchmark that it names gets its entry for the Hub, in place of an earlier evaluation's.
    BadInput if it is of another model.
    """
    found = evaluation_of(checkpoint, evaluation)
    entry = eval_results(found.model_dump(mode="json"))
    # First, so that no entry is ever beside figures that are not its own.
    for earlier in (checkpoint / EVAL_RESULTS).glob("*.yaml"):
        earlier.unlink()
    copy_files((EVALUATION_JUDGMENTS, EVALUATION), evaluation, checkpoint / EVALUATION_FOLDER)
    if entry is not None:
        name, content = entry
        with atomic_file(checkpoint / name) as temporary:
            temporary.write_text(content, encoding="utf-8")
    write_card(checkpoint)


def check_evaluation(checkpoint: Path) -> None:
    """BadInput if the evaluation in a checkpoint is of another model, as after training again."""
    if (checkpoint / EVALUATION_FOLDER / EVALUATION).is_file():
        evaluation_of(checkpoint, checkpoint / EVALUATION_FOLDER)


def evaluation_of(checkpoint: Path, folder: Path) -> Evaluation:
    """The evaluation in `folder`; BadInput if it is of another model than the checkpoint."""
    found = read_evaluation(folder)
    if found.model.weights != sha256_of_file(checkpoint / "training.json"):
        raise BadInput(
            f"{folder}: an evaluation of {found.model.name}, not of {checkpoint} as it is now"
        )
    return found


def copy_files(names: Iterable[str], source: Path, target: Path) -> None:
    if source.resolve() == target.resolve():
        return
    for name in names:
        with atomic_file(target / name) as temporary:
            shutil.copyfile(source / name, temporary)


def write_card(checkpoint: Path) -> None:
    """Write README.md and its pictures, with the audit and the evaluation in the folder."""
    audit = evaluation = None
    if (checkpoint / AUDIT_FOLDER / AUDIT).is_file():
        audit = _facts(read_audit(checkpoint / AUDIT_FOLDER))
        plot_audit(audit, checkpoint / "assets/audit.png")
    if (checkpoint / EVALUATION_FOLDER / EVALUATION).is_file():
        evaluation = _facts(read_evaluation(checkpoint / EVALUATION_FOLDER))
        plot_evaluation(evaluation, checkpoint / "assets/evaluate.png")
    with atomic_file(checkpoint / "README.md") as temporary:
        training = read_json(checkpoint / "training.json")
        temporary.write_text(render_model_card(training, audit, evaluation), encoding="utf-8")


def _facts(result: Any) -> dict[str, Any]:
    return result.model_dump(mode="json", by_alias=True)
