"""Word problems: a short story, its numbers, and the steps that solve it.

The steps of a story refer to numbers by name: a letter is a number in the text, `1` is the result
of the first step. The answer, the working, the hints and the slips are derived from the steps.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from random import Random

from builders.verifiable.families.arithmetic import step_hint
from builders.verifiable.forms import draw_form, form_request
from builders.verifiable.material.stories import STORIES, Story
from builders.verifiable.material.words import NAMES, THINGS
from builders.verifiable.problem import Args, CheckedDraft, Family, Problem
from builders.verifiable.reading.steps import calculate, expression
from builders.verifiable.short_answer import AnswerKey, check_number
from builders.verifiable.wording import capitalize_first, format_number, pick


@dataclass(frozen=True)
class SolvedStep:
    """A step with its result: `label` says what it yields, `operation` is (left, sign, right)."""

    label: str
    operation: tuple[Fraction, str, Fraction]
    result: Fraction


# Computes a total from the other numbers, so that the answer is a positive whole number.
_TOTALS = {"÷": lambda n: n["a"] * n["b"], "×": lambda n: n["a"] + n["b"] * n["c"]}


def _make(rng: Random) -> Problem:
    story_name = rng.choice(list(STORIES))
    story = STORIES[story_name]
    numbers = {letter: rng.randint(*bounds) for letter, bounds in story.ranges.items()}
    if "total" in {part for step in story.steps for part in step}:
        numbers["total"] = _TOTALS[story.steps[0][2]](numbers)
        # `a` was only drawn to compute the total.
        del numbers["a"]
    name, other = rng.sample(NAMES, 2)
    names = {"name": name, "other": other, "things": rng.choice(THINGS)}
    args = {"story": story_name, "numbers": numbers, "form": draw_form(rng)} | {
        slot: value for slot, value in names.items() if _uses_slot(story, slot)
    }
    instruction = rng.choice(story.texts).format(**names, **numbers)
    return Problem("word_problem", args, instruction + form_request(rng, args["form"], "number"))


def _uses_slot(story: Story, slot: str) -> bool:
    return any(f"{{{slot}}}" in text for text in (*story.texts, story.answer))


def _solve(args: Args, names: Mapping[str, str]) -> list[SolvedStep]:
    values = {letter: Fraction(value) for letter, value in args["numbers"].items()}
    solved = []
    for place, (label, left, operator, right) in enumerate(STORIES[args["story"]].steps, start=1):
        operation = (values[left], operator, values[right])
        values[str(place)] = calculate(*operation)
        solved.append(SolvedStep(label.format(**names), operation, values[str(place)]))
    return solved


def _hints(args: Args, first: SolvedStep, last: SolvedStep | None) -> tuple[str, ...]:
    start, method = expression(*first.operation), step_hint(args, "first", *first.operation)
    if last is None:
        return (
            method,
            f"Work out {start}, which gives {first.label}.",
            f"The question asks for {first.label}, so {start} is the step to take.",
        )
    verb = {"+": "add", "-": "subtract"}[last.operation[1]]
    return (
        f"Find {first.label} first. {method} Then {verb} to get {last.label}.",
        f"Take two steps: {first.label} ({start}), then {last.label}.",
        f"Write down {first.label} as {start} before you {verb}.",
    )


def _find_slip(
    args: Args, wrong: Fraction, target: str, first: SolvedStep, last: SolvedStep | None
) -> str | None:
    """The mistake behind a wrong number: a missing step, a wrong operator, or a sum of all."""
    if last is None:
        return None
    wrong_text, right_text = format_number(wrong), format_number(last.result)
    if wrong == first.result:
        return pick(
            args,
            "halfway",
            f"{wrong_text} is only {first.label}; {target} is {right_text}.",
            f"It stops at {wrong_text} for {first.label}; {target} is still missing.",
        )
    left, operator, right = last.operation
    if wrong == calculate(left, {"+": "-", "-": "+"}[operator], right):
        mistakes = {"+": "subtracts where it should add", "-": "adds where it should subtract"}
        return f"The last step {mistakes[operator]}: {wrong_text} instead of {right_text}."
    if wrong == sum(args["numbers"].values()):
        return f"{wrong_text} is all the numbers added up, which is not what was asked."
    return None


def _check(args: Args, draft: str) -> CheckedDraft:
    story = STORIES[args["story"]]
    names = {slot: args[slot] for slot in ("name", "other", "things") if slot in args}
    solved = _solve(args, names)
    first, last = solved[0], solved[1] if len(solved) > 1 else None
    value, target = solved[-1].result, story.target.format(**names)
    answer = format_number(value)
    lines = [
        f"{capitalize_first(step.label)}: {expression(*step.operation)} = "
        f"{format_number(step.result)}."
        for step in solved
    ]
    lines.append(capitalize_first(story.answer.format(x=answer, **names)))
    working = " ".join(lines)
    hints = _hints(args, first, last)
    return check_number(
        AnswerKey(args, target, answer, working, working, hints, max_words=110),
        draft,
        value,
        givens=[Fraction(item) for item in args["numbers"].values()],
        find_slip=lambda wrong: _find_slip(args, wrong, target, first, last),
    )


FAMILIES = (Family("word_problem", _make, _check),)
