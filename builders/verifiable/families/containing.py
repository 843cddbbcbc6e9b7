"""One sentence that contains certain words."""

import re
from collections.abc import Sequence
from random import Random

from builders.verifiable.families.constraints import one_sentence_faults, reusable_sentence
from builders.verifiable.families.text_format import empty_fault
from builders.verifiable.material.words import ANIMALS, OBJECTS, PLACES
from builders.verifiable.problem import Args, CheckedDraft, Family, Problem
from builders.verifiable.reading.prose import repetition_faults, sentences, words
from builders.verifiable.rubric import Fault, Grade, assess
from builders.verifiable.wording import join_words, pick, split_words

_PHRASINGS = (
    "Write one sentence that contains the words {w}.",
    "Use the words {w} in a single sentence.",
    "Make a sentence with the words {w}.",
    "Can you put {w} into one sentence?",
    "Form one sentence in which the words {w} all appear.",
)
# A text of only these and the required words is a list, not a sentence.
_LINK_WORDS = frozenset(
    split_words(
        "a an the and or of in on at by with near to for from under over between behind beside "
        "inside his her its their my your our this that one two"
    )
)
_PAIR_SENTENCES = {
    ("animal", "object"): (
        "The {0} fell asleep next to the {1}.",
        "A {0} had knocked over the {1}.",
    ),
    ("animal", "place"): (
        "Every morning a {0} waited near the {1}.",
        "The {0} ran across the field toward the {1}.",
    ),
    ("object", "place"): (
        "She left the {0} near the {1} on her way home.",
        "They found an old {0} not far from the {1}.",
    ),
}
_TRIPLE_SENTENCES = (
    "The {0} ran past the {1} on its way to the {2}.",
    "A {0} sat beside the {1} in front of the {2}.",
)
_WORD_LISTS = {"animal": ANIMALS, "object": OBJECTS, "place": PLACES}


def _make(rng: Random) -> Problem:
    kinds = rng.choice((*_PAIR_SENTENCES, ("animal", "object", "place")))
    drawn = [rng.choice(_WORD_LISTS[kind]) for kind in kinds]
    args = {"words": drawn}
    quoted = join_words([f'"{word}"' for word in rng.sample(drawn, len(drawn))])
    return Problem("contains_words", args, rng.choice(_PHRASINGS).format(w=quoted))


def _sentence_with(args: Args) -> str:
    kinds = tuple(
        next((kind for kind, members in _WORD_LISTS.items() if word in members), "")
        for word in args["words"]
    )
    templates = (
        _TRIPLE_SENTENCES
        if kinds == ("animal", "object", "place")
        else _PAIR_SENTENCES.get(kinds, ())
    )
    if not templates:
        return f"Yesterday we talked about the {join_words(args['words'], 'and the')}."
    text = pick(args, "bank", *templates).format(*args["words"])
    return re.sub(r"\b([Aa]) (?=[aeiou])", r"\1n ", text)


def _check(args: Args, draft: str) -> CheckedDraft:
    required, prepared = args["words"], _sentence_with(args)

    def missing(text: str) -> list[str]:
        present = {re.sub("['’]s$", "", word.casefold()) for word in words(text)}
        return [word for word in required if word.casefold() not in present]

    if not draft.strip():
        fault = empty_fault(args, f"a sentence with {join_words(required)}")
        return assess(draft, Grade.EMPTY, [fault], prepared)
    absent = missing(draft)
    if len(absent) == len(required):
        fault = Fault(
            f"Neither {join_words(required, 'nor')} appears in the response.",
            f"Think of a scene with {join_words(required)}, and describe it in one sentence.",
        )
        return assess(draft, Grade.NO_ANSWER, [fault], prepared)
    faults = _missing_faults(args, draft, absent)
    share = 1 - len(absent) / len(required)
    in_one_sentence = any(not missing(sentence) for sentence in sentences(draft))
    if not absent and not in_one_sentence:
        share = 0.75
        faults.append(
            Fault(
                f"{join_words(required)} are spread across several sentences.",
                "Join the sentences into one that has all the words.",
            )
        )
    elif not absent and not _has_other_words(draft, required):
        share = 0.5
        faults.append(
            Fault(
                "The words are only listed; there is no sentence around them.",
                f"Say what happens with {join_words(required)}, and use a verb.",
            )
        )
    grade = Grade.PARTIAL if faults else Grade.RIGHT
    if in_one_sentence:
        faults += one_sentence_faults(args, draft)
    faults += repetition_faults(args, draft)

    def fits(sentence: str) -> bool:
        return not missing(sentence) and _has_other_words(sentence, required)

    return assess(draft, grade, faults, reusable_sentence(draft, fits, prepared), share)


def _has_other_words(text: str, required: Sequence[str]) -> bool:
    """Whether a text has words besides the required ones and the words that link them."""
    ignored = _LINK_WORDS | {word.casefold() for word in required}
    return any(word.casefold() not in ignored for word in words(text))


def _missing_faults(args: Args, draft: str, absent: Sequence[str]) -> list[Fault]:
    faults = []
    for word in absent:
        longer_form = re.search(rf"(?i)\b{re.escape(word)}\w+", draft)
        weakness = pick(
            args,
            "missing",
            f'The word "{word}" is missing.',
            f'"{word}" does not appear in the response.',
            f'It leaves out the word "{word}".',
        )
        how = f'Work "{word}" into the sentence, for example as the place or the thing in it.'
        if longer_form:
            weakness = f'It has "{longer_form[0].lower()}" but not the word "{word}" itself.'
            how = f'Use the word exactly as given: "{word}".'
        faults.append(Fault(weakness, how))
    return faults


FAMILIES = (Family("contains_words", _make, _check, held_out=True),)
