"""`srt review push`: a sample is uploaded for people to check."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from builders.wording import counted
from pipelines.cli.options import AsJson
from pipelines.cli.review.options import (
    Assisted,
    Calibration,
    EvaluationFolder,
    Interval,
    Overlap,
    ReviewFolder,
    Sample,
    Seed,
    Source,
    Strategy,
    Url,
    connected,
    quoted,
    source_and_sample,
)

if TYPE_CHECKING:
    from pipelines.review.push import PushResult


def push(
    source: Source = None,
    evaluation: EvaluationFolder = None,
    out: ReviewFolder = None,
    sample: Sample = 200,
    interval: Interval = None,
    strategy: Strategy = "stratified",
    seed: Seed = 0,
    overlap: Overlap = 3,
    calibration: Calibration = 0,
    annotators: Annotated[
        Path | None,
        typer.Option(
            metavar="people.yaml",
            help="File of `workspace:` and `annotators:` (names); missing accounts are created.",
            show_default=False,
        ),
    ] = None,
    workspace: Annotated[
        str | None,
        typer.Option(help="The workspace of the dataset.", show_default="the file's, or reviews"),
    ] = None,
    dataset: Annotated[
        str | None,
        typer.Option(help="The name of the dataset.", show_default="the review folder's"),
    ] = None,
    assisted: Assisted = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Upload a sample for people to check, blind and in random order.

    The same command completes a push that was interrupted, and changes nothing else.
    """
    from builders.review.source import open_source
    from pipelines.cli import console
    from pipelines.review import push as push_module
    from pipelines.review.annotators import NOBODY, read_annotators

    reviewed, sample = source_and_sample(source, evaluation, sample, interval)
    options = push_module.PushOptions(
        sample=sample,
        strategy=strategy,
        seed=seed,
        overlap=overlap,
        calibration=calibration,
        assisted=assisted,
        out=out,
        people=read_annotators(annotators) if annotators else NOBODY,
        workspace=workspace,
        dataset=dataset,
    )
    opened = open_source(reviewed)
    server = connected(url)
    stages = {"drawing": None, "uploading": sample + calibration}
    with console.RowsProgress(stages) as progress:
        pushed = push_module.push(server, opened, options, progress)
    if as_json:
        console.print_json(_push_facts(pushed))
    else:
        _print_push(pushed)


def _push_facts(pushed: "PushResult") -> dict[str, Any]:
    """The result for programs, without passwords."""
    from pipelines.review.annotators import PASSWORDS

    folder = pushed.review.folder
    return {
        "review": str(folder),
        **pushed.review.facts.model_dump(include={"url", "workspace", "datasets"}),
        "pages": dict(pushed.pages),
        "records": pushed.drawn,
        "sent": pushed.sent,
        "annotators": pushed.annotators,
        "made": sorted(pushed.passwords),
        "passwords": str(folder / PASSWORDS) if pushed.passwords else None,
        "notes": list(pushed.notes),
    }


def _print_push(pushed: "PushResult") -> None:
    from pipelines.cli.console import notify, out
    from pipelines.review.annotators import PASSWORDS

    facts = pushed.review.facts
    for note in pushed.notes:
        notify(f"note: {note}")
    records = counted(pushed.drawn, "record is", "records are")
    where = f"{facts.url}, workspace {facts.workspace!r}"
    out.print(f"{records} on {where} ({pushed.sent:,} of them new)")
    first = "first all of " if len(pushed.pages) > 1 else ""
    for name, page in pushed.pages.items():
        out.print(f"  {first}{name}: {page}")
        first = "then "
    if pushed.passwords:
        folder = pushed.review.folder
        out.print(f"new accounts (shown only once; kept in {folder / PASSWORDS}):")
        width = max(map(len, pushed.passwords))
        for name, password in pushed.passwords.items():
            out.print(f"  {name:{width}}  {password}")
    out.print(f"review: {pushed.review.folder}")
    command = f"srt review pull {quoted(pushed.review)}"
    out.print(f"next, when people have answered: {command}")
