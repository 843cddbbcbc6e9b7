"""Sentences under a constraint: without a letter, or with an exact number of words."""

import re
from collections.abc import Callable, Sequence
from random import Random

from builders.verifiable.families.text_format import empty_fault, subject_faults
from builders.verifiable.material.topic import Topic
from builders.verifiable.material.topics import BY_NAME, TOPICS
from builders.verifiable.problem import Args, CheckedDraft, Family, Problem
from builders.verifiable.reading.prose import (
    is_repetitive,
    is_whole_sentence,
    repetition_faults,
    sentences,
    words,
)
from builders.verifiable.rubric import Fault, Grade, assess
from builders.verifiable.wording import count_of, join_words, number_word, pick, quote, split_words

_LIPOGRAM_PHRASINGS = (
    "Describe {t} in one sentence without using the letter {l}.",
    "Write one sentence about {t} that does not contain the letter {l}.",
    "In a single sentence, say something about {t}. The letter {l} must not appear.",
    "Can you write a sentence on {t} in which no word has the letter {l}?",
    "Avoid the letter {l} completely and write one sentence about {t}.",
)
_EXACT_PHRASINGS = (
    "Write a sentence of exactly {n} words about {t}.",
    "Say something about {t} in exactly {n} words.",
    "Give me one sentence on {t} that has {n} words, no more and no fewer.",
    "Describe {t} in a sentence with exactly {n} words.",
    "I need a sentence about {t}. It has to be {n} words long.",
)
# Words that can be dropped without changing what a sentence means.
_FILLERS = frozenset(split_words("also just quite really simply truly very"))


def one_sentence_faults(args: Args, draft: str) -> list[Fault]:
    count = len(sentences(draft))
    if count <= 1:
        return []
    return [
        Fault(
            pick(
                args,
                "one",
                f"One sentence was asked for, but there are {count}.",
                f"It has {count} sentences instead of one.",
            ),
            "Keep one sentence that meets the requirement and drop the others.",
            cost=2,
        )
    ]


def reusable_sentence(draft: str, fits: Callable[[str], bool], prepared: str) -> str:
    """The first sentence of the draft that meets the requirements, or the prepared one."""
    usable = (text for text in sentences(draft) if is_whole_sentence(text) and fits(text))
    return next(usable, prepared)


def _loop_faults(args: Args, draft: str) -> list[Fault]:
    if not is_repetitive(draft):
        return []
    return [
        Fault(
            pick(
                args,
                "loop",
                f"It goes around in circles: {quote(draft, 40)}.",
                f"It repeats the same few words over and over: {quote(draft, 40)}.",
            ),
            "Write one sentence that says something and does not repeat words.",
        )
    ]


def _sentences_without(topic: Topic, letter: str) -> list[str]:
    return [text for text in (topic.without_e, *topic.facts) if letter not in text.casefold()]


def _make_lipogram(rng: Random) -> Problem:
    topic = rng.choice(TOPICS)
    usable = [letter for letter in "aoitsnrl" if _sentences_without(topic, letter)]
    letter = "e" if rng.random() < 0.4 or not usable else rng.choice(usable)
    args = {"topic": topic.name, "letter": letter}
    return Problem("lipogram", args, rng.choice(_LIPOGRAM_PHRASINGS).format(t=topic.name, l=letter))


def _check_lipogram(args: Args, draft: str) -> CheckedDraft:
    topic, letter = BY_NAME[args["topic"]], args["letter"]
    prepared = pick(args, "bank", *_sentences_without(topic, letter))
    if not draft.strip():
        fault = empty_fault(args, f"a sentence about {topic.name} without the letter {letter}")
        return assess(draft, Grade.EMPTY, [fault], prepared)
    draft_words = words(draft)
    off_topic = subject_faults(args, topic, draft)
    if off_topic or len(draft_words) < 4:
        short = Fault(
            f"A text of {count_of(len(draft_words), 'word')} does not describe {topic.name}.",
            "Write a whole sentence.",
        )
        return assess(draft, Grade.NO_ANSWER, off_topic or [short], prepared)
    words_with_letter = list(
        {word.casefold(): word for word in draft_words if letter in word.casefold()}.values()
    )
    faults = _letter_faults(args, letter, words_with_letter, prepared) if words_with_letter else []
    count = sum(letter in word.casefold() for word in draft_words)
    faults += _loop_faults(args, draft)
    grade = Grade.PARTIAL if faults else Grade.RIGHT
    faults += one_sentence_faults(args, draft) + repetition_faults(args, draft)

    def fits(sentence: str) -> bool:
        is_on_topic = len(words(sentence)) >= 4 and topic.is_subject_of(sentence)
        return is_on_topic and letter not in sentence.casefold()

    # Half of all words have an e, so a text that ignores the constraint gets nothing.
    share = 0.0 if is_repetitive(draft) else max(0.0, 1 - 2 * count / len(draft_words))
    return assess(draft, grade, faults, reusable_sentence(draft, fits, prepared), share)


