"""Converting units whose factor is exact."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from random import Random

from builders.verifiable.forms import draw_form, request
from builders.verifiable.problem import Args, Check, Family, Problem
from builders.verifiable.reading.answers import Reading, read_number
from builders.verifiable.reading.number_text import NumberFound, numbers, plain
from builders.verifiable.reading.steps import shown
from builders.verifiable.short_answer import Question, review_reading
from builders.verifiable.wording import number, pick

_TEXTS = (
    "Convert {n} {a} to {b}.",
    "How many {b} are {n} {a}?",
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
        # Longest first, so that "m" does not win over "metres".
        names = sorted((self.one, self.many, *self.others), key=len, reverse=True)
        return "|".join(re.escape(name) for name in names)


UNITS: Mapping[str, Unit] = {
    "km": Unit("kilometre", "kilometres", ("kilometer", "kilometers", "km")),
    "m": Unit("metre", "metres", ("meter", "meters", "m")),
    "cm": Unit("centimetre", "centimetres", ("centimeter", "centimeters", "cm")),
    "mm": Unit("millimetre", "millimetres", ("millimeter", "millimeters", "mm")),
    "t": Unit("tonne", "tonnes", ("ton", "tons", "t")),
    "kg": Unit(
        "kilogram", "kilograms", ("kilogramme", "kilogrammes", "kilo", "kilos", "kg", "kgs")
    ),
    "g": Unit("gram", "grams", ("gramme", "grammes", "g")),
    "mg": Unit("milligram", "milligrams", ("mg",)),
    "l": Unit("litre", "litres", ("liter", "liters", "l")),
    "ml": Unit("millilitre", "millilitres", ("milliliter", "milliliters", "ml")),
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
    args = {"amount": number(amount), "from": source, "to": target, "form": draw_form(rng)}
    instruction = rng.choice(_TEXTS).format(
        n=args["amount"], a=UNITS[source].many, b=UNITS[target].many
    )
    return Problem("unit", args, instruction + request(rng, args["form"], "number"))


def _reading(args: Args, draft: str) -> Reading | None:
    """The number with the wanted unit, but not the one that says what a single unit is."""
    text = plain(draft)
    amount = Fraction(args["amount"])
    source, target = UNITS[args["from"]].pattern(), UNITS[args["to"]].pattern()
    link = r"(?: is| are| =| equals| equal| to| into|,| is equal to| are equal to| makes?){1,2}"
    pairs = re.compile(
        rf"(?i)(?<![\w.,])(?P<left>[0-9][0-9,.]*) ?(?:{source})\b{link} (?P<rest>[0-9][0-9,.]*)"
        rf" ?(?:{target})\b"
    )
    asked, factors = [], set()
    for match in pairs.finditer(text):
        left, right = numbers(match["left"]), numbers(match["rest"])
        if not left or not right:
            continue
        item = NumberFound(right[0].value, right[0].literal, match.start("rest"))
        if left[0].value == amount:
            asked.append(item)
        else:
            factors.add(item.start)
    marked = read_number(text)
    if marked is not None and marked.committed:
        values = dict.fromkeys(item.value for item in asked if item.value != marked.final.value)
        return Reading(marked.final, (*marked.others, *values), True)
    if asked:
        values = dict.fromkeys(item.value for item in asked if item.value != asked[-1].value)
        return Reading(asked[-1], tuple(values), True)
    with_unit = [
        item
        for item in numbers(text)
        if item.start not in factors
        and item.value not in (1, amount)
        and re.compile(rf"(?i) ?(?:{target})\b").match(text, item.start + len(item.literal))
    ]
    if with_unit:
        return Reading(with_unit[-1])
    found = read_number(text, givens=[amount])
    return None if found and found.final.value == amount else found


def _check(args: Args, draft: str) -> Check:
    amount, source, target = Fraction(args["amount"]), args["from"], args["to"]
    down = (source, target) in FACTORS
    factor = FACTORS[(source, target) if down else (target, source)]
    value = amount * factor if down else amount / factor
    large, small = (source, target) if down else (target, source)
    operator = "×" if down else "÷"
    answer = f"{number(value)} {_named(value, target)}"
    left = f"{number(amount)} {_named(amount, source)}"
    verb = "is" if amount == 1 else "are"
    brief = f"{left} {verb} {answer}."
    step = f"{shown(amount, operator, factor)} = {number(value)}"
    rule = f"1 {UNITS[large].one} is {factor} {_named(Fraction(factor), small)}"
    working = f"{rule}, and {step}. So {brief}"
    do = "multiply" if down else "divide"
    hints = (
        f"Start from the fact that {rule}, and {do} {number(amount)} by it.",
        f"Use that {rule}; going from {UNITS[source].many} to {UNITS[target].many} you {do}.",
        f"Ask first how many {UNITS[small].many} make one {UNITS[large].one}, then {do}.",
    )

    def slip(given: Fraction) -> str | None:
        if given == (amount / factor if down else amount * factor):
            wrong = "divides where it should multiply" if down else "multiplies instead of dividing"
            return f"It {wrong}: {left} {verb} {answer}, not {number(given)}."
        ratio = given / value if value else Fraction(0)
        if ratio in [Fraction(10) ** power for power in (-3, -2, -1, 1, 2, 3)]:
            return (
                f"The factor is wrong: {rule}, so {left} {verb} {answer} and not {number(given)}."
            )
        return None

    asked = f"{left} in {UNITS[target].many}"
    question = Question(
        args, asked, number(value), pick(args, "brief", brief, working), working, hints
    )
    return review_reading(question, draft, value, _reading(args, draft), slip=slip)


def _named(value: Fraction, unit: str) -> str:
    return UNITS[unit].one if value == 1 else UNITS[unit].many


FAMILIES = (Family("unit", _make, _check),)
