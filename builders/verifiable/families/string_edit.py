"""Editing strings: replacing, removing, joining, repeating, capitals and first letters."""

import re
from random import Random

from builders.verifiable.families.spelling import alike, review_string
from builders.verifiable.forms import draw_form, request
from builders.verifiable.material.words import NOUNS, SHORT_NOUNS
from builders.verifiable.problem import Args, Check, Family, Problem
from builders.verifiable.rubric import Fault
from builders.verifiable.short_answer import Finding, Question, review
from builders.verifiable.wording import listing, number, numeral, pick

_TEXTS = {
    "replace": (
        'Replace every {a} in "{word}" with {b}.',
        "Change each letter {a} of the word {word} to {b}. What do you get?",
        "What does {word} turn into if every {a} becomes {b}?",
        "Take the word '{word}' and write {b} wherever there is a letter {a}.",
    ),
    "vowels": (
        'Remove all vowels (a, e, i, o, u) from "{word}".',
        "Write the word {word} without its vowels (a, e, i, o, u).",
        "What is left of {word} if you take out a, e, i, o and u?",
        "Delete the letters a, e, i, o and u from '{word}'.",
    ),
    "initials": (
        "Take the first letter of each of these words and join them: {list}.",
        "What string do the first letters of {list} make?",
        "Build an acronym from the first letters of the words {list}.",
        "Write down only the initial letters of {list}, as one word.",
    ),
    "join": (
        "Join the words {list} with hyphens.",
        "Write {list} as one string, with a hyphen between the words.",
        "Put hyphens between these words: {list}.",
        "Connect {list} with hyphens and no spaces.",
    ),
    "capitals": (
        "Write the word {word} in capital letters.",
        "Put '{word}' in upper case.",
        "How does {word} look in capital letters?",
        'Convert "{word}" to upper case.',
    ),
    "repeat": (
        "Write the word {word} {n} times, separated by spaces.",
        "Repeat the word '{word}' {n} times in one line, with spaces in between.",
        "Say {word} {n} times with nothing but spaces between.",
        "I want to see the word {word} exactly {n} times, with spaces in between.",
    ),
}


def _make(rng: Random) -> Problem:
    kind = rng.choice(list(_TEXTS))
    args: dict = {"kind": kind, "form": draw_form(rng, working=False)}
    shown: dict = {}
    if kind in ("initials", "join"):
        args["words"] = rng.sample(NOUNS, rng.randint(3, 5))
        shown["list"] = listing(args["words"])
    else:
        args["word"] = rng.choice(rng.choice((NOUNS, SHORT_NOUNS)))
    if kind == "replace":
        args["old"] = rng.choice(args["word"])
        args["new"] = rng.choice([letter for letter in "aeioustk" if letter not in args["word"]])
        shown |= {"a": args["old"], "b": args["new"]}
    elif kind == "repeat":
        args["count"] = rng.randint(3, 7)
        shown["n"] = rng.choice((numeral(args["count"]), args["count"]))
    instruction = rng.choice(_TEXTS[kind]).format(word=args.get("word"), **shown)
    return Problem("string_edit", args, instruction + request(rng, args["form"], "result"))


def _right(args: Args) -> str:
    kind = args["kind"]
    if kind == "replace":
        return args["word"].replace(args["old"], args["new"])
    if kind == "vowels":
        return re.sub("[aeiou]", "", args["word"])
    if kind == "initials":
        return "".join(word[0] for word in args["words"])
    if kind == "join":
        return "-".join(args["words"])
    return args["word"].upper() if kind == "capitals" else " ".join([args["word"]] * args["count"])


def _hints(args: Args) -> tuple[str, ...]:
    kind, word = args["kind"], args.get("word", "")
    spelt = "-".join(word)
    if kind == "replace":
        return (
            f"Spell it as {spelt} and exchange each {args['old']} for {args['new']}.",
            f"Keep all letters of {word} except {args['old']}; write {args['new']} in its place.",
        )
    if kind == "vowels":
        return (
            f"Spell it as {spelt} and strike out a, e, i, o and u.",
            f"Copy only the consonants of {word}, in their order.",
        )
    if kind == "initials":
        return (
            f"Go through {listing(args['words'])} and copy the first letter of each.",
            f"There are {len(args['words'])} words, so there are as many letters in the result.",
        )
    if kind == "join":
        return (
            f"Write {args['words'][0]}, a hyphen, {args['words'][1]} and so on, without spaces.",
            "Put one hyphen between neighbours and none at the ends.",
        )
    if kind == "capitals":
        return (
            "Write every letter as a capital, not only the first.",
            f"Turn {spelt} into capitals letter by letter.",
        )
    return (
        f"Count along while writing {word}, and stop at {args['count']}.",
        f"Write {word} with one space between, and count the words at the end.",
    )


