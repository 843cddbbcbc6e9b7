"""`srt verify`: a release on the Hub, looked at as a stranger would."""

from pathlib import Path
from typing import Annotated, Any

import typer


def verify(
    release: Annotated[str, typer.Argument(help="ORG/NAME@vX.Y.Z")],
    folder: Annotated[
        Path | None,
        typer.Option("--dir", help="Keep the files in this folder, a new or an empty one."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Download the commit that the tag is on, and hold every file and row against its manifest.

    Exit status 3 where something does not hold.
    """
    from builders.errors import BadInput, GateRefused
    from pipelines.cli import console
    from pipelines.hub.client import connect
    from pipelines.hub.verify import read_address
    from pipelines.hub.verify import verify as look

    repo, tag = read_address(release)
    if folder is not None and folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BadInput(f"--dir: {folder} is not an empty folder")
    with console.working(f"downloading {release}"):
        found = look(connect(), repo, tag, folder)
    if as_json:
        console.print_json(found.facts())
    else:
        print_findings(found)
    if found.wrong:
        names = ", ".join(finding.name for finding in found.findings if finding.wrong)
        raise GateRefused(f"{release} does not hold: {names}")


def print_findings(found: Any) -> None:
    """A line for each finding and for each result of the gate, as the manifest has it."""
    from pipelines.cli.console import out

    out.print(f"{found.repo}@{found.tag}: commit {found.commit}")
    for finding in found.findings:
        out.print(f"{'WRONG' if finding.wrong else 'ok':>6}  {finding.name}: ", end="")
        out.print(plain(finding.wrong[0] if finding.wrong else finding.holds), markup=False)
        for sentence in finding.wrong[1:]:
            out.print(f"        {plain(sentence)}", markup=False)
    for result in found.gate:
        line = f"{result.status:>6}  gate, {result.name}: {result.sentence}"
        out.print(plain(line), markup=False)
    if not found.gate:
        out.print("        the manifest records no gate")


def plain(text: str) -> str:
    """A stranger's text without what a terminal would obey."""
    return "".join(character if character.isprintable() else "?" for character in text)
