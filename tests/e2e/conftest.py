import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def srt(tmp_path):
    """Runs `srt` as a user does, in `tmp_path`; no traceback may ever show."""

    def run(*arguments, env=None, expect=0):
        done = subprocess.run(
            [Path(sys.executable).with_name("srt"), *map(str, arguments)],
            cwd=tmp_path,
            env={
                **os.environ,
                "PYTHONPATH": str(ROOT),  # for `tests.scripts`
                "HF_HOME": str(tmp_path / "hf"),
                "SRT_STORE": str(tmp_path / "answers.sqlite"),
                "COLUMNS": "160",
                **(env or {}),
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == expect, done.stdout + done.stderr
        assert "Traceback" not in done.stdout + done.stderr
        return done

    return run


@pytest.fixture
def recipe(tmp_path):
    """Writes a recipe of scripted models; keyword arguments replace its top-level keys."""

    def write(**changes):
        values = {
            "name": "scripted",
            "instructions": "{builtin: stage1, limit: 40}",
            "drafts": "{kind: scripted, script: 'tests.scripts:draft'}",
            "critic": "{kind: scripted, script: 'tests.scripts:critic'}",
            **changes,
        }
        path = tmp_path / "recipe.yaml"
        path.write_text("".join(f"{key}: {value}\n" for key, value in values.items()))
        return path

    return write
