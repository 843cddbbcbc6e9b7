"""Arithmetic with two or three whole numbers."""

import re
from collections.abc import Sequence
from fractions import Fraction
from random import Random

from builders.verifiable.forms import draw_form, form_request
from builders.verifiable.problem import Args, CheckedDraft, Family, Problem
from builders.verifiable.reading.answers import REST
from builders.verifiable.reading.steps import calculate, evaluate, expression, worked_step
from builders.verifiable.short_answer import AnswerKey, check_number
from builders.verifiable.wording import capitalize_first, format_number, pick

_PHRASINGS = (
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
    """Small numbers more often than large ones, so that some drafts are right."""
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


def _make(rng: Random) -> Problem:
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
    instruction = rng.choice(_PHRASINGS).format(e=expression)
    return Problem("arithmetic", args, instruction + form_request(rng, args["form"], "number"))


def _steps(terms: Sequence[int], operators: Sequence[str]) -> list[Step]:
    """(left, operator, right) of each step, in the order of operations."""
    if len(terms) == 2:
        return [(Fraction(terms[0]), operators[0], Fraction(terms[1]))]
    first, second, third = map(Fraction, terms)
    if operators[1] in "×÷" and operators[0] in "+-":
        middle = calculate(second, operators[1], third)
        return [(second, operators[1], third), (first, operators[0], middle)]
    middle = calculate(first, operators[0], second)
    return [(first, operators[0], second), (middle, operators[1], third)]


# The first of each splits a number by place value, which one-digit numbers do not have.
_STEP_HINTS = {
    "+": (
        "Split {b} into tens and ones and add them to {a} one after the other.",
        "Start at {a} and count up by {b}.",
        "Write {a} above {b} and add the columns, carrying where needed.",
    ),
    "-": (
        "Subtract {b} from {a} in two parts, the tens first and then the ones.",
        "Count up from {b} to {a} and add up the jumps.",
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


def step_hint(
    args: Args, slot: str, left: Fraction | int, operator: str, right: Fraction | int
) -> str:
    """How to carry out one step, without giving its result."""
    split_number = left if operator in "×÷" else min(left, right)
    hints = _STEP_HINTS[operator] if split_number >= 10 else _STEP_HINTS[operator][1:]
    return pick(args, slot, *hints).format(a=format_number(left), b=format_number(right))


def _stated_answer(terms: Sequence[int], operators: Sequence[str]) -> re.Pattern[str]:
    """Matches what a draft says right after the whole expression and an equals sign."""
    gap = r"\s{0,3}"
    left = gap.join(
        [str(terms[0])]
        + [f"{_SIGN_PATTERNS[o]}{gap}{t}" for o, t in zip(operators, terms[1:], strict=True)]
    )
    return re.compile(rf"(?i)(?<![\w.])(?<![-+*/×÷]\s){left}{gap}{_EQUALS}\s{{0,3}}{REST}")


def _answer_key(args: Args, steps: Sequence[Step], target: str, value: Fraction) -> AnswerKey:
    answer = format_number(value)
    result = f"{target} = {answer}"
    lines = [worked_step(*step) for step in steps]
    hints = [step_hint(args, f"way {place}", *step) for place, step in enumerate(steps)]
    if len(steps) == 1:
        working = f"{capitalize_first(lines[0])}."
        if lines[0] != result:
            working += f"\nSo {result}."
        return AnswerKey(args, target, answer, f"{result}.", working, hints)
    first, second = steps
    start = expression(*first)
    brief = (
        f"First, {start} = {format_number(calculate(*first))}. "
        f"Then {expression(*second)} = {answer}. The answer is {answer}."
    )
    working = "\n".join(f"Step {place}: {line}." for place, line in enumerate(lines, start=1))
    hints = [
        f"Do {start} first. {hints[0]} Then continue with that result.",
        f"Do it in two steps, {start} before the rest. {hints[0]}",
        f"Watch the order: {start} comes first, and its result goes into the second step.",
    ]
    return AnswerKey(args, target, answer, brief, f"{working}\nSo {result}.", hints)


def _check(args: Args, draft: str) -> CheckedDraft:
    terms, operators = args["terms"], args["operators"]
    givens = [Fraction(term) for term in terms]
    value = evaluate(givens, operators)
    steps = _steps(terms, operators)
    target = str(terms[0]) + "".join(f" {o} {t}" for o, t in zip(operators, terms[1:], strict=True))

    def find_slip(wrong: Fraction) -> str | None:
        if len(steps) == 2:
            if wrong != calculate(*steps[0]):
                return None
            first = expression(*steps[0])
            return f"{format_number(wrong)} is only {first}; the second step is missing."
        for sign in "+-×÷":
            if sign != operators[0] and wrong == calculate(givens[0], sign, givens[1]):
                other = expression(terms[0], sign, terms[1])
                return (
                    f"{format_number(wrong)} is {other}, but the question was {target}, "
                    f"which is {format_number(value)}."
                )
        return None

    return check_number(
        _answer_key(args, steps, target, value),
        draft,
        value,
        stated=[_stated_answer(terms, operators)],
        givens=givens,
        find_slip=find_slip,
    )


FAMILIES = (Family("arithmetic", _make, _check),)
