"""A training run to its last step, its progress, and an early stop when the loss is no number."""

import json
import math
import sys
import time
from pathlib import Path
from typing import Any

from transformers import PrinterCallback, TrainerCallback
from transformers.trainer_callback import ProgressCallback

from builders.errors import BadInput, RunFailed
from train.arguments import first_line

_INTERVAL_S = 30.0  # between lines


class _StopOnNaN(TrainerCallback):
    """RunFailed at the first infinite or NaN value, after which the weights cannot recover."""

    def on_log(
        self,
        args: Any,
        state: Any,
        control: Any,  # noqa: ARG002
        logs: dict[str, float] | None = None,
        **_: Any,
    ) -> None:
        # In fp16 the loss scaler skips steps with an infinite gradient.
        watched = ("loss", "eval_loss") if args.fp16 else ("loss", "eval_loss", "grad_norm")
        for name in watched:
            value = (logs or {}).get(name, 0.0)
            if not math.isfinite(value):
                raise RunFailed(
                    f"{name} is {value} at step {state.global_step}; use a lower learning_rate "
                    "or max_grad_norm, and another output_dir"
                )


class _ProgressLines(TrainerCallback):
    """Occasional lines with step, loss, speed and time left."""

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        self._start = self._last_line = time.monotonic()
        self._first_step = state.global_step

    def on_log(
        self,
        args: Any,  # noqa: ARG002
        state: Any,
        control: Any,  # noqa: ARG002
        logs: dict[str, float] | None = None,
        **_: Any,
    ) -> None:
        now = time.monotonic()
        if not logs or "loss" not in logs or not state.is_world_process_zero:
            return
        if now - self._last_line < _INTERVAL_S and state.global_step < state.max_steps:
            return
        self._last_line = now
        per_step = (now - self._start) / max(1, state.global_step - self._first_step)
        left = per_step * (state.max_steps - state.global_step)
        print(
            f"step {state.global_step} of {state.max_steps}, loss {logs['loss']:.3f}, "
            f"{per_step:.2f} s/step, {left / 60:.1f} min left",
            file=sys.stderr,
            flush=True,
        )


class _AlreadyTrained(Exception):
    """The checkpoint to resume from is the last one of its run."""


class _Begin(TrainerCallback):
    """Whether training has `begun`, for which data and optimizer have to be there.

    Ends it at once if nothing is left to do: the trainer looks at the number of steps only after it
    has made one more.
    """

    def __init__(self) -> None:
        self.begun = False

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        self.begun = True
        if state.global_step >= state.max_steps:
            raise _AlreadyTrained


class _LogAtSaves(TrainerCallback):
    """Logs the loss up to each checkpoint, from which a resumed run goes on."""

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        control.should_log |= control.should_save

    def on_epoch_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        control.should_log |= control.should_save


def train(trainer: Any, resume_from: str | None) -> dict[str, float]:
    """Train, from the checkpoint on if there is one, and not beyond the last step.

    Returns the trainer's metrics; `train_loss` is the mean over all steps of the run. BadInput if a
    value of the recipe is none for the optimizer or for reading the data.
    """
    begin = _Begin()
    trainer.add_callback(begin)
    trainer.add_callback(_LogAtSaves())
    try:
        metrics = dict(trainer.train(resume_from_checkpoint=resume_from).metrics)
    except _AlreadyTrained:
        metrics = {}
    except ValueError as error:
        if begin.begun:
            raise
        raise BadInput(first_line(error)) from None
    if resume_from is None:
        return metrics
    # The trainer's own is of the steps since it was resumed.
    state = json.loads((Path(resume_from) / "trainer_state.json").read_text(encoding="utf-8"))
    total, steps = _logged_loss(state["log_history"])
    since = trainer.state.global_step - state["global_step"]
    total += metrics.get("train_loss", 0.0) * since
    if steps + since:
        metrics["train_loss"] = total / (steps + since)
    return metrics


def _logged_loss(history: list[dict[str, float]]) -> tuple[float, int]:
    """The sum of the losses of all logged steps, and how many they are."""
    total, last = 0.0, 0
    for entry in history:
        if "loss" in entry:
            total += entry["loss"] * (entry["step"] - last)
            last = entry["step"]
    return total, last


def report_progress(trainer: Any) -> None:
    """Show a progress bar on a terminal and lines elsewhere, instead of the trainer's own log."""
    trainer.add_callback(_StopOnNaN())
    trainer.remove_callback(PrinterCallback)
    if trainer.args.disable_tqdm:
        trainer.remove_callback(ProgressCallback)
        trainer.add_callback(_ProgressLines())
