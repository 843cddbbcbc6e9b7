"""README's chain of both stages, command by command, with the real model and few rows."""

import os
import shlex
import subprocess
import sys

import pytest

from tests.e2e.test_readme import ROOT, marked

# What makes each command small. Trained on so little the model writes no review that can be read:
# its part in stage 2 is played by a script, and the figures mean nothing.
SCRIPTED = "{kind: scripted, script: 'tests.scripts:trained'}"
SMALL = {
    "srt build stage1": [
        "instructions.verifiable=16",
        "drafts.max_new_tokens=24",
        "filters.keep_truncated_drafts=true",
    ],
    "srt build stage2": [
        "instructions.verifiable=16",
        f"drafts={SCRIPTED}",
        f"critic={SCRIPTED}",
    ],
    "python train/": ["--max_steps", "2", "--per_device_train_batch_size", "2"],
    "srt generate": ["--max-new-tokens", "16"],
}


@pytest.mark.xdist_group("embedded")
def test_both_stages_from_release_to_release(srt, tmp_path):
    (tmp_path / "train").symlink_to(ROOT / "train")
    commands = marked("method").splitlines()
    assert len(commands) == 7
    for command in commands:
        program, *words = shlex.split(command)
        more = next((more for start, more in SMALL.items() if command.startswith(start)), [])
        if program == "srt":
            done = srt(*words, *more)
        else:
            done = subprocess.run(
                [sys.executable, *words, *more],
                cwd=tmp_path,
                env={**os.environ, "HF_HOME": str(tmp_path / "hf")},
                capture_output=True,
                text=True,
                check=False,
                timeout=300,
            )
            assert done.returncode == 0, done.stdout + done.stderr
    assert "Name the capital city of Portugal." in done.stdout
    assert (tmp_path / "checkpoints/stage2-embedded/training.json").is_file()
