"""Counting letters, vowels, words and items."""

import re
from fractions import Fraction
from random import Random

from builders.verifiable.forms import draw_form, request
from builders.verifiable.material.topics import TOPICS
from builders.verifiable.material.words import NOUNS, SHORT_NOUNS
from builders.verifiable.problem import Args, Check, Family, Problem
from builders.verifiable.reading.answers import read_number
from builders.verifiable.reading.prose import words
from builders.verifiable.short_answer import Question, review_reading
from builders.verifiable.wording import NUMERALS, count_of, listing, number, pick, sentence

_TEXTS = {
    "letter": (
        'How many times does the letter {letter} appear in "{word}"?',
        "How many {letter}'s are there in the word {word}?",
        "Count the letter {letter} in the word '{word}'.",
        "In the word {word}, how often do you find the letter {letter}?",
    ),
    "vowels": (
        'How many vowels are there in the word "{word}"? Count a, e, i, o and u.',
        "Count the vowels (a, e, i, o, u) in {word}.",
        "How many of the letters of '{word}' are vowels (a, e, i, o, u)?",
        "Tell me the number of vowels, that is a, e, i, o and u, in the word {word}.",
    ),
    "words": (
        'How many words are in this sentence? "{text}"',
        'Count the words: "{text}"',
        'What is the number of words in "{text}"?',
        'Here is a sentence: "{text}" How many words does it have?',
    ),
    "items": (
        "How many items are in this list: {list}?",
        "Count the things in this list: {list}.",
        "My list says: {list}. How many things are on it?",
        "How many words are listed here? {list}",
    ),
}
_NAMES = {"vowels": "vowel", "words": "word", "items": "item"}
_NUMBER = rf"(?:[0-9]+|{'|'.join(NUMERALS)})"
_LEAD = r"(?:are|is|has|have|had|contains?|consists? of|total of|count(?:ed)?|found|see|get)"


def _make(rng: Random) -> Problem:
    kind = rng.choice(("letter", "letter", "vowels", "words", "items"))
    args: dict = {"kind": kind, "form": draw_form(rng)}
    if kind in ("letter", "vowels"):
        args["word"] = rng.choice(rng.choice((NOUNS, NOUNS, SHORT_NOUNS)))
    if kind == "letter":
        args["letter"] = rng.choice(args["word"] if rng.random() < 0.9 else "aeinorst")
    elif kind == "words":
        args["text"] = rng.choice(rng.choice(TOPICS).facts)
    elif kind == "items":
        args["items"] = rng.sample(rng.choice((NOUNS, SHORT_NOUNS)), rng.randint(3, 10))
    shown = args | {"list": ", ".join(args.get("items", ()))}
    instruction = rng.choice(_TEXTS[kind]).format(**shown)
    return Problem("counting", args, instruction + request(rng, args["form"], "number"))


def _counted(args: Args) -> list[str]:
    """What is to be counted, one by one."""
    kind = args["kind"]
    if kind == "letter":
        return [letter for letter in args["word"] if letter.casefold() == args["letter"]]
    if kind == "vowels":
        return [letter for letter in args["word"] if letter.casefold() in "aeiou"]
    return list(args["items"]) if kind == "items" else words(args["text"])


def _working(args: Args, found: list[str], brief: str) -> str:
    kind = args["kind"]
    if kind == "letter":
        spelt = "-".join(args["word"])
        places = [
            str(place)
            for place, letter in enumerate(args["word"], start=1)
            if letter.casefold() == args["letter"]
        ]
        if not places:
            return f"{spelt}: no place has {args['letter']}. {brief}"
        where = f"{'place' if len(places) == 1 else 'places'} {listing(places)}"
        return f"{spelt}: {args['letter']} stands at {where}. {brief}"
    if kind == "vowels":
        return f"{'-'.join(args['word'])}: the vowels are {listing(found) or 'none'}. {brief}"
    numbered = ", ".join(f"{item} ({place})" for place, item in enumerate(found, start=1))
    return f"{numbered}. {brief}"


