"""Changing the letters of a word, and reading the result from a draft.

A string is an answer if it has most of its letters in common with the right one. What stands in
quotes, in bold or after `is`, `:` or `=` is preferred to any other word of that kind.
"""

import re
from collections import Counter
from collections.abc import Sequence
from random import Random

from builders.verifiable.forms import draw_form, request
from builders.verifiable.material.words import NOUNS, SHORT_NOUNS
from builders.verifiable.problem import Args, Check, Family, Problem
from builders.verifiable.rubric import Fault
from builders.verifiable.short_answer import Finding, Question, review
from builders.verifiable.wording import ordinal, pick

_TEXTS = {
    "reverse": (
        'Spell the word "{word}" backwards.',
        "Write {word} in reverse.",
        "What is '{word}' spelt backwards?",
        "Reverse the letters of the word {word}.",
        "If you read {word} from right to left, what do you get?",
    ),
    "spell": (
        'Spell the word "{word}" letter by letter, with hyphens in between.',
        "Write {word} one letter at a time, separated by hyphens.",
        "Please spell {word} with a hyphen between the letters.",
        "Put a hyphen between all the letters of '{word}'.",
    ),
}
_SPELT = re.compile(r"(?<![\w'’])[^\W\d_](?:[ ,.·|/–-]{1,3}[^\W\d_](?![\w'’])){2,40}")
_TOKEN = re.compile(r"[^\W_]+")
_BRIEF = 8
_MARKED = re.compile(
    r"[\"“”‘`*]{1,2}(?P<quoted>[^\W_]+)[\"“”’`*.,]{1,3}|(?<!\w)'(?P<single>[^\W_]+)[.,]?'"
    r"|(?:\b(?:is|becomes|be|get|gives|answer|backwards)|[:=→>]):?\s{1,2}(?P<after>[^\W_]+)(?=[.!\n]|$)"
)


def overlap(one: str, two: str) -> float:
    """The share of letters, with their counts, that two strings have in common."""
    common = sum((Counter(one.casefold()) & Counter(two.casefold())).values())
    return common / max(len(one), len(two), 1)


def alike(one: str, two: str) -> float:
    """The share of places in which two strings have the same letter."""
    same = sum(a == b for a, b in zip(one.casefold(), two.casefold(), strict=False))
    return same / max(len(one), len(two), 1)


def read_string(draft: str, right: str, asked: Sequence[str]) -> list[str]:
    """What a draft may mean as its answer, in order, the last being the final one.

    `asked` are the question's own words, which are no answers.
    """
    spelt = [
        (match.start(), "".join(filter(str.isalnum, match[0]))) for match in _SPELT.finditer(draft)
    ]
    marked = [
        (match.start(), match["quoted"] or match["single"] or match["after"])
        for match in _MARKED.finditer(draft)
    ]
    tokens = [(match.start(), match[0]) for match in _TOKEN.finditer(draft)]
    own = {word.casefold() for word in asked}
    # In running text only a word of the very same letters can be meant.
    brief = len(tokens) <= _BRIEF
    for found, least in ((spelt + marked, 0.6), (tokens, 1.0), (tokens, 0.6 if brief else 1.0)):
        kept = [
            text
            for _, text in sorted(found)
            if text.casefold() not in own and overlap(text, right) >= least
        ]
        if kept:
            return kept
    if marked and brief:
        return [text for _, text in sorted(marked) if text.casefold() not in own]
    return [tokens[0][1]] if len(tokens) == 1 and tokens[0][1].casefold() not in own else []


def review_string(question: Question, draft: str, right: str, asked: Sequence[str]) -> Check:
    """As `review`, for an answer that is the string `right`."""
    found = read_string(draft, right, asked)
    if not found:
        return review(question, draft, Finding(None))
    given = found[-1]
    correct = given.casefold() == right.casefold()
    if not correct and any(text.casefold() == right.casefold() for text in found):
        return review(question, draft, Finding(given, other=right, share=1.0))
    slip = None if correct else letter_slip(question.args, given, right)
    return review(question, draft, Finding(given, correct, None, alike(given, right), slip))


