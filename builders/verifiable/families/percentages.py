"""Percentages: of a number, a decrease, an increase, and one number as a share of another."""

import re
from fractions import Fraction
from random import Random

from builders.verifiable.forms import draw_form, form_request
from builders.verifiable.problem import Args, CheckedDraft, Family, Problem
from builders.verifiable.reading.answers import REST
from builders.verifiable.short_answer import AnswerKey, check_number
from builders.verifiable.wording import format_number

_EQUALS = r"(?:=|is|equals|is equal to|gives|makes|comes to)"
_AMOUNT = r"-?[$€]?[0-9][0-9,]*(?:\.[0-9]+)?"

_PHRASINGS = {
    "of": (
        "What is {p}% of {b}?",
        "Calculate {p}% of {b}.",
        "How much is {p} percent of {b}?",
        "Find {p}% of {b}.",
        "I have {b} euros and want to save {p}% of it. How many euros is that?",
    ),
    "off": (
        "A coat costs ${b}. It is reduced by {p}%. What is the new price?",
        "A shop takes {p}% off a bicycle that costs ${b}. How much do I pay?",
        "Reduce {b} by {p}%. What is left?",
        "The price was {b} dollars and fell by {p} percent. What is the price now?",
    ),
    "more": (
        "A rent of ${b} goes up by {p}%. What is the new rent?",
        "Increase {b} by {p}%.",
        "A club had {b} members and grew by {p} percent. How many members does it have now?",
        "What do you get if you raise {b} by {p}%?",
    ),
    "share": (
        "{a} is what percent of {b}?",
        "What percentage of {b} is {a}?",
        "I have read {a} of {b} pages. What percentage is that?",
        "{a} out of {b} people said yes. What percent is that?",
    ),
}


def _make(rng: Random) -> Problem:
    kind = rng.choice(("of", "of", "off", "more", "share"))
    percent = 5 * rng.randint(1, 18)
    base = 20 * rng.randint(1, 45)
    if kind == "of" and rng.random() < 0.25:
        percent, base = 10 * rng.randint(1, 9), rng.randint(11, 99)
    args = {"kind": kind, "percent": percent, "base": base, "form": draw_form(rng)}
    part = format_number(Fraction(percent * base, 100))
    instruction = rng.choice(_PHRASINGS[kind]).format(p=percent, b=base, a=part)
    return Problem("percentage", args, instruction + form_request(rng, args["form"], "number"))


def _share_key(args: Args) -> AnswerKey:
    percent, base = args["percent"], args["base"]
    a, b = format_number(Fraction(percent * base, 100)), format_number(base)
    brief = f"{a} is {percent}% of {b}."
    decimal = format_number(Fraction(percent, 100))
    working = f"{a} ÷ {b} = {decimal}, and that times 100 is {percent}. {brief}"
    hints = (
        f"Divide {a} by {b} and multiply the result by 100.",
        f"Find 1% of {b} first and see how many times it goes into {a}.",
        f"Write {a}/{b} as a fraction of 100.",
    )
    target = f"{a} as a percentage of {b}"
    return AnswerKey(args, target, format_number(percent), brief, working, hints)


def _part_key(args: Args, value: Fraction) -> AnswerKey:
    """The key for a percentage of a number, or the number changed by it; `value` is the answer."""
    kind, percent, base = args["kind"], args["percent"], args["base"]
    p, b, answer = format_number(percent), format_number(base), format_number(value)
    part, one = format_number(Fraction(percent * base, 100)), format_number(Fraction(base, 100))
    start = f"1% of {b} is {one}, so {p}% is {p} × {one} = {part}."
    fact = f"{p}% of {b} is {part}"
    hints = (
        f"Find 1% of {b} by dividing by 100, and multiply it by {p}.",
        f"Turn {p}% into a decimal and multiply {b} by it.",
        f"Start from 10% of {b} and build {p}% from it.",
    )
    if kind == "of":
        return AnswerKey(args, f"{p}% of {b}", answer, f"{fact}.", f"{start} {fact}.", hints)
    sign, verb = ("-", "reduced") if kind == "off" else ("+", "increased")
    change = f"{b} {sign} {part} = {answer}"
    last = "subtract it from" if kind == "off" else "add it to"
    hints = tuple(f"{hint[:-1]}; then {last} {b}." for hint in hints)
    target = f"{b} {verb} by {p}%"
    return AnswerKey(
        args, target, answer, f"{fact}, and {change}.", f"{start} Then {change}.", hints
    )


def _check(args: Args, draft: str) -> CheckedDraft:
    kind, percent, base = args["kind"], args["percent"], args["base"]
    part = Fraction(percent * base, 100)
    if kind == "share":
        value = Fraction(percent)
        key = _share_key(args)
    else:
        value = {"of": part, "off": base - part, "more": base + part}[kind]
        key = _part_key(args, value)
    a, p, b = format_number(part), format_number(percent), format_number(base)
    whole = rf"{p} ?(?:%|percent) of \$?{b}"
    stated = {
        "of": (
            rf"(?<![\w.]){whole} {_EQUALS} {REST}",
            rf"(?<![\w.,])(?P<rest>{_AMOUNT}) (?:is|equals|=) {whole}(?![\w.])",
        ),
        "share": (rf"(?<![\w.]){re.escape(a)} (?:is|=|equals) (?P<rest>{_AMOUNT} ?(?:%|percent))",),
    }.get(kind, ())

    def find_slip(wrong: Fraction) -> str | None:
        if kind in ("off", "more") and wrong == part:
            change = "subtracted from" if kind == "off" else "added to"
            return f"{a} is only the change of {p}%; it still has to be {change} {b}."
        if kind == "share" and wrong == Fraction(percent, 100):
            return f"{format_number(wrong)} is the share as a decimal; as a percentage it is {p}."
        return None

    return check_number(
        key,
        draft,
        value,
        stated=[re.compile(pattern, re.IGNORECASE) for pattern in stated],
        givens=[part if kind == "share" else Fraction(percent), Fraction(base)],
        find_slip=find_slip,
    )


FAMILIES = (Family("percentage", _make, _check),)
