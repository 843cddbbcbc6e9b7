"""`srt withdraw`: a version on the Hub that nobody should use any more."""

import sys
from typing import Annotated

import typer

from pipelines.cli.options import AsJson


def withdraw(
    release: Annotated[str, typer.Argument(help="ORG/NAME@vX.Y.Z")],
    reason: Annotated[str, typer.Option(help="Why the version should not be used any more.")],
    as_json: AsJson = False,
    yes: Annotated[bool, typer.Option("--yes", help="Withdraw without asking.")] = False,
) -> None:
    """Say on the card, in the changelog and in withdrawn.json that a version is withdrawn.

    That is one commit on the main branch; the tag and its files stay. `srt verify` refuses the
    version from then on, and whoever loads it or trains on it is warned. Later versions say so too.
    """
    from pipelines.cli import console
    from pipelines.hub.patience import telling
    from pipelines.hub.withdraw import plan_withdrawal

    with telling(console.notify), console.working(f"looking at {release}"):
        planned = plan_withdrawal(release, reason)
    if planned.files and not yes and sys.stdin.isatty():
        typer.confirm(f"withdraw {release}?", abort=True, err=True)
    with telling(console.notify):
        commit = planned.carry_out()
    if as_json:
        facts = {"repo": planned.repo, "tag": planned.tag, "commit": commit}
        console.print_json({**facts, **vars(planned.withdrawal)})
        return
    state = "is withdrawn" if planned.files else "was withdrawn already"
    console.out.print(f"{release} {state}: commit {commit}")
