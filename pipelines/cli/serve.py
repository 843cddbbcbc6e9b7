"""`srt serve`: the embedded servers, for this machine only."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Run an embedded server on this machine.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keeps `hub` a command of its own while it is the only one."""


@app.command(epilog="Example: srt serve hub --dir my-hub")
def hub(
    folder: Annotated[Path, typer.Option("--dir", help="Where the repositories are kept.")],
    port: Annotated[int, typer.Option(help="0 takes a free one.", min=0, max=65535)] = 8100,
    token_file: Annotated[
        Path | None,
        typer.Option(help="A file with the token that writing needs. [default: none needed]"),
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
