"""What a training run says while it goes on, and when it is better stopped."""

import math
import sys
import time
from typing import Any

from transformers import PrinterCallback, TrainerCallback
from transformers.trainer_callback import ProgressCallback

from builders.errors import RunFailed

_EVERY = 30.0  # seconds between lines


class _Finite(TrainerCallback):
    """RunFailed at the first figure that is not a number: no step after it can mend the weights."""

    def on_log(
        self,
        args: Any,
        state: Any,
        control: Any,  # noqa: ARG002
        logs: dict[str, float] | None = None,
        **_: Any,
    ) -> None:
        # In fp16 an infinite gradient is a step that the loss scaler leaves out.
        watched = ("loss", "eval_loss") if args.fp16 else ("loss", "eval_loss", "grad_norm")
        for name in watched:
            value = (logs or {}).get(name, 0.0)
            if not math.isfinite(value):
                raise RunFailed(
                    f"{name} is {value} at step {state.global_step}; give a lower learning_rate "
                    "or a lower max_grad_norm, and another output_dir"
                )


class _Lines(TrainerCallback):
    """A line with step, loss, pace and time left, now and then."""

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        self._began, self._said = time.monotonic(), time.monotonic()
        self._first = state.global_step

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
        if now - self._said < _EVERY and state.global_step < state.max_steps:
            return
        self._said = now
        per_step = (now - self._began) / max(1, state.global_step - self._first)
        left = per_step * (state.max_steps - state.global_step)
        print(
            f"step {state.global_step} of {state.max_steps}, loss {logs['loss']:.3f}, "
            f"{per_step:.2f} s a step, {left / 60:.1f} min left",
            file=sys.stderr,
            flush=True,
        )


def report_progress(trainer: Any) -> None:
    """A bar on a terminal, lines elsewhere; the trainer's own log lines are for neither."""
    trainer.add_callback(_Finite())
    trainer.remove_callback(PrinterCallback)
    if trainer.args.disable_tqdm:
        trainer.remove_callback(ProgressCallback)
        trainer.add_callback(_Lines())
