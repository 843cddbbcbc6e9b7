"""`srt review status`: how far people are, and whose answers need a look."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from builders.wording import counted
from pipelines.cli.options import AsJson
from pipelines.cli.review.options import Reviewed, Url, connected, quoted

if TYPE_CHECKING:
    from builders.review.people import People
    from builders.review.progress import Preferred, ReviewStatus
    from builders.review.statistics.answers import AnswerShares

# What was found, and what to do about it.
_WARNINGS = {
    "bulk": (
        "{fast:.0f} of {of:.0f} pages were submitted faster than they can be read: ask the person "
        "to answer them again in Argilla, or leave them out"
    ),
    "straight_line": (
        "the same answer on {times:.0f} of {of:.0f} pages, {run:.0f} in a row, whatever was shown "
        "first: look at some pages together, or leave the person out"
    ),
    "guess": (
        "agrees with the others on {agreement:.0%} of {of:.0f} records, which is what guessing "
        "would give, and they with each other on {others:.0%}: go through some pages together, and "
        "leave the person out if they did not read them"
    ),
}


def status(
    review: Reviewed,
    offline: Annotated[
        bool, typer.Option("--offline", help="As of the last pull, without asking the server.")
    ] = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Show what people prefer so far, what each has done and has left, and warnings.

    It reads the answers that are on the server now, and changes nothing in the review's folder. A
    warning is a reason to look, not a verdict: see `srt review people` for leaving somebody out.
    With --json, people are under their pseudonyms.
    """
    from builders.review.folder import open_review
    from pipelines.cli import console

    opened = open_review(review)
    # A review in files has no server to ask.
    offline = offline or opened.facts.url is None
    if offline:
        from pipelines.review.status import status_of_pull

        standing = status_of_pull(opened)
    else:
        from pipelines.review.status import status_on_server

        server = connected(url or opened.facts.url)
        with console.working("reading the answers"):
            standing = status_on_server(server, opened)
    if as_json:
        console.print_json({"review": str(opened.folder), **standing.status})
        return
    _print_progress(standing.status)
    if standing.unread is None:
        _print_preferred(standing.status["preferred"], opened.facts.rows)
    else:
        console.notify(f"note: what people prefer is not known: {standing.unread}")
    _print_people(standing.status, standing.people)
    if offline and opened.facts.url:
        console.notify("note: as of the last pull; drafts are not known")
    if any(one["warnings"] and one["excluded"] is None for one in standing.status["people"]):
        command = f'srt review people {quoted(opened)} --exclude NAME --reason "…"'
        console.out.print(f"to leave somebody out: {command}")


def _print_progress(status: "ReviewStatus") -> None:
    from pipelines.cli.console import out

    hours, end, left = status["hours_left"], status["expected_end"], ""
    if hours:
        minutes = counted(max(1, round(60 * hours)), "minute")
        time = f"{hours:.1f} hours" if hours >= 1 else minutes
        left = f"; about {time} of work left, for all together"
    if end:
        left += f", done by {end} at the pace of the last days"
    out.print(
        f"{status['complete']:,} of {status['records']:,} records complete, "
        f"{status['answers']:,} of {status['needed']:,} answers{left}"
    )


def _print_preferred(preferred: "Preferred", population: str) -> None:
    """Which answer people prefer, of all rows and by group."""
    from rich.table import Table
    from rich.text import Text

    from pipelines.cli.console import out

    if not preferred["overall"]["records"]:
        return
    table = Table(box=None, pad_edge=False)
    header = "people prefer (95%)"
    for column in (header, *preferred["overall"]["shares"], "records"):
        table.add_column(column, justify="left" if column == header else "right", no_wrap=True)
    groups = {
        f"all {population} rows": preferred["overall"],
        **{f"source: {name}": one for name, one in preferred["by_source"].items()},
        **{f"length: {name}": one for name, one in preferred["by_length"].items()},
    }
    for name, one in groups.items():
        if one["records"]:
            shares = (_share(one, answer) for answer in one["shares"])
            table.add_row(*map(Text, (name, *shares, f"{one['records']:,}")))
    out.print(table)


def _share(one: "AnswerShares", answer: str) -> str:
    """A share with its interval; the verdicts where there are too few records for one."""
    figure = one["shares"][answer]
    if figure["value"] is None:
        return f"{one['verdicts'][answer]:,} of {sum(one['verdicts'].values()):,}"
    if figure["low"] is None:
        return f"{figure['value']:.0%}"
    return f"{figure['value']:.0%} ({100 * figure['low']:.0f} to {figure['high']:.0%})"


def _print_people(status: "ReviewStatus", people: "People") -> None:
    from rich.table import Table
    from rich.text import Text

    from pipelines.cli.console import out

    table = Table(box=None, pad_edge=False)
    columns = ("", "done", "discarded", "drafts", "open", "an hour", "agrees", "of")
    for column in columns:
        table.add_column(column, justify="right" if column else "left", no_wrap=True)
    names = {one: person.shown for one, person in people.items()}
    listed = sorted(status["people"], key=lambda one: names.get(one["annotator"], ""))
    for one in listed:
        table.add_row(*map(Text, _cells(one, names.get(one["annotator"], one["annotator"]))))
    out.print(table)
    for one in listed:
        name = names.get(one["annotator"], one["annotator"])
        if one["excluded"] is not None:
            out.print(f"left out: {name} ({one['excluded']})")
            continue
        for warned in one["warnings"]:
            told = _WARNINGS[warned["kind"]].format(**warned["figures"])
            out.print(f"warning: {name}: {told}")


def _cells(one: Mapping[str, Any], name: str) -> tuple[str, ...]:
    return (
        name,
        f"{one['submitted']:,}",
        f"{one['discarded']:,}",
        f"{one['drafts']:,}",
        f"{one['open']:,}",
        "–" if one["per_hour"] is None else f"{one['per_hour']:,.0f}",
        "–" if one["agreement"] is None else f"{one['agreement']:.0%}",
        f"{one['shared']:,}",
    )
