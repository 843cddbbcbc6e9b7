"""The whole method on one machine: release, stage 1, release of its own critiques, stage 2.

Every step is a command that a user could type, in a process of its own; it leaves a run, a
release or a checkpoint. A step whose result is there is not taken again, and one that was
stopped is continued.
"""

import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from builders.errors import RunFailed
from builders.run import Run

Say = Callable[[str], None]
Values = Mapping[str, object]

_VERSION = "1.0.0"
_TRAIN = Path(__file__).parent.parent / "train"


@dataclass(frozen=True)
class Loop:
    """What is made in `out`: how many instructions each stage draws, and the train scripts' keys.

    `stage1` and `stage2` override keys of the recipes of those runs.
    """

    out: Path
    stage1: Values = field(default_factory=dict)
    stage2: Values = field(default_factory=dict)
    train1: Values = field(default_factory=dict)
    train2: Values = field(default_factory=dict)

    def run(self, number: int) -> Path:
        return self.out / "runs" / f"stage{number}"

    def release(self, number: int) -> Path:
        return self.out / "releases" / f"stage{number}@v{_VERSION}"

    def checkpoint(self, number: int) -> Path:
        return self.out / "checkpoints" / f"stage{number}"


def run_loop(loop: Loop, say: Say) -> bool:
    """Take every step that has not been taken; RunFailed where one fails.

    False where the model scored none of its refinements higher than its drafts: there is nothing
    to train stage 2 on.
    """
    make_release(loop, 1, say)
    train(loop, 1, say, loop.train1)
    make_run(loop, 2, say)
    if not Run(loop.run(2)).read_manifest()["funnel"]["kept"]:
        return False
    make_release(loop, 2, say)
    train(loop, 2, say, {"model_name_or_path": loop.checkpoint(1), **loop.train2})
    return True


def make_run(loop: Loop, number: int, say: Say) -> None:
    """The run of a stage."""
    run = loop.run(number)
    if not (run / "manifest.json").exists():
        recipe = f"stage{number}-embedded.yaml"
        values = {1: loop.stage1, 2: loop.stage2}[number]
        model = [] if number == 1 else ["--model", str(loop.checkpoint(1))]
        words = [recipe, *assignments(values), *model, "--out", str(run)]
        srt(say, "build", f"stage{number}", *words)


def make_release(loop: Loop, number: int, say: Say) -> None:
    """The run of a stage, and its release."""
    make_run(loop, number, say)
    run, release = loop.run(number), loop.release(number)
    if not release.exists():
        name = ["--name", f"stage{number}", "--version", _VERSION, "--out", str(release.parent)]
        srt(say, "release", str(run), *name)


def srt(say: Say, *words: str) -> None:
    """Run an `srt` command; RunFailed unless it succeeds."""
    say("srt " + shlex.join(words))
    _run([sys.executable, "-m", "pipelines", *words], f"srt {words[0]}")


def assignments(values: Values) -> list[str]:
    return [f"{key}={value}" for key, value in values.items()]


def train(loop: Loop, number: int, say: Say, values: Values) -> None:
    """The checkpoint of a stage; `values` override keys of the train script's recipe."""
    train_into(loop.checkpoint(number), number, {"release": loop.release(number), **values}, say)


def train_into(checkpoint: Path, number: int, values: Values, say: Say) -> None:
    """Train a stage's embedded recipe with `values` over it, unless that was done."""
    if (checkpoint / "training.json").exists():
        return
    script = _TRAIN / f"stage{number}.py"
    recipe = _TRAIN / "recipes" / f"stage{number}-embedded.yaml"
    keys = {**values, "output_dir": checkpoint}
    words = [word for key, value in keys.items() for word in (f"--{key}", str(value))]
    say(f"python train/{script.name} train/recipes/{recipe.name} {shlex.join(words)}")
    _run([sys.executable, str(script), str(recipe), *words], f"train/{script.name}")


def _run(command: list[str], name: str) -> None:
    # What it prints is progress here: the caller's own output may be for a machine.
    status = subprocess.run(command, check=False, stdout=sys.stderr).returncode  # noqa: S603
    if status != 0:
        raise RunFailed(f"{name} ended with status {status}; the same command goes on from there")