def _stated(args: Args) -> list[re.Pattern[str]]:
    """What says how many of the very thing there are: `3 times`, `two r's`, `five words`."""
    kind = args["kind"]
    if kind == "letter":
        letter = rf"(?:letters? )?[\"'“‘]?{re.escape(args['letter'])}\b"
        patterns = [
            rf"\b(?P<rest>{_NUMBER}) (?:times?\b|{letter})",
            r"\b(?:appears?|occurs?|used|found) (?:only |exactly )?(?P<rest>once|twice)\b",
        ]
    else:
        things = {"vowels": "vowels?", "words": "words?"}.get(
            kind, "(?:items?|things?|words?|elements?|entries|objects?)"
        )
        patterns = [rf"\b{_LEAD} (?:\w+ ){{0,3}}?(?P<rest>{_NUMBER}) (?:\w+ )?{things}\b"]
    return [re.compile(pattern, re.IGNORECASE) for pattern in patterns]


def _thing(args: Args) -> str:
    return f"letter {args['letter']}" if args["kind"] == "letter" else _NAMES[args["kind"]]


def _sentences(args: Args, count: int) -> tuple[str, str, str]:
    """What is asked, the answer as a sentence, and the same within one."""
    kind, thing = args["kind"], _thing(args)
    be = "is" if count == 1 else "are"
    if kind != "letter":
        where = {"vowels": f"in {args.get('word')}", "words": "in the sentence"}.get(
            kind, "on the list"
        )
        fact = f"there {be} {count_of(count, thing)} {where}"
        return f"the number of {thing}s {where}", f"{sentence(fact)}.", fact
    word = args["word"]
    times = {1: "once", 2: "twice"}.get(count, f"{count} times")
    brief = f"The {thing} appears {count_of(count, 'time')} in {word}."
    if count:
        other = f"In {word} there {be} {count_of(count, 'letter')} {args['letter']}."
        brief = pick(args, "brief", brief, other)
    asked = f"the number of times that {args['letter']} is in {word}"
    return asked, brief, f"the {thing} is in {word} {times}"


def _check(args: Args, draft: str) -> Check:
    found = _counted(args)
    count, thing = len(found), _thing(args)
    asked, brief, fact = _sentences(args, count)
    hints = (
        {
            "letter": f"Spell {args.get('word')} and mark every {args.get('letter')}.",
            "vowels": f"Spell {args.get('word')} and mark each a, e, i, o and u.",
        }.get(args["kind"], f"Number the {thing}s one after the other, up to the last one."),
        "Point at each in turn and count on by one; do not guess.",
        f"Go from left to right and keep a running count of each {thing}.",
    )

    def slip(given: Fraction) -> str | None:
        off = given - count
        if abs(off) <= 2 and off.denominator == 1:
            how = "few" if off < 0 else "many"
            return f"{number(given)} is {abs(off)} too {how}: {fact}."
        if args["kind"] == "letter" and given == len(args["word"]):
            return f"{number(given)} is the length of the whole word; {fact}."
        return pick(
            args,
            "slip",
            f"It counts {number(given)}, but {fact}.",
            f"The count {number(given)} is wrong: {fact}.",
            f"{fact}, not {number(given)}.",
        )

    if args["kind"] == "letter":
        # "Does not appear" is a count as well.
        text = re.sub(
            r"(?i)\b(?:does not|doesn['’]t|never|not) (?:appear|occur|contain)s?\b",
            "appears 0 times",
            draft,
        )
    else:
        text = draft
    question = Question(args, asked, str(count), brief, _working(args, found, brief), hints)
    reading = read_number(text, stated=_stated(args), numerals=True)
    return review_reading(question, draft, Fraction(count), reading, slip=slip)


FAMILIES = (Family("counting", _make, _check),)
