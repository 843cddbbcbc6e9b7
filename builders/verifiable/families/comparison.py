"""Which of two numbers is larger, or smaller."""

import re
from fractions import Fraction
from random import Random

from builders.verifiable.forms import draw_form, request
from builders.verifiable.problem import Args, Check, Family, Problem
from builders.verifiable.reading.number_text import numbers, plain
from builders.verifiable.reading.prose import words
from builders.verifiable.short_answer import Finding, Question, review
from builders.verifiable.wording import pick

_TEXTS = (
    "Which is {k}, {a} or {b}?",
    "Which number is {k}: {a} or {b}?",
    "Is {a} {k} than {b}, or the other way round? Name the {k} one.",
    "Of {a} and {b}, which one is {k}?",
    "Compare {a} with {b}. Which is the {k} number?",
    "Tell me the {k} of these two numbers: {a} and {b}.",
)
# The numbers of a draft are replaced by these marks before its statements are read.
_LEFT, _RIGHT, _OTHER = "\x01", "\x02", "\x03"
_EITHER = f"[{_LEFT}{_RIGHT}]"
_BIG = r"(?P<big>larger|greater|bigger|higher|more|largest|greatest|biggest|highest|maximum)"
_SMALL = r"(?P<small>smaller|less|lower|fewer|smallest|least|lowest|minimum)"
# Not part of a calculation, and not of "larger: 9.9 or 9.11?", which repeats the question.
_ALONE = rf"(?! ?[-+*/×÷=] ?[{_LEFT}-{_OTHER}\d])(?! ?(?:or|and)\b)"
_CLAIMS = (
    re.compile(
        rf"(?P<it>{_EITHER})[^\w.!?\n]{{0,4}}\s?(?:is|are|was|has)(?P<no> not|n['’]t)?"
        rf" (?:(?!not\b)[\w'’-]+ |{_OTHER} ){{0,3}}?(?:{_BIG}|{_SMALL})\b(?! than {_OTHER})"
    ),
    re.compile(
        rf"\b(?:{_BIG}|{_SMALL})\b(?: of {_EITHER} (?:and|or) {_EITHER},?)?"
        rf"(?: (?!than\b)[\w'’]+){{0,5}}?(?: is|:| =)(?P<no> not)?"
        rf"(?: the)?(?: number| fraction| value)?:?\W{{0,4}}(?P<it>[{_LEFT}-{_OTHER}]){_ALONE}"
    ),
    re.compile(rf"(?P<it>{_EITHER})\W{{0,3}}(?:(?P<big>>)|(?P<small><))\W{{0,3}}{_EITHER}"),
    re.compile(rf"\b(?:{_BIG}|{_SMALL}) (?:number|one|fraction|value),? \(?(?P<it>{_EITHER})[,)]"),
    re.compile(
        rf"\b(?P<asked>answer)\b[^.\n]{{0,20}}?[: ]\W{{0,4}}(?P<it>[{_LEFT}-{_OTHER}]){_ALONE}"
    ),
)
_EQUAL = re.compile(
    rf"(?<!if )(?<!whether )\b(?:they|both|numbers) are (?:\w+ )?(?:equal|the same)\b"
    rf"|(?<![-+*/×÷] ){_EITHER} (?:is|=)(?: equal to)? {_EITHER}{_ALONE}"
)
# What a draft can claim besides one of the two numbers.
_SAME, _ANOTHER = "'equal'", "another number"


def _make(rng: Random) -> Problem:
    style = rng.choice(("decimals", "decimals", "negatives", "fractions", "integers"))
    left, right = _draw(rng, style)
    args = {
        "kind": rng.choice(("larger", "larger", "smaller")),
        "left": left,
        "right": right,
        "form": draw_form(rng),
    }
    instruction = rng.choice(_TEXTS).format(k=args["kind"], a=left, b=right)
    return Problem("comparison", args, instruction + request(rng, args["form"], "number"))


def _draw(rng: Random, style: str) -> list[str]:
    """Two numbers as written, of different value, the more misleading pairs included."""
    while True:
        if style == "decimals":
            whole = rng.randint(0, 20)
            pair = [
                f"{whole}.{rng.randint(1, 9)}",
                f"{whole}.{rng.randint(1, 9)}{rng.randint(1, 9)}",
            ]
        elif style == "negatives":
            pair = [str(-rng.randint(1, 60)), str(rng.choice((-1, -1, -1, 1)) * rng.randint(1, 60))]
        elif style == "fractions":
            pair = [f"{rng.randint(1, below - 1)}/{below}" for below in rng.sample(range(2, 11), 2)]
        else:
            base = rng.randint(1000, 9999)
            pair = [str(base), str(base + rng.choice((-90, -9, 9, 90, 900)))]
        if Fraction(pair[0]) != Fraction(pair[1]):
            rng.shuffle(pair)
            return pair


