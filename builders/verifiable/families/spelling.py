"""Changing the letters of a word, and reading the result from a draft.

A string counts as the answer if it shares most of its letters with the right one. Strings in
quotes, in bold or after `is`, `:` or `=` are preferred to other words.
"""

import re
from collections import Counter
from collections.abc import Sequence
from random import Random

from builders.verifiable.forms import draw_form, form_request
from builders.verifiable.material.words import NOUNS, SHORT_NOUNS
from builders.verifiable.problem import Args, CheckedDraft, Family, Problem
from builders.verifiable.rubric import Fault
from builders.verifiable.short_answer import AnswerKey, ReadAnswer, check_answer
from builders.verifiable.wording import ordinal, pick

_PHRASINGS = {
    "reverse": (
        'Spell the word "{word}" backwards.',
        "Write {word} in reverse.",
        "What is '{word}' spelled backwards?",
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
_SPELLED_OUT = re.compile(r"(?<![\w'’])[^\W\d_](?:[ ,.·|/–-]{1,3}[^\W\d_](?![\w'’])){2,40}")
_TOKEN = re.compile(r"[^\W_]+")
_SHORT_DRAFT_WORDS = 8
_MARKED = re.compile(
    r"[\"“”‘`*]{1,2}(?P<quoted>[^\W_]+)[\"“”’`*.,]{1,3}|(?<!\w)'(?P<single>[^\W_]+)[.,]?'"
    r"|(?:\b(?:is|becomes|be|get|gives|answer|backwards)|[:=→>]):?\s{1,2}(?P<after>[^\W_]+)(?=[.!\n]|$)"
)


def letter_similarity(one: str, two: str) -> float:
    """The share of letters that two strings have in common, counting repeated letters."""
    common = sum((Counter(one.casefold()) & Counter(two.casefold())).values())
    return common / max(len(one), len(two), 1)


def position_similarity(one: str, two: str) -> float:
    """The share of positions at which two strings have the same letter."""
    same = sum(a == b for a, b in zip(one.casefold(), two.casefold(), strict=False))
    return same / max(len(one), len(two), 1)


def read_strings(draft: str, right: str, question_words: Sequence[str]) -> list[str]:
    """The strings that may be the answer of a draft, in order; the last is its final answer.

    The `question_words` are not answers.
    """
    spelled = [
        (match.start(), "".join(filter(str.isalnum, match[0])))
        for match in _SPELLED_OUT.finditer(draft)
    ]
    marked = [
        (match.start(), match["quoted"] or match["single"] or match["after"])
        for match in _MARKED.finditer(draft)
    ]
    tokens = [(match.start(), match[0]) for match in _TOKEN.finditer(draft)]
    excluded = {word.casefold() for word in question_words}
    # In running text, only a word with exactly the same letters counts.
    is_short = len(tokens) <= _SHORT_DRAFT_WORDS
    searches = [(spelled + marked, 0.6), (tokens, 1.0)]
    if is_short:
        searches.append((tokens, 0.6))
    for candidates, min_similarity in searches:
        answers = [
            text
            for _, text in sorted(candidates)
            if text.casefold() not in excluded and letter_similarity(text, right) >= min_similarity
        ]
        if answers:
            return answers
    if marked and is_short:
        return [text for _, text in sorted(marked) if text.casefold() not in excluded]
    return [tokens[0][1]] if len(tokens) == 1 and tokens[0][1].casefold() not in excluded else []


def check_string(
    key: AnswerKey, draft: str, right: str, question_words: Sequence[str]
) -> CheckedDraft:
    """As `check_answer`, for an answer that is the string `right`."""
    strings = read_strings(draft, right, question_words)
    if not strings:
        return check_answer(key, draft, ReadAnswer(None))
    answer = strings[-1]
    is_right = answer.casefold() == right.casefold()
    if not is_right and any(text.casefold() == right.casefold() for text in strings):
        return check_answer(key, draft, ReadAnswer(answer, other=right, share=1.0))
    if is_right:
        return check_answer(key, draft, ReadAnswer(answer, right=True))
    share, slip = position_similarity(answer, right), letter_slip(key.args, answer, right)
    return check_answer(key, draft, ReadAnswer(answer, share=share, slip=slip))


def letter_slip(args: Args, wrong: str, right: str) -> str:
    """A remark on where a wrong string differs from the right one."""
    if letter_similarity(wrong, right) < 0.5:
        return f'"{wrong}" is a different word; it should be "{right}".'
    if len(wrong) != len(right):
        many = "too few" if len(wrong) < len(right) else "too many"
        return f'"{wrong}" has {many} letters: {len(wrong)}, not {len(right)} as in "{right}".'
    pairs = enumerate(zip(wrong, right, strict=True))
    place = next((i for i, (a, b) in pairs if a.casefold() != b.casefold()), 0)
    nth = ordinal(place + 1)
    return pick(
        args,
        "slip",
        f'The {nth} letter of "{wrong}" is {wrong[place]} but should be {right[place]}.',
        f'"{wrong}" is wrong at the {nth} letter: it should be {right[place]}, not {wrong[place]}.',
    )


def _make(rng: Random) -> Problem:
    kind = rng.choice(("reverse", "reverse", "spell"))
    word = rng.choice(rng.choice((NOUNS, SHORT_NOUNS, SHORT_NOUNS)))
    args = {"kind": kind, "word": word, "form": draw_form(rng, working=False)}
    noun = "reversed word" if kind == "reverse" else "spelling"
    instruction = rng.choice(_PHRASINGS[kind]).format(word=word)
    return Problem("spelling", args, instruction + form_request(rng, args["form"], noun))


def _check(args: Args, draft: str) -> CheckedDraft:
    return _check_reverse(args, draft) if args["kind"] == "reverse" else _check_spell(args, draft)


def _check_reverse(args: Args, draft: str) -> CheckedDraft:
    word = args["word"]
    right = word[::-1]
    brief = pick(
        args,
        "brief",
        f'"{word}" spelled backwards is "{right}".',
        f"Backwards, {word} is {right}.",
        f"{'-'.join(word)} read backwards is {'-'.join(right)}: {right}.",
    )
    hints = (
        f"Spell it out as {'-'.join(word)} and read the letters from last to first.",
        f"Start with {right[0]}, the last letter of {word}, and go back one letter at a time.",
        f"Write the {len(word)} letters of {word} one by one and copy them from right to left.",
    )
    key = AnswerKey(args, f"{word} backwards", right, brief, brief, hints, noun="reversed word")
    return check_string(key, draft, right, [word])


def _check_spell(args: Args, draft: str) -> CheckedDraft:
    word = args["word"]
    right = "-".join(word)
    hints = (
        f"Write {word[0]}, then a hyphen, then {word[1]}, and continue to the end of the word.",
        f"Take the {len(word)} letters of {word} in turn, with a hyphen after all but the last.",
        f"Say {word} slowly and write down every letter, double letters twice.",
    )
    key = AnswerKey(args, f"the spelling of {word}", right, right, right, hints, noun="spelling")
    spellings = [match[0] for match in _SPELLED_OUT.finditer(draft)]
    if not spellings:
        whole = re.search(rf"(?i)(?<!\w){re.escape(word)}(?!\w)", draft)
        slip = f'It writes "{word}" as a whole word and does not spell it out.' if whole else None
        return check_answer(key, draft, ReadAnswer(None, slip=slip))
    answer = spellings[-1]
    letters = "".join(filter(str.isalnum, answer))
    if letters.casefold() != word:
        share, slip = position_similarity(letters, word), letter_slip(args, letters, word)
        return check_answer(key, draft, ReadAnswer(answer, share=share, slip=slip))
    faults = []
    if answer.casefold() != right:
        faults.append(
            Fault(
                f"The letters of {word} are right, but there should be hyphens between them.",
                "Put one hyphen, and nothing else, between neighboring letters.",
                cost=2,
            )
        )
    return check_answer(key, draft, ReadAnswer(right, True, faults=faults))


FAMILIES = (Family("spelling", _make, _check),)
