"""What several review commands take and print."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from builders.review.folder import Review
    from pipelines.review.server import Server

Reviewed = Annotated[
    Path,
    typer.Argument(
        metavar="REVIEW", help="A review folder, or the run or release that was reviewed."
    ),
]
Source = Annotated[
    Path | None,
    typer.Argument(metavar="RUN|RELEASE", help="A complete run, or a release.", show_default=False),
]
EvaluationFolder = Annotated[
    Path | None,
    typer.Option(
        "--evaluation",
        metavar="EVALUATION",
        help="In place of it, an evaluation by `srt evaluate`: people say which answer is better.",
        show_default=False,
    ),
]
Interval = Annotated[
    float | None,
    typer.Option(
        min=0.5,
        max=50,
        metavar="POINTS",
        help="With --evaluation, in place of --sample: so many instructions that the corrected win "
        "rate has an interval of about ± this.",
        show_default=False,
    ),
]
ReviewFolder = Annotated[
    Path | None, typer.Option(help="The review folder.", show_default="reviews/NAME")
]
Sample = Annotated[int, typer.Option(min=1, help="How many rows people check.")]
Strategy = Annotated[
    str, typer.Option(help="How rows are sampled: uniform, stratified or informative.")
]
Seed = Annotated[int, typer.Option(help="Another seed gives other rows and another order.")]
Overlap = Annotated[int, typer.Option(min=1, help="How many people check each row.")]
Calibration = Annotated[
    int, typer.Option(min=0, help="Additional rows that every annotator checks first.")
]
Assisted = Annotated[
    bool,
    typer.Option(
        "--assisted",
        help="Show the model's verdict for correction. Such answers never count as agreement.",
    ),
]
Url = Annotated[
    str | None,
    typer.Option(
        envvar="ARGILLA_API_URL", help="The Argilla server; your key is in ARGILLA_API_KEY."
    ),
]


def source_and_sample(
    source: Path | None, evaluation: Path | None, sample: int, interval: float | None
) -> tuple[Path, int]:
    """What is reviewed, and how many rows or instructions of it; BadInput unless it is one thing.

    The size for an interval is from how far judge and people agree so far, if people were asked.
    """
    from builders.errors import BadInput

    if (source is None) == (evaluation is None):
        raise BadInput("give either a run or release, or --evaluation EVALUATION")
    if interval is None:
        return source or evaluation, sample
    if evaluation is None:
        raise BadInput("--interval: it is for an --evaluation")
    from builders.evaluation.people_needed import people_needed

    return evaluation, people_needed(evaluation, interval / 100)


def connected(url: str | None) -> "Server":
    """The server, after signing in; its warning, if any, is printed."""
    from pipelines.cli import console
    from pipelines.review.server import connect

    with console.working("connecting to Argilla"):
        server = connect(url)
    if server.warning:
        console.notify(f"warning: {server.warning}")
    return server


def quoted(review: "Review") -> str:
    """The review's folder, as a shell takes it."""
    return shlex.quote(str(review.folder))
