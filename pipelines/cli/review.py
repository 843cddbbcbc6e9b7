"""`srt review`: have people check a sample of a run or release, in Argilla."""

import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from builders.review.folder import Review
    from pipelines.review.push import Pushed, Wishes
    from pipelines.review.server import Server

app = typer.Typer(
    help="Have people check a sample in Argilla, and see how far they agree.",
    no_args_is_help=True,
)

Reviewed = Annotated[
    Path,
    typer.Argument(metavar="REVIEW", help="A review folder, or the run or release of a review."),
]
Url = Annotated[
    str | None,
    typer.Option(envvar="ARGILLA_API_URL", help="The Argilla; ARGILLA_API_KEY has your key."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")]


@app.command(epilog="Example: srt review push runs/stage1-openai --annotators people.yaml")
def push(
    source: Annotated[
        Path, typer.Argument(metavar="RUN|RELEASE", help="A complete run, or a release.")
    ],
    out: Annotated[
        Path | None,
        typer.Option(help="The review folder. \\[default: reviews/NAME]", show_default=False),
    ] = None,
    sample: Annotated[int, typer.Option(min=1, help="How many rows people are asked about.")] = 200,
    strategy: Annotated[
        str, typer.Option(help="How they are drawn: uniform, stratified or informative.")
    ] = "stratified",
    seed: Annotated[int, typer.Option(help="Draws other rows and other orders.")] = 0,
    overlap: Annotated[int, typer.Option(min=1, help="How many people answer each row.")] = 3,
    calibration: Annotated[
        int, typer.Option(min=0, help="Rows that everybody answers first, beside the sample.")
    ] = 0,
    annotators: Annotated[
        Path | None,
        typer.Option(
            metavar="people.yaml",
            help="`workspace:` and `annotators:`, a list of names; who is not there is made.",
            show_default=False,
        ),
    ] = None,
    workspace: Annotated[
        str | None,
        typer.Option(
            help="Of the dataset. \\[default: the file's, or reviews]", show_default=False
        ),
    ] = None,
    dataset: Annotated[
        str | None,
        typer.Option(help="Its name. \\[default: the review folder's]", show_default=False),
    ] = None,
    assisted: Annotated[
        bool,
        typer.Option(
            "--assisted",
            help="Show the model's verdict, to be corrected; it never counts as agreement.",
        ),
    ] = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Put a sample before people: blind, in random order, with what they need to judge it.

    The same command again completes what is missing, and changes nothing that is there.
    """
    from builders.review.source import open_source
    from pipelines.cli import console
    from pipelines.review.people import People, read_people
    from pipelines.review.push import Wishes

    wishes = Wishes(
        sample=sample,
        strategy=strategy,
        seed=seed,
        overlap=overlap,
        calibration=calibration,
        assisted=assisted,
        out=out,
        people=read_people(annotators) if annotators else People(),
        workspace=workspace,
        dataset=dataset,
    )
    opened = open_source(source)
    done = _push(_server(url), opened, wishes)
    if as_json:
        console.print_json(_push_facts(done))
    else:
        _print_push(done)


def _push(server: "Server", source: Any, wishes: "Wishes") -> "Pushed":
    from pipelines.cli import console
    from pipelines.review.push import push as carry_out

    stages = {"drawing": None, "uploading": wishes.sample + wishes.calibration}
    with console.RowsProgress(stages) as progress:
        return carry_out(server, source, wishes, progress)


def _push_facts(done: "Pushed") -> dict[str, Any]:
    """What a machine wants to know; no password."""
    from pipelines.review.people import PASSWORDS

    folder = done.review.folder
    return {
        "review": str(folder),
        **{key: done.review.facts[key] for key in ("url", "workspace", "datasets")},
        "pages": dict(done.pages),
        "records": done.drawn,
        "sent": done.sent,
        "annotators": done.annotators,
        "made": sorted(done.passwords),
        "passwords": str(folder / PASSWORDS) if done.passwords else None,
        "notes": list(done.notes),
    }


def _print_push(done: "Pushed") -> None:
    from pipelines.cli.console import err, out
    from pipelines.review.people import PASSWORDS

    facts = done.review.facts
    for note in done.notes:
        err.print(f"note: {note}", markup=False)
    here = f"{done.drawn:,} records are on {facts['url']}, workspace {facts['workspace']!r}"
    out.print(f"{here} ({done.sent:,} of them new)", markup=False)
    first = "first all of " if len(done.pages) > 1 else ""
    for name, page in done.pages.items():
        out.print(f"  {first}{name}: {page}", markup=False)
        first = "then "
    if done.passwords:
        out.print(f"new accounts (said once; kept in {done.review.folder / PASSWORDS}):")
        width = max(map(len, done.passwords))
        for name, password in done.passwords.items():
            out.print(f"  {name:{width}}  {password}", markup=False)
    out.print(f"review: {done.review.folder}", markup=False)
    out.print(f"next, when they have answered: srt review pull {_quoted(done.review)}")


@app.command(epilog="Example: srt review pull reviews/stage1-openai")
def pull(review: Reviewed, url: Url = None, as_json: AsJson = False) -> None:
    """Bring home what people have answered so far; again and again, as they go on."""
    from dataclasses import asdict

    from builders.review.folder import open_review
    from pipelines.cli import console
    from pipelines.review.pull import pull as carry_out

    opened = open_review(review)
    server = _server(url or opened.facts["url"])
    with console.RowsProgress({"reading": len(opened.drawn())}) as progress:
        done = carry_out(server, opened, lambda rows: progress("reading", rows))
    if as_json:
        console.print_json({"review": str(opened.folder), **asdict(done)})
        return
    if done.deleted:
        console.err.print(
            f"warning: {done.deleted:,} records are not on the server any more; what was pulled of "
            "them is kept"
        )
    if done.unknown:
        console.err.print(
            f"warning: {done.unknown:,} records there are none of this review's; they are left out"
        )
    changes = f"{done.new:,} new, {done.edited:,} edited, {done.taken_back:,} taken back"
    console.out.print(f"{done.verdicts:,} verdicts ({changes})")
    if done.corrections:
        console.out.print(f"{done.corrections:,} rows are corrected")
    console.out.print(f"next: srt review report {_quoted(opened)}")


@app.command(epilog="Example: srt review report reviews/stage1-openai")
def report(
    review: Reviewed,
    ties: Annotated[
        str, typer.Option(help="What a tie of the model's is worth: half, wrong or left_out.")
    ] = "half",
    as_json: AsJson = False,
) -> None:
    """Write report.md, report.json and calibration.png: how far people agree, and with whom."""
    from builders.errors import BadInput
    from builders.review.folder import open_review
    from builders.review.source import reviewed_source
    from builders.schema import InvalidRow
    from pipelines.cli import console

    opened = open_review(review)
    with console.working("computing the figures"):
        # statsmodels takes seconds to import.
        from builders.review.report import MARKDOWN, review_facts, write_report
        from builders.review.trust import TIE_RULES

        if ties not in TIE_RULES:
            raise BadInput(f"--ties: {ties!r} is not one of {', '.join(TIE_RULES)}")
        try:
            rows = reviewed_source(opened).rows()
            facts = review_facts(opened.verdicts(), rows, ties=ties)
        except InvalidRow as error:
            raise BadInput(f"{opened.folder}: {error}") from None
        write_report(facts, opened.folder)
    if as_json:
        console.print_json({"review": str(opened.folder), **facts})
        return
    if not facts["counts"]["verdicts"]:
        console.err.print(f"note: no verdict yet; srt review pull {_quoted(opened)}")
    _print_report(facts)
    console.out.print(f"report: {opened.folder / MARKDOWN}", markup=False)
    source = shlex.quote(str(opened.source))
    if opened.facts["source"]["kind"] == "run":
        console.out.print(
            f"next: srt release {source} --review {_quoted(opened)} --name NAME --version X.Y.Z"
        )


def _print_report(facts: Mapping[str, Any]) -> None:
    """The main figures, each with its interval and what it is of."""
    from rich.table import Table

    from pipelines.cli.console import out

    counts, trust, gate = facts["counts"], facts["trust"], facts["gate"]
    out.print(
        f"{counts['verdicts']:,} verdicts on {counts['records']:,} records by "
        f"{counts['annotators']:,} annotators; {counts['counted']:,} count for the model"
    )
    better = facts["agreement"]["better"]
    pairwise = trust["pairwise"]
    table = Table(box=None, pad_edge=False)
    for name, justify in (("", "left"), ("value", "right"), ("95%", "left"), ("of", "right")):
        table.add_column(name, justify=justify, no_wrap=True)
    figures = {
        "model agrees with people, of all rows": gate["agreement"],
        "model agrees with people, of those asked about": pairwise,
        "the longer answer is chosen": pairwise["longer"],
        "Spearman's correlation of scores": trust["correlation"]["spearman"],
        "annotators agree with each other": better["percent"],
        "Krippendorff's alpha": better["alpha"]["nominal"],
        "the first shown is chosen": facts["first_shown"],
    }
    for name, figure in figures.items():
        table.add_row(name, *_figure(figure))
    out.print(table)


def _figure(figure: Mapping[str, Any]) -> Iterator[str]:
    yield "–" if figure["value"] is None else f"{figure['value']:.3f}"
    known = figure["low"] is not None and figure["high"] is not None
    yield f"{figure['low']:.3f} to {figure['high']:.3f}" if known else ""
    yield f"{figure['of']:,}"


def _server(url: str | None) -> "Server":
    """The server, which has said who we are; its warning, if any, is shown."""
    from pipelines.cli import console
    from pipelines.review.server import connect

    with console.working("asking the server who we are"):
        server = connect(url)
    if server.warning:
        console.err.print(f"warning: {server.warning}", markup=False)
    return server


def _quoted(review: "Review") -> str:
    return shlex.quote(str(review.folder))
