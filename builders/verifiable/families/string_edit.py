"""Editing strings: replace, remove, join, repeat, put in capitals, take first letters."""

import re
from random import Random

from builders.verifiable.families.spelling import check_string, position_similarity
from builders.verifiable.forms import draw_form, form_request
from builders.verifiable.material.words import NOUNS, SHORT_NOUNS
from builders.verifiable.problem import Args, CheckedDraft, Family, Problem
from builders.verifiable.rubric import Fault
from builders.verifiable.short_answer import AnswerKey, ReadAnswer, check_answer
from builders.verifiable.wording import format_number, join_words, number_word, pick

_PHRASINGS = {
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
        "Say {word} {n} times with nothing but spaces in between.",
        "I want to see the word {word} exactly {n} times, with spaces in between.",
    ),
}


def _make(rng: Random) -> Problem:
    kind = rng.choice(list(_PHRASINGS))
    args: dict = {"kind": kind, "form": draw_form(rng, working=False)}
    slots: dict = {}
    if kind in ("initials", "join"):
        args["words"] = rng.sample(NOUNS, rng.randint(3, 5))
        slots["list"] = join_words(args["words"])
    else:
        args["word"] = rng.choice(rng.choice((NOUNS, SHORT_NOUNS)))
    if kind == "replace":
        args["old"] = rng.choice(args["word"])
        args["new"] = rng.choice([letter for letter in "aeioustk" if letter not in args["word"]])
        slots |= {"a": args["old"], "b": args["new"]}
    elif kind == "repeat":
        args["count"] = rng.randint(3, 7)
        slots["n"] = rng.choice((number_word(args["count"]), args["count"]))
    instruction = rng.choice(_PHRASINGS[kind]).format(word=args.get("word"), **slots)
    return Problem("string_edit", args, instruction + form_request(rng, args["form"], "result"))


def _right_answer(args: Args) -> str:
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
    spelling = "-".join(word)
    if kind == "replace":
        return (
            f"Spell it out as {spelling} and replace each {args['old']} with {args['new']}.",
            f"Keep every letter of {word} except {args['old']}; write {args['new']} in its place.",
        )
    if kind == "vowels":
        return (
            f"Spell it out as {spelling} and cross out a, e, i, o and u.",
            f"Copy only the consonants of {word}, in order.",
        )
    if kind == "initials":
        return (
            f"Go through {join_words(args['words'])} and copy the first letter of each.",
            f"There are {len(args['words'])} words, so the result has that many letters.",
        )
    if kind == "join":
        return (
            f"Write {args['words'][0]}, a hyphen, {args['words'][1]} and so on, without spaces.",
            "Put one hyphen between neighbors and none at the ends.",
        )
    if kind == "capitals":
        return (
            "Write every letter as a capital, not only the first.",
            f"Turn {spelling} into capitals letter by letter.",
        )
    return (
        f"Count as you write {word}, and stop at {args['count']}.",
        f"Write {word} with one space in between, and count the words at the end.",
    )


def _target(args: Args) -> str:
    word = args.get("word")
    return {
        "replace": f"{word} with {args.get('new')} in place of {args.get('old')}",
        "vowels": f"{word} without its vowels",
        "initials": "the string of first letters",
        "join": "the string with hyphens",
        "capitals": f"{word} in capitals",
        "repeat": f"{word} written {args.get('count')} times",
    }[args["kind"]]


def _check(args: Args, draft: str) -> CheckedDraft:
    right = _right_answer(args)
    brief = (
        right
        if args["kind"] in ("repeat", "join")
        else pick(args, "brief", right, f'The result is "{right}".', f"You get {right}.")
    )
    key = AnswerKey(args, _target(args), right, brief, brief, _hints(args), noun="result")
    if args["kind"] == "capitals":
        return _check_capitals(key, draft, args["word"])
    if args["kind"] == "join":
        return _check_join(key, draft, right)
    if args["kind"] == "repeat":
        return _check_repeat(key, draft)
    return check_string(key, draft, right, [args.get("word", ""), *args.get("words", ())])


def _check_capitals(key: AnswerKey, draft: str, word: str) -> CheckedDraft:
    occurrences = re.findall(rf"(?i)(?<!\w){re.escape(word)}(?!\w)", draft)
    if not occurrences:
        return check_answer(key, draft, ReadAnswer(None))
    right = word.upper() in occurrences
    answer = word.upper() if right else occurrences[-1]
    capitals = sum(map(str.isupper, answer)) / len(word)
    slip = None
    if not right:
        slip = f'"{answer}" is not all in capitals; every letter of {word} has to be a capital.'
    return check_answer(key, draft, ReadAnswer(answer, right, share=capitals, slip=slip))


def _check_join(key: AnswerKey, draft: str, right: str) -> CheckedDraft:
    chains = re.findall(r"(?<![^\W_])[^\W_]+(?: ?[-–] ?[^\W_]+)+", draft)
    parts = key.args["words"]
    joined = [
        chain
        for chain in chains
        if any(part in re.split(r" ?[-–] ?", chain.casefold()) for part in parts)
    ]
    if not joined and all(part in draft.casefold() for part in parts):
        slip = "The words are there, but they are not joined with hyphens."
        return check_answer(key, draft, ReadAnswer("the words", share=0.5, slip=slip))
    if not joined:
        return check_answer(key, draft, ReadAnswer(None))
    answer = joined[-1]
    if answer.casefold() == right:
        return check_answer(key, draft, ReadAnswer(answer, right=True))
    if re.sub(r" ?[-–] ?", "-", answer).casefold() == right:
        slip = "The words are joined with spaces or dashes, not plain hyphens."
        return check_answer(key, draft, ReadAnswer(answer, share=0.75, slip=slip))
    return check_answer(key, draft, ReadAnswer(answer, share=position_similarity(answer, right)))


def _check_repeat(key: AnswerKey, draft: str) -> CheckedDraft:
    word, count = key.args["word"], key.args["count"]
    run = re.compile(rf"(?i)(?<!\w){re.escape(word)}(?!\w)(?:[\W_]{{1,5}}{re.escape(word)}(?!\w))*")
    runs = [match[0] for match in run.finditer(draft)]
    if not runs:
        return check_answer(key, draft, ReadAnswer(None))
    longest = max(runs, key=len)
    times = len(re.findall(re.escape(word), longest, re.IGNORECASE))
    if times != count:
        share = max(0.0, 1 - abs(times - count) / count)
        slip = f"The word {word} appears {times} times in a row, not {format_number(count)} times."
        if times == 1:
            slip = f"The word {word} is not repeated; it has to appear {count} times."
        return check_answer(key, draft, ReadAnswer(f"{times} times", share=share, slip=slip))
    faults = []
    if longest.casefold() != " ".join([word] * count):
        faults.append(
            Fault(
                "The words are separated by something other than single spaces.",
                "Separate the words only with single spaces.",
                cost=2,
            )
        )
    return check_answer(key, draft, ReadAnswer(longest, True, faults=faults))


FAMILIES = (Family("string_edit", _make, _check, held_out=True),)
