"""Dates: the days between two, the day of the week, and the date some days later."""

import re
from calendar import monthrange
from datetime import MINYEAR, date, timedelta
from fractions import Fraction
from random import Random

from builders.verifiable.forms import draw_form, form_request
from builders.verifiable.problem import Args, CheckedDraft, Family, Problem
from builders.verifiable.reading.answers import read_number
from builders.verifiable.short_answer import AnswerKey, ReadAnswer, check_answer, check_read_number
from builders.verifiable.wording import count_of, format_number, split_words

MONTHS = split_words(
    "January February March April May June July August September October November December"
)
WEEKDAYS = split_words("Monday Tuesday Wednesday Thursday Friday Saturday Sunday")
_PHRASINGS = {
    "between": (
        "How many days are there from {a} to {b}, not counting the first day?",
        "How many days after {a} is {b}?",
        "I leave on {a} and come back on {b}. How many days later is that?",
        "Count the days from {a} until {b}.",
    ),
    "weekday": (
        "What day of the week was {a}?",
        "On which day of the week did {a} fall?",
        "Find the day of the week for {a}.",
        "{a}: what day of the week is that?",
    ),
    "later": (
        "What is the date {n} days after {a}?",
        "Which date comes {n} days after {a}?",
        "A parcel sent on {a} takes {n} days. On what date does it arrive?",
        "Add {n} days to {a}. What date do you get?",
    ),
}
_NOUNS = {"between": "number", "weekday": "day", "later": "date"}
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
_WEEKDAY_STATED = re.compile(
    rf"(?i)(?:\b(?:is|was|be|on|fell on|answer:|day:)|\*\*|:)\W{{0,3}}(?:an? |the )?"
    rf"(?P<day>{'|'.join(WEEKDAYS)})\b"
)
_WEEKDAY_ALTERNATIVES = re.compile(
    rf"(?i)\b({'|'.join(WEEKDAYS)}) or (?:an? )?({'|'.join(WEEKDAYS)})\b"
)


def format_date(day: date) -> str:
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
    dates = [
        f"{MONTHS[day.month - 1]} {day.day}, {day.year}" if american else format_date(day)
        for day in (start, end)
    ]
    instruction = rng.choice(_PHRASINGS[kind]).format(a=dates[0], b=dates[1], n=days)
    return Problem("date", args, instruction + form_request(rng, args["form"], _NOUNS[kind]))


def _days_by_month(start: date, end: date) -> list[tuple[str, int]]:
    """(month, days in it) from the day after `start` to `end`, month by month."""
    if (start.year, start.month) == (end.year, end.month):
        return [(MONTHS[start.month - 1], end.day - start.day)]
    parts = [(MONTHS[start.month - 1], monthrange(start.year, start.month)[1] - start.day)]
    year, month = start.year, start.month
    while True:
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
        if (year, month) == (end.year, end.month):
            return [*parts, (MONTHS[month - 1], end.day)]
        parts.append((MONTHS[month - 1], monthrange(year, month)[1]))


def _check_between(args: Args, draft: str) -> CheckedDraft:
    start, end = date.fromisoformat(args["start"]), date.fromisoformat(args["end"])
    days = (end - start).days
    parts = _days_by_month(start, end)
    target = f"the number of days from {format_date(start)} to {format_date(end)}"
    brief = f"There are {count_of(days, 'day')} from {format_date(start)} to {format_date(end)}."
    if len(parts) == 1:
        working = f"Both dates are in {parts[0][0]}: {end.day} - {start.day} = {days}. {brief}"
    else:
        full_months = ", ".join(f"{month} has {count}" for month, count in parts[1:-1])
        middle = f"{full_months}, " if full_months else ""
        working = (
            f"{parts[0][0]} has {parts[0][1]} days left, {middle}and {parts[-1][0]} adds "
            f"{parts[-1][1]}: {' + '.join(str(count) for _, count in parts)} = {days}. {brief}"
        )
    hints = (
        "Count the days left in the first month, then add the full months and the last days.",
        f"Go month by month from {format_date(start)}, using the right length for each month.",
        f"Find out how many days {MONTHS[start.month - 1]} has, and count from there.",
    )

    def find_slip(wrong: Fraction) -> str | None:
        if abs(wrong - days) == 1:
            return (
                f"{format_number(wrong)} is off by one: there are {count_of(days, 'day')} from "
                f"{format_date(start)} to {format_date(end)}."
            )
        return None

    stated = (
        rf"{_MASK}(?: is| comes)? (?P<rest>[0-9]+) days",
        r"\b(?:there are|that is|it is|is|are|total of) (?:exactly |a total of )?"
        r"(?P<rest>[0-9]+) days\b(?! (?:in|left))",
    )
    read = read_number(_without_dates(draft), stated=[re.compile(pattern) for pattern in stated])
    key = AnswerKey(args, target, str(days), brief, working, hints)
    return check_read_number(key, draft, Fraction(days), read, find_slip=find_slip)


def _without_dates(draft: str) -> str:
    """The draft with dates and years masked: their numbers are not counts of days."""
    for pattern in (*_DATES, _SLASHED, _YEAR):
        draft = pattern.sub(_MASK, draft)
    return draft


