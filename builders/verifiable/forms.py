"""The forms in which a short answer can be asked for, and whether a draft keeps to them.

`free` asks for nothing, `only` for the answer and nothing else, `working` for the steps as well,
`line` for a last line that reads `Answer: …`.
"""

import re
from random import Random

from builders.verifiable.problem import Args
from builders.verifiable.reading.prose import words
from builders.verifiable.rubric import Fault
from builders.verifiable.wording import pick, quote

_REQUESTS = {
    "free": ("",),
    "only": (
        " Give only the {noun}.",
        " Reply with the {noun} and nothing else.",
        " Just the {noun}, please.",
        " Your answer should be the {noun} alone.",
        " No explanation, only the {noun}.",
    ),
    "working": (
        " Show your working.",
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


def request(rng: Random, form: str, noun: str) -> str:
    """The sentence that asks for `form`, with a space before it, or nothing."""
    return rng.choice(_REQUESTS[form]).format(noun=noun)


def written(form: str, answer: str, brief: str, working: str) -> str:
    """The right answer in the form asked for."""
    if form == "only":
        return answer
    if form == "working":
        return working
    return f"{brief}\nAnswer: {answer}" if form == "line" else brief


def form_faults(args: Args, draft: str, answer: str, noun: str) -> list[Fault]:
    """What a draft that is right lacks of the form in `args`."""
    form = args["form"]
    if form == "only":
        return _only(args, draft, answer, noun)
    if form == "working":
        return _working(args, draft)
    if form == "line":
        return _line(args, draft, noun)
    return []


def _only(args: Args, draft: str, answer: str, noun: str) -> list[Fault]:
    count, wanted = len(words(draft)), len(words(answer))
    # A unit or an "It's" more is still the answer alone.
    if count <= wanted + 1:
        return []
    return [
        Fault(
            pick(
                args,
                "only",
                f"Only the {noun} was asked for, and the response has {count} words.",
                f"The instruction asks for the {noun} alone; the text around it was not wanted.",
                f"It adds an explanation although nothing but the {noun} was wanted.",
            ),
            pick(
                args,
                "only how",
                f"Cut everything except the {noun}.",
                f"Write the {noun} by itself, without a sentence around it.",
                f"Leave the {noun} standing alone.",
            ),
            cost=2 if count <= wanted + _ENOUGH_WORDS else 3,
        )
    ]


def _working(args: Args, draft: str) -> list[Fault]:
    if _OPERATION.search(draft) or len(words(draft)) >= _ENOUGH_WORDS:
        return []
    return [
        Fault(
            pick(
                args,
                "bare",
                f"It gives the bare result {quote(draft, 30)} without the steps asked for.",
                "The steps that the instruction asks for are missing.",
                "Nothing shows how the result was reached, though that was asked for.",
            ),
            pick(
                args,
                "bare how",
                "Write each step on the way to the result.",
                "Show the calculation and not just its end.",
                "Put the steps first and the result last.",
            ),
            cost=2,
        )
    ]


def _line(args: Args, draft: str, noun: str) -> list[Fault]:
    last = draft.rstrip().rsplit("\n", 1)[-1]
    if _LAST_LINE.match(last):
        return []
    return [
        Fault(
            pick(
                args,
                "line",
                f"The last line is {quote(last, 40)} and does not start with 'Answer:'.",
                f"The line 'Answer:' with the {noun} is missing at the end.",
                "It does not end with the 'Answer:' line that was asked for.",
            ),
            pick(
                args,
                "line how",
                f"Add a last line 'Answer:' followed by the {noun}.",
                f"Close with 'Answer:' and the {noun} on a line of its own.",
                f"Repeat the {noun} on a final line after 'Answer:'.",
            ),
            cost=2,
        )
    ]
