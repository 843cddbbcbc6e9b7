"""Finding false equations in a draft, and writing true ones."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from builders.verifiable.problem import Args
from builders.verifiable.reading.number_text import plain
from builders.verifiable.rubric import Fault
from builders.verifiable.wording import format_number, pick

_NUMBER = r"(?:[$€£] ?)?(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,12})(?:\.[0-9]{1,9})?(?![0-9%])"
_EQUATION = re.compile(
    rf"(?<![\w.,])(?P<left>{_NUMBER}(?: ?[-+*/×÷x·] ?{_NUMBER}){{1,7}})"
    rf" ?= ?(?P<right>-?{_NUMBER})(?P<after> ?[-+*/×÷x·^%(]? ?[0-9a-zA-Z(]?)"
)
_TERM_OR_SIGN = re.compile(rf"{_NUMBER}|[-+*/×÷x·]")
_SYMBOLS = {"*": "×", "x": "×", "·": "×", "/": "÷"}


@dataclass(frozen=True)
class FalseStep:
    """A draft says `left` = `claimed`; the value of `left` is `value`."""

    left: str
    claimed: str
    value: Fraction


def calculate(left: Fraction, operator: str, right: Fraction) -> Fraction:
    if operator == "+":
        return left + right
    if operator == "-":
        return left - right
    return left * right if operator == "×" else left / right


def evaluate(terms: Sequence[Fraction], operators: Sequence[str]) -> Fraction:
    """Evaluate products and quotients before sums. Raises ZeroDivisionError.

    >>> evaluate([Fraction(2), Fraction(3), Fraction(4)], ["+", "×"])
    Fraction(14, 1)
    """
    sums: list[Fraction] = [terms[0]]
    pending: list[str] = []
    for operator, term in zip(operators, terms[1:], strict=True):
        if operator in "×÷":
            sums[-1] = calculate(sums[-1], operator, term)
        else:
            sums.append(term)
            pending.append(operator)
    total = sums[0]
    for operator, term in zip(pending, sums[1:], strict=True):
        total = calculate(total, operator, term)
    return total


def _parse(text: str) -> Fraction:
    return Fraction(re.sub(r"[$€£, ]", "", text))


def _is_true(value: Fraction, claimed: str, has_quotient: bool) -> bool:
    """A rounded result counts as true to the precision of its decimals."""
    decimals = len(claimed.partition(".")[2])
    difference = abs(value - _parse(claimed))
    if difference == 0:
        return True
    return (decimals > 0 or has_quotient) and difference < Fraction(1, 10**decimals)


def false_steps(draft: str) -> list[FalseStep]:
    """The plain equations in a draft that are false, in order; unclear ones are skipped."""
    text = plain(draft)
    steps = []
    for match in _EQUATION.finditer(text):
        before = text[max(0, match.start() - 3) : match.start()].rstrip(" ")
        # Part of something longer: another term, a parenthesis, an exponent, a variable.
        if before[-1:] in tuple("+-*/×÷^)%·") or (before[-1:].isalpha() and len(before) == 1):
            continue
        if re.match(r" ?[-+*/×÷·^%(x] ?[0-9(]|[%^]", match["after"]):
            continue
        tokens = _TERM_OR_SIGN.findall(match["left"])
        operators = [_SYMBOLS.get(token, token) for token in tokens[1::2]]
        try:
            value = evaluate([_parse(token) for token in tokens[::2]], operators)
        except ZeroDivisionError:
            continue
        if not _is_true(value, match["right"], "÷" in operators):
            left = re.sub(
                r" ?([-+*/×÷x·]) ?",
                lambda sign: f" {_SYMBOLS.get(sign[1], sign[1])} ",
                match["left"],
            )
            steps.append(FalseStep(left, match["right"].strip(), value))
    return steps


def step_faults(
    args: Args, draft: str, skip: tuple[Fraction, Fraction] | None = None
) -> list[Fault]:
    """The first false step as a fault, except the one whose (value, claimed) is `skip`."""
    steps = [step for step in false_steps(draft) if (step.value, _parse(step.claimed)) != skip]
    if not steps:
        return []
    step = steps[0]
    result = format_number(step.value)
    return [
        Fault(
            pick(
                args,
                "step",
                f"The step {step.left} = {step.claimed} is wrong: {step.left} is {result}.",
                f"It claims that {step.left} is {step.claimed}, but it is {result}.",
                f"There is a mistake in {step.left} = {step.claimed}; it should be {result}.",
            ),
            pick(
                args,
                "step how",
                f"Work out {step.left} again and continue with the corrected result.",
                f"Check the step {step.left} before using its result.",
                f"Redo {step.left} and carry the change through to the end.",
            ),
            cost=2,
        )
    ]


def expression(left: Fraction | int, operator: str, right: Fraction | int) -> str:
    """`17 + 38`, or `17 + (-38)`."""
    second = format_number(right) if right >= 0 else f"({format_number(right)})"
    return f"{format_number(left)} {operator} {second}"


def worked_step(left: Fraction | int, operator: str, right: Fraction | int) -> str:
    """One true step, split by place value if that helps.

    >>> worked_step(23, "×", 7)
    '20 × 7 = 140, 3 × 7 = 21, and 140 + 21 = 161'
    """
    result = calculate(Fraction(left), operator, Fraction(right))
    whole = Fraction(left).denominator == Fraction(right).denominator == 1
    step = f"{expression(left, operator, right)} = {format_number(result)}"
    if not whole or left < 10 or right < 1:
        return step
    left, right = int(left), int(right)
    if operator == "+" and right >= 10 and left % 10 and right % 10:
        tens, ones = left // 10 * 10 + right // 10 * 10, left % 10 + right % 10
        return (
            f"{left // 10 * 10} + {right // 10 * 10} = {tens}, "
            f"{left % 10} + {right % 10} = {ones}, and {tens} + {ones} = {format_number(result)}"
        )
    if operator == "×" and left % 10 and right < 13:
        tens, ones = left // 10 * 10, left % 10
        return (
            f"{tens} × {right} = {tens * right}, {ones} × {right} = {ones * right}, "
            f"and {tens * right} + {ones * right} = {format_number(result)}"
        )
    if operator == "-" and right >= 10 and right % 10 and left >= right:
        tens, ones = right // 10 * 10, right % 10
        return (
            f"{left} - {tens} = {left - tens}, and {left - tens} - {ones} = {format_number(result)}"
        )
    return step
