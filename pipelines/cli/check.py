"""`srt check`: what the gate says of a release."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

Evaluation = Annotated[
    list[str] | None,
    typer.Option(
        metavar="FILE[:FIELD]",
        help="Prompts that models are evaluated on, beside those of the recipe.",
        show_default=False,
    ),
]
Allow = Annotated[
    list[str] | None,
    typer.Option(metavar="CHECK", help="Let this check fail, for the --reason that follows."),
]
Reason = Annotated[
    list[str] | None,
    typer.Option(metavar="TEXT", help="Why; the card prints it. One for each --allow."),
]

_STYLES = {"pass": "green", "warn": "yellow", "fail": "red"}


def check(
    release: Annotated[Path, typer.Argument(help="A release folder.")],
    evaluation: Evaluation = None,
    allow: Allow = None,
    reason: Reason = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Check a release as `srt release` and `srt publish` do, and say what was found."""
    from builders.gate.gate import recheck
    from pipelines.cli import console

    with console.working(f"checking {release.name}"):
        found = recheck(
            release, evaluation_sets=evaluation or [], allowed=allowances(allow, reason)
        )
    if as_json:
        console.print_json({"release": str(release), **found.facts})
    else:
        print_checks(found.facts["checks"])
    found.refuse()


def allowances(allow: Sequence[str] | None, reason: Sequence[str] | None) -> dict[str, str]:
    """The reason for each check that may fail; BadInput unless there is one for each."""
    from builders.errors import BadInput
    from builders.gate.run import check_allowed

    names, reasons = allow or [], reason or []
    if len(names) != len(reasons):
        raise BadInput(
            f"{len(names)} --allow and {len(reasons)} --reason: each needs the other, as in "
            '--allow duplicates --reason "paraphrases on purpose"'
        )
    allowed = dict(zip(names, reasons, strict=True))
    check_allowed(allowed)
    return allowed


def print_checks(checks: Sequence[Mapping[str, Any]]) -> None:
    """A line for each check of a manifest's: its name, what it says, the first rows concerned."""
    from rich.table import Table
    from rich.text import Text

    from pipelines.cli.console import out

    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for one in checks:
        # Text, not str: square brackets of a source's name are not our markup.
        said = Text(one["sentence"])
        if one["rows"] and one["status"] != "pass":
            more = ", …" if len(one["rows"]) > 3 else ""
            said.append(f"\nrows {', '.join(one['rows'][:3])}{more}", style="dim")
        if one["allowed"] is not None:
            said.append(f"\nallowed: {one['allowed']}", style="dim")
        table.add_row(Text(one["status"], style=_STYLES[one["status"]]), one["name"], said)
    out.print(table)
