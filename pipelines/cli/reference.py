"""Writes docs/cli.md from the commands and their --help texts.

python -m pipelines.cli.reference > docs/cli.md
"""

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

from typer.main import get_command
from typer.models import ArgumentInfo, ParameterInfo

from pipelines.cli import app

_INTRODUCTION = """\
# The command line

Every command has `--help`, and writes results to stdout, progress and messages to stderr; `--json`
prints results for programs. Progress bars are shown only on a terminal.

| exit status | means |
|---|---|
| 0 | done |
| 1 | a run, an upload or a server failed; the same command continues where it can |
| 2 | the input is wrong (a recipe, key, path, model or token), and nothing was started |
| 3 | the gate refuses the release, or a published release does not hold |

| environment variable | is |
|---|---|
| `SRT_STORE` | the file in which paid answers are kept |
| `SRT_CACHE` | the folder of everything that is downloaded once |
| `HF_ENDPOINT`, `HF_TOKEN` | the Hub's address and token |
| `ARGILLA_API_URL`, `ARGILLA_API_KEY` | the Argilla server's address and your key |

API keys of models are in the variables that a recipe names (`api_key_env`).

This page is generated from the commands: `python -m pipelines.cli.reference > docs/cli.md`.
"""

_TYPES = {Path: "PATH", int: "INTEGER", float: "NUMBER"}


def cli_reference() -> str:
    """The whole page, in Markdown; the same for every terminal."""
    commands = list(_commands(get_command(app), "srt"))
    overview = [
        f"| [`{name}`](#{name.replace(' ', '-')}) | {_one_line(_paragraphs(command)[0])} |"
        for name, command in commands
    ]
    sections = [_section(name, command) for name, command in commands]
    table = ["| command | does |", "|---|---|", *overview, ""]
    return "\n".join([_INTRODUCTION, *table, *sections])


def _commands(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    """(full name, command) of each command that does something, in the order of --help."""
    if not hasattr(command, "commands"):
        yield name, command
        return
    for child in command.list_commands(None):
        yield from _commands(command.commands[child], f"{name} {child}")


def _section(name: str, command: Any) -> str:
    """A heading, the help text, the example, and a table of arguments and options."""
    example = command.epilog.removeprefix("Example: ")
    lines = [f"## {name}", "", "\n\n".join(_paragraphs(command)), ""]
    lines += ["```console", f"$ {example}", "```", ""]
    annotations = inspect.get_annotations(inspect.unwrap(command.callback))
    rows = [_row(parameter, annotations[parameter.name]) for parameter in command.params]
    lines += ["| argument or option | default | meaning |", "|---|---|---|", *rows, ""]
    return "\n".join(lines)


def _row(parameter: Any, annotation: Any) -> str:
    type_, info = get_args(annotation)
    meaning = _one_line(parameter.help)
    if parameter.envvar:
        meaning += f" Also read from `{parameter.envvar}`."
    cells = (f"`{_name(parameter, type_, info)}`", _default(parameter), meaning)
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _name(parameter: Any, type_: Any, info: ParameterInfo) -> str:
    """An argument, or an option and its value, as they are typed."""
    if isinstance(info, ArgumentInfo):
        several = "..." if parameter.nargs == -1 else ""
        return f"{parameter.metavar or parameter.name.upper()}{several}"
    option = parameter.opts[0]
    return option if type_ is bool else f"{option} {parameter.metavar or _value(type_, info)}"


def _value(type_: Any, info: ParameterInfo) -> str:
    """What stands for the value of an option: its type, with its bounds."""
    name = next((name for kind, name in _TYPES.items() if kind in _members(type_)), "TEXT")
    low = "" if info.min is None else f" ≥ {info.min}"
    return name + low + ("" if info.max is None else f", ≤ {info.max}")


def _members(type_: Any) -> set[Any]:
    """The plain types in `list[Path] | None` and the like."""
    return {type_}.union(*(_members(member) for member in get_args(type_)))


def _default(parameter: Any) -> str:
    if parameter.required:
        return "required"
    if isinstance(parameter.show_default, str):
        return parameter.show_default
    if parameter.default is None or parameter.default is False:
        return ""
    return f"`{parameter.default}`"


def _paragraphs(command: Any) -> list[str]:
    return re.split(r"\n\s*\n", inspect.cleandoc(command.help))


def _one_line(text: str) -> str:
    return " ".join(text.split())


if __name__ == "__main__":
    print(cli_reference(), end="")
