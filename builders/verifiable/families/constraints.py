"""Sentences under a constraint: without a letter, or of so many words."""

import re
from collections.abc import Callable, Sequence
from random import Random

from builders.verifiable.families.text_format import about, empty
from builders.verifiable.material.topic import Topic
from builders.verifiable.material.topics import BY_NAME, TOPICS
from builders.verifiable.problem import Args, Check, Family, Problem
from builders.verifiable.reading.prose import is_loop, repetition, sensible, sentences, words
from builders.verifiable.rubric import Fault, Outcome, assess
from builders.verifiable.wording import count_of, listed, listing, numeral, pick, quote

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
# Words that a sentence can lose without losing its meaning.
_FILLERS = frozenset(listed("also just quite really simply truly very"))


def one_sentence(args: Args, draft: str) -> list[Fault]:
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


def kept(draft: str, fits: Callable[[str], bool], prepared: str) -> str:
    """A sentence of the draft that meets the demands, or the prepared one."""
    return next((part for part in sentences(draft) if sensible(part) and fits(part)), prepared)


def _loop_faults(args: Args, draft: str) -> list[Fault]:
    if not is_loop(draft):
        return []
    return [
        Fault(
            pick(
                args,
                "loop",
                f"It goes round in circles: {quote(draft, 40)}.",
                f"The same few words come again and again: {quote(draft, 40)}.",
            ),
            "Write one sentence that says something, with each word in its place.",
        )
    ]


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
    hits = list({word.casefold(): word for word in found if letter in word.casefold()}.values())
    faults = _letter_faults(args, letter, hits, prepared) if hits else []
    count = sum(letter in word.casefold() for word in found)
    faults += _loop_faults(args, draft)
    outcome = Outcome.PARTIAL if faults else Outcome.RIGHT
    faults += one_sentence(args, draft) + repetition(args, draft)

    def fits(part: str) -> bool:
        enough = len(words(part)) >= 4 and topic.is_subject_of(part)
        return enough and letter not in part.casefold()

    # Half of all words have an e, so a text that pays no attention gets nothing.
    share = 0.0 if is_loop(draft) else max(0.0, 1 - 2 * count / len(found))
    return assess(draft, outcome, faults, kept(draft, fits, prepared), share)


def _letter_faults(args: Args, letter: str, hits: Sequence[str], prepared: str) -> list[Fault]:
    quoted = listing([f'"{word}"' for word in hits[:3]])
    free = [f'"{word.lower()}"' for word in words(prepared) if len(word) > 3][:3]
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
    faults = one_sentence(args, draft)
    if has != count:
        faults.insert(0, _length_fault(args, has, count))
    outcome = Outcome.RIGHT if has == count else Outcome.PARTIAL
    share = max(0.0, 1 - abs(has - count) / count)
    if is_loop(draft):
        outcome, share = Outcome.PARTIAL, 0.0
        faults.extend(_loop_faults(args, draft))
    elif has == count and _is_about_the_task(draft, count):
        outcome, share = Outcome.PARTIAL, 0.75
        faults.append(
            Fault(
                f"It speaks of the task and its {count} words, not of {topic.name}.",
                f"Say something about {topic.name} itself.",
            )
        )

    def fits(part: str) -> bool:
        fitting = len(words(part)) == count and topic.is_subject_of(part)
        return fitting and not _is_about_the_task(part, count)

    shortened = " ".join(_drop_fillers(part, count) for part in sentences(draft)[:1])
    refinement = kept(f"{shortened}\n{draft}", fits, prepared)
    return assess(draft, outcome, faults, refinement, share)


def _is_about_the_task(text: str, count: int) -> bool:
    return re.search(rf"(?i)\b(?:{count}|{numeral(count)}) words\b", text) is not None


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


FAMILIES = (
    Family("lipogram", _make_lipogram, _check_lipogram),
    Family("exact_words", _make_exact, _check_exact),
)
