"""Environments of their own, for packages that do not fit into the project's."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

_SECONDS = 540


def environment(folder: Path, *installs: Sequence[str]) -> Path:
    """The Python of a new environment into which pip installed these, one call for each.

    Skips the test if that fails or takes more than nine minutes.
    """
    python = folder / "bin" / "python"
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    commands = [[sys.executable, "-m", "venv", str(folder)], *([*pip, *one] for one in installs)]
    for command in commands:
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS)
        except subprocess.TimeoutExpired:
            pytest.skip(f"not installed within nine minutes: {command[-1]}")
        if done.returncode:
            pytest.skip(f"cannot be installed: {command[-1]}: {done.stderr[-500:]}")
    return python


def run_apart(python: Path, home: Path, *arguments: object, **own: str) -> str:
    """What the Python of another environment prints, without this one's packages and without a hub;
    its Hub cache is in `home`."""
    ours = ("HF_", "PYTHONPATH")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    offline = {"HF_HOME": str(home), "HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}
    command = [str(python), *map(str, arguments)]
    done = subprocess.run(
        command, env={**kept, **offline, **own}, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout
