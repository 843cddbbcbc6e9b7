"""`srt release`: from complete runs to an immutable folder."""

import json
from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.check import Allow, Evaluation, Reason, allowances, print_checks


def release(
    runs: Annotated[list[Path], typer.Argument(help="Complete run folders, of one stage.")],
    name: Annotated[str, typer.Option(help="The dataset's name.")],
    version: Annotated[str, typer.Option(help="A semantic version, such as 1.0.0.")],
    out: Annotated[Path, typer.Option(help="Where releases are kept.")] = Path("releases"),
    parent: Annotated[
        str | None,
        typer.Option(
            help="The release before this one, or 'none'; else the latest of its name in OUT."
        ),
    ] = None,
    review: Annotated[
        list[Path] | None,
        typer.Option(
            help="A review folder, or the run or release that was reviewed; may be repeated.",
            show_default=False,
        ),
    ] = None,
    evaluation: Evaluation = None,
    allow: Allow = None,
    reason: Reason = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Write NAME@vVERSION: parquet, card, changelog and manifest, if the gate lets it pass.

    What people said in a --review goes along, and rows that they found wrong are dropped or
    corrected, as the recipe's `review:` block says.
    """
    from builders.gate.gate import ReleaseGate
    from builders.gate.settings import GateSettings
    from builders.release.make import release_runs
    from builders.review.folder import open_review
    from builders.run import open_complete_run
    from pipelines.cli import console

    opened = [open_complete_run(run) for run in runs]
    reviews = [open_review(folder) for folder in review or []]
    total = sum(manifest.get("funnel", {}).get("rows", 0) for _, manifest in opened)
    stages = {"splitting": total, "writing": total, "checking": None}
    with console.RowsProgress(stages) as progress:
        gate = ReleaseGate(
            # The runs agree in it: `release_runs` sees to that.
            GateSettings.of(opened[0][1].get("gate")),
            evaluation_sets=evaluation or [],
            allowed=allowances(allow, reason),
            progress=progress,
        )
        folder = release_runs(
            opened,
            name=name,
            version=version,
            out=out,
            parent=Path(parent) if parent not in (None, "none") else parent,
            reviews=reviews,
            transform=gate.transform,
            check=gate.check,
            progress=progress,
        )
    checks = json.loads((folder / "manifest.json").read_text())["gate"]["checks"]
    if as_json:
        console.print_json({"release": str(folder), "checks": checks})
        return
    print_checks(checks)
    console.out.print(f"release: {folder}")
    print_loading(folder)


def print_loading(folder: Path) -> None:
    """The lines that load a release, to be pasted into Python."""
    from pipelines.cli.console import out

    out.print("load it with:")
    out.print("  from datasets import load_dataset")
    stage = json.loads((folder / "manifest.json").read_text())["stage"]
    config, column = {1: ("feedback", "critique"), 2: ("preferences", "chosen")}[stage]
    out.print(f'  {config} = load_dataset("{folder.resolve()}", "{config}", split="train")')
    out.print(f'  print({config}[0]["{column}"])')
