"""The `srt` command line. Commands import what they need when they run: `--help` is instant."""

import gc
import sys

import typer
from typer.core import TyperGroup

from builders.errors import SrtError
from cards.printable import printable
from pipelines.cli import (
    audit,
    build,
    cache,
    check,
    demo,
    evaluate,
    generate,
    publish,
    recipe,
    release,
    review,
    serve,
    show,
    status,
    verify,
    view,
    withdraw,
)

# In the order in which they are used.
_COMMANDS = (
    "demo",
    "recipe",
    "build",
    "status",
    "show",
    "view",
    "generate",
    "review",
    "release",
    "check",
    "publish",
    "verify",
    "withdraw",
    "audit",
    "evaluate",
    "serve",
    "cache",
)


class _InOrder(TyperGroup):
    def list_commands(self, _: object) -> list[str]:
        return list(_COMMANDS)


app = typer.Typer(
    name="srt",
    cls=_InOrder,
    help="Build and release language-feedback datasets for Self-Refinement Tuning.",
    epilog="Example: srt demo",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
app.add_typer(audit.app, name="audit")
app.add_typer(build.app, name="build")
app.add_typer(cache.app, name="cache")
app.add_typer(review.app, name="review")
app.add_typer(serve.app, name="serve")
app.command(epilog="Example: srt demo --out my-demo")(demo.demo)
app.command(epilog="Example: srt recipe stage1-openai > my-feedback.yaml")(recipe.recipe)
app.command(epilog="Example: srt status runs/stage1-openai")(status.status)
app.command(epilog="Example: srt show releases/my-feedback@v1.0.0 --n 5")(show.show)
app.command(epilog="Example: srt view runs/stage1-openai")(view.view)
app.command(
    epilog='Example: srt generate checkpoints/stage1-embedded "How many r are in strawberry?"'
)(generate.generate)
app.command(epilog="Example: srt release runs/stage1-openai --name my-feedback --version 1.0.0")(
    release.release
)
app.command(epilog="Example: srt check releases/my-feedback@v1.0.0 --evaluation prompts.jsonl")(
    check.check
)
app.command(epilog="Example: srt publish releases/my-feedback@v1.0.0 --repo my-org/my-feedback")(
    publish.publish
)
app.command(epilog="Example: srt evaluate --annotations annotations.json")(evaluate.evaluate)
app.command(epilog="Example: srt verify my-org/my-feedback@v1.0.0")(verify.verify)
app.command(
    epilog='Example: srt withdraw my-org/my-feedback@v1.0.0 --reason "its test rows were in train"'
)(withdraw.withdraw)


def main() -> None:
    """Run `srt`. An error that the user can act on is one line, and sets the exit status."""
    # Imports make a million objects that stay; by default every 700th is a reason to look for
    # garbage among them, which takes half a second.
    gc.set_threshold(20_000, 20, 20)
    try:
        app()
    except SrtError as error:
        print(printable(f"srt: {error}"), file=sys.stderr)
        sys.exit(error.exit_code)
    except OSError as error:
        print(printable(f"srt: {_explain(error)}"), file=sys.stderr)
        sys.exit(1)


def _explain(error: OSError) -> str:
    """The operating system's error in one line; for a full disk, that nothing is lost."""
    reason = error.strerror or str(error)
    if "No space left" in reason:
        # Files are written whole or not at all, so there is nothing to clean up.
        return "no space left on the disk; nothing is lost: free some, and repeat the command"
    return f"{error.filename}: {reason}" if error.filename else reason
