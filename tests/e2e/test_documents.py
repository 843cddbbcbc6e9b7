"""What the documents name exists: files, folders, links, commands with their options, keys."""

import re
import shlex
from pathlib import Path

import pytest
import typer

from pipelines.cli import app

ROOT = Path(__file__).parents[2]
GENERATED = ("cli.md", "recipe.md")
# The changelog names what was; the generated pages have tests of their own.
PAGES = sorted(
    path
    for path in (*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"))
    if path.name not in ("CHANGELOG.md", *GENERATED)
)
# Folders that using the project makes.
MADE = ("runs", "releases", "reviews", "checkpoints", "audits")
TOPS = {path.name for path in ROOT.iterdir() if path.is_dir()} - {*MADE}


@pytest.fixture(params=PAGES, ids=lambda path: path.name)
def page(request):
    return request.param


def test_links_lead_somewhere(page):
    for link in re.findall(r"\]\((?!https?:)([^)#\s]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / link).exists(), link


def test_paths_exist(page):
    for path in re.findall(r"`([\w./-]+/[\w./-]*)`", page.read_text(encoding="utf-8")):
        if path.split("/")[0] in TOPS:
            assert (ROOT / path).exists(), path


def commands(text):
    for block in re.findall(r"```(?:bash|console)?\n(.*?)```", text, flags=re.S):
        for line in block.replace("\\\n", " ").splitlines():
            line = re.sub(r"^\w+\$ +", "", line).split("&&")[-1].strip()
            if line.startswith("srt "):
                yield line.split(" #")[0]
    yield from re.findall(r"`(srt [^`]+)`", text)


def test_commands_and_options_exist(page):
    root = typer.main.get_command(app)
    for line in commands(page.read_text(encoding="utf-8")):
        words, command = shlex.split(line, comments=True)[1:], root
        while words and words[0] in getattr(command, "commands", {}):
            command = command.commands[words.pop(0)]
        # "srt review push|pull|report" names three.
        if words and hasattr(command, "commands"):
            assert set(re.split(r"[|,]", words[0])) <= {*command.commands}, line
            continue
        options = {option for parameter in command.params for option in parameter.opts} | {"--help"}
        used = {word.split("=")[0] for word in words if word.startswith("--")}
        assert used <= options, line
