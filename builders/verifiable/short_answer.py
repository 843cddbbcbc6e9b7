"""Checking a draft that should give one short answer: a number, a name, a word, a date."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from re import Pattern

from builders.verifiable.forms import form_faults, in_form
from builders.verifiable.problem import Args, CheckedDraft
from builders.verifiable.reading.answers import ReadNumber, read_number
from builders.verifiable.reading.number_text import WrittenNumber, iter_values
from builders.verifiable.reading.prose import length_faults, repetition_faults, words
from builders.verifiable.reading.steps import step_faults
from builders.verifiable.rubric import Fault, Grade, assess
from builders.verifiable.wording import format_number, pick, quote


@dataclass(frozen=True)
class AnswerKey:
    """What is asked, the right answer, and how to get there.

    `target` names the answer within a sentence (`17 + 38`, `the capital of Norway`). `brief` and
    `working` are complete right answers; `hints` say how to find the answer without giving it.
    `noun` is what the answer is called in a request for its form; a draft of more than
    `max_words` is too long.
    """

    args: Args
    target: str
    answer: str
    brief: str
    working: str
    hints: Sequence[str]
    noun: str = "number"
    max_words: int = 70

    def hint(self, slot: str = "how") -> str:
        return pick(self.args, slot, *self.hints)


@dataclass(frozen=True)
class ReadAnswer:
    """The answer that was read in a draft; `text` is None if there is none.

    `other` is a second answer that the draft commits to. `share` is how close a wrong answer
    comes. `slip` names the mistake, if the answer shows it: it replaces the plain statement that
    the answer is wrong and, as a `Fault`, the hint as well.
    """

    text: str | None
    right: bool = False
    other: str | None = None
    share: float = 0.0
    slip: Fault | str | None = None
    faults: Sequence[Fault] = field(default_factory=tuple)


def check_answer(key: AnswerKey, draft: str, read: ReadAnswer) -> CheckedDraft:
    """The checked draft, given the answer that was read in it."""
    args = key.args
    refinement = in_form(args["form"], key.answer, key.brief, key.working)
    if not draft.strip():
        return assess(draft, Grade.EMPTY, [_empty_fault(key)], refinement)
    style = [*repetition_faults(args, draft), *length_faults(args, draft, key.max_words)]
    if read.text is None:
        return assess(
            draft, Grade.NO_ANSWER, [_evasion_fault(key, draft, read), *style], refinement
        )
    if not read.right:
        faults = [_wrong_fault(key, read), *read.faults, *style]
        return assess(draft, Grade.WRONG, faults, refinement, read.share)
    if read.other is not None:
        faults = [_contradiction_fault(key, read), *read.faults, *style]
        return assess(draft, Grade.CONTRADICTION, faults, refinement)
    form = form_faults(args, draft, key.answer, key.noun)
    # An answer that breaks "only" is also too long; one remark about that is enough.
    if form and args["form"] == "only":
        style = []
    return assess(draft, Grade.RIGHT, [*form, *read.faults, *style], refinement)


def _empty_fault(key: AnswerKey) -> Fault:
    return Fault(
        pick(key.args, "empty", "The response is empty.", "There is no response at all."),
        key.hint(),
    )


def _evasion_fault(key: AnswerKey, draft: str, read: ReadAnswer) -> Fault:
    target, start = key.target, quote(draft)
    if isinstance(read.slip, str):
        return Fault(read.slip, key.hint())
    if len(words(draft)) < 3:
        weakness = pick(
            key.args,
            "nothing",
            f"{start} is not an answer; the question was what {target} is.",
            f"The response {start} does not say what {target} is.",
        )
    else:
        weakness = pick(
            key.args,
            "none",
            f"The response never says what {target} is; it begins with {start}.",
            f"It leaves the question unanswered: {start} does not say what {target} is.",
            f"It does not answer the question; {start} is not {target}.",
        )
    return Fault(weakness, key.hint())


def _wrong_fault(key: AnswerKey, read: ReadAnswer) -> Fault:
    target, right, wrong = key.target, key.answer, read.text
    if isinstance(read.slip, Fault):
        return read.slip
    if read.slip:
        return Fault(read.slip, key.hint())
    if read.other == right:
        weakness = pick(
            key.args,
            "left",
            f"It has {right}, which is right, but ends with {wrong}.",
            f"It drops the right answer {right} for {wrong}.",
        )
        return Fault(weakness, f"Decide on one answer. {key.hint()}")
    return Fault(
        pick(
            key.args,
            "wrong",
            f"The answer gives {wrong}, but {target} is {right}.",
            f"{target} is {right}, not {wrong}.",
            f"{wrong} is wrong: {target} is {right}.",
            f"It says {wrong}, but {target} is {right}.",
        ),
        key.hint(),
    )


def _contradiction_fault(key: AnswerKey, read: ReadAnswer) -> Fault:
    return Fault(
        pick(
            key.args,
            "contradiction",
            f"The response contradicts itself: it says {read.other} and also {read.text}.",
            f"It gives two answers, {read.other} and {read.text}, and only one can be right.",
            f"Both {read.other} and {read.text} are given as the answer.",
        ),
        pick(
            key.args,
            "contradiction how",
            f"Give only one answer. {key.hint()}",
            f"Check which of the two is right. {key.hint()}",
        ),
    )


# Names the mistake behind a wrong number, or returns None.
FindSlip = Callable[[Fraction], str | None]


def no_slip(_wrong: Fraction) -> str | None:
    return None


def check_number(
    key: AnswerKey,
    draft: str,
    value: Fraction,
    *,
    stated: Sequence[Pattern[str]] = (),
    givens: Sequence[Fraction] = (),
    find_slip: FindSlip = no_slip,
) -> CheckedDraft:
    """As `check_answer`, for an answer that is the number `value`, read with `read_number`."""
    read = read_number(draft, stated=stated, givens=[item for item in givens if item != value])
    if read is not None and _only_repeats_question(draft, read, value, givens):
        read = None
    return check_read_number(key, draft, value, read, find_slip=find_slip)


def check_read_number(
    key: AnswerKey,
    draft: str,
    value: Fraction,
    read: ReadNumber | None,
    *,
    find_slip: FindSlip = no_slip,
) -> CheckedDraft:
    """As `check_answer`, for the number `value` and a draft whose answer was read as `read`."""
    if read is None:
        return check_answer(key, draft, ReadAnswer(None))
    number = read.final.value
    unfinished = _is_unfinished(read.final, value)
    right = number == value and not unfinished
    other = next((format_number(item) for item in read.others if item != value), None)
    if not right and value in read.others:
        other = key.answer
    slip = None
    if unfinished:
        slip = f"{read.final.literal} is left unfinished; worked out, it is {key.answer}."
    elif other is None:
        slip = find_slip(number)
    answer = ReadAnswer(
        text=read.final.literal if unfinished else format_number(number),
        right=right,
        other=other,
        share=1.0 if other == key.answer else closeness(number, value),
        slip=slip,
        # A false step that gives the wrong answer itself is already reported.
        faults=step_faults(key.args, draft, skip=(value, number)),
    )
    return check_answer(key, draft, answer)


def _only_repeats_question(
    draft: str, read: ReadNumber, value: Fraction, givens: Sequence[Fraction]
) -> bool:
    """Whether the draft has only the question's numbers and offers none of them as its answer."""
    if read.committed:
        return False
    values = list(iter_values(draft))
    if read.final.value == value:
        # The right answer is one of the question's numbers, so as an answer it appears once more.
        return len(givens) > 1 and sorted(values) == sorted(givens)
    return all(item in givens for item in values)


def _is_unfinished(number: WrittenNumber, value: Fraction) -> bool:
    """Whether a division was not carried out although its result is a plain number."""
    return number.is_quotient and "/" not in format_number(value)


def closeness(number: Fraction, value: Fraction) -> float:
    """1 for the right number, at least 0.5 for a near miss, 0 for anything else."""
    if number == value:
        return 1.0
    if abs(number - value) <= max(Fraction(1), abs(value) / 10):
        return 0.75
    return 0.5 if _digits(number) == _digits(value) else 0.0


def _digits(value: Fraction) -> list[str]:
    return sorted(format_number(value).replace(".", "").replace("-", "").strip("0"))
