"""Texts in a requested format: a number of bullet points, or all capitals."""

from collections.abc import Iterable, Sequence
from random import Random

from builders.verifiable.forms import form_request
from builders.verifiable.material.topic import Topic
from builders.verifiable.material.topics import BY_NAME, TOPICS
from builders.verifiable.problem import Args, CheckedDraft, Family, Problem
from builders.verifiable.reading.prose import (
    bullets,
    is_refusal,
    is_whole_sentence,
    lines_outside_bullets,
    repetition_faults,
    sentences,
    words,
)
from builders.verifiable.rubric import Fault, Grade, assess
from builders.verifiable.wording import count_of, join_words, number_word, pick, quote

_BULLET_PHRASINGS = (
    "Write exactly {n} bullet points about {t}.",
    "Give me {n} bullet points on {t}.",
    "List {n} facts about {t} as bullet points.",
    "Tell me about {t} in {n} bullet points.",
    "I need {n} bullets about {t} for a slide.",
    "Summarize what you know about {t} in exactly {n} bullets.",
)
_CAPITAL_PHRASINGS = (
    "Write {s} about {t} in capital letters only.",
    "Tell me something about {t} in {s}. USE CAPITAL LETTERS ONLY.",
    "Explain {t} in {s}. Your whole answer has to be in upper case.",
    "In {s}, all in capital letters, say something about {t}.",
    "Answer in all caps: what should I know about {t}? Use {s}.",
)


def subject_faults(args: Args, topic: Topic, draft: str) -> list[Fault]:
    """A fault if the draft is about something else or refuses."""
    if topic.is_subject_of(draft) and not is_refusal(draft):
        return []
    return [
        Fault(
            pick(
                args,
                "subject",
                f"The response is not about {topic.name}: {quote(draft)}.",
                f"It does not mention {topic.name} at all; it says {quote(draft)}.",
            ),
            pick(
                args,
                "subject how",
                f"Stick to {topic.name}; simple, true sentences are enough.",
                f"Write about {topic.name} and nothing else.",
                f"Name one thing that you know about {topic.name}, and start with that.",
            ),
        )
    ]


def empty_fault(args: Args, what: str) -> Fault:
    return Fault(
        pick(args, "empty", "The response is empty.", "There is no response at all."),
        f"Write {what}.",
    )


def topic_sentences(args: Args, topic: Topic) -> list[str]:
    """The topic's sentences, starting with one that depends on the task."""
    start = topic.facts.index(pick(args, "bank", *topic.facts))
    return [*topic.facts[start:], *topic.facts[:start]]


def first_different(
    draft_sentences: Iterable[str], prepared: Sequence[str], count: int
) -> list[str]:
    """Up to `count` different sentences: those of the draft first, then prepared ones."""
    different: dict[str, str] = {}
    for text in (*draft_sentences, *prepared):
        different.setdefault(" ".join(words(text)).casefold(), text)
    return list(different.values())[:count]


def _make_bullets(rng: Random) -> Problem:
    topic = rng.choice(TOPICS)
    args = {
        "topic": topic.name,
        "count": rng.randint(2, 6),
        "form": rng.choice(("free", "free", "only")),
    }
    count = rng.choice((number_word(args["count"]), args["count"]))
    instruction = rng.choice(_BULLET_PHRASINGS).format(n=count, t=topic.name)
    return Problem("bullets", args, instruction + form_request(rng, args["form"], "list"))


def _check_bullets(args: Args, draft: str) -> CheckedDraft:
    topic, count = BY_NAME[args["topic"]], args["count"]
    facts = topic_sentences(args, topic)
    refinement = _as_bullets(facts[:count])
    required = f"{number_word(count)} bullet points about {topic.name}"
    if not draft.strip():
        return assess(draft, Grade.EMPTY, [empty_fault(args, required)], refinement)
    off_topic = subject_faults(args, topic, draft)
    if off_topic:
        return assess(draft, Grade.NO_ANSWER, off_topic, refinement)
    points = bullets(draft)
    different = list({" ".join(words(text)).casefold(): text for _, text in points}.values())
    faults = _count_faults(args, points, different)
    grade = Grade.PARTIAL if faults else Grade.RIGHT
    faults += _bullet_faults(args, draft, points)
    texts = [text.replace("**", "") for text in different] or sentences(draft)
    reusable = [text for text in texts if is_whole_sentence(text, min_words=3)]
    repaired = _as_bullets(first_different(reusable, facts, count))
    if _is_clean(args, repaired, topic):
        refinement = repaired
    share = max(0.0, 1 - abs(len(different) - count) / count)
    return assess(draft, grade, faults, refinement, share)


def _as_bullets(texts: Iterable[str]) -> str:
    return "\n".join(f"- {text}" for text in texts)


def _is_clean(args: Args, text: str, topic: Topic) -> bool:
    points = bullets(text)
    return (
        len(points) == args["count"]
        and topic.is_subject_of(text)
        and not _bullet_faults(args, text, points)
        and not _count_faults(args, points, [item for _, item in points])
    )


