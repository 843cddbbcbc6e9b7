"""docs/cli.md is what the commands say of themselves, on every terminal."""

import re
from pathlib import Path

import pytest
from typer.main import get_command

from pipelines.cli import app
from pipelines.cli.reference import cli_reference

PAGE = Path(__file__).parents[3] / "docs" / "cli.md"


def test_the_page_is_up_to_date():
    assert PAGE.read_text(encoding="utf-8") == cli_reference()


@pytest.mark.parametrize("terminal", [{"COLUMNS": "40"}, {"FORCE_COLOR": "1", "TERM": "xterm"}])
def test_the_terminal_makes_no_difference(monkeypatch, terminal):
    for name, value in terminal.items():
        monkeypatch.setenv(name, value)
    assert cli_reference() == PAGE.read_text(encoding="utf-8")


def leaves(command, name="srt"):
    for child_name, child in getattr(command, "commands", {}).items():
        yield from leaves(child, f"{name} {child_name}")
    if not hasattr(command, "commands"):
        yield name, command


@pytest.mark.parametrize(("name", "command"), [*leaves(get_command(app))])
def test_each_command_has_its_help_an_example_and_every_option(name, command):
    (section,) = re.findall(
        rf"^## {re.escape(name)}\n(.*?)(?=^## |\Z)", cli_reference(), re.MULTILINE | re.DOTALL
    )
    assert command.help.split("\n\n")[0].split()[0] in section
    assert re.search(rf"^\$ {re.escape(name)}( |$)", section, re.MULTILINE)
    rows = [line for line in section.splitlines() if line.startswith("| `")]
    assert len(rows) == len(command.params)
    for parameter, row in zip(command.params, rows, strict=True):
        assert parameter.help.split()[0] in row
        if parameter.param_type_name == "option":
            assert f"`{parameter.opts[0]}" in row
    # What is markup for the terminal is none here.
    assert "\\[" not in section