def _check_weekday(args: Args, draft: str) -> CheckedDraft:
    start = date.fromisoformat(args["start"])
    right = WEEKDAYS[start.weekday()]
    first = date(start.year, 1, 1)
    weeks, rest = divmod((start - first).days, 7)
    brief = f"{format_date(start)} was a {right}."
    working = (
        f"1 January {start.year} was a {WEEKDAYS[first.weekday()]}, and {format_date(start)} is "
        f"{count_of((start - first).days, 'day')} later. That is {count_of(weeks, 'week')} and "
        f"{count_of(rest, 'day')}, so it was a {right}."
    )
    hints = (
        f"Start from a day you know, such as 1 January {start.year}, a "
        f"{WEEKDAYS[first.weekday()]}, and count forward in weeks of seven days.",
        f"Count the days from 1 January {start.year} and take the remainder after dividing by 7.",
        "Start from a day you know in the same month and add or subtract full weeks.",
    )
    target = f"the day of the week on {format_date(start)}"
    key = AnswerKey(args, target, right, brief, working, hints, noun="day")
    mentioned = [match[0].capitalize() for match in _WEEKDAY.finditer(draft)]
    stated = [match["day"].capitalize() for match in _WEEKDAY_STATED.finditer(draft)]
    if not mentioned or (not stated and len(set(mentioned)) > 3):
        return check_answer(key, draft, ReadAnswer(None))
    answer = stated[-1] if stated else mentioned[-1]
    alternatives = [
        name.capitalize()
        for match in _WEEKDAY_ALTERNATIVES.finditer(draft)
        for name in match.groups()
    ]
    other = next((name for name in alternatives if name != answer), None)
    if answer != right and other != right:
        other = None
    distance = (WEEKDAYS.index(answer) - WEEKDAYS.index(right)) % 7
    read = ReadAnswer(answer, answer == right, other, share=float(distance in (1, 6)))
    return check_answer(key, draft, read)


def _read_dates(draft: str, year: int) -> list[tuple[int, date]]:
    """(index, date) of each date in a text; one without a year is in `year`."""
    matches = []
    for pattern in _DATES:
        for match in pattern.finditer(draft):
            name = match["month"]
            month = int(name) if name.isdigit() else _month_number(name)
            matches.append((match.start(), match.groupdict()["year"], month, match["day"]))
    for match in _SLASHED.finditer(draft):
        one, two = int(match[1]), int(match[2])
        month, day = (two, one) if one > 12 else (one, two)
        matches.append((match.start(), match[3], month, str(day)))
    dates = []
    for start, written_year, month, day in sorted(matches, key=lambda item: item[0]):
        own_year = int(written_year) if written_year else year
        if own_year < MINYEAR or not 1 <= month <= 12:
            continue
        if 1 <= int(day) <= monthrange(own_year, month)[1]:
            dates.append((start, date(own_year, month, int(day))))
    return dates


def _month_number(name: str) -> int:
    return [month[:3].casefold() for month in MONTHS].index(name[:3].casefold()) + 1


def _check_later(args: Args, draft: str) -> CheckedDraft:
    start, days = date.fromisoformat(args["start"]), args["days"]
    right = start + timedelta(days)
    answer = format_date(right)
    brief = f"{count_of(days, 'day')} after {format_date(start)} is {answer}."
    parts = _days_by_month(start, right)
    if len(parts) == 1:
        working = f"{start.day} + {days} = {right.day}, so it is {answer}."
    else:
        steps, left = [], days
        for month, count in parts[:-1]:
            left -= count
            steps.append(f"{count_of(count, 'day')} to the end of {month}, {left} left")
        working = f"From {format_date(start)}: {'; '.join(steps)}. So it is {answer}."
    month = MONTHS[start.month - 1]
    length = monthrange(start.year, start.month)[1]
    hints = (
        f"Count to the end of {month}, which has {length} days, and continue in the next month.",
        f"Subtract the days left in {month} from {days}, then continue month by month.",
        f"Take the {days} days in pieces: to the end of the month first, then the rest.",
    )
    target = f"the date {count_of(days, 'day')} after {format_date(start)}"
    key = AnswerKey(args, target, answer, brief, working, hints, noun="date")
    other_dates = [day for _, day in _read_dates(draft, right.year) if day != start]
    if not other_dates:
        return check_answer(key, draft, ReadAnswer(None))
    final = other_dates[-1]
    off = (final - right).days
    is_close = abs(off) <= 3
    slip = None
    if off and is_close:
        late = "late" if off > 0 else "early"
        days_off = count_of(abs(off), "day")
        slip = f"{format_date(final)} is {days_off} too {late}; the date is {answer}."
    read = ReadAnswer(format_date(final), off == 0, share=float(is_close), slip=slip)
    return check_answer(key, draft, read)


_CHECKS = {"between": _check_between, "weekday": _check_weekday, "later": _check_later}


def _check(args: Args, draft: str) -> CheckedDraft:
    return _CHECKS[args["kind"]](args, draft)


FAMILIES = (Family("date", _make, _check),)
