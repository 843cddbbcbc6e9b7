"""The forms in which a short answer can be requested, and whether a draft follows them.

`free` requests nothing, `only` the answer and nothing else, `working` the steps as well, `line` a
last line that reads `Answer: …`.
"""

import re
from random import Random

from builders.verifiable.problem import Args
from builders.verifiable.reading.prose import words
from builders.verifiable.rubric import Fault
from builders.verifiable.wording import pick, quote

_FORM_REQUESTS = {
    "free": ("",),
    "only": (
        " Give only the {noun}.",
        " Reply with the {noun} and nothing else.",
        " Just the {noun}, please.",
        " Your answer should be the {noun} alone.",
        " No explanation, only the {noun}.",
    ),
    "working": (
        " Show your work.",
        " Explain how you get there.",
        " Work it out step by step.",
        " Please show the steps.",
    ),
    "line": (
        " End with a line that reads 'Answer: ' followed by the {noun}.",
        " Put the {noun} on the last line, after 'Answer:'.",
        " Finish with the {noun} on a line of its own that starts with 'Answer:'.",
    ),
}
_LAST_LINE = re.compile(r"^\W*answer\W*:\W*(?=[\w$€£.-])", re.IGNORECASE)
_OPERATION = re.compile(r"[0-9a-zA-Z)%] ?[-+*/×÷=<>→] ?[$(0-9a-zA-Z-]")
_ENOUGH_WORDS = 12


def draw_form(rng: Random, working: bool = True) -> str:
    forms = ["free"] * 6 + ["only"] * 2 + ["line"] + ["working"] * (2 if working else 0)
    return rng.choice(forms)


def form_request(rng: Random, form: str, noun: str) -> str:
    """The sentence that requests `form`, with a leading space; empty for `free`."""
    return rng.choice(_FORM_REQUESTS[form]).format(noun=noun)


def in_form(form: str, answer: str, brief: str, working: str) -> str:
    """The right answer in the requested form."""
    if form == "only":
        return answer
    if form == "working":
        return working
    return f"{brief}\nAnswer: {answer}" if form == "line" else brief


def form_faults(args: Args, draft: str, answer: str, noun: str) -> list[Fault]:
    """How a right draft breaks the form that `args` request."""
    form = args["form"]
    if form == "only":
        return _only_faults(args, draft, answer, noun)
    if form == "working":
        return _working_faults(args, draft)
    if form == "line":
        return _line_faults(args, draft, noun)
    return []


def _only_faults(args: Args, draft: str, answer: str, noun: str) -> list[Fault]:
    count, expected = len(words(draft)), len(words(answer))
    # With a unit or an "It's", it is still only the answer.
    if count <= expected + 1:
        return []
    return [
        Fault(
            pick(
                args,
                "only",
                f"Only the {noun} was asked for, but the response has {count} words.",
                f"The instruction asks for the {noun} alone; the text around it is not wanted.",
                f"It adds an explanation, although only the {noun} was asked for.",
            ),
            pick(
                args,
                "only how",
                f"Cut everything except the {noun}.",
                f"Write the {noun} by itself, without a sentence around it.",
                f"Leave only the {noun}.",
            ),
            cost=2 if count <= expected + _ENOUGH_WORDS else 3,
        )
    ]


def _working_faults(args: Args, draft: str) -> list[Fault]:
    if _OPERATION.search(draft) or len(words(draft)) >= _ENOUGH_WORDS:
        return []
    return [
        Fault(
            pick(
                args,
                "bare",
                f"It gives only the result {quote(draft, 30)} without the steps asked for.",
                "The steps that the instruction asks for are missing.",
                "Nothing shows how the result was reached, although that was asked for.",
            ),
            pick(
                args,
                "bare how",
                "Write down each step that leads to the result.",
                "Show the calculation, not just the result.",
                "Put the steps first and the result last.",
            ),
            cost=2,
        )
    ]


def _line_faults(args: Args, draft: str, noun: str) -> list[Fault]:
    last = draft.rstrip().rsplit("\n", 1)[-1]
    if _LAST_LINE.match(last):
        return []
    return [
        Fault(
            pick(
                args,
                "line",
                f"The last line is {quote(last, 40)} and does not start with 'Answer:'.",
                f"The last line 'Answer:' with the {noun} is missing.",
                "It does not end with the 'Answer:' line that was asked for.",
            ),
            pick(
                args,
                "line how",
                f"Add a last line that says 'Answer:' followed by the {noun}.",
                f"End with 'Answer:' and the {noun} on a separate line.",
                f"Repeat the {noun} on a final line after 'Answer:'.",
            ),
            cost=2,
        )
    ]
