"""One sentence that contains given words."""

import re
from collections.abc import Sequence
from random import Random

from builders.verifiable.families.constraints import kept, one_sentence
from builders.verifiable.families.text_format import empty
from builders.verifiable.material.words import ANIMALS, OBJECTS, PLACES
from builders.verifiable.problem import Args, Check, Family, Problem
from builders.verifiable.reading.prose import repetition, sentences, words
from builders.verifiable.rubric import Fault, Outcome, assess
from builders.verifiable.wording import listed, listing, pick

_CONTAINING = (
    "Write one sentence that contains the words {w}.",
    "Use the words {w} in a single sentence.",
    "Make a sentence with the words {w}.",
    "Can you put {w} into one sentence?",
    "Form one sentence in which the words {w} all appear.",
)
# A text of these and the wanted words alone is a list and no sentence.
_LINKS = frozenset(
    listed(
        "a an the and or of in on at by with near to for from under over between behind beside "
        "inside his her its their my your our this that one two"
    )
)
_PAIRS = {
    ("animal", "object"): (
        "The {0} fell asleep next to the {1}.",
        "A {0} had knocked over the {1}.",
    ),
    ("animal", "place"): (
        "Every morning a {0} waited near the {1}.",
        "The {0} ran across the field towards the {1}.",
    ),
    ("object", "place"): (
        "She left the {0} near the {1} on her way home.",
        "They found an old {0} not far from the {1}.",
    ),
}
_TRIPLE = (
    "The {0} ran past the {1} on its way to the {2}.",
    "A {0} sat beside the {1} in front of the {2}.",
)
_CLASSES = {"animal": ANIMALS, "object": OBJECTS, "place": PLACES}


def _make(rng: Random) -> Problem:
    kinds = rng.choice((*_PAIRS, ("animal", "object", "place")))
    drawn = [rng.choice(_CLASSES[kind]) for kind in kinds]
    args = {"words": drawn}
    shown = listing([f'"{word}"' for word in rng.sample(drawn, len(drawn))])
    return Problem("contains_words", args, rng.choice(_CONTAINING).format(w=shown))


def _sentence_with(args: Args) -> str:
    kinds = tuple(
        next((kind for kind, members in _CLASSES.items() if word in members), "")
        for word in args["words"]
    )
    plans = _TRIPLE if kinds == ("animal", "object", "place") else _PAIRS.get(kinds, ())
    if not plans:
        return f"Yesterday we talked about the {listing(args['words'], 'and the')}."
    text = pick(args, "bank", *plans).format(*args["words"])
    return re.sub(r"\b([Aa]) (?=[aeiou])", r"\1n ", text)


def _check(args: Args, draft: str) -> Check:
    wanted, prepared = args["words"], _sentence_with(args)

    def missing(text: str) -> list[str]:
        present = {re.sub("['’]s$", "", word.casefold()) for word in words(text)}
        return [word for word in wanted if word.casefold() not in present]

    if not draft.strip():
        fault = empty(args, f"a sentence with {listing(wanted)}")
        return assess(draft, Outcome.EMPTY, [fault], prepared)
    absent = missing(draft)
    if len(absent) == len(wanted):
        fault = Fault(
            f"Neither {listing(wanted, 'nor')} appears in the response.",
            f"Think of a scene in which {listing(wanted)} meet, and tell it in one sentence.",
        )
        return assess(draft, Outcome.NO_ANSWER, [fault], prepared)
    faults = _missing_faults(args, draft, absent)
    share = 1 - len(absent) / len(wanted)
    together = any(not missing(part) for part in sentences(draft))
    if not absent and not together:
        share = 0.75
        faults.append(
            Fault(
                f"{listing(wanted)} are spread over several sentences.",
                "Join the sentences into one that has all the words.",
            )
        )
    elif not absent and not _says_something(draft, wanted):
        share = 0.5
        faults.append(
            Fault(
                "The words are only listed; there is no sentence around them.",
                f"Say what happens with {listing(wanted)}, with a verb.",
            )
        )
    outcome = Outcome.PARTIAL if faults else Outcome.RIGHT
    if together:
        faults += one_sentence(args, draft)
    faults += repetition(args, draft)

    def fits(part: str) -> bool:
        return not missing(part) and _says_something(part, wanted)

    return assess(draft, outcome, faults, kept(draft, fits, prepared), share)


def _says_something(text: str, wanted: Sequence[str]) -> bool:
    """Whether there is more than the wanted words and what links them."""
    known = _LINKS | {word.casefold() for word in wanted}
    return any(word.casefold() not in known for word in words(text))


def _missing_faults(args: Args, draft: str, absent: Sequence[str]) -> list[Fault]:
    faults = []
    for word in absent:
        near = re.search(rf"(?i)\b{re.escape(word)}\w+", draft)
        weakness = pick(
            args,
            "missing",
            f'The word "{word}" is missing.',
            f'"{word}" does not appear in the response.',
            f'It leaves out the word "{word}".',
        )
        how = f'Bring "{word}" into the sentence, for example as the place or the thing in it.'
        if near:
            weakness = f'It has "{near[0].lower()}" but not the word "{word}" itself.'
            how = f'Use the word exactly as given: "{word}".'
        faults.append(Fault(weakness, how))
    return faults


FAMILIES = (Family("contains_words", _make, _check, held_out=True),)