def _letter_faults(
    args: Args, letter: str, words_with_letter: Sequence[str], prepared: str
) -> list[Fault]:
    quoted = join_words([f'"{word}"' for word in words_with_letter[:3]])
    alternatives = [f'"{word.lower()}"' for word in words(prepared) if len(word) > 3][:3]
    one_of, examples = join_words(alternatives, "or"), join_words(alternatives)
    verb = "contains" if len(words_with_letter) == 1 else "contain"
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
                f"Replace {quoted} with words without {letter}, such as {one_of}.",
                f"Build the sentence from words that lack {letter}: {examples}, for example.",
                f"Check each word for {letter} and replace every word that has it.",
            ),
        )
    ]


def _make_exact(rng: Random) -> Problem:
    topic = rng.choice(TOPICS)
    args = {"topic": topic.name, "count": len(words(rng.choice(topic.facts)))}
    count = rng.choice((number_word(args["count"]), args["count"]))
    return Problem("exact_words", args, rng.choice(_EXACT_PHRASINGS).format(n=count, t=topic.name))


def _check_exact(args: Args, draft: str) -> CheckedDraft:
    topic, count = BY_NAME[args["topic"]], args["count"]
    prepared = next(text for text in topic.facts if len(words(text)) == count)
    if not draft.strip():
        fault = empty_fault(args, f"{number_word(count)} words about {topic.name}")
        return assess(draft, Grade.EMPTY, [fault], prepared)
    off_topic = subject_faults(args, topic, draft)
    if off_topic:
        return assess(draft, Grade.NO_ANSWER, off_topic, prepared)
    word_count = len(words(draft))
    faults = one_sentence_faults(args, draft)
    if word_count != count:
        faults.insert(0, _length_fault(args, word_count, count))
    grade = Grade.RIGHT if word_count == count else Grade.PARTIAL
    share = max(0.0, 1 - abs(word_count - count) / count)
    if is_repetitive(draft):
        grade, share = Grade.PARTIAL, 0.0
        faults.extend(_loop_faults(args, draft))
    elif word_count == count and _is_about_the_task(draft, count):
        grade, share = Grade.PARTIAL, 0.75
        faults.append(
            Fault(
                f"It talks about the task and its {count} words, not about {topic.name}.",
                f"Say something about {topic.name} instead.",
            )
        )

    def fits(sentence: str) -> bool:
        has_length = len(words(sentence)) == count and topic.is_subject_of(sentence)
        return has_length and not _is_about_the_task(sentence, count)

    shortened = " ".join(_drop_fillers(sentence, count) for sentence in sentences(draft)[:1])
    refinement = reusable_sentence(f"{shortened}\n{draft}", fits, prepared)
    return assess(draft, grade, faults, refinement, share)


def _is_about_the_task(text: str, count: int) -> bool:
    return re.search(rf"(?i)\b(?:{count}|{number_word(count)}) words\b", text) is not None


def _drop_fillers(text: str, count: int) -> str:
    """The sentence without as many of its filler words as it has words too many."""
    surplus = len(words(text)) - count
    remaining = []
    for word in text.split():
        if surplus > 0 and word.casefold() in _FILLERS:
            surplus -= 1
        else:
            remaining.append(word)
    return " ".join(remaining)


def _length_fault(args: Args, word_count: int, count: int) -> Fault:
    is_long = word_count > count
    difference = count_of(abs(word_count - count), "word")
    return Fault(
        pick(
            args,
            "length",
            f"It has {count_of(word_count, 'word')}, not {count}.",
            f"The response is {difference} too {'long' if is_long else 'short'}: "
            f"{word_count} instead of {count}.",
            f"{number_word(count).capitalize()} words were asked for; it uses {word_count}.",
        ),
        pick(
            args,
            "length how",
            f"{'Cut' if is_long else 'Add'} {difference} and count again.",
            f"Plan a sentence with {count} words and count them one by one.",
            f"Write a {'shorter' if is_long else 'longer'} sentence and number its words "
            f"up to {count}.",
        ),
    )


FAMILIES = (
    Family("lipogram", _make_lipogram, _check_lipogram),
    Family("exact_words", _make_exact, _check_exact),
)
