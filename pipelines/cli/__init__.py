"""The `srt` command line. Commands import what they need when they run: `--help` is instant."""

import sys

import typer

from builders.errors import SrtError
from pipelines.cli import (
    build,
    cache,
    check,
    demo,
    generate,
    publish,
    release,
    review,
    serve,
    show,
    status,
    verify,
)

app = typer.Typer(
    name="srt",
    help="Build and release language-feedback datasets for Self-Refinement Tuning.",
    epilog="Example: srt demo",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
app.add_typer(build.app, name="build")
app.add_typer(cache.app, name="cache")
app.add_typer(review.app, name="review")
app.add_typer(serve.app, name="serve")
app.command(epilog="Example: srt demo --out my-demo")(demo.demo)
app.command(epilog="Example: srt status runs/stage1-openai")(status.status)
app.command(epilog="Example: srt release runs/stage1-openai --name my-feedback --version 1.0.0")(
    release.release
)
app.command(epilog="Example: srt check releases/my-feedback@v1.0.0 --evaluation prompts.jsonl")(
    check.check
)
app.command(epilog="Example: srt publish releases/my-feedback@v1.0.0 --repo my-org/my-feedback")(
    publish.publish
)
app.command(epilog="Example: srt verify my-org/my-feedback@v1.0.0")(verify.verify)
app.command(epilog="Example: srt show releases/my-feedback@v1.0.0 --n 5")(show.show)

app.command(
    epilog='Example: srt generate checkpoints/stage1-embedded "How many r are in strawberry?"'
)(generate.generate)


def main() -> None:
    """Run `srt`. What the user can act on ends as one line and the error's exit status."""
    try:
        app()
    except SrtError as error:
        print(f"srt: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except OSError as error:
        print(f"srt: {_say(error)}", file=sys.stderr)
        sys.exit(1)


def _say(error: OSError) -> str:
    """The operating system's complaint, and what a full disk means for the user's work."""
    reason = error.strerror or str(error)
    if "No space left" in reason:
        # Files are written whole or not at all, so nothing has to be cleaned up.
        return "no space left on the disk; nothing is lost, the same command continues with room"
    return f"{error.filename}: {reason}" if error.filename else reason
