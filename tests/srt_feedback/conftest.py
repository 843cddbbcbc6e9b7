"""A user's folder: two finished runs, two releases, and a Hub that has both."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.running_hub import RunningHub, running_hub

ROOT = Path(__file__).parents[2]
INSTRUCTIONS = [f"Why does a {thing} float?" for thing in ("ship", "cork", "balloon", "cloud")]


@dataclass(frozen=True)
class Place:
    """The folder, and Python in it as a user starts it: in a process of its own."""

    folder: Path
    hub: RunningHub

    def python(self, code: str, *, fails: bool = False, **environment: str) -> str:
        """What `code` prints, or the last line of its traceback where it has to fail."""
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=self.folder,
            env={
                **os.environ,
                **self.hub.env,
                "HF_HOME": str(self.folder / "hf"),
                "SRT_STORE": str(self.folder / "answers.sqlite"),
                "PYTHONPATH": str(ROOT),  # for `tests.scripts`
                **environment,
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert (done.returncode != 0) is fails, done.stdout + done.stderr
        return done.stderr.strip().splitlines()[-1] if fails else done.stdout.strip()


def write_recipe(folder: Path, count: int) -> None:
    """`my-feedback.yaml` with its instructions, and scripted models."""
    rows = [{"instruction": text} for text in INSTRUCTIONS[:count]]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / "my_instructions.jsonl").write_text(lines)
    recipe = {
        "name": "my-feedback",
        "instructions": {"path": "my_instructions.jsonl", "license": "cc-by-4.0"},
        "license": "cc-by-4.0",
        "drafts": {"kind": "scripted", "script": "tests.scripts:draft"},
        "critic": {"kind": "scripted", "script": "tests.scripts:good_critic"},
    }
    (folder / "my-feedback.yaml").write_text(yaml.safe_dump(recipe))


BUILD = """
import srt_feedback
run = srt_feedback.build("my-feedback.yaml", {run!r})
release = srt_feedback.release(run, name="my-feedback", version={version!r})
srt_feedback.publish(release, "my-org/my-feedback")
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """my-feedback 1.0.0 of three instructions and 1.1.0 of four, both on a Hub."""
    folder = tmp_path_factory.mktemp("place")
    with running_hub(folder / "hub") as hub:
        place = Place(folder, hub)
        for count, version in ((3, "1.0.0"), (4, "1.1.0")):
            write_recipe(folder, count)
            place.python(BUILD.format(run=f"runs/of-{count}", version=version))
        yield place
