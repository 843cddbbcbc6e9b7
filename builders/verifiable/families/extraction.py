"""Finding one detail in a short text."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from random import Random

from builders.verifiable.families.dates import WEEKDAYS
from builders.verifiable.forms import draw_form, form_request
from builders.verifiable.material.words import CITIES, NAMES, OBJECTS, SURNAMES
from builders.verifiable.problem import Args, CheckedDraft, Family, Problem
from builders.verifiable.reading.number_text import numbers, plain
from builders.verifiable.reading.prose import words
from builders.verifiable.short_answer import AnswerKey, ReadAnswer, check_answer
from builders.verifiable.wording import pick

_PHRASINGS = (
    'Read this text: "{text}" What is the {ask}?',
    "Find the {ask} in the following message.\n\n{text}",
    "From the text below, extract the {ask}.\n{text}",
    "{text}\n\nWhat is the {ask} in this text?",
    "Text: {text}\n\nQuestion: What is the {ask}?",
)


@dataclass(frozen=True)
class TextTemplate:
    """`labels` name the details that can be asked for, by the slot in `text` that they fill."""

    text: str
    labels: Mapping[str, str]


TEMPLATES = (
    TextTemplate(
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
    TextTemplate(
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
    TextTemplate(
        "Booking confirmed: {name} has a table at {time} on {day} at our restaurant in {city}. The "
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
    TextTemplate(
        "Lost: one {item}, last seen on {day} at {time} near the station in {city}. If you find "
        "it, call {name} at {phone}. There is a reward of {price}.",
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
    TextTemplate(
        "{name} from {city} called at {time} and asked about invoice {number} for {price}. Please "
        "call back at {phone} before {day}.",
        {
            "name": "caller's name",
            "city": "city",
            "time": "time of the call",
            "number": "invoice number",
            "price": "invoice amount",
            "phone": "phone number",
        },
    ),
    TextTemplate(
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
# A longer draft that states no answer only mentions details in passing.
_SHORT_DRAFT_WORDS = 25
# An answer still stands out beside one other detail.
_SHOWN = 2
# What follows this in a statement is about something else.
_CLAUSE = re.compile(r"[.!?;](?:\s|$)|,? (?:and|but|not|instead|rather)\b")


def _make(rng: Random) -> Problem:
    template = rng.choice(TEMPLATES)
    details = {
        "number": str(rng.randint(10000, 99999)),
        "name": f"{rng.choice(NAMES)} {rng.choice(SURNAMES)}",
        "city": rng.choice(CITIES),
        "day": rng.choice(WEEKDAYS),
        "item": rng.choice(OBJECTS),
        "time": f"{rng.randint(8, 21)}:{rng.choice(('00', '15', '30', '45'))}",
        "phone": f"555-{rng.randint(1000, 9999)}",
        "price": f"${rng.randint(5, 180)}.{rng.randint(10, 99)}",
    }
    slot = rng.choice(list(template.labels))
    args = {
        "ask": template.labels[slot],
        "value": details[slot],
        "others": {
            label: details[other] for other, label in template.labels.items() if other != slot
        },
        "form": draw_form(rng, working=False),
    }
    text = template.text.format(**details)
    instruction = rng.choice(_PHRASINGS).format(text=text, ask=args["ask"])
    noun = "number" if slot in ("number", "phone") else {"name": "name"}.get(slot, "answer")
    return Problem("extraction", args, instruction + form_request(rng, args["form"], noun))


def _places(text: str, value: str) -> list[int]:
    """The indices of a value in a text; a price also without its sign or trailing zeros."""
    if value.startswith("$"):
        amount = Fraction(value[1:])
        return [item.start for item in numbers(plain(text)) if item.value == amount]
    pattern = rf"(?i)(?<![\w.]){re.escape(value)}(?!\w)"
    return [match.start() for match in re.finditer(pattern, text)]


def _stated_answers(text: str, label: str) -> list[str]:
    """What follows each statement of the answer: `the price is …`, `Price: …`."""
    noun = label.split(" of ")[0].split()[-1]
    pattern = re.compile(
        rf"(?i)\b{re.escape(noun)}\b(?: (?!is\b|was\b)[\w'’]+){{0,10}}?(?: is| was|:| =)"
        rf"(?! not\b):?[\s*\"'“]{{1,4}}(?=(?P<rest>[^\n]{{1,60}}))"
    )
    return [match["rest"] for match in pattern.finditer(text)]


def _read_detail(args: Args, draft: str) -> tuple[str | None, str | None]:
    """(the answer, another one that the draft also states); the answer "" is a copied text."""
    value = args["value"]
    details = (value, *args["others"].values())
    statements = _stated_answers(draft, args["ask"])
    stated = [_detail_in_statement(rest, value, details) for rest in statements]
    answers = [detail for detail in stated if detail is not None]
    if answers:
        return answers[-1], next((detail for detail in answers if detail != answers[-1]), None)
    mentioned = [detail for detail in details if _places(draft, detail)]
    if value in mentioned:
        return (value if len(mentioned) <= _SHOWN else ""), None
    if len(words(draft)) > _SHORT_DRAFT_WORDS:
        return None, None
    return (mentioned[-1] if mentioned else _other_detail(value, draft)), None


def _detail_in_statement(rest: str, value: str, details: Sequence[str]) -> str | None:
    """The answer in a statement: a detail of the text, or something of the same kind.

    The right detail counts beside one other ("on Thursday at 10:00"); beside more, it is "".
    """
    rest = _CLAUSE.split(rest, maxsplit=1)[0]
    places = [(min(match), detail) for detail in details if (match := _places(rest, detail))]
    if value in (detail for _, detail in places):
        return value if len(places) <= _SHOWN or min(places)[1] == value else ""
    if places:
        return min(places)[1]
    if any(map(str.isdigit, value)):
        match = re.match(r"[^\d\n]{0,20}?([$€£]?\d[\d:.,-]*)", rest)
    else:
        match = re.match(r"(?:the |an? )?([A-Z][\w'’-]*(?: [A-Z][\w'’-]*)*)", rest)
    return match[1].rstrip(".,:-") if match else None


def _other_detail(value: str, draft: str) -> str | None:
    """An answer of the right kind that is not in the text, or part of the right one."""
    if value[0] in "$0123456789":
        candidates = numbers(plain(draft))
        return candidates[-1].literal if candidates else None
    parts = [part for part in value.split() if _places(draft, part)]
    if parts:
        return " ".join(parts)
    return " ".join(words(draft)) if 0 < len(words(draft)) <= 3 else None


def _check(args: Args, draft: str) -> CheckedDraft:
    ask, value = args["ask"], args["value"]
    article = "the " if value in OBJECTS else ""
    brief = pick(
        args, "brief", f"The {ask} is {article}{value}.", f"It is {article}{value}.", value
    )
    find = f"Go back to the text and find the place that mentions the {ask}."
    if value.startswith("$") or value[0].isdigit():
        kind = "an amount of money" if value.startswith("$") else "a number"
        find = f"Look through the text for {kind} given as the {ask}."
    hints = (
        find,
        f"Copy the {ask} from the text exactly as it is written, and nothing else.",
        f"Check each detail in the text in turn: which one is the {ask}?",
    )
    key = AnswerKey(args, f"the {ask}", value, brief, brief, hints, noun="answer", max_words=50)
    answer, other = _read_detail(args, draft)
    if answer is None:
        return check_answer(key, draft, ReadAnswer(None))
    labels = {detail: label for label, detail in args["others"].items()}
    if answer == "":
        slip = pick(
            args,
            "copied",
            f"It repeats the text instead of saying which part of it is the {ask}.",
            f"The {ask} is lost among other details; it should stand out as the answer.",
        )
        return check_answer(key, draft, ReadAnswer("the text", share=0.5, slip=slip))
    if answer == value:
        return check_answer(key, draft, ReadAnswer(value, True, other))
    is_part = answer in value and len(answer) > 2
    if other == value:
        return check_answer(key, draft, ReadAnswer(answer, other=value, share=1.0))
    slip = None
    if answer in labels:
        slip = f"{answer} is the {labels[answer]}; the {ask} is {value}."
    elif is_part:
        slip = f"{answer} is only part of the {ask}, which is {value}."
    return check_answer(key, draft, ReadAnswer(answer, share=0.75 * is_part, slip=slip))


FAMILIES = (Family("extraction", _make, _check),)
