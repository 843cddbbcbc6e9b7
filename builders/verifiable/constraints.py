"""Sentences under a constraint: without a letter, of so many words, with given words."""

import re
from collections.abc import Callable, Sequence
from random import Random

from builders.verifiable.problem import Args, Check, Family, Problem
from builders.verifiable.prose import repetition, sensible, sentences, words
from builders.verifiable.rubric import Fault, Outcome, assess
from builders.verifiable.text_format import about, empty
from builders.verifiable.topic import Topic
from builders.verifiable.topics import BY_NAME, TOPICS
from builders.verifiable.wording import count_of, listed, listing, numeral, pick
from builders.verifiable.words import ANIMALS, OBJECTS, PLACES

_LIPOGRAMS = (
    "Describe {t} in one sentence without using the letter {l}.",
    "Write one sentence about {t} that does not contain the letter {l}.",
    "In a single sentence, say something about {t}. The letter {l} must not appear.",
    "Can you write a sentence on {t} in which no word has the letter {l}?",
    "Avoid the letter {l} completely and write one sentence about {t}.",
)
_EXACT = (
    "Write a sentence of exactly {n} words about {t}.",
    "Say something about {t} in exactly {n} words.",
    "Give me one sentence on {t} that has {n} words, no more and no fewer.",
    "Describe {t} in a sentence with exactly {n} words.",
    "I need a sentence about {t}. It has to be {n} words long.",
)
_CONTAINING = (
    "Write one sentence that contains the words {w}.",
    "Use the words {w} in a single sentence.",
    "Make a sentence with the words {w}.",
    "Can you put {w} into one sentence?",
    "Form one sentence in which the words {w} all appear.",
)
# Words that a sentence can lose without losing its meaning.
_FILLERS = frozenset(listed("also just quite really simply truly very"))
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


def _one_sentence(args: Args, draft: str) -> list[Fault]:
    count = len(sentences(draft))
    if count <= 1:
        return []
    return [
        Fault(
            pick(
                args,
                "one",
                f"One sentence was asked for, and there are {count}.",
                f"It has {count} sentences instead of one.",
            ),
            "Keep a single sentence that meets the demand and drop the others.",
            cost=2,
        )
    ]


def _kept(draft: str, fits: Callable[[str], bool], prepared: str) -> str:
    """A sentence of the draft that meets the demands, or the prepared one."""
    return next((part for part in sentences(draft) if sensible(part) and fits(part)), prepared)


def _without(topic: Topic, letter: str) -> list[str]:
    return [text for text in (topic.without_e, *topic.facts) if letter not in text.casefold()]


def _make_lipogram(rng: Random) -> Problem:
    topic = rng.choice(TOPICS)
    usable = [letter for letter in "aoitsnrl" if _without(topic, letter)]
    letter = "e" if rng.random() < 0.4 or not usable else rng.choice(usable)
    args = {"topic": topic.name, "letter": letter}
    return Problem("lipogram", args, rng.choice(_LIPOGRAMS).format(t=topic.name, l=letter))


def _check_lipogram(args: Args, draft: str) -> Check:
    topic, letter = BY_NAME[args["topic"]], args["letter"]
    prepared = pick(args, "bank", *_without(topic, letter))
    if not draft.strip():
        fault = empty(args, f"a sentence about {topic.name} without {letter}")
        return assess(draft, Outcome.EMPTY, [fault], prepared)
    found = words(draft)
    off_topic = about(args, topic, draft)
    if off_topic or len(found) < 4:
        short = Fault(
            f"{count_of(len(found), 'word')} do not describe {topic.name}.",
            "Write a whole sentence.",
        )
        return assess(draft, Outcome.NO_ANSWER, off_topic or [short], prepared)
    hits = list(dict.fromkeys(word for word in found if letter in word.casefold()))
    faults = _letter_faults(args, letter, hits, prepared) if hits else []
    count = sum(letter in word.casefold() for word in found)
    outcome = Outcome.PARTIAL if hits else Outcome.RIGHT
    faults += _one_sentence(args, draft) + repetition(args, draft)

    def fits(part: str) -> bool:
        enough = len(words(part)) >= 4 and topic.is_subject_of(part)
        return enough and letter not in part.casefold()

    # Half of all words have an e, so a text that pays no attention gets nothing.
    share = max(0.0, 1 - 2 * count / len(found))
    return assess(draft, outcome, faults, _kept(draft, fits, prepared), share)


