"""`srt serve`: the embedded servers, on the loopback interface only."""

import shlex
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from builders.errors import BadInput

if TYPE_CHECKING:
    from services.argilla.server import Serving

app = typer.Typer(help="Run an embedded server on this machine.", no_args_is_help=True)

Port = Annotated[int, typer.Option(help="The port; 0 takes a free one.", min=0, max=65535)]


@app.command(epilog="Example: srt serve hub --dir my-hub")
def hub(
    folder: Annotated[Path, typer.Option("--dir", help="The folder of the repositories.")],
    port: Port = 8100,
    token_file: Annotated[
        Path | None,
        typer.Option(help="A file with the token for writing.", show_default="no token needed"),
    ] = None,
    read_token_file: Annotated[
        Path | None, typer.Option(help="A file with a token that only allows reading.")
    ] = None,
) -> None:
    """Run a Hub that the Hugging Face clients publish to and load from, until Ctrl-C.

    In a browser, a dataset's page shows its rows, its card and its files.
    """
    from pipelines.view.in_hub import PREVIEW
    from services.hub.access import Tokens
    from services.hub.server import serve

    if read_token_file is not None and token_file is None:
        raise BadInput("--read-token-file: without --token-file, reading needs no token")
    tokens = Tokens(_token(token_file), _token(read_token_file))
    serve(folder, port, tokens, lambda url: _announce(url, token_file), PREVIEW)


@app.command(epilog="Example: srt serve argilla --dir my-argilla")
def argilla(
    folder: Annotated[Path, typer.Option("--dir", help="The folder of the server's data.")],
    port: Port = 6900,
) -> None:
    """Run an Argilla server for reviews, until Ctrl-C.

    The first use installs it into a separate environment in the user's cache ($SRT_CACHE).
    """
    from pipelines.cli.console import notify
    from services.argilla.server import serve
    from services.model.embedded import cache_dir

    serve(folder, port, cache_dir(), _announce_argilla, notify)


class Answers(StrEnum):
    """What the server answers with."""

    refinement = "refinement"
    draft = "draft"


@app.command(epilog="Example: srt serve model checkpoints/stage2-embedded")
def model(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            help="A checkpoint folder, ORG/NAME@REVISION, `embedded`, or a model block in YAML.",
        ),
    ],
    answer: Annotated[
        Answers,
        typer.Option(
            help="Answer with the refinement after the model's own critique, or with the draft."
        ),
    ] = Answers.refinement,
    rounds: Annotated[
        int, typer.Option(min=1, max=10, help="How many times the answer is refined.")
    ] = 1,
    max_new_tokens: Annotated[
        int,
        typer.Option(
            min=1,
            help="The most tokens of each reply, where neither YAML nor the client says otherwise.",
        ),
    ] = 512,
    port: Port = 8200,
) -> None:
    """Answer clients of OpenAI's API by draft, critique and refinement, until Ctrl-C.

    The draft, the critique and its score are under `srt` in each choice. Where the critique cannot
    be read, the answer is the draft, and the reason is beside it.
    """
    from pipelines.cli import console
    from services.chat.server import bound, serve

    if answer is Answers.draft and rounds != 1:
        raise BadInput("--rounds: a draft is not refined")
    # The port first: a model takes a while to load.
    with bound(port) as listener:
        from pipelines.evaluation.models import model_of

        asked = model_of(model, max_new_tokens)
        with console.working(f"{asked.name} is loaded"):
            from pipelines.serving.refiner import Refiner

            refiner = Refiner(asked, refine=answer is Answers.refinement, rounds=rounds)
        try:
            serve(refiner, listener, lambda url: _announce_model(refiner.name, url))
        finally:
            refiner.close()


def _announce_model(name: str, url: str) -> None:
    # Plain print, as below.
    print(f"model: {url} (Ctrl-C stops it)", flush=True)
    print(f"export OPENAI_BASE_URL={url} OPENAI_API_KEY=none  # model={name}", flush=True)


def _announce_argilla(serving: "Serving") -> None:
    # Plain print: the console could wrap a line, which then could not be pasted.
    print(f"argilla: {serving.url} (Ctrl-C stops it)", flush=True)
    if serving.password is not None:
        key = serving.key_file.read_text().strip()
        print(f"sign in as {serving.owner} with the password {serving.password}", flush=True)
        print(f"the API key is {key}; shown only once, {_kept(serving)}", flush=True)
    else:
        print(f"sign in as {serving.owner}; {_kept(serving)}", flush=True)
    key_file = shlex.quote(str(serving.key_file))
    print(f'export ARGILLA_API_URL={serving.url} ARGILLA_API_KEY="$(cat {key_file})"', flush=True)


def _kept(serving: "Serving") -> str:
    return f"both are in {serving.password_file} and {serving.key_file.name} beside it"


def _announce(url: str, token_file: Path | None) -> None:
    # Plain print, as above.
    token = f' HF_TOKEN="$(cat {shlex.quote(str(token_file))})"' if token_file else ""
    print(f"hub: {url} (Ctrl-C stops it)", flush=True)
    print(f"export HF_ENDPOINT={url} HF_HUB_DISABLE_XET=1{token}", flush=True)


def _token(path: Path | None) -> str | None:
    """The token in a file of one line; BadInput if it cannot be one."""
    if path is None:
        return None
    try:
        token = path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not text"
        raise BadInput(f"{path}: cannot read the token: {reason}") from None
    if not token or len(token.split()) != 1 or not token.isascii():
        raise BadInput(f"{path}: a token is one word of ASCII characters")
    return token
