"""`srt demo`: the main job on a fresh machine, offline but for one download."""

from pathlib import Path
from typing import Annotated

import typer

_VERSION = "1.0.0"


def demo(
    out: Annotated[Path, typer.Option(help="The folder to work in.")] = Path("srt-demo"),
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Draft with a real small model, review, refine, score, filter, and make a release.

    The instructions have answers that can be computed, so the critic needs no model. Running it
    again continues a demo that was stopped.
    """
    from pipelines.cli import console
    from pipelines.cli.build import run_build
    from pipelines.cli.release import print_loading, write_release
    from pipelines.recipe_file import load_recipe

    recipe = load_recipe(Path("demo.yaml"))
    run = run_build(recipe, out / "run")
    manifest = run.read_manifest()
    folder = out / "releases" / f"{recipe.name}@v{_VERSION}"
    if not folder.exists():
        write_release(run, manifest, name=recipe.name, version=_VERSION, out=folder.parent)
    if as_json:
        facts = {"run": str(run.folder), "release": str(folder), **manifest["funnel"]}
        console.print_json(facts)
        return
    console.print_funnel(manifest["funnel"])
    console.out.print(f"run: {run.folder}")
    console.out.print(f"release: {folder}")
    print_loading(folder)
    console.out.print(f"look at it: srt show {folder}")
