"""Percentages: of a number, off and on top of one, and one number as a share of another."""

import re
from fractions import Fraction
from random import Random

from builders.verifiable.forms import draw_form, request
from builders.verifiable.problem import Args, Check, Family, Problem
from builders.verifiable.reading.answers import REST
from builders.verifiable.short_answer import Question, review_number
from builders.verifiable.wording import number

_EQUALS = r"(?:=|is|equals|is equal to|gives|makes|comes to)"
_PLAIN = r"-?[$€]?[0-9][0-9,]*(?:\.[0-9]+)?"

_PERCENTAGES = {
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
        "A club had {b} members and grew by {p} percent. How many members has it now?",
        "What do you get if you raise {b} by {p}%?",
    ),
    "share": (
        "{a} is what percent of {b}?",
        "What percentage of {b} is {a}?",
        "I have read {a} of {b} pages. What percentage is that?",
        "{a} out of {b} people said yes. How many percent is that?",
    ),
}


def _make_percentage(rng: Random) -> Problem:
    kind = rng.choice(("of", "of", "off", "more", "share"))
    percent = 5 * rng.randint(1, 18)
    base = 20 * rng.randint(1, 45)
    if kind == "of" and rng.random() < 0.25:
        percent, base = 10 * rng.randint(1, 9), rng.randint(11, 99)
    args = {"kind": kind, "percent": percent, "base": base, "form": draw_form(rng)}
    part = number(Fraction(percent * base, 100))
    instruction = rng.choice(_PERCENTAGES[kind]).format(p=percent, b=base, a=part)
    return Problem("percentage", args, instruction + request(rng, args["form"], "number"))


def _check_percentage(args: Args, draft: str) -> Check:
    kind, percent, base = args["kind"], args["percent"], args["base"]
    part = Fraction(percent * base, 100)
    p, b, a, one = number(percent), number(base), number(part), number(Fraction(base, 100))
    if kind == "share":
        asked, value, brief = (
            f"{a} as a percentage of {b}",
            Fraction(percent),
            f"{a} is {p}% of {b}.",
        )
        working = (
            f"{a} ÷ {b} = {number(Fraction(percent, 100))}, and that times 100 is {p}. {brief}"
        )
        hints = (
            f"Divide {a} by {b} and multiply the result by 100.",
            f"Find 1% of {b} first and see how often it goes into {a}.",
            f"Write {a}/{b} as a fraction of 100.",
        )
    else:
        start = f"1% of {b} is {one}, so {p}% is {p} × {one} = {a}."
        hints = (
            f"Find 1% of {b} by dividing by 100, and multiply it by {p}.",
            f"Turn {p}% into a decimal and multiply {b} by it.",
            f"Start from 10% of {b} and build {p}% from it.",
        )
        if kind == "of":
            asked, value, brief, working = f"{p}% of {b}", part, f"{p}% of {b} is {a}.", start
            working += f" {brief}"
        else:
            sign, verb = ("-", "reduced") if kind == "off" else ("+", "increased")
            value = base - part if kind == "off" else base + part
            asked = f"{b} {verb} by {p}%"
            brief = f"{p}% of {b} is {a}, and {b} {sign} {a} = {number(value)}."
            working = f"{start} Then {b} {sign} {a} = {number(value)}."
            last = "take it from" if kind == "off" else "add it to"
            hints = tuple(f"{hint[:-1]}; then {last} {b}." for hint in hints)
    question = Question(args, asked, number(value), brief, working, hints)
    whole = rf"{p} ?(?:%|percent) of \$?{b}"
    stated = {
        "of": (
            rf"(?<![\w.]){whole} {_EQUALS} {REST}",
            rf"(?<![\w.,])(?P<rest>{_PLAIN}) (?:is|equals|=) {whole}(?![\w.])",
        ),
        "share": (rf"(?<![\w.]){re.escape(a)} (?:is|=|equals) (?P<rest>{_PLAIN} ?(?:%|percent))",),
    }.get(kind, ())

    def slip(given: Fraction) -> str | None:
        if kind in ("off", "more") and given == part:
            return f"{a} is only the change of {p}%; it still has to be set against {b}."
        if kind == "share" and given == Fraction(percent, 100):
            return f"{number(given)} is the share as a decimal; as a percentage it is {p}."
        return None

    return review_number(
        question,
        draft,
        value,
        stated=[re.compile(pattern, re.IGNORECASE) for pattern in stated],
        givens=[part if kind == "share" else Fraction(percent), Fraction(base)],
        slip=slip,
    )


FAMILIES = (Family("percentage", _make_percentage, _check_percentage),)
