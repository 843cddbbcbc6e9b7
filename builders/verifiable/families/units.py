"""Converting between units with an exact factor."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from random import Random

from builders.verifiable.forms import draw_form, form_request
from builders.verifiable.problem import Args, CheckedDraft, Family, Problem
from builders.verifiable.reading.answers import ReadNumber, read_number
from builders.verifiable.reading.number_text import numbers, plain
from builders.verifiable.reading.steps import expression
from builders.verifiable.short_answer import AnswerKey, check_read_number
from builders.verifiable.wording import format_number, pick

_PHRASINGS = (
    "Convert {n} {a} to {b}.",
    "How many {b} are in {n} {a}?",
    "What is {n} {a} in {b}?",
    "Express {n} {a} in {b}.",
    "I have {n} {a}. How much is that in {b}?",
)


@dataclass(frozen=True)
class Unit:
    one: str
    many: str
    others: tuple[str, ...] = ()

    def pattern(self) -> str:
        # Longest first, so that "m" does not win over "meters".
        names = sorted((self.one, self.many, *self.others), key=len, reverse=True)
        return "|".join(re.escape(name) for name in names)


UNITS: Mapping[str, Unit] = {
    "km": Unit("kilometer", "kilometers", ("kilometre", "kilometres", "km")),
    "m": Unit("meter", "meters", ("metre", "metres", "m")),
    "cm": Unit("centimeter", "centimeters", ("centimetre", "centimetres", "cm")),
    "mm": Unit("millimeter", "millimeters", ("millimetre", "millimetres", "mm")),
    "t": Unit("tonne", "tonnes", ("ton", "tons", "t")),
    "kg": Unit(
        "kilogram", "kilograms", ("kilogramme", "kilogrammes", "kilo", "kilos", "kg", "kgs")
    ),
    "g": Unit("gram", "grams", ("gramme", "grammes", "g")),
    "mg": Unit("milligram", "milligrams", ("mg",)),
    "l": Unit("liter", "liters", ("litre", "litres", "l")),
    "ml": Unit("milliliter", "milliliters", ("millilitre", "millilitres", "ml")),
    "week": Unit("week", "weeks"),
    "day": Unit("day", "days"),
    "h": Unit("hour", "hours", ("hrs", "hr", "h")),
    "min": Unit("minute", "minutes", ("mins", "min")),
    "s": Unit("second", "seconds", ("secs", "sec", "s")),
    "year": Unit("year", "years"),
    "month": Unit("month", "months"),
    "ft": Unit("foot", "feet", ("ft",)),
    "in": Unit("inch", "inches"),
    "yd": Unit("yard", "yards", ("yd", "yds")),
    "lb": Unit("pound", "pounds", ("lb", "lbs")),
    "oz": Unit("ounce", "ounces", ("oz",)),
    "dozen": Unit("dozen", "dozen", ("dozens",)),
    "piece": Unit("piece", "pieces", ("items", "units", "eggs", "things")),
}
# How many of the second make one of the first.
FACTORS: Mapping[tuple[str, str], int] = {
    ("km", "m"): 1000,
    ("m", "cm"): 100,
    ("cm", "mm"): 10,
    ("m", "mm"): 1000,
    ("t", "kg"): 1000,
    ("kg", "g"): 1000,
    ("g", "mg"): 1000,
    ("l", "ml"): 1000,
    ("week", "day"): 7,
    ("day", "h"): 24,
    ("h", "min"): 60,
    ("min", "s"): 60,
    ("year", "month"): 12,
    ("ft", "in"): 12,
    ("yd", "ft"): 3,
    ("lb", "oz"): 16,
    ("dozen", "piece"): 12,
}


def _make(rng: Random) -> Problem:
    large, small = rng.choice(list(FACTORS))
    factor = FACTORS[large, small]
    amount = Fraction(rng.randint(2, 60))
    if factor in (10, 100, 1000) and rng.random() < 0.4:
        amount += Fraction(rng.choice((2, 4, 5, 6, 8)), 10)
    source, target = large, small
    if rng.random() < 0.4:
        amount, source, target = amount * factor, small, large
    args = {"amount": format_number(amount), "from": source, "to": target, "form": draw_form(rng)}
    instruction = rng.choice(_PHRASINGS).format(
        n=args["amount"], a=UNITS[source].many, b=UNITS[target].many
    )
    return Problem("unit", args, instruction + form_request(rng, args["form"], "number"))


def _read_amount(args: Args, draft: str) -> ReadNumber | None:
    """The number with the target unit, except in a statement of the conversion factor."""
    text = plain(draft)
    amount = Fraction(args["amount"])
    source, target = UNITS[args["from"]].pattern(), UNITS[args["to"]].pattern()
    equals = r"(?: is| are| =| equals| equal| to| into|,| is equal to| are equal to| makes?){1,2}"
    equations = re.compile(
        rf"(?i)(?<![\w.,])(?P<left>[0-9][0-9,.]*) ?(?:{source})\b{equals} (?P<rest>[0-9][0-9,.]*)"
        rf" ?(?:{target})\b"
    )
    converted, factor_starts = [], set()
    for match in equations.finditer(text):
        left, right = numbers(match["left"]), numbers(match["rest"])
        if not left or not right:
            continue
        start = match.start("rest")
        if left[0].value == amount:
            converted.append(replace(right[0], start=start))
        else:
            factor_starts.add(start)
    read = read_number(text)
    if read is None or not read.committed:
        read = ReadNumber(converted[-1], committed=True) if converted else None
    if read is not None:
        others = dict.fromkeys(item.value for item in converted if item.value != read.final.value)
        return ReadNumber(read.final, (*read.others, *others), True)
    has_unit = re.compile(rf"(?i) ?(?:{target})\b")
    with_unit = [
        item
        for item in numbers(text)
        if item.start not in factor_starts
        and item.value not in (1, amount)
        and has_unit.match(text, item.start + len(item.literal))
    ]
    if with_unit:
        return ReadNumber(with_unit[-1])
    read = read_number(text, givens=[amount])
    return None if read and read.final.value == amount else read


def _check(args: Args, draft: str) -> CheckedDraft:
    amount, source, target = Fraction(args["amount"]), args["from"], args["to"]
    to_smaller = (source, target) in FACTORS
    factor = FACTORS[(source, target) if to_smaller else (target, source)]
    value = amount * factor if to_smaller else amount / factor
    large, small = (source, target) if to_smaller else (target, source)
    operator = "×" if to_smaller else "÷"
    answer = f"{format_number(value)} {_unit_name(value, target)}"
    left = f"{format_number(amount)} {_unit_name(amount, source)}"
    equation = f"{left} is {answer}"
    step = f"{expression(amount, operator, factor)} = {format_number(value)}"
    rule = f"1 {UNITS[large].one} is {factor} {_unit_name(Fraction(factor), small)}"
    working = f"{rule}, and {step}. So {equation}."
    do = "multiply" if to_smaller else "divide"
    hints = (
        f"Start from the fact that {rule}, and {do} {format_number(amount)} by that.",
        f"{rule}; to go from {UNITS[source].many} to {UNITS[target].many}, {do}.",
        f"First ask how many {UNITS[small].many} make one {UNITS[large].one}, then {do}.",
    )

    def find_slip(wrong: Fraction) -> str | None:
        if wrong == (amount / factor if to_smaller else amount * factor):
            mistake = (
                "divides where it should multiply"
                if to_smaller
                else "multiplies instead of dividing"
            )
            return f"It {mistake}: {equation}, not {format_number(wrong)}."
        ratio = wrong / value if value else Fraction(0)
        if ratio in [Fraction(10) ** power for power in (-3, -2, -1, 1, 2, 3)]:
            return f"The factor is wrong: {rule}, so {equation}, not {format_number(wrong)}."
        return None

    conversion = f"{left} in {UNITS[target].many}"
    brief = pick(args, "brief", f"{equation}.", working)
    key = AnswerKey(args, conversion, format_number(value), brief, working, hints)
    return check_read_number(key, draft, value, _read_amount(args, draft), find_slip=find_slip)


def _unit_name(value: Fraction, unit: str) -> str:
    return UNITS[unit].one if value == 1 else UNITS[unit].many


FAMILIES = (Family("unit", _make, _check),)
