"""Texts in a form that was asked for: a number of bullet points, and capitals throughout."""

from collections.abc import Iterable, Sequence
from random import Random

from builders.verifiable.forms import request
from builders.verifiable.material.topic import Topic
from builders.verifiable.material.topics import BY_NAME, TOPICS
from builders.verifiable.problem import Args, Check, Family, Problem
from builders.verifiable.reading.prose import (
    bullets,
    outside_bullets,
    refuses,
    repetition,
    sensible,
    sentences,
    words,
)
from builders.verifiable.rubric import Fault, Outcome, assess
from builders.verifiable.wording import count_of, listing, numeral, pick, quote

_BULLETS = (
    "Write exactly {n} bullet points about {t}.",
    "Give me {n} bullet points on {t}.",
    "List {n} facts about {t} as bullet points.",
    "Tell me about {t} in {n} bullet points.",
    "I need {n} bullets about {t} for a slide.",
    "Summarise what you know about {t} in exactly {n} bullets.",
)
_CAPITALS = (
    "Write {s} about {t} in capital letters only.",
    "Tell me something about {t} in {s}. USE CAPITAL LETTERS ONLY.",
    "Explain {t} in {s}. Your whole answer has to be in upper case.",
    "In {s}, all in capital letters, say something about {t}.",
    "Answer in all caps: what should I know about {t}? Use {s}.",
)


def about(args: Args, topic: Topic, draft: str) -> list[Fault]:
    """A fault where the draft is about something else, or refuses."""
    if topic.is_subject_of(draft) and not refuses(draft):
        return []
    return [
        Fault(
            pick(
                args,
                "subject",
                f"The response is not about {topic.name}: {quote(draft)}.",
                f"It does not touch on {topic.name} at all; it says {quote(draft)}.",
            ),
            pick(
                args,
                "subject how",
                f"Keep to {topic.name}; simple true sentences on that are enough.",
                f"Write about {topic.name} and nothing else.",
                f"Name one thing that you know about {topic.name}, and begin with that.",
            ),
        )
    ]


def empty(args: Args, what: str) -> Fault:
    return Fault(
        pick(args, "empty", "The response is empty.", "There is no response at all."),
        f"Write {what}.",
    )


def bank(args: Args, topic: Topic) -> list[str]:
    """The topic's sentences, beginning with one that depends on the task."""
    start = topic.facts.index(pick(args, "bank", *topic.facts))
    return [*topic.facts[start:], *topic.facts[:start]]


def fill(own: Iterable[str], prepared: Sequence[str], count: int) -> list[str]:
    """`count` different sentences: the draft's own first, then prepared ones."""
    chosen: dict[str, str] = {}
    for text in (*own, *prepared):
        chosen.setdefault(" ".join(words(text)).casefold(), text)
    return list(chosen.values())[:count]


def _make_bullets(rng: Random) -> Problem:
    topic = rng.choice(TOPICS)
    args = {
        "topic": topic.name,
        "count": rng.randint(2, 6),
        "form": rng.choice(("free", "free", "only")),
    }
    count = rng.choice((numeral(args["count"]), args["count"]))
    instruction = rng.choice(_BULLETS).format(n=count, t=topic.name)
    return Problem("bullets", args, instruction + request(rng, args["form"], "list"))


def _check_bullets(args: Args, draft: str) -> Check:
    topic, count = BY_NAME[args["topic"]], args["count"]
    prepared = bank(args, topic)
    refinement = _as_bullets(prepared[:count])
    wanted = f"{numeral(count)} bullet points about {topic.name}"
    if not draft.strip():
        return assess(draft, Outcome.EMPTY, [empty(args, wanted)], refinement)
    off_topic = about(args, topic, draft)
    if off_topic:
        return assess(draft, Outcome.NO_ANSWER, off_topic, refinement)
    found = bullets(draft)
    different = list({" ".join(words(text)).casefold(): text for _, text in found}.values())
    faults = _count_faults(args, found, different)
    outcome = Outcome.PARTIAL if faults else Outcome.RIGHT
    faults += _bullet_faults(args, draft, found)
    parts = [text.replace("**", "") for text in different] or sentences(draft)
    own = [text for text in parts if sensible(text, least=3)]
    repaired = _as_bullets(fill(own, prepared, count))
    if _is_clean(args, repaired, topic):
        refinement = repaired
    share = max(0.0, 1 - abs(len(different) - count) / count)
    return assess(draft, outcome, faults, refinement, share)


def _as_bullets(texts: Iterable[str]) -> str:
    return "\n".join(f"- {text}" for text in texts)


def _is_clean(args: Args, text: str, topic: Topic) -> bool:
    found = bullets(text)
    return (
        len(found) == args["count"]
        and topic.is_subject_of(text)
        and not _bullet_faults(args, text, found)
        and not _count_faults(args, found, [item for _, item in found])
    )


