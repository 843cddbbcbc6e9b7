"""All families, the stream of new problems, and the check of any draft."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from functools import cache
from random import Random

from builders.errors import BadInput
from builders.verifiable.problem import CheckedDraft, Family, Problem, canonical

SPLITS = ("train", "test")
# A family that yields nothing new this many times in a row counts as used up.
_MAX_MISSES = 400


@cache
def families() -> dict[str, Family]:
    """Every family by name, the registered ones included.

    The families and their word lists are imported on the first call, so that a run without
    verifiable problems never loads them.
    """
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

    # `generate` takes the families in this order.
    modules = (
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
    return {family.name: family for module in modules for family in module.FAMILIES}


def register(family: Family) -> None:
    """Add a family of your own. Raises BadInput if the name is taken."""
    if family.name in families():
        raise BadInput(f"family {family.name!r} exists already; choose another name")
    families()[family.name] = family


def split_of(problem: Problem) -> str:
    """The split that a problem belongs to, for every seed: one in ten is for testing.

    The requested form is ignored, so no test problem is a training problem in another form.
    """
    args = {key: value for key, value in problem.args.items() if key != "form"}
    digest = hashlib.sha256(f"{problem.family}\n{canonical(args)}".encode()).digest()
    return "test" if int.from_bytes(digest[:8], "big") % 10 == 0 else "train"


def generate(
    seed: int, count: int, names: Sequence[str] | None = None, split: str = "train"
) -> Iterator[Problem]:
    """Up to `count` problems with different instructions, one from each family in turn.

    The same arguments give the same problems on any machine, and a smaller `count` gives a
    prefix of the same list. `names` selects families; by default, held-out ones appear only in
    `test`. The stream ends early when the families are used up. Raises BadInput for an unknown
    family or split.
    """
    if split not in SPLITS:
        raise BadInput(f"split {split!r} is unknown; it is one of {', '.join(SPLITS)}")
    known = families()
    if names is None:
        names = [name for name in known if split == "test" or not known[name].held_out]
    for name in names:
        if name not in known:
            raise BadInput(f"family {name!r} is unknown; choose from {', '.join(known)}")
    return _take_turns(seed, count, list(dict.fromkeys(names)), split)


def _take_turns(seed: int, count: int, names: Sequence[str], split: str) -> Iterator[Problem]:
    seen: set[str] = set()
    generators = {name: Random(f"{seed}/{split}/{name}") for name in names}  # noqa: S311
    while generators:
        for name, rng in list(generators.items()):
            if len(seen) >= count:
                return
            problem = _next_new(families()[name], rng, split, seen)
            if problem is None:
                del generators[name]
                continue
            seen.add(problem.instruction)
            yield problem


def _next_new(family: Family, rng: Random, split: str, seen: set[str]) -> Problem | None:
    for _ in range(_MAX_MISSES):
        problem = family.make(rng)
        if split_of(problem) == split and problem.instruction not in seen:
            return problem
    return None


def check(task: str, draft: str) -> CheckedDraft:
    """Check `draft` as an answer to the problem whose `Problem.task` is `task`.

    Raises BadInput if `task` is not the task of a known family.
    """
    try:
        parsed = json.loads(task)
    except (ValueError, TypeError) as error:
        raise BadInput(f"task is not JSON ({error}): {task!r:.80}") from error
    if not isinstance(parsed, dict) or not isinstance(parsed.get("args"), dict):
        raise BadInput(f"task is not an object with a family and its args: {task!r:.80}")
    name, known = parsed.get("family"), families()
    if not isinstance(name, str) or name not in known:
        raise BadInput(f"task has the unknown family {name!r}; known are {', '.join(known)}")
    try:
        return known[name].check(parsed["args"], draft)
    except (KeyError, IndexError, TypeError, ValueError, ArithmeticError) as error:
        raise BadInput(f"task of family {name!r} has unusable args: {error!r}") from error
