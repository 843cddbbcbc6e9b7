"""Dates: days between two, the weekday of one, and the date some days later."""

import re
from calendar import monthrange
from datetime import MINYEAR, date, timedelta
from fractions import Fraction
from random import Random

from builders.verifiable.forms import draw_form, request
from builders.verifiable.problem import Args, Check, Family, Problem
from builders.verifiable.reading.answers import read_number
from builders.verifiable.short_answer import Finding, Question, review, review_reading
from builders.verifiable.wording import count_of, listed, number

MONTHS = listed(
    "January February March April May June July August September October November December"
)
WEEKDAYS = listed("Monday Tuesday Wednesday Thursday Friday Saturday Sunday")
_TEXTS = {
    "between": (
        "How many days are there from {a} to {b}, not counting the first day?",
        "How many days after {a} is {b}?",
        "I leave on {a} and come back on {b}. How many days later is that?",
        "Count the days from {a} until {b}.",
    ),
    "weekday": (
        "What day of the week was {a}?",
        "On which weekday did {a} fall?",
        "Which day of the week belongs to {a}?",
        "{a}: what weekday is that?",
    ),
    "later": (
        "What is the date {n} days after {a}?",
        "Which date comes {n} days after {a}?",
        "A parcel sent on {a} takes {n} days. On what date does it arrive?",
        "Add {n} days to {a}. What date do you get?",
    ),
}
_NOUNS = {"between": "number", "weekday": "weekday", "later": "date"}
_MONTH = rf"(?P<month>{'|'.join(f'{name[:3]}(?:{name[3:]})?' for name in MONTHS)})\.?"
_DAY = r"(?P<day>[0-9]{1,2})(?:st|nd|rd|th)?"
_DATES = (
    re.compile(rf"(?i)\b{_DAY}(?: of)? {_MONTH}\b,?(?: (?P<year>[0-9]{{4}})\b)?"),
    re.compile(rf"(?i)\b{_MONTH} {_DAY}\b,?(?: (?P<year>[0-9]{{4}})\b)?"),
    re.compile(r"\b(?P<year>[0-9]{4})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})\b"),
)
_SLASHED = re.compile(r"\b([0-9]{1,2})[/.]([0-9]{1,2})[/.]([0-9]{4})\b")
_YEAR = re.compile(r"\b(?:19|20)[0-9]{2}\b(?! days)")
_MASK = "that day"
_WEEKDAY = re.compile(rf"(?i)\b(?:{'|'.join(WEEKDAYS)})\b")
_WEEKDAY_SAID = re.compile(
    rf"(?i)(?:\b(?:is|was|be|on|fell on|answer:|day:)|\*\*|:)\W{{0,3}}(?:an? |the )?"
    rf"(?P<day>{'|'.join(WEEKDAYS)})\b"
)
_WEEKDAY_EITHER = re.compile(rf"(?i)\b({'|'.join(WEEKDAYS)}) or (?:an? )?({'|'.join(WEEKDAYS)})\b")


def spell(day: date) -> str:
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def _make(rng: Random) -> Problem:
    kind = rng.choice(("between", "between", "weekday", "later"))
    start = date(rng.randint(1990, 2029), 1, 1) + timedelta(rng.randint(0, 364))
    args = {"kind": kind, "start": start.isoformat(), "form": draw_form(rng, kind != "weekday")}
    days = rng.choice((rng.randint(3, 40), rng.randint(20, 150)))
    end = start + timedelta(days)
    if kind == "between":
        args["end"] = end.isoformat()
    elif kind == "later":
        args["days"] = days
    american = rng.random() < 0.4
    shown = [
        f"{MONTHS[it.month - 1]} {it.day}, {it.year}" if american else spell(it)
        for it in (start, end)
    ]
    instruction = rng.choice(_TEXTS[kind]).format(a=shown[0], b=shown[1], n=days)
    return Problem("date", args, instruction + request(rng, args["form"], _NOUNS[kind]))


def _months_between(start: date, end: date) -> list[tuple[str, int]]:
    """The days that each month has its share of, from the day after `start` to `end`."""
    if (start.year, start.month) == (end.year, end.month):
        return [(MONTHS[start.month - 1], end.day - start.day)]
    parts = [(MONTHS[start.month - 1], monthrange(start.year, start.month)[1] - start.day)]
    year, month = start.year, start.month
    while True:
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
        if (year, month) == (end.year, end.month):
            return [*parts, (MONTHS[month - 1], end.day)]
        parts.append((MONTHS[month - 1], monthrange(year, month)[1]))


def _check_between(args: Args, draft: str) -> Check:
    start, end = date.fromisoformat(args["start"]), date.fromisoformat(args["end"])
    days = (end - start).days
    parts = _months_between(start, end)
    asked = f"the number of days from {spell(start)} to {spell(end)}"
    brief = f"From {spell(start)} to {spell(end)} it is {count_of(days, 'day')}."
    if len(parts) == 1:
        working = f"Both are in {parts[0][0]}: {end.day} - {start.day} = {days}. {brief}"
    else:
        spelt = ", ".join(f"{month} has {count}" for month, count in parts[1:-1])
        middle = f"{spelt}, " if spelt else ""
        working = (
            f"{parts[0][0]} has {parts[0][1]} days left, {middle}and in {parts[-1][0]} there are "
            f"{parts[-1][1]}: {' + '.join(str(count) for _, count in parts)} = {days}. {brief}"
        )
    hints = (
        "Count the days left in the first month, add the full months, and then the last days.",
        f"Go month by month from {spell(start)}, with the right length for each month.",
        f"Find out how many days {MONTHS[start.month - 1]} has, and count on from there.",
    )

    def slip(given: Fraction) -> str | None:
        if abs(given - days) == 1:
            return (
                f"{number(given)} is off by one: from {spell(start)} to {spell(end)} it is "
                f"{count_of(days, 'day')}."
            )
        return None

    stated = (
        rf"{_MASK}(?: is| comes)? (?P<rest>[0-9]+) days",
        r"\b(?:there are|that is|it is|is|are|total of) (?:exactly |a total of )?"
        r"(?P<rest>[0-9]+) days\b(?! (?:in|left))",
    )
    reading = read_number(_without_dates(draft), stated=[re.compile(pattern) for pattern in stated])
    question = Question(args, asked, str(days), brief, working, hints)
    return review_reading(question, draft, Fraction(days), reading, slip=slip)


