"""The whole method as the commands a user would type: build, release, train; then stage 2.

Pairs that no stage trains on are frozen first, and every model is audited on them.

Each command leaves a run, a release or a checkpoint. A command whose result exists is skipped, and
one that was interrupted is continued. The `srt` commands run in this process where the caller has
them at hand, so that imports of seconds are made once; a train script has a process of its own.
"""

import json
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from builders.audit.frozen import FACTS
from builders.audit.result import RESULT
from builders.errors import RunFailed
from builders.ledger.run import Run
from builders.progress import Notify
from pipelines.audit.judges import MAX_NEW_TOKENS, Scores
from pipelines.cli.build import INTERRUPTED

Values = Mapping[str, object]
Runner = Callable[[Sequence[str]], None]

EMBEDDED = "embedded"
_VERSION = "1.0.0"
_BY_CTRL_C = 130  # what typer makes of Ctrl-C
_TRAIN = Path(__file__).parents[2] / "train"
# The steps of a loop with audits, in order.
STEPS = (
    "pairs",
    "run 1",
    "release 1",
    "audit base",
    "train 1",
    "audit 1",
    "run 2",
    "release 2",
    "train 2",
    "audit 2",
)


def in_own_process(arguments: Sequence[str]) -> None:
    """Run an `srt` command in a process of its own; RunFailed unless it succeeds."""
    _run([sys.executable, "-m", "pipelines", *arguments], f"srt {arguments[0]}")


def in_this_process(srt: Callable[..., Any]) -> Runner:
    """Runs `srt` commands in this process; `srt` is the typer app, or its command."""

    def run(arguments: Sequence[str]) -> None:
        INTERRUPTED.clear()
        # Its output is progress here: the caller's own stdout may be JSON.
        with redirect_stdout(sys.stderr):
            status = srt(list(arguments), prog_name="srt", standalone_mode=False)
        if status == _BY_CTRL_C or INTERRUPTED.is_set():
            raise KeyboardInterrupt
        if status:
            _raise_failed(f"srt {arguments[0]}", status)

    return run


@dataclass(frozen=True)
class Loop:
    """The folder of a loop, and what it changes in the embedded recipes of each command.

    `stage1` and `stage2` are overrides of the two runs' recipes, `train1` and `train2` of the
    train scripts' recipes. `audited` overrides the recipe of the run whose pairs are frozen: draft
    and refinement of held-out problems, judged by the checker; without it, nothing is audited.
    `audit_scores` are those of the audits, and `audit_tokens` is the most that a reply in one may
    have. `base` is what the audits call the base model. `show` is how many rows a run shows when
    they are made. `run_srt` runs the `srt` commands.
    """

    out: Path
    stage1: Values = field(default_factory=dict)
    stage2: Values = field(default_factory=dict)
    train1: Values = field(default_factory=dict)
    train2: Values = field(default_factory=dict)
    audited: Values = field(default_factory=dict)
    audit_scores: Scores = "sampled"
    audit_tokens: int = MAX_NEW_TOKENS
    show: int = 0
    base: str = EMBEDDED
    run_srt: Runner = in_own_process

    def run(self, stage: int) -> Path:
        return self.out / "runs" / f"stage{stage}"

    def release(self, stage: int) -> Path:
        return self.out / "releases" / f"stage{stage}@v{_VERSION}"

    def checkpoint(self, stage: int) -> Path:
        return self.out / "checkpoints" / f"stage{stage}"

    @property
    def audit_set(self) -> Path:
        return self.out / "audits" / "heldout"

    def audit(self, stage: int) -> Path:
        """The audit of a stage's checkpoint, or of the base model for stage 0."""
        return self.audit_set / "audits" / (f"stage{stage}" if stage else "base")

    def srt(self, notify: Notify, *arguments: str) -> None:
        """Run an `srt` command; SrtError unless it succeeds."""
        notify("srt " + shlex.join(arguments))
        self.run_srt(arguments)


