"""`srt recipe`: the recipes that come with this package, to copy and edit."""

import sys
from typing import Annotated

import typer


def recipe(
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="A shipped recipe.", show_default="a list of them"),
    ] = None,
) -> None:
    """Print a shipped recipe, so that `srt recipe NAME > my.yaml` makes one to edit."""
    from pipelines.cli.console import out
    from pipelines.recipe.file import shipped_recipe, shipped_recipes

    if name is not None:
        # As it is in the file: the console would break lines.
        sys.stdout.write(shipped_recipe(name).read_text(encoding="utf-8"))
        return
    for path in shipped_recipes():
        first = path.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")
        out.print(f"{path.stem:16}  {first}")
