"""`srt serve`: the embedded servers, for this machine only."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from services.argilla.server import Serving

app = typer.Typer(help="Run an embedded server on this machine.", no_args_is_help=True)


@app.command(epilog="Example: srt serve hub --dir my-hub")
def hub(
    folder: Annotated[Path, typer.Option("--dir", help="Where the repositories are kept.")],
    port: Annotated[int, typer.Option(help="0 takes a free one.", min=0, max=65535)] = 8100,
    token_file: Annotated[
        Path | None,
        typer.Option(help="A file with the token that writing needs. \\[default: none needed]"),
    ] = None,
    read_token_file: Annotated[
        Path | None, typer.Option(help="A file with a token that may only read.")
    ] = None,
) -> None:
    """A Hub that the Hugging Face clients publish to and load from, until Ctrl-C."""
    from builders.errors import BadInput
    from services.hub.access import Tokens
    from services.hub.errors import CannotStart
    from services.hub.server import serve

    if read_token_file is not None and token_file is None:
        raise BadInput("--read-token-file: without --token-file nobody needs a token to read")
    try:
        tokens = Tokens(_token(token_file), _token(read_token_file))
        serve(folder, port, tokens, lambda url: _announce(url, token_file))
    except CannotStart as error:
        raise BadInput(str(error)) from None


@app.command(epilog="Example: srt serve argilla --dir my-argilla")
def argilla(
    folder: Annotated[Path, typer.Option("--dir", help="Where the reviews are kept.")],
    port: Annotated[int, typer.Option(help="0 takes a free one.", min=0, max=65535)] = 6900,
) -> None:
    """An Argilla server that people review in and the Argilla client talks to, until Ctrl-C.

    The first use installs it into an environment of its own in the user's cache ($SRT_CACHE).
    """
    from builders.errors import BadInput, RunFailed
    from pipelines.embedded import cache_dir
    from services.argilla.errors import CannotStart, Failed
    from services.argilla.server import serve

    try:
        serve(folder, port, cache_dir(), _announce_argilla, _tell)
    except CannotStart as error:
        raise BadInput(str(error)) from None
    except Failed as error:
        raise RunFailed(str(error)) from None


def _announce_argilla(serving: "Serving") -> None:
    # Not the console's print: a wrapped line could not be pasted.
    print(f"argilla: {serving.url} (Ctrl-C ends it)", flush=True)
    if serving.password is not None:
        key = serving.key_file.read_text().strip()
        print(f"sign in as {serving.owner} with the password {serving.password}", flush=True)
        print(f"the API key is {key}; this is said once, {_kept(serving)}", flush=True)
    else:
        print(f"sign in as {serving.owner}; {_kept(serving)}", flush=True)
    key_file = shlex.quote(str(serving.key_file))
    print(f'export ARGILLA_API_URL={serving.url} ARGILLA_API_KEY="$(cat {key_file})"', flush=True)


def _kept(serving: "Serving") -> str:
    return f"both are kept in {serving.password_file} and {serving.key_file.name} beside it"


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _announce(url: str, token_file: Path | None) -> None:
    # Not the console's print: a wrapped line could not be pasted.
    token = f' HF_TOKEN="$(cat {shlex.quote(str(token_file))})"' if token_file else ""
    print(f"hub: {url} (Ctrl-C ends it)", flush=True)
    print(f"export HF_ENDPOINT={url} HF_HUB_DISABLE_XET=1{token}", flush=True)


def _token(path: Path | None) -> str | None:
    """The one line that the file holds."""
    from builders.errors import BadInput

    if path is None:
        return None
    try:
        token = path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise BadInput(f"{path}: the token cannot be read: {reason}") from None
    if not token or len(token.split()) != 1 or not token.isascii():
        raise BadInput(f"{path}: a token is one word of ASCII characters")
    return token