def run_loop(
    loop: Loop, notify: Notify, step: Callable[[str], AbstractContextManager] = nullcontext
) -> bool:
    """Run every command whose result is missing; SrtError where one fails.

    `notify` is called with each command line, inside the context that `step` returns for the name
    of its step, one of STEPS. False if the model scored none of its refinements higher than its
    drafts: then stage 2 has nothing to train on.
    """
    with step("pairs"):
        ensure_set(loop, notify)
    with step("run 1"):
        ensure_run(loop, 1, notify)
    with step("release 1"):
        ensure_release(loop, 1, notify)
    with step("audit base"):
        ensure_audit(loop, 0, notify)
    with step("train 1"):
        release = {"release": loop.release(1)}
        ensure_checkpoint(loop.checkpoint(1), 1, {**release, **loop.train1}, notify)
    with step("audit 1"):
        ensure_audit(loop, 1, notify)
    with step("run 2"):
        ensure_run(loop, 2, notify)
    if not Run(loop.run(2)).read_manifest().funnel.kept:
        return False
    with step("release 2"):
        ensure_release(loop, 2, notify)
    with step("train 2"):
        inputs = {"release": loop.release(2), "model_name_or_path": loop.checkpoint(1)}
        ensure_checkpoint(loop.checkpoint(2), 2, {**inputs, **loop.train2}, notify)
    with step("audit 2"):
        ensure_audit(loop, 2, notify)
    return True


def ensure_set(loop: Loop, notify: Notify) -> None:
    """Freeze pairs of held-out problems: the base model's answers, and the teacher's."""
    if not loop.audited or (loop.audit_set / FACTS).exists():
        return
    run = loop.out / "runs" / loop.audit_set.name
    if not (run / "manifest.json").exists():
        values = {"instructions.split": "test", **loop.audited}
        recipe = ["stage1-embedded.yaml", *assignments(values)]
        loop.srt(notify, "build", "stage1", *recipe, "--out", str(run), *_shown(loop))
    loop.srt(notify, "audit", "freeze", str(run), "--out", str(loop.audit_set))


def ensure_audit(loop: Loop, stage: int, notify: Notify) -> None:
    """Audit a stage's checkpoint (0: the base model) against the model it was trained from."""
    if not loop.audited:
        return
    ensure_set(loop, notify)
    if not (loop.audit(stage) / RESULT).exists():
        model = str(loop.checkpoint(stage)) if stage else loop.base
        against = ["--against", str(loop.audit(stage - 1))] if stage else []
        options = ["--max-new-tokens", str(loop.audit_tokens)]
        if loop.audit_scores == "expected":
            options = ["--scores", "expected"]
        folders = ["--set", str(loop.audit_set), "--out", str(loop.audit(stage))]
        loop.srt(notify, "audit", "run", model, *folders, *against, *options)


def ensure_run(loop: Loop, stage: int, notify: Notify) -> None:
    run = loop.run(stage)
    if not (run / "manifest.json").exists():
        values = {1: loop.stage1, 2: loop.stage2}[stage]
        if loop.audited:
            values = {**values, "reserve": json.dumps([str(loop.audit_set)])}
        model = [] if stage == 1 else ["--model", str(loop.checkpoint(1))]
        arguments = [f"stage{stage}-embedded.yaml", *assignments(values), *model]
        options = ["--out", str(run), *_shown(loop)]
        loop.srt(notify, "build", f"stage{stage}", *arguments, *options)


def ensure_release(loop: Loop, stage: int, notify: Notify) -> None:
    ensure_run(loop, stage, notify)
    release = loop.release(stage)
    if not release.exists():
        options = ["--name", f"stage{stage}", "--version", _VERSION, "--out", str(release.parent)]
        loop.srt(notify, "release", str(loop.run(stage)), *options)


def ensure_checkpoint(checkpoint: Path, stage: int, values: Values, notify: Notify) -> None:
    """Train the embedded recipe of a stage, with `values` in place of its own."""
    if (checkpoint / "training.json").exists():
        return
    script = _TRAIN / f"stage{stage}.py"
    recipe = _TRAIN / "recipes" / f"stage{stage}-embedded.yaml"
    keys = {**values, "output_dir": checkpoint}
    options = [word for key, value in keys.items() for word in (f"--{key}", str(value))]
    notify(f"python train/{script.name} train/recipes/{recipe.name} {shlex.join(options)}")
    _run([sys.executable, str(script), str(recipe), *options], f"train/{script.name}")


def assignments(values: Values) -> list[str]:
    """Overrides as they are written on the command line."""
    return [f"{key}={value}" for key, value in values.items()]


def _shown(loop: Loop) -> list[str]:
    return ["--show", str(loop.show)] if loop.show else []


def _run(command: list[str], name: str) -> None:
    # Its output is progress here: the caller's own stdout may be JSON.
    status = subprocess.run(command, check=False, stdout=sys.stderr).returncode  # noqa: S603
    if status != 0:
        _raise_failed(name, status)


def _raise_failed(name: str, status: int) -> None:
    raise RunFailed(f"{name} ended with status {status}; the same command continues")