def _count_faults(
    args: Args, found: Sequence[tuple[str, str]], different: Sequence[str]
) -> list[Fault]:
    count, has = args["count"], len(different)
    faults = []
    if len(found) > has:
        faults.append(
            Fault(
                f"{count_of(len(found) - has, 'bullet point')} only "
                f"{'repeats' if len(found) - has == 1 else 'repeat'} another one.",
                "Make every bullet point say something of its own.",
            )
        )
    if has == count and not faults:
        return []
    if not found:
        weakness = pick(
            args,
            "prose",
            f"There are no bullet points; it is plain text where {numeral(count)} were asked for.",
            f"The response is not a list, though {numeral(count)} bullet points were wanted.",
        )
        how = f"Break the text into {numeral(count)} lines that each begin with a dash."
    elif has == count:
        return faults
    else:
        weakness = pick(
            args,
            "count",
            f"It has {count_of(has, 'bullet point')} where {numeral(count)} were asked for.",
            f"The list is {'too short' if has < count else 'too long'}: {has} instead of "
            f"{count} points.",
            f"{numeral(count).capitalize()} bullet points were wanted, and there are {has}.",
        )
        off = abs(count - has)
        how = pick(
            args,
            "count how",
            f"{'Add' if has < count else 'Drop'} {count_of(off, 'point')}.",
            f"Keep these and write {count_of(off, 'more point')}."
            if has < count
            else f"Choose the best {numeral(count)} and leave out the rest.",
        )
    return [Fault(weakness, how), *faults]


def _bullet_faults(args: Args, draft: str, found: Sequence[tuple[str, str]]) -> list[Fault]:
    faults = []
    around = outside_bullets(draft) if found else []
    if args["form"] == "only" and around:
        faults.append(
            Fault(
                f"Nothing but the list was wanted, but it also says {quote(around[0], 40)}.",
                "Leave out every line that is not a bullet point.",
                cost=2,
            )
        )
    if found and all(mark[-1] in ".)" for mark, _ in found):
        faults.append(
            Fault(
                "The points are numbered, while bullet points were asked for.",
                "Begin each line with a dash and not with a number.",
            )
        )
    ends = [text[-1] in ".!?…\"”')*:" for _, text in found]
    if ends and not ends[-1] and any(ends[:-1]):
        faults.append(
            Fault(
                f"The last point breaks off: {quote(found[-1][1])}.",
                "Finish the last point, or write a shorter one.",
            )
        )
    return faults + repetition(args, draft)


def _make_capitals(rng: Random) -> Problem:
    topic = rng.choice(TOPICS)
    args = {"topic": topic.name, "sentences": rng.randint(1, 3)}
    said = f"{numeral(args['sentences'])} sentence{'s' if args['sentences'] > 1 else ''}"
    return Problem("capitals_only", args, rng.choice(_CAPITALS).format(s=said, t=topic.name))


def _check_capitals(args: Args, draft: str) -> Check:
    topic, count = BY_NAME[args["topic"]], args["sentences"]
    prepared = bank(args, topic)
    refinement = " ".join(prepared[:count]).upper()
    if not draft.strip():
        fault = empty(args, f"{count_of(count, 'sentence')} about {topic.name} in capitals")
        return assess(draft, Outcome.EMPTY, [fault], refinement)
    off_topic = about(args, topic, draft)
    if off_topic:
        return assess(draft, Outcome.NO_ANSWER, off_topic, refinement)
    faults, share = _capital_faults(args, draft)
    parts = sentences(draft)
    outcome = Outcome.RIGHT
    if faults or len(parts) != count:
        outcome = Outcome.PARTIAL
    if len(parts) != count:
        share *= 0.75
        faults.append(
            Fault(
                f"It has {count_of(len(parts), 'sentence')}, but {numeral(count)} "
                f"{'was' if count == 1 else 'were'} asked for.",
                f"{'Cut it down' if len(parts) > count else 'Extend it'} to "
                f"{count_of(count, 'sentence')}.",
            )
        )
    faults += repetition(args, draft)
    own = [part for part in parts if sensible(part)]
    repaired = " ".join(fill(own, prepared, count)).upper()
    clean = not _capital_faults(args, repaired)[0] and not repetition(args, repaired)
    if clean and len(sentences(repaired)) == count and topic.is_subject_of(repaired):
        refinement = repaired
    return assess(draft, outcome, faults, refinement, share)


def _capital_faults(args: Args, draft: str) -> tuple[list[Fault], float]:
    """What is not in capitals, and the share of the words that are."""
    found = [word for word in words(draft) if any(map(str.isalpha, word))]
    small = [word for word in found if word != word.upper()]
    if not small:
        return [], 1.0
    share = 1 - len(small) / len(found)
    if share < 0.5:
        weakness = pick(
            args,
            "small",
            f"The response is in ordinary letters: {quote(draft, 40)}.",
            f"It ignores the demand for capitals; {len(small)} of {len(found)} words have small "
            "letters.",
        )
    else:
        weakness = f"Some words are not in capitals: {listing(small[:3])}."
    how = pick(
        args,
        "small how",
        "Write every letter of every word as a capital.",
        f"Keep the content and turn it into upper case, from {quote(small[0], 20)} on.",
        "Put the whole text in capitals, not only the first letters.",
    )
    return [Fault(weakness, how)], share


FAMILIES = (
    Family("bullets", _make_bullets, _check_bullets),
    Family("capitals_only", _make_capitals, _check_capitals),
)
