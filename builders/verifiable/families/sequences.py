"""Number sequences, of which the next term is asked."""

import re
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from random import Random

from builders.verifiable.forms import draw_form, request
from builders.verifiable.problem import Args, Check, Family, Problem
from builders.verifiable.reading.answers import REST
from builders.verifiable.reading.steps import shown
from builders.verifiable.short_answer import Question, review_number
from builders.verifiable.wording import listing, number

_SEQUENCES = (
    "What number comes next: {t}, ...?",
    "Find the next term of the sequence {t}.",
    "Continue the sequence {t} with one more number. What is it?",
    "{t}, ? Which number should replace the question mark?",
    "Look at this pattern: {t}. What is the next number?",
)


def _make_sequence(rng: Random) -> Problem:
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
    instruction = rng.choice(_SEQUENCES).format(t=", ".join(map(str, terms)))
    return Problem("sequence", args, instruction + request(rng, args["form"], "number"))


def _next_term(kind: str, terms: Sequence[int]) -> tuple[Fraction, str, tuple[str, ...]]:
    """The next term, the rule and its use, and hints."""
    last = Fraction(terms[-1])
    steps = [Fraction(after - before) for before, after in pairwise(terms)]
    if kind == "multiply":
        factor = Fraction(terms[1], terms[0])
        value = last * factor
        rule = f"Each number is {number(factor)} times the one before: "
        hints = (
            f"Divide {terms[1]} by {terms[0]} to find the factor, and multiply {terms[-1]} by it.",
            "The steps get larger and larger, so look for a factor rather than a difference.",
        )
        return value, f"{rule}{number(last)} × {number(factor)} = {number(value)}.", hints
    if kind == "sums":
        value = last + terms[-2]
        hints = (
            "Compare each number with the two before it.",
            f"Add {terms[0]} and {terms[1]} and see which number that gives.",
        )
        rule = "Each number is the sum of the two before it: "
        return value, f"{rule}{terms[-2]} + {terms[-1]} = {number(value)}.", hints
    if kind == "alternating":
        step, rule = (
            steps[-2],
            f"The steps alternate between {_signed(steps[0])} and {_signed(steps[1])}",
        )
    elif kind == "growing":
        grow = steps[1] - steps[0]
        step, rule = steps[-1] + grow, f"Each step is {number(grow)} larger than the one before"
    else:
        step, rule = steps[0], f"Each step is {_signed(steps[0])}"
    value = last + step
    hints = (
        f"Write down the differences: from {terms[0]} to {terms[1]}, from {terms[1]} to "
        f"{terms[2]} and so on. Then apply the rule to {terms[-1]}.",
        f"Look at how far {terms[1]} is from {terms[0]} and whether the next steps are alike.",
    )
    return (
        value,
        f"{rule}: {shown(last, '+' if step >= 0 else '-', abs(step))} = {number(value)}.",
        hints,
    )


def _signed(step: Fraction) -> str:
    return f"{'+' if step >= 0 else '-'}{number(abs(step))}"


def _check_sequence(args: Args, draft: str) -> Check:
    terms = args["terms"]
    value, working, hints = _next_term(args["kind"], terms)
    asked = f"the next number after {listing([str(term) for term in terms[-3:]])}"
    brief = f"{working} The next number is {number(value)}."
    stated = (
        rf"(?<![\w.]){terms[-2]}, ?(?:and )?{terms[-1]}, ?(?:and )?(?P<rest>-?[0-9]+)",
        rf"\bnext (?:\w+ ){{0,6}}?(?:is|would be|will be|should be|=|:) ?{REST}",
    )

    def slip(given: Fraction) -> str | None:
        if given in terms and given != value:
            return f"{number(given)} is in the sequence already; {asked} is {number(value)}."
        return None

    return review_number(
        Question(args, asked, number(value), brief, brief, hints),
        draft,
        value,
        stated=[re.compile(pattern, re.IGNORECASE) for pattern in stated],
        givens=[Fraction(term) for term in terms],
        slip=slip,
    )


FAMILIES = (Family("sequence", _make_sequence, _check_sequence, held_out=True),)