def _without_dates(draft: str) -> str:
    """The draft with dates and years masked, since their numbers count no days."""
    for pattern in (*_DATES, _SLASHED, _YEAR):
        draft = pattern.sub(_MASK, draft)
    return draft


def _check_weekday(args: Args, draft: str) -> Check:
    start = date.fromisoformat(args["start"])
    right = WEEKDAYS[start.weekday()]
    first = date(start.year, 1, 1)
    weeks, rest = divmod((start - first).days, 7)
    brief = f"{spell(start)} was a {right}."
    working = (
        f"1 January {start.year} was a {WEEKDAYS[first.weekday()]}, and {spell(start)} is "
        f"{count_of((start - first).days, 'day')} later. That is {count_of(weeks, 'week')} and "
        f"{count_of(rest, 'day')}, so it was a {right}."
    )
    hints = (
        f"Start from a day you know, such as 1 January {start.year}, a "
        f"{WEEKDAYS[first.weekday()]}, and count on in weeks of seven days.",
        f"Count the days from 1 January {start.year} and take the remainder after dividing by 7.",
        "Work from a known weekday in the same month and add or subtract full weeks.",
    )
    asked = f"the weekday of {spell(start)}"
    question = Question(args, asked, right, brief, working, hints, noun="weekday")
    mentioned = [match[0].capitalize() for match in _WEEKDAY.finditer(draft)]
    said = [match["day"].capitalize() for match in _WEEKDAY_SAID.finditer(draft)]
    if not mentioned or (not said and len(set(mentioned)) > 3):
        return review(question, draft, Finding(None))
    given = said[-1] if said else mentioned[-1]
    either = [
        name.capitalize() for match in _WEEKDAY_EITHER.finditer(draft) for name in match.groups()
    ]
    other = next((name for name in either if name != given), None)
    if given != right and other != right:
        other = None
    apart = (WEEKDAYS.index(given) - WEEKDAYS.index(right)) % 7
    return review(question, draft, Finding(given, given == right, other, float(apart in (1, 6))))


def _dates(draft: str, year: int) -> list[tuple[int, date]]:
    """The dates of a text, in order; one without a year is in `year`."""
    found = []
    for pattern in _DATES:
        for match in pattern.finditer(draft):
            name = match["month"]
            month = int(name) if name.isdigit() else _month(name)
            found.append((match.start(), match.groupdict()["year"], month, match["day"]))
    for match in _SLASHED.finditer(draft):
        one, two = int(match[1]), int(match[2])
        month, day = (two, one) if one > 12 else (one, two)
        found.append((match.start(), match[3], month, str(day)))
    dates = []
    for start, written_year, month, day in sorted(found, key=lambda item: item[0]):
        at = int(written_year) if written_year else year
        if at >= MINYEAR and 1 <= month <= 12 and 1 <= int(day) <= monthrange(at, month)[1]:
            dates.append((start, date(at, month, int(day))))
    return dates


def _month(name: str) -> int:
    return next(i for i, it in enumerate(MONTHS, 1) if it[:3].casefold() == name[:3].casefold())


def _check_later(args: Args, draft: str) -> Check:
    start, days = date.fromisoformat(args["start"]), args["days"]
    right = start + timedelta(days)
    answer = spell(right)
    brief = f"{count_of(days, 'day')} after {spell(start)} is {answer}."
    parts = _months_between(start, right)
    if len(parts) == 1:
        working = f"{start.day} + {days} = {right.day}, so it is {answer}."
    else:
        steps, left = [], days
        for month, count in parts[:-1]:
            left -= count
            steps.append(f"{count_of(count, 'day')} to the end of {month}, {left} left")
        working = f"From {spell(start)}: {'; '.join(steps)}. So it is {answer}."
    month = MONTHS[start.month - 1]
    length = monthrange(start.year, start.month)[1]
    hints = (
        f"Count to the end of {month}, which has {length} days, and carry on in the next month.",
        f"Subtract the days left in {month} from {days}, then go on month by month.",
        f"Take the {days} days in pieces: to the end of the month first, then the rest.",
    )
    asked = f"the date {count_of(days, 'day')} after {spell(start)}"
    question = Question(args, asked, answer, brief, working, hints, noun="date")
    found = [day for _, day in _dates(draft, right.year) if day != start]
    if not found:
        return review(question, draft, Finding(None))
    given = found[-1]
    off = (given - right).days
    slip = None
    if 0 < abs(off) <= 3:
        slip = (
            f"{spell(given)} is {count_of(abs(off), 'day')} too {'late' if off > 0 else 'early'}; "
            f"the date is {answer}."
        )
    finding = Finding(spell(given), off == 0, None, float(abs(off) <= 3), slip)
    return review(question, draft, finding)


_CHECKS = {"between": _check_between, "weekday": _check_weekday, "later": _check_later}


def _check(args: Args, draft: str) -> Check:
    return _CHECKS[args["kind"]](args, draft)


FAMILIES = (Family("date", _make, _check),)
