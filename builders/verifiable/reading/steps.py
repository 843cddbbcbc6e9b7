"""Finding equations in a draft that do not hold, and writing down ones that do."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from builders.verifiable.problem import Args
from builders.verifiable.reading.number_text import plain
from builders.verifiable.rubric import Fault
from builders.verifiable.wording import number, pick

_NUMBER = r"(?:[$€£] ?)?(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,12})(?:\.[0-9]{1,9})?(?![0-9%])"
_EQUATION = re.compile(
    rf"(?<![\w.,])(?P<left>{_NUMBER}(?: ?[-+*/×÷x·] ?{_NUMBER}){{1,7}})"
    rf" ?= ?(?P<right>-?{_NUMBER})(?P<after> ?[-+*/×÷x·^%(]? ?[0-9a-zA-Z]?)"
)
_PART = re.compile(rf"{_NUMBER}|[-+*/×÷x·]")
_SYMBOLS = {"*": "×", "x": "×", "·": "×", "/": "÷"}


@dataclass(frozen=True)
class FalseStep:
    """`left` = `claimed` stands in a draft, and `value` is what `left` comes to."""

    left: str
    claimed: str
    value: Fraction


def apply(left: Fraction, operator: str, right: Fraction) -> Fraction:
    if operator == "+":
        return left + right
    if operator == "-":
        return left - right
    return left * right if operator == "×" else left / right


def evaluate(terms: Sequence[Fraction], operators: Sequence[str]) -> Fraction:
    """Products and quotients before sums and differences; raises ZeroDivisionError."""
    sums: list[Fraction] = [terms[0]]
    pending: list[str] = []
    for operator, term in zip(operators, terms[1:], strict=True):
        if operator in "×÷":
            sums[-1] = apply(sums[-1], operator, term)
        else:
            sums.append(term)
            pending.append(operator)
    total = sums[0]
    for operator, term in zip(pending, sums[1:], strict=True):
        total = apply(total, operator, term)
    return total


def _parse(text: str) -> Fraction:
    return Fraction(re.sub(r"[$€£, ]", "", text))


def _holds(value: Fraction, claimed: str, divided: bool) -> bool:
    """Rounded results hold too, as far as their decimals go."""
    decimals = len(claimed.partition(".")[2])
    difference = abs(value - _parse(claimed))
    if difference == 0:
        return True
    return (decimals > 0 or divided) and difference < Fraction(1, 10**decimals)


def false_steps(draft: str) -> list[FalseStep]:
    """The plain equations of a draft that are wrong, in order; what is unclear is left out."""
    text = plain(draft)
    found = []
    for match in _EQUATION.finditer(text):
        before = text[max(0, match.start() - 3) : match.start()].rstrip(" ")
        # Part of something longer: another term, a bracket, an exponent, a variable.
        if before[-1:] in tuple("+-*/×÷^)%·") or (before[-1:].isalpha() and len(before) == 1):
            continue
        if re.match(r" ?[-+*/×÷·^%(x] ?[0-9(]|[%^]", match["after"]):
            continue
        parts = _PART.findall(match["left"])
        operators = [_SYMBOLS.get(part, part) for part in parts[1::2]]
        try:
            value = evaluate([_parse(part) for part in parts[::2]], operators)
        except ZeroDivisionError:
            continue
        if not _holds(value, match["right"], "÷" in operators):
            left = re.sub(r" ?([-+*/×÷x·]) ?", lambda sign: f" {_symbol(sign[1])} ", match["left"])
            found.append(FalseStep(left, match["right"].strip(), value))
    return found


def _symbol(sign: str) -> str:
    return _SYMBOLS.get(sign, sign)


def step_faults(
    args: Args, draft: str, known: tuple[Fraction, Fraction] | None = None
) -> list[Fault]:
    """The first false step of a draft, as a fault; `known` is (right, claimed) of one to skip."""
    steps = [step for step in false_steps(draft) if (step.value, _parse(step.claimed)) != known]
    if not steps:
        return []
    step = steps[0]
    result = number(step.value)
    return [
        Fault(
            pick(
                args,
                "step",
                f"The step {step.left} = {step.claimed} is wrong: {step.left} is {result}.",
                f"It claims that {step.left} is {step.claimed}, which does not hold; "
                f"it is {result}.",
                f"There is a slip in {step.left} = {step.claimed}; it comes to {result}.",
            ),
            pick(
                args,
                "step how",
                f"Work out {step.left} again and carry the corrected result on.",
                f"Check the step {step.left} before using its result.",
                f"Redo {step.left} and follow the change through to the end.",
            ),
            cost=2,
        )
    ]


def shown(left: Fraction | int, operator: str, right: Fraction | int) -> str:
    """`17 + 38`, with brackets around what is negative."""
    second = number(right) if right >= 0 else f"({number(right)})"
    return f"{number(left)} {operator} {second}"


def worked(left: Fraction | int, operator: str, right: Fraction | int) -> str:
    """One true step, split by place value where that helps: `20 × 7 = 140, 3 × 7 = 21, …`."""
    result = apply(Fraction(left), operator, Fraction(right))
    whole = Fraction(left).denominator == Fraction(right).denominator == 1
    step = f"{shown(left, operator, right)} = {number(result)}"
    if not whole or left < 10 or right < 1:
        return step
    left, right = int(left), int(right)
    if operator == "+" and right >= 10 and left % 10 and right % 10:
        tens, ones = left // 10 * 10 + right // 10 * 10, left % 10 + right % 10
        return (
            f"{left // 10 * 10} + {right // 10 * 10} = {tens}, "
            f"{left % 10} + {right % 10} = {ones}, and {tens} + {ones} = {number(result)}"
        )
    if operator == "×" and left % 10 and right < 13:
        tens, ones = left // 10 * 10, left % 10
        return (
            f"{tens} × {right} = {tens * right}, {ones} × {right} = {ones * right}, "
            f"and {tens * right} + {ones * right} = {number(result)}"
        )
    if operator == "-" and right >= 10 and right % 10 and left >= right:
        tens, ones = right // 10 * 10, right % 10
        return f"{left} - {tens} = {left - tens}, and {left - tens} - {ones} = {number(result)}"
    return step
