"""`srt check` as a user types it, on a release of scripted models."""

import json

from builders.gate.check import CHECKS
from builders.instructions.sources import BUILTIN_PATH
from tests.e2e.test_commands import one_line


def test_a_release_is_checked(srt, recipe, tmp_path):
    release = "releases/demo@v1.0.0"
    srt("build", "stage1", recipe())
    srt("release", "runs/scripted", "--name", "demo", "--version", "1.0.0")
    good = srt("check", release)
    assert [line.split()[1] for line in good.stdout.splitlines() if line[:1] != " "] == [*CHECKS]

    # An evaluation set that holds the built-in instructions which the run was made of.
    rows = [json.loads(line) for line in BUILTIN_PATH.read_text().splitlines()]
    (tmp_path / "prompts.txt").write_text("".join(f"{row['instruction']}\n" for row in rows))
    refused = srt("check", release, "--evaluation", "prompts.txt", expect=3)
    assert "evaluation-overlap: " in one_line(refused.stderr)

    (tmp_path / release / "manifest.json").unlink()
    assert "not a release" in one_line(srt("check", release, expect=2).stderr)


def test_help_has_an_example(srt):
    assert "Example: srt check" in srt("check", "--help").stdout
