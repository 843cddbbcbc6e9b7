"""A copy of the fixtures to work in, and `srt` as it is typed there."""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from pipelines.cli import main

FOLDER = Path(__file__).parent


@pytest.fixture
def work(tmp_path, monkeypatch) -> Path:
    """The working folder: what a user of schema 1.1 has in theirs."""
    folder = tmp_path / "work"
    shutil.copytree(FOLDER, folder, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.setenv("SRT_STORE", str(tmp_path / "responses.sqlite"))
    return folder


@pytest.fixture
def srt(work, monkeypatch, capsys) -> Callable[..., SimpleNamespace]:
    """Runs a command in this process, and gives its `out` and `err`."""

    def run(*words: object, expect: int = 0) -> SimpleNamespace:
        monkeypatch.setattr(sys, "argv", ["srt", *map(str, words)])
        capsys.readouterr()
        try:
            main()
            code = 0
        except SystemExit as ended:
            code = ended.code or 0
        out, err = capsys.readouterr()
        assert code == expect, out + err
        return SimpleNamespace(out=out, err=err)

    return run


@pytest.fixture
def refused(srt) -> Callable[..., str]:
    """Runs a command that has to end with exit status 2 and one line that says why; the line."""

    def run(*words: object) -> str:
        lines = srt(*words, expect=2).err.splitlines()
        complaints = [number for number, line in enumerate(lines) if line.startswith("srt: ")]
        assert complaints == [len(lines) - 1], lines
        return lines[-1]

    return run
