"""Arithmetic with two or three whole numbers."""

import re
from collections.abc import Sequence
from fractions import Fraction
from random import Random

from builders.verifiable.forms import draw_form, request
from builders.verifiable.problem import Args, Check, Family, Problem
from builders.verifiable.reading.answers import REST
from builders.verifiable.reading.steps import apply, evaluate, shown, worked
from builders.verifiable.short_answer import Question, review_number
from builders.verifiable.wording import number, pick, sentence

_ARITHMETIC = (
    "What is {e}?",
    "Calculate {e}.",
    "Work out {e}.",
    "How much is {e}?",
    "Please compute {e} for me.",
    "I need the result of {e}.",
)
_SIGNS = {"+": ("+",), "-": ("-",), "×": ("×", "*", "x"), "÷": ("÷", "/")}
_WORDS = {"+": "plus", "-": "minus", "×": "times", "÷": "divided by"}
_SIGN_PATTERNS = {
    "+": r"(?:\+|plus|and)",
    "-": r"(?:-|minus)",
    "×": r"(?:[×*x·]|times|multiplied by)",
    "÷": r"(?:[÷/]|divided by)",
}
_EQUALS = r"(?:=|is|equals|is equal to|gives|makes|comes to|adds? up to|sums? to)"
Step = tuple[Fraction, str, Fraction]


def _draw_pair(rng: Random, operator: str) -> tuple[int, int]:
    """Small numbers more often than large ones: a draft should have a chance."""
    if operator == "×":
        return rng.randint(2, rng.choice((12, 30, 99))), rng.randint(2, 12)
    if operator == "÷":
        divisor = rng.randint(2, 12)
        return divisor * rng.randint(2, rng.choice((10, 20, 60))), divisor
    limit = rng.choice((20, 100, 100, 100, 999))
    left, right = rng.randint(5, limit), rng.randint(3, limit)
    if operator == "-" and left < right and rng.random() < 0.8:
        left, right = right, left
    return left, right


def _make_arithmetic(rng: Random) -> Problem:
    operator = rng.choice("+-×÷")
    terms, operators = list(_draw_pair(rng, operator)), [operator]
    if rng.random() < 0.25:
        operators.append(rng.choice("+-" if operator in "×÷" else "+-×"))
        terms.append(rng.randint(2, 12 if operators[1] == "×" else 99))
    args = {"terms": terms, "operators": operators, "form": draw_form(rng)}
    in_words = rng.random() < 0.15
    signs = [_WORDS[sign] if in_words else rng.choice(_SIGNS[sign]) for sign in operators]
    expression = str(terms[0]) + "".join(
        f" {sign} {term}" for sign, term in zip(signs, terms[1:], strict=True)
    )
    instruction = rng.choice(_ARITHMETIC).format(e=expression)
    return Problem("arithmetic", args, instruction + request(rng, args["form"], "number"))


def _arithmetic_steps(terms: Sequence[int], operators: Sequence[str]) -> list[Step]:
    """(left, operator, right) of each step, in the order of the rules."""
    if len(terms) == 2:
        return [(Fraction(terms[0]), operators[0], Fraction(terms[1]))]
    first, second, third = map(Fraction, terms)
    if operators[1] in "×÷" and operators[0] in "+-":
        middle = apply(second, operators[1], third)
        return [(second, operators[1], third), (first, operators[0], middle)]
    middle = apply(first, operators[0], second)
    return [(first, operators[0], second), (middle, operators[1], third)]


# The first of each takes numbers apart by place value, which one-digit numbers do not have.
_WAYS = {
    "+": (
        "Split {b} into tens and ones and add these to {a} one after the other.",
        "Start at {a} and count {b} further.",
        "Write {a} and {b} under each other and add the columns, carrying where needed.",
    ),
    "-": (
        "Take {b} from {a} in two parts, the tens first and then the ones.",
        "Count up from {b} to {a} and add the jumps.",
        "Subtract {b} from {a} column by column, borrowing where needed.",
    ),
    "×": (
        "Multiply the tens and the ones of {a} by {b} and add the two products.",
        "Think of {a} × {b} as {b} groups of {a} and add them up.",
        "Split {a} into parts that are easy to multiply by {b}.",
    ),
    "÷": (
        "Divide {a} by {b} digit by digit from the left.",
        "Ask how many times {b} goes into {a}, and multiply back to check.",
        "Look for the number that gives {a} when multiplied by {b}.",
    ),
}


def way(args: Args, slot: str, left: Fraction | int, operator: str, right: Fraction | int) -> str:
    """How to carry out one step, without its result."""
    apart = left if operator in "×÷" else min(left, right)
    ways = _WAYS[operator] if apart >= 10 else _WAYS[operator][1:]
    return pick(args, slot, *ways).format(a=number(left), b=number(right))


def _stated(terms: Sequence[int], operators: Sequence[str]) -> re.Pattern[str]:
    """Finds what a draft says right after the whole expression and an equals sign."""
    gap = r"\s{0,3}"
    left = gap.join(
        [str(terms[0])]
        + [f"{_SIGN_PATTERNS[o]}{gap}{t}" for o, t in zip(operators, terms[1:], strict=True)]
    )
    return re.compile(rf"(?i)(?<![\w.])(?<![-+*/×÷]\s){left}{gap}{_EQUALS}\s{{0,3}}{REST}")


def _question(args: Args, steps: Sequence[Step], asked: str, value: Fraction) -> Question:
    result = f"{asked} = {number(value)}"
    lines = [worked(*step) for step in steps]
    ways = [way(args, f"way {place}", *step) for place, step in enumerate(steps)]
    if len(steps) == 1:
        working = f"{sentence(lines[0])}."
        if lines[0] != result:
            working += f"\nSo {result}."
        return Question(args, asked, number(value), f"{result}.", working, ways)
    first, second = steps
    brief = (
        f"First, {shown(*first)} = {number(apply(*first))}. Then {shown(*second)} = "
        f"{number(value)}. The answer is {number(value)}."
    )
    working = "\n".join(f"Step {place}: {line}." for place, line in enumerate(lines, start=1))
    hints = (
        f"Do {shown(*first)} first. {ways[0]} Then go on with that result.",
        f"Take it in two steps, {shown(*first)} before the rest. {ways[0]}",
        f"Mind the order: {shown(*first)} comes first, and its result goes into the second step.",
    )
    return Question(args, asked, number(value), brief, f"{working}\nSo {result}.", hints)


def _check_arithmetic(args: Args, draft: str) -> Check:
    terms, operators = args["terms"], args["operators"]
    givens = [Fraction(term) for term in terms]
    value = evaluate(givens, operators)
    steps = _arithmetic_steps(terms, operators)
    asked = str(terms[0]) + "".join(f" {o} {t}" for o, t in zip(operators, terms[1:], strict=True))

    def slip(given: Fraction) -> str | None:
        if len(steps) == 2:
            if given != apply(*steps[0]):
                return None
            return f"{number(given)} is only {shown(*steps[0])}; the second step is missing."
        for other in "+-×÷":
            if other != operators[0] and given == apply(givens[0], other, givens[1]):
                return (
                    f"{number(given)} is {shown(terms[0], other, terms[1])}, but {asked} was "
                    f"asked for, which is {number(value)}."
                )
        return None

    return review_number(
        _question(args, steps, asked, value),
        draft,
        value,
        stated=[_stated(terms, operators)],
        givens=givens,
        slip=slip,
    )


FAMILIES = (Family("arithmetic", _make_arithmetic, _check_arithmetic),)
