"""Have people check a sample of a run or release (`srt review`): push, pull, report.

ARGILLA_API_URL and ARGILLA_API_KEY name the server and an owner's or admin's key. Without a server,
`draw` begins a review, `export` writes its sample to a file, and `import_file` reads answers.

>>> review = srt_feedback.review.push("runs/my-feedback", sample=1, overlap=1)
>>> review
PosixPath('reviews/my-feedback')
>>> srt_feedback.review.pull(review)["verdicts"]
0
>>> srt_feedback.review.report(review)["counts"]["records"]
0
"""

from pathlib import Path
from typing import Any, Literal

__all__ = ["draw", "export", "import_file", "pull", "push", "report"]


def push(
    source: str | Path,
    *,
    annotators: str | Path | None = None,
    sample: int = 200,
    strategy: Literal["uniform", "stratified", "informative"] = "stratified",
    overlap: int = 3,
    calibration: int = 0,
    seed: int = 0,
    out: str | Path | None = None,
) -> Path:
    """Upload a sample of a run or release, blind and in random order; the review's folder.

    `sample` rows are each checked by `overlap` people, after `calibration` rows that everyone
    checks first. `annotators` is a YAML file of `workspace:` and `annotators:` (names); missing
    accounts are created, and their passwords are in `passwords.yaml` in the review's folder. `out`
    defaults to `reviews/NAME`. The same call completes a push that was interrupted.
    """
    from builders.review.source import open_source
    from pipelines.review.annotators import NOBODY, read_annotators
    from pipelines.review.push import PushOptions
    from pipelines.review.push import push as push_sample
    from pipelines.review.server import connect

    options = PushOptions(
        sample=sample,
        strategy=strategy,
        seed=seed,
        overlap=overlap,
        calibration=calibration,
        out=None if out is None else Path(out),
        people=NOBODY if annotators is None else read_annotators(Path(annotators)),
    )
    opened = open_source(Path(source))
    return push_sample(connect(), opened, options).review.folder


def draw(
    source: str | Path,
    *,
    sample: int = 200,
    strategy: Literal["uniform", "stratified", "informative"] = "stratified",
    overlap: int = 3,
    calibration: int = 0,
    seed: int = 0,
    out: str | Path | None = None,
) -> Path:
    """Draw a sample of a run or release for a review without a server; the review's folder.

    `push` with the same arguments puts the same sample on a server later.
    """
    from builders.review.drawing import DrawOptions, draw_review
    from builders.review.source import open_source

    options = DrawOptions(
        sample=sample,
        strategy=strategy,
        seed=seed,
        overlap=overlap,
        calibration=calibration,
        out=None if out is None else Path(out),
    )
    return draw_review(open_source(Path(source)), options).folder


def export(review: str | Path, file: str | Path, *, form: Literal["csv", "jsonl"] = "csv") -> Path:
    """Write a review's blind sample to a file that people fill in; the file."""
    from builders.review.exchange.export import export_file
    from builders.review.folder import open_review

    export_file(open_review(Path(review)), Path(file), form)
    return Path(file)


def import_file(
    review: str | Path, file: str | Path, *, annotator: str | None = None
) -> dict[str, Any]:
    """Read people's answers from a file into the review's folder; counts of verdicts.

    `annotator` is who answered where the file does not say. BadInput names every row that cannot
    be read; then nothing is imported.
    """
    from dataclasses import asdict

    from builders.review.exchange.importing import import_file as import_answers
    from builders.review.folder import open_review

    return asdict(import_answers(open_review(Path(review)), Path(file), annotator=annotator))


def pull(review: str | Path) -> dict[str, Any]:
    """Download the answers so far into the review's folder; counts of verdicts and corrections.

    `review` is the review's folder, or the run or release that was reviewed. Repeat it as people
    continue.
    """
    from dataclasses import asdict

    from builders.review.folder import open_review
    from pipelines.review.pull import pull as pull_answers
    from pipelines.review.server import connect

    opened = open_review(Path(review))
    opened.check_pushed()
    return asdict(pull_answers(connect(opened.facts.url), opened))


def report(
    review: str | Path, *, ties: Literal["half", "wrong", "left_out"] = "half"
) -> dict[str, Any]:
    """What people said, and the critic's agreement with them: estimates for all scored rows.

    Figures have 95% intervals. Writes `report.md`, `report.json` and `calibration.png` into the
    review's folder. `ties` sets how a tie of the critic's scores counts.
    """
    from builders.review.folder import open_review
    from builders.review.report import report_review

    return report_review(open_review(Path(review)), ties=ties)
