"""The next term of a number sequence."""

import re
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from random import Random

from builders.verifiable.forms import draw_form, form_request
from builders.verifiable.problem import Args, CheckedDraft, Family, Problem
from builders.verifiable.reading.answers import REST
from builders.verifiable.reading.steps import expression
from builders.verifiable.short_answer import AnswerKey, check_number
from builders.verifiable.wording import format_number, join_words

_PHRASINGS = (
    "What number comes next: {t}, ...?",
    "Find the next term of the sequence {t}.",
    "Continue the sequence {t} with one more number. What is it?",
    "{t}, ? Which number should replace the question mark?",
    "Look at this pattern: {t}. What is the next number?",
)


def _make(rng: Random) -> Problem:
    kind = rng.choice(("add", "add", "multiply", "growing", "alternating", "sums"))
    terms = [rng.randint(1, 40)]
    if kind == "multiply":
        terms, factor = [rng.randint(1, 9)], rng.randint(2, 4)
        terms += [terms[0] * factor**power for power in range(1, 4)]
    elif kind == "sums":
        terms = [rng.randint(1, 9), rng.randint(1, 12)]
        while len(terms) < 6:
            terms.append(terms[-1] + terms[-2])
    else:
        step, other = rng.choice([-7, -5, -4, -3, -2, *range(2, 14)]), rng.randint(1, 5)
        for place in range(4 if kind == "add" else 5):
            growth = {"add": 0, "growing": other * place, "alternating": -other * (place % 2)}
            terms.append(terms[-1] + step + growth[kind])
    args = {"kind": kind, "terms": terms, "form": draw_form(rng)}
    instruction = rng.choice(_PHRASINGS).format(t=", ".join(map(str, terms)))
    return Problem("sequence", args, instruction + form_request(rng, args["form"], "number"))


def _next_term(kind: str, terms: Sequence[int]) -> tuple[Fraction, str]:
    """The next term, and a sentence with the rule and the step that give it."""
    last = Fraction(terms[-1])
    steps = [Fraction(after - before) for before, after in pairwise(terms)]
    if kind == "multiply":
        factor = Fraction(terms[1], terms[0])
        rule = f"Each number is {format_number(factor)} times the one before"
        value, step = last * factor, f"{format_number(last)} × {format_number(factor)}"
    elif kind == "sums":
        rule = "Each number is the sum of the two before it"
        value, step = last + terms[-2], f"{terms[-2]} + {terms[-1]}"
    else:
        if kind == "alternating":
            difference = steps[-2]
            rule = f"The steps alternate between {_signed(steps[0])} and {_signed(steps[1])}"
        elif kind == "growing":
            growth = steps[1] - steps[0]
            difference = steps[-1] + growth
            rule = f"Each step is {format_number(growth)} larger than the one before"
        else:
            difference = steps[0]
            rule = f"Each step is {_signed(difference)}"
        value = last + difference
        step = expression(last, "+" if difference >= 0 else "-", abs(difference))
    return value, f"{rule}: {step} = {format_number(value)}."


def _hints(kind: str, terms: Sequence[int]) -> tuple[str, ...]:
    first, second, third = terms[:3]
    if kind == "multiply":
        return (
            f"Divide {second} by {first} to find the factor, and multiply {terms[-1]} by it.",
            "The steps get larger and larger, so look for a factor rather than a difference.",
        )
    if kind == "sums":
        return (
            "Compare each number with the two before it.",
            f"Add {first} and {second} and see which number that gives.",
        )
    return (
        f"Write down the differences: from {first} to {second}, from {second} to {third} and so "
        f"on. Then apply the rule to {terms[-1]}.",
        f"Look at how far {second} is from {first} and whether the next steps are the same.",
    )


def _signed(step: Fraction) -> str:
    return f"{'+' if step >= 0 else '-'}{format_number(abs(step))}"


def _check(args: Args, draft: str) -> CheckedDraft:
    terms = args["terms"]
    value, working = _next_term(args["kind"], terms)
    answer = format_number(value)
    target = f"the next number after {join_words([str(term) for term in terms[-3:]])}"
    brief = f"{working} The next number is {answer}."
    stated = (
        rf"(?<![\w.]){terms[-2]}, ?(?:and )?{terms[-1]}, ?(?:and )?(?P<rest>-?[0-9]+)",
        rf"\bnext (?:\w+ ){{0,6}}?(?:is|would be|will be|should be|=|:) ?{REST}",
    )

    def find_slip(wrong: Fraction) -> str | None:
        if wrong in terms and wrong != value:
            return f"{format_number(wrong)} is already in the sequence; {target} is {answer}."
        return None

    return check_number(
        AnswerKey(args, target, answer, brief, brief, _hints(args["kind"], terms)),
        draft,
        value,
        stated=[re.compile(pattern, re.IGNORECASE) for pattern in stated],
        givens=[Fraction(term) for term in terms],
        find_slip=find_slip,
    )


FAMILIES = (Family("sequence", _make, _check, held_out=True),)
