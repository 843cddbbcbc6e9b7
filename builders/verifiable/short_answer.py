"""Reviewing a draft that should give one short answer: a number, a name, a word, a date."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from re import Pattern

from builders.verifiable.forms import form_faults, written
from builders.verifiable.problem import Args, Check
from builders.verifiable.reading.answers import Reading, read_number
from builders.verifiable.reading.number_text import NumberFound, iter_values
from builders.verifiable.reading.prose import length, repetition, words
from builders.verifiable.reading.steps import step_faults
from builders.verifiable.rubric import Fault, Outcome, assess
from builders.verifiable.wording import number, pick, quote


@dataclass(frozen=True)
class Question:
    """What is asked, what is right, and how to get there.

    `asked` names the answer within a sentence (`17 + 38`, `the capital of Norway`). `brief` and
    `working` are right answers in full; `hints` say how to find the answer without giving it.
    """

    args: Args
    asked: str
    answer: str
    brief: str
    working: str
    hints: Sequence[str]
    noun: str = "number"
    room: int = 70


@dataclass(frozen=True)
class Finding:
    """What a draft answers, in words; `given` is none where it gives no answer.

    `other` is a second answer it commits itself to. `slip` says what went wrong, where that can
    be told from the answer; it stands in for the plain statement that the answer is wrong, and as
    a `Fault` for the hint as well.
    """

    given: str | None
    right: bool = False
    other: str | None = None
    share: float = 0.0
    slip: Fault | str | None = None
    faults: Sequence[Fault] = field(default_factory=tuple)


def review(question: Question, draft: str, finding: Finding) -> Check:
    """The critique of `draft`, given what was found in it."""
    args = question.args
    refinement = written(args["form"], question.answer, question.brief, question.working)
    if not draft.strip():
        return assess(draft, Outcome.EMPTY, [_empty(question)], refinement)
    style = [*repetition(args, draft), *length(args, draft, question.room)]
    if finding.given is None:
        missing = _evasion(question, draft, finding)
        return assess(draft, Outcome.NO_ANSWER, [missing, *style], refinement)
    if not finding.right:
        faults = [_wrong(question, finding), *finding.faults, *style]
        return assess(draft, Outcome.WRONG, faults, refinement, finding.share)
    if finding.other is not None:
        faults = [_contradiction(question, finding), *finding.faults, *style]
        return assess(draft, Outcome.CONTRADICTION, faults, refinement)
    form = form_faults(args, draft, question.answer, question.noun)
    # What breaches "only" is too long as well; one remark on that is enough.
    if form and args["form"] == "only":
        style = []
    return assess(draft, Outcome.RIGHT, [*form, *finding.faults, *style], refinement)


def _hint(question: Question, slot: str) -> str:
    return pick(question.args, slot, *question.hints)


def _empty(question: Question) -> Fault:
    return Fault(
        pick(question.args, "empty", "The response is empty.", "There is no response at all."),
        _hint(question, "how"),
    )


def _evasion(question: Question, draft: str, finding: Finding) -> Fault:
    asked, said = question.asked, quote(draft)
    if isinstance(finding.slip, str):
        return Fault(finding.slip, _hint(question, "how"))
    if len(words(draft)) < 3:
        weakness = pick(
            question.args,
            "nothing",
            f"{said} is no answer to the question for {asked}.",
            f"The response {said} does not say what {asked} is.",
        )
    else:
        weakness = pick(
            question.args,
            "none",
            f"The response never says what {asked} is; it begins {said}.",
            f"The question for {asked} is left open; the text {said} does not answer it.",
            f"It does not answer the question; {said} is not {asked}.",
        )
    return Fault(weakness, _hint(question, "how"))


def _wrong(question: Question, finding: Finding) -> Fault:
    asked, right, given = question.asked, question.answer, finding.given
    if isinstance(finding.slip, Fault):
        return finding.slip
    if finding.slip:
        return Fault(finding.slip, _hint(question, "how"))
    if finding.other == right:
        weakness = pick(
            question.args,
            "left",
            f"It has {right}, which is right, but ends on {given}.",
            f"The right answer {right} is given up again for {given}.",
        )
        return Fault(weakness, f"Decide on one answer. {_hint(question, 'how')}")
    return Fault(
        pick(
            question.args,
            "wrong",
            f"The answer gives {given}, but {asked} is {right}.",
            f"{asked} is {right}, not {given}.",
            f"{given} is wrong: {asked} is {right}.",
            f"It says {given} where {asked} is {right}.",
        ),
        _hint(question, "how"),
    )


def _contradiction(question: Question, finding: Finding) -> Fault:
    given, other = finding.given, finding.other
    return Fault(
        pick(
            question.args,
            "contradiction",
            f"The response contradicts itself: it says {other} and also {given}.",
            f"It gives two answers, {other} and {given}, and only one can be right.",
            f"Both {other} and {given} are given as the answer.",
        ),
        pick(
            question.args,
            "contradiction how",
            f"Give one answer only. {_hint(question, 'how')}",
            f"Check which of the two holds. {_hint(question, 'how')}",
        ),
    )


Slip = Callable[[Fraction], str | None]


def no_slip(_given: Fraction) -> str | None:
    return None


def review_number(
    question: Question,
    draft: str,
    value: Fraction,
    *,
    stated: Sequence[Pattern[str]] = (),
    givens: Sequence[Fraction] = (),
    slip: Slip = no_slip,
) -> Check:
    """As `review`, for an answer that is the number `value`; see `read_number` for the reading."""
    fresh = [item for item in givens if item != value]
    reading = read_number(draft, stated=stated, givens=fresh)
    if reading is not None and _only_repeats(draft, reading, value, givens):
        reading = None
    return review_reading(question, draft, value, reading, slip=slip)


def review_reading(
    question: Question,
    draft: str,
    value: Fraction,
    reading: Reading | None,
    *,
    slip: Slip = no_slip,
) -> Check:
    """`slip` names the mistake behind a wrong number, where it knows it."""
    if reading is None:
        return review(question, draft, Finding(None))
    given = reading.final.value
    unfinished = _is_unfinished(reading.final, value)
    right = given == value and not unfinished
    other = next((number(item) for item in reading.others if item != value), None)
    if not right and value in reading.others:
        other = question.answer
    named = None
    if unfinished:
        named = _unfinished(question, reading.final)
    elif other is None:
        named = slip(given)
    # A false step that is the wrong answer itself has been said already.
    faults = step_faults(question.args, draft, known=(value, given))
    finding = Finding(
        given=reading.final.literal if unfinished else number(given),
        right=right,
        other=other,
        share=1.0 if other == question.answer else closeness(given, value),
        slip=named,
        faults=faults,
    )
    return review(question, draft, finding)


def _only_repeats(
    draft: str, reading: Reading, value: Fraction, givens: Sequence[Fraction]
) -> bool:
    """The draft has no number but the question's own, and does not offer one as its answer."""
    if reading.committed:
        return False
    found = list(iter_values(draft))
    if reading.final.value == value:
        # The right answer can be one of the question's numbers, and is then there once more.
        return len(givens) > 1 and sorted(found) == sorted(givens)
    return all(item in givens for item in found)


def _is_unfinished(found: NumberFound, value: Fraction) -> bool:
    """A division that was never carried out is no answer where the result is a plain number."""
    return found.quotient and "/" not in number(value)


def _unfinished(question: Question, found: NumberFound) -> str:
    return f"{found.literal} is left as it stands and not worked out to {question.answer}."


def closeness(given: Fraction, value: Fraction) -> float:
    """1 for the right number, at least 0.5 for a near miss, 0 for anything else."""
    if given == value:
        return 1.0
    if abs(given - value) <= max(Fraction(1), abs(value) / 10):
        return 0.75
    same_digits = _digits(given) == _digits(value)
    return 0.5 if same_digits else 0.0


def _digits(value: Fraction) -> list[str]:
    return sorted(number(value).replace(".", "").replace("-", "").strip("0"))