def _count_faults(
    args: Args, points: Sequence[tuple[str, str]], different: Sequence[str]
) -> list[Fault]:
    count, point_count = args["count"], len(different)
    word, is_short = number_word(count), point_count < count
    faults = []
    repeats = len(points) - point_count
    if repeats:
        faults.append(
            Fault(
                f"{count_of(repeats, 'bullet point')} only "
                f"{'repeats' if repeats == 1 else 'repeat'} another one.",
                "Make every bullet point say something new.",
            )
        )
    if point_count == count and not faults:
        return []
    if not points:
        weakness = pick(
            args,
            "prose",
            f"There are no bullet points, only plain text; {word} were asked for.",
            f"The response is not a list, although {word} bullet points were asked for.",
        )
        suggestion = f"Break the text into {word} lines that each begin with a dash."
    elif point_count == count:
        return faults
    else:
        weakness = pick(
            args,
            "count",
            f"It has {count_of(point_count, 'bullet point')}, but {word} were asked for.",
            f"The list is {'too short' if is_short else 'too long'}: {point_count} instead of "
            f"{count} points.",
            f"{word.capitalize()} bullet points were asked for, but there are {point_count}.",
        )
        difference = abs(count - point_count)
        suggestion = pick(
            args,
            "count how",
            f"{'Add' if is_short else 'Drop'} {count_of(difference, 'point')}.",
            f"Keep these and write {count_of(difference, 'more point')}."
            if is_short
            else f"Choose the best {word} and leave out the rest.",
        )
    return [Fault(weakness, suggestion), *faults]


def _bullet_faults(args: Args, draft: str, points: Sequence[tuple[str, str]]) -> list[Fault]:
    faults = []
    other_lines = lines_outside_bullets(draft) if points else []
    if args["form"] == "only" and other_lines:
        faults.append(
            Fault(
                f"Only the list was asked for, but it also says {quote(other_lines[0], 40)}.",
                "Leave out every line that is not a bullet point.",
                cost=2,
            )
        )
    if points and all(mark[-1] in ".)" for mark, _ in points):
        faults.append(
            Fault(
                "The points are numbered, but bullet points were asked for.",
                "Start each line with a dash, not a number.",
            )
        )
    ends = [text[-1] in ".!?…\"”')*:" for _, text in points]
    if ends and not ends[-1] and any(ends[:-1]):
        faults.append(
            Fault(
                f"The last point breaks off: {quote(points[-1][1])}.",
                "Finish the last point, or write a shorter one.",
            )
        )
    return faults + repetition_faults(args, draft)


def _make_capitals(rng: Random) -> Problem:
    topic = rng.choice(TOPICS)
    args = {"topic": topic.name, "sentences": rng.randint(1, 3)}
    amount = f"{number_word(args['sentences'])} sentence{'s' if args['sentences'] > 1 else ''}"
    return Problem(
        "capitals_only", args, rng.choice(_CAPITAL_PHRASINGS).format(s=amount, t=topic.name)
    )


def _check_capitals(args: Args, draft: str) -> CheckedDraft:
    topic, count = BY_NAME[args["topic"]], args["sentences"]
    facts = topic_sentences(args, topic)
    refinement = " ".join(facts[:count]).upper()
    if not draft.strip():
        fault = empty_fault(args, f"{count_of(count, 'sentence')} about {topic.name} in capitals")
        return assess(draft, Grade.EMPTY, [fault], refinement)
    off_topic = subject_faults(args, topic, draft)
    if off_topic:
        return assess(draft, Grade.NO_ANSWER, off_topic, refinement)
    faults, share = _capital_faults(args, draft)
    draft_sentences = sentences(draft)
    grade = Grade.RIGHT
    if faults or len(draft_sentences) != count:
        grade = Grade.PARTIAL
    if len(draft_sentences) != count:
        share *= 0.75
        faults.append(
            Fault(
                f"It has {count_of(len(draft_sentences), 'sentence')}, but {number_word(count)} "
                f"{'was' if count == 1 else 'were'} asked for.",
                f"{'Cut it down' if len(draft_sentences) > count else 'Extend it'} to "
                f"{count_of(count, 'sentence')}.",
            )
        )
    faults += repetition_faults(args, draft)
    reusable = [text for text in draft_sentences if is_whole_sentence(text)]
    repaired = " ".join(first_different(reusable, facts, count)).upper()
    is_clean = not _capital_faults(args, repaired)[0] and not repetition_faults(args, repaired)
    if is_clean and len(sentences(repaired)) == count and topic.is_subject_of(repaired):
        refinement = repaired
    return assess(draft, grade, faults, refinement, share)


def _capital_faults(args: Args, draft: str) -> tuple[list[Fault], float]:
    """A fault if some words are not in capitals, and the share of words that are."""
    letter_words = [word for word in words(draft) if any(map(str.isalpha, word))]
    lowercase = [word for word in letter_words if word != word.upper()]
    if not lowercase:
        return [], 1.0
    share = 1 - len(lowercase) / len(letter_words)
    if share < 0.5:
        weakness = pick(
            args,
            "small",
            f"The response is not in capitals: {quote(draft, 40)}.",
            f"It ignores the request for capitals; {len(lowercase)} of {len(letter_words)} words "
            "have lowercase letters.",
        )
    else:
        weakness = f"Some words are not in capitals: {join_words(lowercase[:3])}."
    suggestion = pick(
        args,
        "small how",
        "Write every letter of every word as a capital.",
        f"Keep the content and change it to upper case, starting at {quote(lowercase[0], 20)}.",
        "Put the whole text in capitals, not just the first letters.",
    )
    return [Fault(weakness, suggestion)], share


FAMILIES = (
    Family("bullets", _make_bullets, _check_bullets),
    Family("capitals_only", _make_capitals, _check_capitals),
)