def _asked(args: Args) -> str:
    word = args.get("word")
    return {
        "replace": f"{word} with {args.get('new')} for {args.get('old')}",
        "vowels": f"{word} without its vowels",
        "initials": "the string of first letters",
        "join": "the string with hyphens",
        "capitals": f"{word} in capitals",
        "repeat": f"{word} written {args.get('count')} times",
    }[args["kind"]]


def _check(args: Args, draft: str) -> Check:
    right = _right(args)
    brief = (
        right
        if args["kind"] in ("repeat", "join")
        else pick(args, "brief", right, f'The result is "{right}".', f"You get {right}.")
    )
    question = Question(args, _asked(args), right, brief, brief, _hints(args), noun="result")
    if args["kind"] == "capitals":
        return _check_capitals(question, draft, args["word"])
    if args["kind"] == "join":
        return _check_join(question, draft, right)
    if args["kind"] == "repeat":
        return _check_repeat(question, draft)
    return review_string(question, draft, right, [args.get("word", ""), *args.get("words", ())])


def _check_capitals(question: Question, draft: str, word: str) -> Check:
    found = re.findall(rf"(?i)(?<!\w){re.escape(word)}(?!\w)", draft)
    if not found:
        return review(question, draft, Finding(None))
    right = word.upper() in found
    given = word.upper() if right else found[-1]
    capitals = sum(map(str.isupper, given)) / len(word)
    slip = None
    if not right:
        slip = f'"{given}" is not all in capitals; every letter of {word} has to be one.'
    return review(question, draft, Finding(given, right, share=capitals, slip=slip))


def _check_join(question: Question, draft: str, right: str) -> Check:
    chains = re.findall(r"(?<![^\W_])[^\W_]+(?: ?[-–] ?[^\W_]+)+", draft)
    parts = question.args["words"]
    found = [
        chain
        for chain in chains
        if any(part in re.split(r" ?[-–] ?", chain.casefold()) for part in parts)
    ]
    if not found and all(part in draft.casefold() for part in parts):
        slip = "The words are there, but they are not joined with hyphens."
        return review(question, draft, Finding("the words", share=0.5, slip=slip))
    if not found:
        return review(question, draft, Finding(None))
    given = found[-1]
    spaced = re.sub(r" ?[-–] ?", "-", given).casefold() == right and given.casefold() != right
    slip = "There are spaces or dashes around the words, not plain hyphens." if spaced else None
    correct = given.casefold() == right
    return review(
        question,
        draft,
        Finding(given, correct, None, 0.75 if spaced else alike(given, right), slip),
    )


def _check_repeat(question: Question, draft: str) -> Check:
    word, count = question.args["word"], question.args["count"]
    run = re.compile(rf"(?i)(?<!\w){re.escape(word)}(?!\w)(?:[\W_]{{1,5}}{re.escape(word)}(?!\w))*")
    runs = [match[0] for match in run.finditer(draft)]
    if not runs:
        return review(question, draft, Finding(None))
    given = max(runs, key=lambda text: len(text))
    times = len(re.findall(re.escape(word), given, re.IGNORECASE))
    if times != count:
        share = max(0.0, 1 - abs(times - count) / count)
        slip = f"The word {word} is there {times} times in a row and not {number(count)} times."
        if times == 1:
            slip = f"The word {word} is not repeated; it has to be there {count} times."
        return review(question, draft, Finding(f"{times} times", share=share, slip=slip))
    faults = []
    if given.casefold() != " ".join([word] * count):
        faults.append(
            Fault(
                "Something other than single spaces stands between the words.",
                "Separate the words with single spaces only.",
                cost=2,
            )
        )
    return review(question, draft, Finding(given, True, faults=faults))


FAMILIES = (Family("string_edit", _make, _check, held_out=True),)