def _claims(args: Args, draft: str) -> list[str]:
    """What each statement of a draft, in order, makes out to be the number asked for."""
    marks = {Fraction(args["left"]): _LEFT, Fraction(args["right"]): _RIGHT}
    written = {_LEFT: args["left"], _RIGHT: args["right"], _OTHER: _ANOTHER}
    turned = {_LEFT: args["right"], _RIGHT: args["left"], _OTHER: _ANOTHER}
    # A draft that has the marks itself must not pass for one that names the numbers.
    text, at = re.sub(f"[{_LEFT}-{_OTHER}]", " ", plain(draft)), 0
    parts = []
    for item in numbers(text):
        parts += [text[at : item.start], marks.get(item.value, _OTHER)]
        at = item.start + len(item.literal)
    marked = "".join([*parts, text[at:]]).lower()
    claims = [
        (match.start(), _SAME)
        for match in _EQUAL.finditer(marked)
        if len(set(re.findall(_EITHER, match[0]))) != 1
    ]
    for pattern in _CLAIMS:
        for match in pattern.finditer(marked):
            groups = match.groupdict()
            same_way = "asked" in groups or bool(groups["big"]) == (args["kind"] == "larger")
            named = written if same_way != bool(groups.get("no")) else turned
            claims.append((match.start("it"), named[match["it"]]))
    present = set(re.findall(_EITHER, marked))
    if not claims and len(present) == 1 and len(words(draft)) <= 6:
        return [written[present.pop()]]
    return [name for _, name in sorted(claims)]


def _reason(larger: str, smaller: str) -> tuple[str, tuple[str, ...]]:
    """Why, and how to find out."""
    high, low = Fraction(larger), Fraction(smaller)
    if "/" in larger:
        below = high.denominator * low.denominator
        shown = f"{high * below}/{below} and {low * below}/{below}"
        return (
            f"With the same denominator they are {shown}.",
            (
                f"Bring {larger} and {smaller} to the same denominator and compare the numerators.",
                f"Turn {larger} and {smaller} into decimals and compare these.",
            ),
        )
    if low < 0:
        return (
            f"On the number line {larger} lies to the right of {smaller}.",
            (
                "Place both on the number line; the one further right is the larger.",
                "Mind the signs: the further below zero a number is, the smaller it is.",
            ),
        )
    if "." in larger:
        places = max(len(text.partition(".")[2]) for text in (larger, smaller))
        shown = f"{float(high):.{places}f} against {float(low):.{places}f}"
        return (
            f"With the same number of decimals it is {shown}.",
            (
                "Write both with the same number of decimals before you compare them.",
                "Compare the first digit after the point, then the second; "
                "more digits do not make a number larger.",
            ),
        )
    place = (
        next(i for i in range(9) if larger[i] != smaller[i]) if len(larger) == len(smaller) else 0
    )
    why = f"The first digit that differs is {larger[place]} against {smaller[place]}."
    if len(larger) != len(smaller):
        why = f"{larger} has more digits than {smaller}."
    return why, (
        "Compare the two digit by digit from the left.",
        "Look for the first place in which the two numbers differ.",
    )


def _check(args: Args, draft: str) -> Check:
    kind = args["kind"]
    smaller, larger = sorted((args["left"], args["right"]), key=Fraction)
    right, wrong = (larger, smaller) if kind == "larger" else (smaller, larger)
    why, hints = _reason(larger, smaller)
    brief = pick(
        args,
        "brief",
        f"{right} is {kind} than {wrong}. {why}",
        f"{why} So {right} is the {kind} one.",
        f"The {kind} number is {right}. {why}",
    )
    asked = f"the {kind} of {args['left']} and {args['right']}"
    question = Question(args, asked, right, brief, f"{why} So {right} is the {kind} one.", hints)
    claims = _claims(args, draft)
    if not claims:
        return review(question, draft, Finding(None))
    given = claims[-1]
    rivals = [claim for claim in claims if claim != given]
    other = None
    if rivals and (given == right or right in rivals):
        other = right if given != right else rivals[-1]
    slip = _slip(args, given, right, wrong) if other is None else None
    return review(
        question, draft, Finding(given, given == right, other, float(other == right), slip)
    )


def _slip(args: Args, given: str, right: str, wrong: str) -> str:
    kind = args["kind"]
    if given == _SAME:
        return f"It calls the two equal, but {right} is {kind} than {wrong}."
    if given == _ANOTHER:
        return (
            f"It ends on a number that is neither {right} nor {wrong}; {right} is the {kind} one."
        )
    return pick(
        args,
        "slip",
        f"It takes {wrong} for the {kind} number, but {right} is {kind}.",
        f"{wrong} is not {kind} than {right}; it is the other way round.",
        f"The comparison is the wrong way round: {right} is {kind} than {wrong}.",
    )


FAMILIES = (Family("comparison", _make, _check),)
