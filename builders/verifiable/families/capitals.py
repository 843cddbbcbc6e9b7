"""The capital of a country, and the country of a capital."""

import re
from collections.abc import Mapping
from random import Random

from builders.verifiable.families.spelling import alike
from builders.verifiable.forms import draw_form, request
from builders.verifiable.material.countries import CAPITALS, OTHER_NAMES
from builders.verifiable.problem import Args, Check, Family, Problem
from builders.verifiable.reading.prose import words
from builders.verifiable.short_answer import Finding, Question, review
from builders.verifiable.wording import listed, pick

_TEXTS = {
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
        "Of which country is {it} the capital?",
        "Name the country whose capital is {it}.",
    ),
}
_COUNTRIES = {capital: country for country, capital in CAPITALS.items()}
_NAME = (
    r"(?<!\w)(?P<name>[A-ZÀ-Þ][\w'’-]{0,30}"
    r"(?: (?:de|of|and) (?=[A-ZÀ-Þ])[\w'’-]{1,30}| [A-ZÀ-Þ][\w'’-]{0,30}){0,3})"
)
_NO = r"(?P<no> not|n['’]t)?"
_SAID = {
    "capital": (
        re.compile(
            rf"\b[Cc]apital(?: [Cc]ity)?(?: of [^.,:\n]{{2,40}}?)?(?: is|:){_NO}"
            rf"(?: called| named)?(?: the)?(?: city of)?[ *\"“]{{1,4}}{_NAME}"
        ),
        re.compile(rf"{_NAME}[*\"”]{{0,3}}(?:, [^,.\n]{{0,40}},)? is{_NO} the (?:\w+ )?capital\b"),
    ),
    "country": (
        re.compile(rf"\bcapital(?: city)? of(?: the)?(?: country of)?[ *\"“]{{1,4}}{_NAME}"),
        re.compile(rf"\b[Cc]ountry(?: is|:){_NO}(?: called| named)?[ *\"“]{{1,4}}{_NAME}"),
        re.compile(rf"{_NAME}[*\"”]{{0,3}} (?:has|is the country)\b"),
    ),
}
# Words that open a sentence with a capital letter, and are no names.
_NO_NAMES = frozenset(listed("The A An It This That There Which What Its Yes No In And Or But So"))


def _make(rng: Random) -> Problem:
    kind = rng.choice(("capital", "capital", "country"))
    country = rng.choice(list(CAPITALS))
    it = country if kind == "capital" else CAPITALS[country]
    args = {"kind": kind, "of": it, "form": draw_form(rng, working=False)}
    noun = "name of the city" if kind == "capital" else "name of the country"
    instruction = rng.choice(_TEXTS[kind]).format(it=it)
    return Problem("capital", args, instruction + request(rng, args["form"], noun))


def _spellings(name: str) -> dict[str, str]:
    return {spelling.casefold(): name for spelling in (name, *OTHER_NAMES.get(name, ()))}


def _known(names: Mapping[str, str]) -> dict[str, str]:
    return {spelling: name for it in names for spelling, name in _spellings(it).items()}


_KNOWN = {"capital": _known(_COUNTRIES), "country": _known(CAPITALS)}
# Longest first, so that "Korea" does not win over "South Korea".
_ANY = {
    kind: re.compile(
        rf"(?<!\w)(?:{'|'.join(map(re.escape, sorted(known, key=len, reverse=True)))})(?!\w)"
    )
    for kind, known in _KNOWN.items()
}


def _mentions(kind: str, draft: str) -> list[str]:
    """The capitals, or countries, of the table that a draft names, in order."""
    return [_KNOWN[kind][match[0]] for match in _ANY[kind].finditer(draft.casefold())]


def _said(kind: str, it: str, draft: str) -> tuple[list[str], set[str]]:
    """The names that a draft states to be the answer, in order, and those it rules out."""
    said, denied = [], set()
    for pattern in _SAID[kind]:
        for match in pattern.finditer(draft):
            name = match["name"].strip()
            first = name.split()[0]
            if first in _NO_NAMES or name.casefold() in _spellings(it):
                continue
            name = _recognised(kind, name)
            if match.groupdict().get("no"):
                denied.add(name)
            else:
                said.append((match.start("name"), name))
    return [name for _, name in sorted(said)], denied


def _recognised(kind: str, name: str) -> str:
    """The name of the table that stands in a longer one, such as `the Kingdom of Norway`."""
    known = _ANY[kind].search(name.casefold())
    return _KNOWN[kind][known[0]] if known else name


def _check(args: Args, draft: str) -> Check:
    kind, it = args["kind"], args["of"]
    if kind == "capital":
        right, home = CAPITALS[it], it
        asked, noun = f"the capital of {it}", "city"
        brief = f"The capital of {it} is {right}."
        hints = (
            f"Think of the city where the government of {it} sits; "
            f"its name begins with {right[0]}.",
            f"The largest or best-known city need not be the capital; look for one with "
            f"{len(right)} letters, beginning with {right[:2]}.",
            f"Recall which city is the seat of government of {it}, and name that one alone.",
        )
    else:
        right, home = _COUNTRIES[it], _COUNTRIES[it]
        asked, noun = f"the country whose capital is {it}", "country"
        brief = f"{it} is the capital of {right}."
        hints = (
            f"Think of the country that is governed from {it}; its name begins with {right[0]}.",
            f"Recall where {it} lies; the country's name begins with {right[:2]}.",
            f"Ask which government sits in {it}, and name that country.",
        )
    question = Question(args, asked, right, brief, brief, hints, noun=noun)
    said, denied = _said(kind, it, draft)
    named = _mentions(kind, draft)
    spoken = words(draft)
    if not said and not named and len(spoken) <= 3 and all(word[0].isupper() for word in spoken):
        said = [" ".join(spoken)] if spoken else []
    if not said:
        # Without a statement, one name of the table is the answer, and several are a list.
        kinds = list(dict.fromkeys(name for name in named if name not in denied))
        said = [right] if right in kinds and len(kinds) <= 2 else kinds[-1:]
    if not said:
        return review(question, draft, Finding(None))
    given = said[-1]
    others = [name for name in said if name != given]
    other = right if right in others else (others[-1] if others else None)
    if given != right and other != right:
        other = None
    slip = _slip(args, kind, given, right, home) if given != right and other is None else None
    return review(
        question,
        draft,
        Finding(given, given == right, other, 1.0 if other == right else alike(given, right), slip),
    )


def _slip(args: Args, kind: str, given: str, right: str, home: str) -> str | None:
    if kind == "capital" and given in _COUNTRIES:
        return pick(
            args,
            "slip",
            f"{given} is the capital of {_COUNTRIES[given]}; that of {home} is {right}.",
            f"{given} belongs to {_COUNTRIES[given]}, while the capital of {home} is {right}.",
        )
    if kind == "country" and given in CAPITALS:
        return (
            f"The capital of {given} is {CAPITALS[given]}; {args['of']} is the capital of {right}."
        )
    return None


FAMILIES = (Family("capital", _make, _check),)
