"""`srt verify`: a release on the Hub, checked by a consumer."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.options import AsJson

if TYPE_CHECKING:
    from pipelines.hub.verify import Verified


def verify(
    release: Annotated[str, typer.Argument(help="ORG/NAME@vX.Y.Z")],
    folder: Annotated[
        Path | None,
        typer.Option("--dir", help="Keep the files in this folder, which must be new or empty."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Download the tagged commit, and compare every file and row with the manifest.

    The gate runs again too. The exit status is 3 if anything does not hold.
    """
    from pipelines.cli import console
    from pipelines.hub import verify as hub
    from pipelines.hub.patience import telling

    with telling(console.notify), console.working(f"downloading {release}"):
        verified = hub.verify(release, folder)
    if as_json:
        console.print_json(verified.facts())
    else:
        print_findings(verified)
    verified.refuse()


def print_findings(verified: "Verified") -> None:
    """A line for each finding, and for each result of the gate in the manifest."""
    from pipelines.cli.console import out

    out.print(f"{verified.release}: commit {verified.commit}")
    for finding in verified.findings:
        out.print(f"{'WRONG' if finding.wrong else 'ok':>6}  {finding.name}: ", end="")
        out.print(plain(finding.wrong[0] if finding.wrong else finding.holds))
        for sentence in finding.wrong[1:]:
            out.print(f"        {plain(sentence)}")
    for result in verified.gate:
        line = f"{result.status:>6}  gate, {result.name}: {result.sentence}"
        out.print(plain(line))
    if not verified.gate:
        out.print("        the manifest records no gate")


def plain(text: str) -> str:
    """`text` without control characters, which a terminal would obey."""
    return "".join(character if character.isprintable() else "?" for character in text)
