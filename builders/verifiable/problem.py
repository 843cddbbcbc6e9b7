"""A verifiable problem, its family, and a checked draft."""

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

    `args` hold what is asked and the requested form, but not the phrasing of the instruction.
    """

    family: str
    args: dict[str, Any]
    instruction: str

    @property
    def task(self) -> str:
        """The JSON that a row stores: enough to check any answer to the problem."""
        return canonical({"family": self.family, "args": self.args})


@dataclass(frozen=True)
class CheckedDraft:
    """The critique of a draft, the right refinement, and whether the draft is right.

    If nothing can be improved, the lists are empty, the score is 10 and the refinement is the
    draft itself. `score` is 7 or more exactly when `correct`.
    """

    weaknesses: list[str]
    suggestions: list[str]
    score: int
    refinement: str
    correct: bool


@dataclass(frozen=True)
class Family:
    """One kind of problem: `make` draws a new one, `check` checks a draft of one.

    A `held_out` family is never trained on, to measure what carries over to it.
    """

    name: str
    make: Callable[[Random], Problem]
    check: Callable[[Args, str], CheckedDraft]
    held_out: bool = False
