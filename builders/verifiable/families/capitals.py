"""The capital of a country, and the country of a capital."""

import re
from collections.abc import Mapping
from random import Random

from builders.verifiable.families.spelling import position_similarity
from builders.verifiable.forms import draw_form, form_request
from builders.verifiable.material.countries import CAPITALS, OTHER_NAMES
from builders.verifiable.problem import Args, CheckedDraft, Family, Problem
from builders.verifiable.reading.prose import words
from builders.verifiable.short_answer import AnswerKey, ReadAnswer, check_answer
from builders.verifiable.wording import pick, split_words

_PHRASINGS = {
    "capital": (
        "What is the capital of {it}?",
        "Name the capital city of {it}.",
        "Which city is the capital of {it}?",
        "Can you tell me the capital of {it}?",
        "I forgot what the capital of {it} is called. What is it?",
    ),
    "country": (
        "{it} is the capital of which country?",
        "Which country has {it} as its capital?",
        "What country is {it} the capital of?",
        "Name the country whose capital is {it}.",
    ),
}
_COUNTRIES = {capital: country for country, capital in CAPITALS.items()}
_NAME = (
    r"(?<!\w)(?P<name>[A-ZÀ-Þ][\w'’-]{0,30}"
    r"(?: (?:de|of|and) (?=[A-ZÀ-Þ])[\w'’-]{1,30}| [A-ZÀ-Þ][\w'’-]{0,30}){0,3})"
)
_NOT = r"(?P<no> not|n['’]t)?"
_STATEMENTS = {
    "capital": (
        re.compile(
            rf"\b[Cc]apital(?: [Cc]ity)?(?: of [^.,:\n]{{2,40}}?)?(?: is|:){_NOT}"
            rf"(?: called| named)?(?: the)?(?: city of)?[ *\"“]{{1,4}}{_NAME}"
        ),
        re.compile(rf"{_NAME}[*\"”]{{0,3}}(?:, [^,.\n]{{0,40}},)? is{_NOT} the (?:\w+ )?capital\b"),
    ),
    "country": (
        re.compile(rf"\bcapital(?: city)? of(?: the)?(?: country of)?[ *\"“]{{1,4}}{_NAME}"),
        re.compile(rf"\b[Cc]ountry(?: is|:){_NOT}(?: called| named)?[ *\"“]{{1,4}}{_NAME}"),
        # "The country whose capital is Tunis is Egypt."
        re.compile(
            rf"\b[Cc]ountry (?:whose|with|that has) [^.\n]{{2,60}} is{_NOT}[ *\"“]{{1,4}}{_NAME}"
        ),
        re.compile(rf"{_NAME}[*\"”]{{0,3}} (?:has|is the country)\b"),
    ),
}
_LABEL = re.compile(r"(?i)^\W*answer\W*:")
# Words that begin a sentence with a capital letter and are not names.
_NOT_NAMES = frozenset(
    split_words("The A An It This That There Which What Its Yes No In And Or But So")
)


def _make(rng: Random) -> Problem:
    kind = rng.choice(("capital", "capital", "country"))
    country = rng.choice(list(CAPITALS))
    subject = country if kind == "capital" else CAPITALS[country]
    args = {"kind": kind, "of": subject, "form": draw_form(rng, working=False)}
    noun = "name of the city" if kind == "capital" else "name of the country"
    instruction = rng.choice(_PHRASINGS[kind]).format(it=subject)
    return Problem("capital", args, instruction + form_request(rng, args["form"], noun))


def _spellings(name: str) -> dict[str, str]:
    return {spelling.casefold(): name for spelling in (name, *OTHER_NAMES.get(name, ()))}


def _names_by_spelling(names: Mapping[str, str]) -> dict[str, str]:
    return {spelling: name for name in names for spelling, name in _spellings(name).items()}


_NAMES = {"capital": _names_by_spelling(_COUNTRIES), "country": _names_by_spelling(CAPITALS)}
# Longest first, so that "Korea" does not win over "South Korea".
_ANY_NAME = {
    kind: re.compile(
        rf"(?<!\w)(?:{'|'.join(map(re.escape, sorted(known, key=len, reverse=True)))})(?!\w)"
    )
    for kind, known in _NAMES.items()
}


