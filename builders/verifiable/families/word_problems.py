"""Word problems: a short story, its numbers, and the steps that answer it.

A story's steps name their numbers: a letter is a number of the text, `1` the result of the first
step. From the steps follow the answer, the working, the hints and the slips.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from random import Random

from builders.verifiable.families.arithmetic import way
from builders.verifiable.forms import draw_form, request
from builders.verifiable.material.stories import STORIES, Story
from builders.verifiable.material.words import NAMES, THINGS
from builders.verifiable.problem import Args, Check, Family, Problem
from builders.verifiable.reading.steps import apply, shown
from builders.verifiable.short_answer import Question, review_number
from builders.verifiable.wording import number, pick, sentence


@dataclass(frozen=True)
class Done:
    """A step carried out: what it yields, (left, operator, right), and its result."""

    label: str
    step: tuple[Fraction, str, Fraction]
    result: Fraction


_TOTALS = {"÷": lambda n: n["a"] * n["b"], "×": lambda n: n["a"] + n["b"] * n["c"]}


def _make(rng: Random) -> Problem:
    key = rng.choice(list(STORIES))
    story = STORIES[key]
    drawn = {letter: rng.randint(*bounds) for letter, bounds in story.ranges.items()}
    if "total" in {part for step in story.steps for part in step}:
        drawn["total"] = _TOTALS[story.steps[0][2]](drawn)
        # `a` only served to make the total come out even.
        del drawn["a"]
    name, other = rng.sample(NAMES, 2)
    named = {"name": name, "other": other, "things": rng.choice(THINGS)}
    args = {"story": key, "numbers": drawn, "form": draw_form(rng)} | {
        slot: value for slot, value in named.items() if _uses(story, slot)
    }
    instruction = rng.choice(story.texts).format(**named, **drawn)
    return Problem("word_problem", args, instruction + request(rng, args["form"], "number"))


def _uses(story: Story, slot: str) -> bool:
    return any(f"{{{slot}}}" in text for text in (*story.texts, story.answer))


def _done_steps(args: Args, named: Mapping[str, str]) -> list[Done]:
    values = {letter: Fraction(value) for letter, value in args["numbers"].items()}
    done = []
    for place, (label, left, operator, right) in enumerate(STORIES[args["story"]].steps, start=1):
        step = (values[left], operator, values[right])
        values[str(place)] = apply(*step)
        done.append(Done(label.format(**named), step, values[str(place)]))
    return done


def _hints(args: Args, first: Done, last: Done | None) -> tuple[str, ...]:
    start, how = shown(*first.step), way(args, "first", *first.step)
    if last is None:
        return (
            how,
            f"Work out {start}, which gives {first.label}.",
            f"The question asks for {first.label}, so {start} is the step to take.",
        )
    use = {"+": "add", "-": "subtract"}[last.step[1]]
    return (
        f"Find {first.label} first. {how} Then {use} to get {last.label}.",
        f"Take two steps: {first.label} ({start}), and from that {last.label}.",
        f"Write down {first.label} as {start} before you {use}.",
    )


def _slip(args: Args, given: Fraction, asked: str, first: Done, last: Done | None) -> str | None:
    """The mistake behind a wrong number: a step left out, the wrong one, or all added up."""
    if last is None:
        return None
    wrong, right = number(given), number(last.result)
    if given == first.result:
        return pick(
            args,
            "halfway",
            f"{wrong} is only {first.label}; {asked} is {right}.",
            f"It stops at {wrong} for {first.label}; {asked} is still missing.",
        )
    left, operator, other = last.step
    if given == apply(left, {"+": "-", "-": "+"}[operator], other):
        turn = {"+": "subtracts where it should add", "-": "adds where it should subtract"}
        return f"The last step {turn[operator]}: {wrong} instead of {right}."
    if given == sum(args["numbers"].values()):
        return f"{wrong} is all the numbers added up, which is not what is asked."
    return None


def _check(args: Args, draft: str) -> Check:
    story = STORIES[args["story"]]
    named = {slot: args[slot] for slot in ("name", "other", "things") if slot in args}
    done = _done_steps(args, named)
    first, last = done[0], done[1] if len(done) > 1 else None
    value, asked = done[-1].result, story.asked.format(**named)
    lines = [f"{sentence(it.label)}: {shown(*it.step)} = {number(it.result)}." for it in done]
    lines.append(sentence(story.answer.format(x=number(value), **named)))
    working = " ".join(lines)
    hints = _hints(args, first, last)
    return review_number(
        Question(args, asked, number(value), working, working, hints, room=110),
        draft,
        value,
        givens=[Fraction(item) for item in args["numbers"].values()],
        slip=lambda given: _slip(args, given, asked, first, last),
    )


FAMILIES = (Family("word_problem", _make, _check),)
