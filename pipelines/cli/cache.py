"""`srt cache`: the store of paid answers."""

from typing import Annotated

import typer

from builders.wording import counted
from pipelines.cli.options import AsJson, StorePath

app = typer.Typer(help="Inspect or prune the store of paid answers.", no_args_is_help=True)


@app.command(epilog="Example: srt cache stats")
def stats(store: StorePath = None, as_json: AsJson = False) -> None:
    """Show how many answers are stored, of which models, and their size on disk."""
    from dataclasses import asdict

    from pipelines.cli import console
    from pipelines.llms.store import CompletionStore, default_store_path

    opened = CompletionStore(store or default_store_path())
    stats = opened.stats()
    if as_json:
        console.print_json({"store": str(opened.path), **asdict(stats)})
        return
    answers = counted(stats.completions, "answer")
    console.out.print(f"{opened.path}: {answers}, {stats.bytes / 1e6:.1f} MB")
    for model, count in stats.by_model.items():
        console.out.print(f"{count:>10,}  {model}")


@app.command(epilog="Example: srt cache prune --older-than-days 90")
def prune(
    store: StorePath = None,
    older_than_days: Annotated[
        float | None, typer.Option(help="Delete only answers older than this.")
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="Delete only the answers of this model.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Delete every answer.")] = False,
) -> None:
    """Delete answers. A run that needs them again pays for them again."""
    from builders.errors import BadInput
    from pipelines.cli import console
    from pipelines.llms.store import CompletionStore, default_store_path

    if older_than_days is None and model is None and not everything:
        raise BadInput("say what to delete: --older-than-days, --model, or --all")
    opened = CompletionStore(store or default_store_path())
    deleted = opened.prune(older_than_days=older_than_days, model=model)
    console.out.print(f"{opened.path}: {counted(deleted, 'answer')} deleted")


@app.command(epilog="Example: srt cache repair")
def repair(store: StorePath = None) -> None:
    """Keep the answers of a damaged store that are whole. The old file stays, as FILE.damaged."""
    from builders.errors import BadInput
    from pipelines.cli import console
    from pipelines.llms import store as stores

    path = store or stores.default_store_path()
    if not path.is_file():
        raise BadInput(f"{path}: no such file")
    kept, lost = stores.repair(path)
    console.out.print(f"{path}: {counted(kept, 'answer')} kept, {lost:,} could not be read")
