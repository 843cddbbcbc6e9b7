"""`srt check`: the gate, run on a release as it is now."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines.cli.options import AllowedChecks, AsJson, EvaluationSets, Reasons, allowances

_STYLES = {"pass": "green", "warn": "yellow", "fail": "red"}


def check(
    release: Annotated[Path, typer.Argument(help="A release folder.")],
    settings: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="KEY=VALUE",
            help="`execution` as in a recipe: execution.kind=ray execution.replicas=8.",
            show_default=False,
        ),
    ] = None,
    evaluation: EvaluationSets = None,
    allow: AllowedChecks = None,
    reason: Reasons = None,
    as_json: AsJson = False,
) -> None:
    """Run the checks of `srt release` and `srt publish` on a release, and print their results.

    The exit status is 3 if a check fails that is not allowed to.
    """
    from pipelines import release as releases
    from pipelines.cli import console
    from pipelines.recipe.file import execution_settings

    execution = execution_settings(settings or []).execution
    with console.working(f"checking {release.name}"):
        checked = releases.check(
            release,
            evaluation_sets=evaluation or [],
            allowed=allowances(allow, reason),
            execution=execution,
        )
    if as_json:
        console.print_json({"release": str(release), **checked.facts})
    else:
        print_checks(checked.facts["checks"])
    checked.refuse()


def print_checks(checks: Iterable[Mapping[str, Any]]) -> None:
    """A line for each check in a manifest: status, name, sentence, and the first rows concerned."""
    from rich.table import Table
    from rich.text import Text

    from pipelines.cli.console import out

    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for check in checks:
        # Text, not str: square brackets in a source's name are not markup.
        sentence = Text(check["sentence"])
        if check["rows"] and check["status"] != "pass":
            more = ", …" if len(check["rows"]) > 3 else ""
            sentence.append(f"\nrows {', '.join(check['rows'][:3])}{more}", style="dim")
        if check["allowed"] is not None:
            sentence.append(f"\nallowed: {check['allowed']}", style="dim")
        status = Text(check["status"], style=_STYLES[check["status"]])
        table.add_row(status, check["name"], sentence)
    out.print(table)
