"""Finding one detail in a short text."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from random import Random

from builders.verifiable.families.dates import WEEKDAYS
from builders.verifiable.forms import draw_form, request
from builders.verifiable.material.words import CITIES, NAMES, OBJECTS, SURNAMES
from builders.verifiable.problem import Args, Check, Family, Problem
from builders.verifiable.reading.number_text import numbers, plain
from builders.verifiable.reading.prose import words
from builders.verifiable.short_answer import Finding, Question, review
from builders.verifiable.wording import pick

_TEXTS = (
    'Read this text: "{text}" What is the {ask}?',
    "Find the {ask} in the following message.\n\n{text}",
    "From the text below, extract the {ask}.\n{text}",
    "{text}\n\nWhat is the {ask} in this text?",
    "Text: {text}\n\nQuestion: What is the {ask}?",
)


@dataclass(frozen=True)
class Source:
    """`labels` name the details that can be asked for, by the slot they fill in `text`."""

    text: str
    labels: Mapping[str, str]


SOURCES = (
    Source(
        "Order {number} was shipped to {name} in {city} on {day}. It contains one {item} and cost "
        "{price}.",
        {
            "number": "order number",
            "name": "customer's name",
            "city": "city",
            "day": "day of shipping",
            "item": "item",
            "price": "price",
        },
    ),
    Source(
        "Dear team, my name is {name} and I live in {city}. My {item} from order {number} arrived "
        "broken on {day}. I paid {price} for it and would like my money back.",
        {
            "number": "order number",
            "name": "customer's name",
            "city": "city",
            "day": "day of arrival",
            "item": "broken item",
            "price": "price paid",
        },
    ),
    Source(
        "Booking confirmed: {name} has a table at {time} on {day} in our restaurant in {city}. The "
        "deposit is {price}, and the booking number is {number}.",
        {
            "number": "booking number",
            "name": "guest's name",
            "city": "city",
            "day": "day of the booking",
            "time": "time of the booking",
            "price": "deposit",
        },
    ),
    Source(
        "Lost: one {item}, last seen on {day} at {time} near the station in {city}. If you find "
        "it, call {name} on {phone}. There is a reward of {price}.",
        {
            "item": "lost item",
            "day": "day of the loss",
            "time": "time of the loss",
            "city": "city",
            "name": "name of the person to call",
            "phone": "phone number",
            "price": "reward",
        },
    ),
    Source(
        "{name} from {city} rang at {time} and asked about invoice {number} over {price}. Please "
        "call back on {phone} before {day}.",
        {
            "name": "caller's name",
            "city": "city",
            "time": "time of the call",
            "number": "invoice number",
            "price": "invoice amount",
            "phone": "phone number",
        },
    ),
    Source(
        "For sale: {item}, hardly used, {price}. Pick it up in {city} on {day} after {time}. Ask "
        "for {name}, phone {phone}.",
        {
            "item": "item for sale",
            "price": "price",
            "city": "city",
            "day": "pick-up day",
            "name": "seller's name",
            "phone": "phone number",
        },
    ),
)
# Longer drafts that do not state an answer mention details in passing.
_BRIEF = 25


def _make(rng: Random) -> Problem:
    source = rng.choice(SOURCES)
    drawn = {
        "number": str(rng.randint(10000, 99999)),
        "name": f"{rng.choice(NAMES)} {rng.choice(SURNAMES)}",
        "city": rng.choice(CITIES),
        "day": rng.choice(WEEKDAYS),
        "item": rng.choice(OBJECTS),
        "time": f"{rng.randint(8, 21)}:{rng.choice(('00', '15', '30', '45'))}",
        "phone": f"555-{rng.randint(1000, 9999)}",
        "price": f"${rng.randint(5, 180)}.{rng.randint(10, 99)}",
    }
    slot = rng.choice(list(source.labels))
    args = {
        "ask": source.labels[slot],
        "value": drawn[slot],
        "others": {source.labels[it]: drawn[it] for it in source.labels if it != slot},
        "form": draw_form(rng, working=False),
    }
    text = source.text.format(**drawn)
    instruction = rng.choice(_TEXTS).format(text=text, ask=args["ask"])
    noun = "number" if slot in ("number", "phone") else {"name": "name"}.get(slot, "answer")
    return Problem("extraction", args, instruction + request(rng, args["form"], noun))


def _places(text: str, value: str) -> list[int]:
    """Where a value stands in a text; a sum also without its sign or with its zeros cut."""
    if value.startswith("$"):
        amount = Fraction(value[1:])
        return [item.start for item in numbers(plain(text)) if item.value == amount]
    pattern = rf"(?i)(?<![\w.]){re.escape(value)}(?!\w)"
    return [match.start() for match in re.finditer(pattern, text)]


def _claimed(text: str, label: str) -> list[str]:
    """What the text states to be what was asked: `the price is …`, `Price: …`."""
    noun = label.split(" of ")[0].split()[-1]
    pattern = re.compile(
        rf"(?i)\b{re.escape(noun)}\b(?: (?!is\b|was\b)[\w'’]+){{0,6}}?(?: is| was|:| =)"
        rf"(?! not\b):?[\s*\"'“]{{1,4}}(?=(?P<rest>[^\n]{{1,60}}))"
    )
    return [match["rest"] for match in pattern.finditer(text)]


def _given(args: Args, draft: str) -> tuple[str | None, str | None]:
    """(the answer, another one that the draft also states); "" is a mere copy of the text."""
    value = args["value"]
    values = (value, *args["others"].values())
    stated = [_answer_in(rest, value, values) for rest in _claimed(draft, args["ask"])]
    known = [it for it in stated if it is not None]
    if known:
        return known[-1], next((it for it in known if it != known[-1]), None)
    present = [it for it in values if _places(draft, it)]
    if value in present:
        return (value if len(present) <= 2 else ""), None
    if len(words(draft)) > _BRIEF:
        return None, None
    return (present[-1] if present else _other_kind(value, draft)), None


def _answer_in(rest: str, value: str, values: Sequence[str]) -> str | None:
    """What a statement gives: one of the text's details, or something of the right one's kind."""
    places = [(min(found), it) for it in values if (found := _places(rest, it))]
    if places:
        return min(places)[1]
    if any(map(str.isdigit, value)):
        found = re.match(r"[^\d\n]{0,20}?([$€£]?\d[\d:.,-]*)", rest)
    else:
        found = re.match(r"(?:the |an? )?([A-Z][\w'’-]*(?: [A-Z][\w'’-]*)*)", rest)
    return found[1].rstrip(".,:-") if found else None


def _other_kind(value: str, draft: str) -> str | None:
    """Something of the kind asked for that the text does not have, or part of the right one."""
    if value[0] in "$0123456789":
        found = numbers(plain(draft))
        return found[-1].literal if found else None
    parts = [part for part in value.split() if _places(draft, part)]
    if parts:
        return " ".join(parts)
    return " ".join(words(draft)) if 0 < len(words(draft)) <= 3 else None


def _check(args: Args, draft: str) -> Check:
    ask, value = args["ask"], args["value"]
    the = "the " if value in OBJECTS else ""
    brief = pick(args, "brief", f"The {ask} is {the}{value}.", f"It is {the}{value}.", value)
    kind = "a sum of money" if value.startswith("$") else "a number" if value[0].isdigit() else ""
    hints = (
        f"Look through the text for {kind or 'the words'} that the text calls the {ask}."
        if kind
        else f"Go back to the text and find the place that speaks of the {ask}.",
        f"Copy the {ask} from the text exactly as it is written there, and nothing else.",
        f"Check each detail of the text in turn: which of them is the {ask}?",
    )
    question = Question(args, f"the {ask}", value, brief, brief, hints, noun="answer", room=50)
    given, rival = _given(args, draft)
    if given is None:
        return review(question, draft, Finding(None))
    labels = {it: label for label, it in args["others"].items()}
    if given == "":
        slip = pick(
            args,
            "copied",
            f"It repeats the text instead of saying which part of it is the {ask}.",
            f"The {ask} is lost among other details; it has to stand out as the answer.",
        )
        return review(question, draft, Finding("the text", share=0.5, slip=slip))
    if given == value:
        return review(question, draft, Finding(value, True, rival))
    part = given in value and len(given) > 2
    if rival == value:
        return review(question, draft, Finding(given, other=value, share=1.0))
    slip = None
    if given in labels:
        slip = f"{given} is the {labels[given]}; the {ask} is {value}."
    elif part:
        slip = f"{given} is only a part of the {ask}, which is {value}."
    return review(question, draft, Finding(given, share=0.75 * part, slip=slip))


FAMILIES = (Family("extraction", _make, _check),)
