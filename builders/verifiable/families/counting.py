"""Counting letters, vowels, words and items."""

import re
from fractions import Fraction
from random import Random

from builders.verifiable.forms import draw_form, form_request
from builders.verifiable.material.topics import TOPICS
from builders.verifiable.material.words import NOUNS, SHORT_NOUNS
from builders.verifiable.problem import Args, CheckedDraft, Family, Problem
from builders.verifiable.reading.answers import read_number
from builders.verifiable.reading.prose import words
from builders.verifiable.short_answer import AnswerKey, check_read_number
from builders.verifiable.wording import (
    NUMBER_WORDS,
    capitalize_first,
    count_of,
    format_number,
    join_words,
    pick,
)

_PHRASINGS = {
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
_NUMBER = rf"(?:[0-9]+|{'|'.join(NUMBER_WORDS)})"
_BEFORE_COUNT = (
    r"(?:are|is|has|have|had|contains?|consists? of|total of|count(?:ed)?|found|see|get)"
)


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
    slots = args | {"list": ", ".join(args.get("items", ()))}
    instruction = rng.choice(_PHRASINGS[kind]).format(**slots)
    return Problem("counting", args, instruction + form_request(rng, args["form"], "number"))


def _counted_items(args: Args) -> list[str]:
    """The letters, words or items to count."""
    kind = args["kind"]
    if kind == "letter":
        return [letter for letter in args["word"] if letter.casefold() == args["letter"]]
    if kind == "vowels":
        return [letter for letter in args["word"] if letter.casefold() in "aeiou"]
    return list(args["items"]) if kind == "items" else words(args["text"])


def _working(args: Args, items: list[str], brief: str) -> str:
    kind = args["kind"]
    if kind == "letter":
        spelling = "-".join(args["word"])
        positions = [
            str(position)
            for position, letter in enumerate(args["word"], start=1)
            if letter.casefold() == args["letter"]
        ]
        if not positions:
            return f"{spelling}: none of the letters is {args['letter']}. {brief}"
        location = f"{'position' if len(positions) == 1 else 'positions'} {join_words(positions)}"
        return f"{spelling}: {args['letter']} is at {location}. {brief}"
    if kind == "vowels":
        if not items:
            return f"{'-'.join(args['word'])}: there are no vowels. {brief}"
        vowels = "vowel is" if len(items) == 1 else "vowels are"
        return f"{'-'.join(args['word'])}: the {vowels} {join_words(items)}. {brief}"
    numbered = ", ".join(f"{item} ({position})" for position, item in enumerate(items, start=1))
    return f"{numbered}. {brief}"


def _stated_counts(args: Args) -> list[re.Pattern[str]]:
    """Matches statements of the count: `3 times`, `two r's`, `five words`."""
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
        patterns = [rf"\b{_BEFORE_COUNT} (?:\w+ ){{0,3}}?(?P<rest>{_NUMBER}) (?:\w+ )?{things}\b"]
    return [re.compile(pattern, re.IGNORECASE) for pattern in patterns]


def _thing(args: Args) -> str:
    return f"letter {args['letter']}" if args["kind"] == "letter" else _NAMES[args["kind"]]


def _statements(args: Args, count: int) -> tuple[str, str, str]:
    """The name of the answer, the answer as a sentence, and the same as a clause."""
    kind, thing = args["kind"], _thing(args)
    be = "is" if count == 1 else "are"
    if kind != "letter":
        where = {"vowels": f"in {args.get('word')}", "words": "in the sentence"}.get(
            kind, "on the list"
        )
        fact = f"there {be} {count_of(count, thing)} {where}"
        return f"the number of {thing}s {where}", f"{capitalize_first(fact)}.", fact
    word = args["word"]
    times = {1: "once", 2: "twice"}.get(count, f"{count} times")
    brief = f"The {thing} appears {count_of(count, 'time')} in {word}."
    if count:
        letters = args["letter"] if count == 1 else f"{args['letter']}'s"
        other = f"There {be} {count} {letters} in {word}."
        brief = pick(args, "brief", brief, other)
    target = f"the number of times {args['letter']} appears in {word}"
    return target, brief, f"the {thing} appears {times} in {word}"


def _check(args: Args, draft: str) -> CheckedDraft:
    items = _counted_items(args)
    count, thing = len(items), _thing(args)
    target, brief, fact = _statements(args, count)
    hints = (
        {
            "letter": f"Spell out {args.get('word')} and mark every {args.get('letter')}.",
            "vowels": f"Spell out {args.get('word')} and mark each a, e, i, o and u.",
        }.get(args["kind"], f"Number the {thing}s one by one, up to the last one."),
        "Point at each one in turn and count up by one; do not guess.",
        f"Go from left to right and keep a running count of each {thing}.",
    )

    def find_slip(wrong: Fraction) -> str | None:
        difference = wrong - count
        if abs(difference) <= 2 and difference.denominator == 1:
            direction = "few" if difference < 0 else "many"
            return f"{format_number(wrong)} is {abs(difference)} too {direction}: {fact}."
        if args["kind"] == "letter" and wrong == len(args["word"]):
            return f"{format_number(wrong)} is the length of the whole word; {fact}."
        return pick(
            args,
            "slip",
            f"It counts {format_number(wrong)}, but {fact}.",
            f"The count {format_number(wrong)} is wrong: {fact}.",
            f"{fact}, not {format_number(wrong)}.",
        )

    if args["kind"] == "letter":
        # "Does not appear" is also a count.
        text = re.sub(
            r"(?i)\b(?:does not|doesn['’]t|never|not) (?:appear|occur|contain)s?\b",
            "appears 0 times",
            draft,
        )
    else:
        text = draft
    key = AnswerKey(args, target, str(count), brief, _working(args, items, brief), hints)
    read = read_number(text, stated=_stated_counts(args), with_words=True)
    return check_read_number(key, draft, Fraction(count), read, find_slip=find_slip)


FAMILIES = (Family("counting", _make, _check),)
