"""What a long command is doing, how long that will take, and how long it took."""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from builders.files.atomic import write_json
from pipelines.cli import console

_BAR = 24  # characters


@dataclass(frozen=True)
class Step:
    """What is done, as a line says it, and the seconds that it took where it was measured."""

    doing: str
    seconds: float


class Watch:
    """Follows steps by name, in their order: a line with a bar before each one that does something.

    What is left is estimated by the seconds of the steps, scaled by what those before took here.
    The seconds that steps took are in `file`, so a command that continues knows the earlier ones.
    """

    def __init__(self, steps: Mapping[str, Step], file: Path) -> None:
        self._steps = steps
        self._file = file
        self._current = ""
        self._begun = False
        known = json.loads(file.read_text()) if file.is_file() else {}
        self.seconds = {name: float(known[name]) for name in steps if name in known}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """A step, which counts only if `begin` or `command` is called in it."""
        self._current, self._begun = name, False
        started = time.monotonic()
        try:
            yield
        finally:
            if self._begun:
                spent = self.seconds.get(name, 0.0) + time.monotonic() - started
                self.seconds[name] = round(spent, 1)
                self._file.parent.mkdir(parents=True, exist_ok=True)
                write_json(self._file, self.seconds)

    def command(self, line: str) -> None:
        """Print a command that the step runs."""
        self.begin()
        console.notify(f"$ {line}")

    def begin(self) -> None:
        """Print the step's line, once."""
        if not self._begun:
            self._begun = True
            console.notify(f"\n{self.line(self._current)}")

    def line(self, name: str) -> str:
        """The bar up to a step, what it does, and how long it and all that is left will take."""
        names = list(self._steps)
        at = names.index(name)
        before = sum(self._steps[one].seconds for one in names[:at])
        left = sum(self._steps[one].seconds for one in names[at:])
        pace = self._pace(names[:at])
        done = round(_BAR * before / (before + left))
        bar = "█" * done + "░" * (_BAR - done)
        step = self._steps[name]
        return (
            f"{bar} {at + 1}/{len(names)} {step.doing}: about {clock(step.seconds * pace)}, "
            f"{clock(left * pace)} to the end"
        )

    def _pace(self, names: list[str]) -> float:
        """How many times as long as where it was measured the steps took here."""
        known = [name for name in names if name in self.seconds]
        expected = sum(self._steps[name].seconds for name in known)
        return sum(self.seconds[name] for name in known) / expected if expected else 1.0

    def table(self) -> list[str]:
        """A line for each step that was done: its time, the time up to its end, what was done."""
        lines, total = [], 0.0
        for name, step in self._steps.items():
            if name in self.seconds:
                total += self.seconds[name]
                lines.append(f"{clock(self.seconds[name]):>6} {clock(total):>6}  {step.doing}")
        return lines


def clock(seconds: float) -> str:
    """Seconds as minutes and seconds.

    >>> clock(75.2)
    '1:15'
    """
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02}"