def _letter_faults(args: Args, letter: str, hits: Sequence[str], prepared: str) -> list[Fault]:
    quoted = listing([f'"{word}"' for word in hits[:3]])
    free = [word for word in words(prepared) if len(word) > 3][:3]
    verb = "contains" if len(hits) == 1 else "contain"
    return [
        Fault(
            pick(
                args,
                "letter",
                f"The letter {letter} must not appear, but {quoted} {verb} it.",
                f"{quoted} {verb} the letter {letter}.",
                f"It uses the letter {letter} in {quoted}.",
            ),
            pick(
                args,
                "letter how",
                f"Replace {quoted} by words without {letter}, such as {listing(free, 'or')}.",
                f"Build the sentence from words that lack {letter}: {listing(free)}, for example.",
                f"Check each word for {letter} and exchange it for another one.",
            ),
        )
    ]


def _make_exact(rng: Random) -> Problem:
    topic = rng.choice(TOPICS)
    args = {"topic": topic.name, "count": len(words(rng.choice(topic.facts)))}
    count = rng.choice((numeral(args["count"]), args["count"]))
    return Problem("exact_words", args, rng.choice(_EXACT).format(n=count, t=topic.name))


def _check_exact(args: Args, draft: str) -> Check:
    topic, count = BY_NAME[args["topic"]], args["count"]
    prepared = next(text for text in topic.facts if len(words(text)) == count)
    if not draft.strip():
        fault = empty(args, f"{numeral(count)} words about {topic.name}")
        return assess(draft, Outcome.EMPTY, [fault], prepared)
    off_topic = about(args, topic, draft)
    if off_topic:
        return assess(draft, Outcome.NO_ANSWER, off_topic, prepared)
    has = len(words(draft))
    faults = _one_sentence(args, draft)
    if has != count:
        faults.insert(0, _length_fault(args, has, count))
    outcome = Outcome.RIGHT if has == count else Outcome.PARTIAL

    def fits(part: str) -> bool:
        return len(words(part)) == count and topic.is_subject_of(part)

    shortened = " ".join(_drop_fillers(part, count) for part in sentences(draft)[:1])
    kept = _kept(f"{shortened}\n{draft}", fits, prepared)
    share = max(0.0, 1 - abs(has - count) / count)
    return assess(draft, outcome, faults, kept, share)


def _drop_fillers(text: str, count: int) -> str:
    """The sentence with as many filler words less as it has words too many."""
    surplus = len(words(text)) - count
    kept = []
    for part in text.split():
        if surplus > 0 and part.casefold() in _FILLERS:
            surplus -= 1
        else:
            kept.append(part)
    return " ".join(kept)


def _length_fault(args: Args, has: int, count: int) -> Fault:
    off = abs(has - count)
    return Fault(
        pick(
            args,
            "length",
            f"It has {count_of(has, 'word')} and not {count}.",
            f"The response is {count_of(off, 'word')} too {'long' if has > count else 'short'}: "
            f"{has} instead of {count}.",
            f"{numeral(count).capitalize()} words were asked for; it uses {has}.",
        ),
        pick(
            args,
            "length how",
            f"{'Cut' if has > count else 'Add'} {count_of(off, 'word')}, and count again.",
            f"Plan a sentence with {count} words and count them one by one.",
            f"Write a {'shorter' if has > count else 'longer'} sentence and number its words "
            f"up to {count}.",
        ),
    )


def _make_containing(rng: Random) -> Problem:
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


def _check_containing(args: Args, draft: str) -> Check:
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
    elif not absent and len(words(draft)) < len(wanted) + 2:
        share = 0.5
        faults.append(
            Fault(
                "The words are only listed; there is no sentence around them.",
                f"Say what happens with {listing(wanted)}, with a verb.",
            )
        )
    outcome = Outcome.PARTIAL if faults else Outcome.RIGHT
    if together:
        faults += _one_sentence(args, draft)
    faults += repetition(args, draft)

    def fits(part: str) -> bool:
        return not missing(part) and len(words(part)) >= len(wanted) + 2

    return assess(draft, outcome, faults, _kept(draft, fits, prepared), share)


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


FAMILIES = (
    Family("lipogram", _make_lipogram, _check_lipogram),
    Family("exact_words", _make_exact, _check_exact),
    Family("contains_words", _make_containing, _check_containing, held_out=True),
)
