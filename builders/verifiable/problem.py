"""What a verifiable instruction is, and what checking a draft of it finds."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

Args = Mapping[str, Any]


def canonical(value: Any) -> str:
    """One JSON text for equal values, on any machine."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


@dataclass(frozen=True)
class Problem:
    """An instruction whose right answer can be computed from `args`, which are plain JSON.

    `args` say what is asked and in which form; how the instruction is phrased is not in them.
    """

    family: str
    args: dict[str, Any]
    instruction: str

    @property
    def task(self) -> str:
        """What a row keeps of the problem: enough to check any answer to it."""
        return canonical({"family": self.family, "args": self.args})


@dataclass(frozen=True)
class Check:
    """A critique of a draft, the right refinement, and whether the draft was right.

    Where there is nothing to improve, the lists are empty, the score is 10 and the refinement
    is the draft itself. `score` is 7 or more exactly when `correct`.
    """

    weaknesses: list[str]
    suggestions: list[str]
    score: int
    refinement: str
    correct: bool


@dataclass(frozen=True)
class Family:
    """One kind of problem: `make` draws a new one, `check` reviews a draft of one.

    A family that is `held_out` is never trained on, to measure what carries over.
    """

    name: str
    make: Callable[[Random], Problem]
    check: Callable[[Args, str], Check]
    held_out: bool = False