def _mentions(kind: str, draft: str) -> list[str]:
    """The capitals, or countries, in the table that a draft names, in order."""
    return [_NAMES[kind][match[0]] for match in _ANY_NAME[kind].finditer(draft.casefold())]


def _stated_names(kind: str, subject: str, draft: str) -> tuple[list[str], set[str]]:
    """The names that a draft states as the answer, in order, and those it rules out."""
    stated, denied = [], set()
    for pattern in _STATEMENTS[kind]:
        for match in pattern.finditer(draft):
            name = match["name"].strip()
            first = name.split()[0]
            if first in _NOT_NAMES or name.casefold() in _spellings(subject):
                continue
            name = _known_name(kind, name)
            if match.groupdict().get("no"):
                denied.add(name)
            else:
                stated.append((match.start("name"), name))
    return [name for _, name in sorted(stated)], denied


def _known_name(kind: str, name: str) -> str:
    """The name in the table that is part of a longer one, such as `the Kingdom of Norway`."""
    match = _ANY_NAME[kind].search(name.casefold())
    return _NAMES[kind][match[0]] if match else name


def _check(args: Args, draft: str) -> CheckedDraft:
    kind, subject = args["kind"], args["of"]
    if kind == "capital":
        right, home = CAPITALS[subject], subject
        target, noun = f"the capital of {subject}", "city"
        brief = f"The capital of {subject} is {right}."
        hints = (
            f"Think of the city where {subject} has its government; "
            f"its name begins with {right[0]}.",
            f"The largest or best-known city is not always the capital; look for one with "
            f"{len(right)} letters that begins with {right[:2]}.",
            f"Recall which city is the seat of government of {subject}, and name only that one.",
        )
    else:
        right, home = _COUNTRIES[subject], _COUNTRIES[subject]
        target, noun = f"the country whose capital is {subject}", "country"
        brief = f"{subject} is the capital of {right}."
        hints = (
            f"Think of the country that is governed from {subject}; "
            f"its name begins with {right[0]}.",
            f"Recall where {subject} is; the country's name begins with {right[:2]}.",
            f"Ask which country has its government in {subject}, and name only that one.",
        )
    key = AnswerKey(args, target, right, brief, brief, hints, noun=noun)
    stated, denied = _stated_names(kind, subject, draft)
    mentioned = _mentions(kind, draft)
    draft_words = words(_LABEL.sub("", draft))
    is_name = 0 < len(draft_words) <= 3 and all(word[0].isupper() for word in draft_words)
    if is_name and not stated and not mentioned:
        stated = [" ".join(draft_words)]
    if not stated:
        # If nothing is stated, a single name from the table is the answer; several are a list.
        distinct = list(dict.fromkeys(name for name in mentioned if name not in denied))
        stated = [right] if right in distinct and len(distinct) <= 2 else distinct[-1:]
    if not stated:
        return check_answer(key, draft, ReadAnswer(None))
    answer = stated[-1]
    others = [name for name in stated if name != answer]
    other = right if right in others else (others[-1] if others else None)
    if answer != right and other != right:
        other = None
    if answer == right:
        return check_answer(key, draft, ReadAnswer(answer, True, other))
    if other is not None:
        return check_answer(key, draft, ReadAnswer(answer, other=other, share=1.0))
    share = position_similarity(answer, right)
    slip = _find_slip(args, kind, answer, right, home)
    return check_answer(key, draft, ReadAnswer(answer, share=share, slip=slip))


def _find_slip(args: Args, kind: str, wrong: str, right: str, home: str) -> str | None:
    if kind == "capital" and wrong in _COUNTRIES:
        return pick(
            args,
            "slip",
            f"{wrong} is the capital of {_COUNTRIES[wrong]}; the capital of {home} is {right}.",
            f"{wrong} is in {_COUNTRIES[wrong]}, but the capital of {home} is {right}.",
        )
    if kind == "country" and wrong in CAPITALS:
        return (
            f"The capital of {wrong} is {CAPITALS[wrong]}; {args['of']} is the capital of {right}."
        )
    return None


FAMILIES = (Family("capital", _make, _check),)
