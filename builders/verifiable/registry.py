"""All families, the stream of new instructions, and the check of any draft."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from random import Random

from builders.errors import BadInput
from builders.verifiable.families import (
    arithmetic,
    capitals,
    comparison,
    constraints,
    containing,
    counting,
    dates,
    extraction,
    json_object,
    percentages,
    sequences,
    sorting,
    spelling,
    string_edit,
    text_format,
    units,
    word_problems,
)
from builders.verifiable.problem import Check, Family, Problem, canonical

_MODULES = (
    arithmetic,
    word_problems,
    percentages,
    sequences,
    comparison,
    sorting,
    counting,
    dates,
    units,
    capitals,
    text_format,
    constraints,
    containing,
    extraction,
    json_object,
    spelling,
    string_edit,
)
FAMILIES: dict[str, Family] = {
    family.name: family for module in _MODULES for family in module.FAMILIES
}
SPLITS = ("train", "test")
# A family that yields nothing new this many times in a row is taken to be used up.
_MOST_MISSES = 400


def register(family: Family) -> None:
    """Add a family of your own; raises BadInput where the name is taken."""
    if family.name in FAMILIES:
        raise BadInput(f"family {family.name!r} exists already; choose another name")
    FAMILIES[family.name] = family


def split_of(problem: Problem) -> str:
    """The split that a problem belongs to, whatever the seed: one in ten is for testing.

    The form asked for does not count, so that no test asks for a trained answer in another form.
    """
    args = {key: value for key, value in problem.args.items() if key != "form"}
    digest = hashlib.sha256(f"{problem.family}\n{canonical(args)}".encode()).digest()
    return "test" if int.from_bytes(digest[:8], "big") % 10 == 0 else "train"


def generate(
    seed: int, count: int, families: Sequence[str] | None = None, split: str = "train"
) -> Iterator[Problem]:
    """Up to `count` problems with different instructions, the families taking turns.

    The same arguments give the same problems on any machine, and a smaller `count` a beginning
    of the same list. Without `families`, a held-out one only appears in `test`. There are fewer
    than `count` where the families are used up. Raises BadInput for an unknown family or split.
    """
    if split not in SPLITS:
        raise BadInput(f"split {split!r} is unknown; it is one of {', '.join(SPLITS)}")
    if families is None:
        names = [name for name, it in FAMILIES.items() if split == "test" or not it.held_out]
    else:
        names = list(dict.fromkeys(families))
    for name in names:
        if name not in FAMILIES:
            raise BadInput(f"family {name!r} is unknown; there are {', '.join(FAMILIES)}")
    return _take_turns(seed, count, names, split)


def _take_turns(seed: int, count: int, names: Sequence[str], split: str) -> Iterator[Problem]:
    seen: set[str] = set()
    draws = {name: Random(f"{seed}/{split}/{name}") for name in names}  # noqa: S311
    left = count
    while draws:
        for name in list(draws):
            if left <= 0:
                return
            problem = _next_new(FAMILIES[name], draws[name], split, seen)
            if problem is None:
                del draws[name]
                continue
            seen.add(problem.instruction)
            left -= 1
            yield problem


def _next_new(family: Family, rng: Random, split: str, seen: set[str]) -> Problem | None:
    misses = 0
    while misses < _MOST_MISSES:
        problem = family.make(rng)
        if split_of(problem) != split or problem.instruction in seen:
            misses += 1
            continue
        return problem
    return None


def check(task: str, draft: str) -> Check:
    """Review `draft` as an answer to the problem whose `Problem.task` is `task`.

    Raises BadInput where `task` is no task of a known family.
    """
    try:
        read = json.loads(task)
    except (ValueError, TypeError) as error:
        raise BadInput(f"task is no JSON ({error}): {task!r:.80}") from error
    if not isinstance(read, dict) or not isinstance(read.get("args"), dict):
        raise BadInput(f"task is no object with a family and its args: {task!r:.80}")
    name = read.get("family")
    if not isinstance(name, str) or name not in FAMILIES:
        raise BadInput(f"task has the unknown family {name!r}; there are {', '.join(FAMILIES)}")
    try:
        return FAMILIES[name].check(read["args"], draft)
    except (KeyError, IndexError, TypeError, ValueError, ArithmeticError) as error:
        raise BadInput(f"task of family {name!r} has unusable args: {error!r}") from error