def letter_slip(args: Args, given: str, right: str) -> str:
    """Where a string goes wrong."""
    if overlap(given, right) < 0.5:
        return f'"{given}" is another word; it should be "{right}".'
    if len(given) != len(right):
        how = "too few" if len(given) < len(right) else "too many"
        return f'"{given}" has {how} letters: {len(given)} and not {len(right)}, as in "{right}".'
    pairs = enumerate(zip(given, right, strict=True))
    place = next((i for i, (a, b) in pairs if a.casefold() != b.casefold()), 0)
    nth = ordinal(place + 1)
    return pick(
        args,
        "slip",
        f'The {nth} letter of "{given}" is {given[place]} and should be {right[place]}.',
        f'"{given}" goes wrong at the {nth} letter: {right[place]}, not {given[place]}.',
    )


def _make(rng: Random) -> Problem:
    kind = rng.choice(("reverse", "reverse", "spell"))
    word = rng.choice(rng.choice((NOUNS, SHORT_NOUNS, SHORT_NOUNS)))
    args = {"kind": kind, "word": word, "form": draw_form(rng, working=False)}
    noun = "reversed word" if kind == "reverse" else "spelling"
    instruction = rng.choice(_TEXTS[kind]).format(word=word)
    return Problem("spelling", args, instruction + request(rng, args["form"], noun))


def _check(args: Args, draft: str) -> Check:
    return _check_reverse(args, draft) if args["kind"] == "reverse" else _check_spell(args, draft)


def _check_reverse(args: Args, draft: str) -> Check:
    word = args["word"]
    right = word[::-1]
    brief = pick(
        args,
        "brief",
        f'"{word}" spelt backwards is "{right}".',
        f"Backwards, {word} is {right}.",
        f"{'-'.join(word)} read from the end is {'-'.join(right)}: {right}.",
    )
    hints = (
        f"Spell it out as {'-'.join(word)} and read the letters from the last to the first.",
        f"Start with {right[0]}, the last letter of {word}, and go back one letter at a time.",
        f"Write the {len(word)} letters of {word} one by one and copy them from right to left.",
    )
    question = Question(args, f"{word} backwards", right, brief, brief, hints, noun="reversed word")
    return review_string(question, draft, right, [word])


def _check_spell(args: Args, draft: str) -> Check:
    word = args["word"]
    right = "-".join(word)
    hints = (
        f"Write {word[0]}, then a hyphen, then {word[1]}, and go on to the end of the word.",
        f"Take the {len(word)} letters of {word} in turn, with a hyphen after all but the last.",
        f"Say {word} slowly and write down every letter, double ones twice.",
    )
    question = Question(
        args, f"the spelling of {word}", right, right, right, hints, noun="spelling"
    )
    found = [match[0] for match in _SPELT.finditer(draft)]
    if not found:
        whole = re.search(rf"(?i)(?<!\w){re.escape(word)}(?!\w)", draft)
        slip = f'It writes "{word}" as a whole and does not spell it.' if whole else None
        return review(question, draft, Finding(None, slip=slip))
    given = found[-1]
    letters = "".join(filter(str.isalnum, given))
    if letters.casefold() != word:
        slip = letter_slip(args, letters, word)
        return review(question, draft, Finding(given, False, None, alike(letters, word), slip))
    faults = []
    if given.casefold() != right:
        faults.append(
            Fault(
                f"The letters of {word} are right, but hyphens were asked for between them.",
                "Put one hyphen, and nothing else, between neighbouring letters.",
                cost=2,
            )
        )
    return review(question, draft, Finding(right, True, faults=faults))


FAMILIES = (Family("spelling", _make, _check),)
