"""`srt cache`: the store of paid answers."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Look at or trim the store of paid answers.", no_args_is_help=True)

StorePath = Annotated[
    Path | None,
    typer.Option(
        envvar="SRT_STORE",
        help="Where paid answers are kept. [default: responses.sqlite in the user's cache]",
        show_default=False,
    ),
]


def store_path(given: Path | None) -> Path:
    """The store to use: the one given, or the one all runs of this user share."""
    from pipelines.embedded import cache_dir

    return given or cache_dir() / "responses.sqlite"


@app.command(epilog="Example: srt cache stats")
def stats(
    store: StorePath = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Show how many answers are kept, of which models, and the space they take."""
    from dataclasses import asdict

    from pipelines.cli import console
    from pipelines.llms.store import ResponseStore

    opened = ResponseStore(store_path(store))
    facts = opened.stats()
    if as_json:
        console.print_json({"store": str(opened.path), **asdict(facts)})
        return
    console.out.print(f"{opened.path}: {facts.completions:,} answers, {facts.bytes / 1e6:.1f} MB")
    for model, count in facts.by_model.items():
        console.out.print(f"{count:>10,}  {model}", markup=False)


@app.command(epilog="Example: srt cache prune --older-than-days 90")
def prune(
    store: StorePath = None,
    older_than_days: Annotated[float | None, typer.Option(help="Only answers this old.")] = None,
    model: Annotated[str | None, typer.Option(help="Only answers of this model.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every answer there is.")] = False,
) -> None:
    """Delete answers; a run that needs them again has to pay for them again."""
    from builders.errors import BadInput
    from pipelines.cli import console
    from pipelines.llms.store import ResponseStore

    if older_than_days is None and model is None and not everything:
        raise BadInput("say what to delete: --older-than-days, --model, or --all")
    opened = ResponseStore(store_path(store))
    deleted = opened.prune(older_than_days=older_than_days, model=model)
    console.out.print(f"{opened.path}: {deleted:,} answers deleted")
