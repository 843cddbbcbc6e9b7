"""`srt release`: from complete runs to an immutable folder."""

import json
from pathlib import Path
from typing import Annotated

import typer


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
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Write NAME@vVERSION: parquet, card, changelog and manifest."""
    from builders.run import open_complete_run
    from pipelines.cli import console

    opened = [open_complete_run(run) for run in runs]
    folder = write_releases(opened, name=name, version=version, out=out, parent=parent)
    if as_json:
        console.print_json({"release": str(folder)})
        return
    console.out.print(f"release: {folder}")
    print_loading(folder)


def write_release(opened, manifest, *, name: str, version: str, out: Path) -> Path:
    """Make the release of one run, with progress on stderr."""
    return write_releases([(opened, manifest)], name=name, version=version, out=out)


def write_releases(runs, *, name: str, version: str, out: Path, parent: str | None = None) -> Path:
    """Make the release of several runs, with progress on stderr."""
    from builders.release.make import release_runs
    from pipelines.cli.console import RowsProgress

    chosen = Path(parent) if parent not in (None, "none") else parent
    total = sum(manifest.get("funnel", {}).get("rows", 0) for _, manifest in runs)
    with RowsProgress(["splitting", "writing"], total) as progress:
        return release_runs(
            runs, name=name, version=version, out=out, parent=chosen, progress=progress
        )


def print_loading(folder: Path) -> None:
    """The lines that load a release, to be pasted into Python."""
    from pipelines.cli.console import out

    out.print("load it with:")
    out.print("  from datasets import load_dataset")
    stage = json.loads((folder / "manifest.json").read_text())["stage"]
    config, column = {1: ("feedback", "critique"), 2: ("preferences", "chosen")}[stage]
    out.print(f'  {config} = load_dataset("{folder.resolve()}", "{config}", split="train")')
    out.print(f'  print({config}[0]["{column}"])')
