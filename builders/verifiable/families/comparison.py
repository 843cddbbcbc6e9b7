"""Which of two numbers is larger, or smaller."""

import re
from fractions import Fraction
from random import Random

from builders.verifiable.forms import draw_form, form_request
from builders.verifiable.problem import Args, CheckedDraft, Family, Problem
from builders.verifiable.reading.number_text import numbers, plain
from builders.verifiable.reading.prose import words
from builders.verifiable.short_answer import AnswerKey, ReadAnswer, check_answer
from builders.verifiable.wording import pick

_PHRASINGS = (
    "Which is {k}, {a} or {b}?",
    "Which number is {k}: {a} or {b}?",
    "Is {a} {k} than {b}, or the other way around? Name the {k} one.",
    "Of {a} and {b}, which one is {k}?",
    "Compare {a} with {b}. Which is the {k} number?",
    "Tell me the {k} of these two numbers: {a} and {b}.",
)
# The numbers in a draft are replaced by these marks before its statements are read.
_LEFT, _RIGHT, _OTHER = "\x01", "\x02", "\x03"
_MARK = f"[{_LEFT}{_RIGHT}]"
_LARGER = r"(?P<big>larger|greater|bigger|higher|more|largest|greatest|biggest|highest|maximum)"
_SMALLER = r"(?P<small>smaller|less|lower|fewer|smallest|least|lowest|minimum)"
# "of the two numbers 5.91 and 5.6," names both and says nothing about either.
_BOTH = re.compile(
    r" ?\b(?:of|between|from|among)(?: the| these| those)?(?: two)?(?: given)?"
    r"(?: numbers| values| fractions| decimals| integers)?[,:]? "
    rf"{_MARK},? (?:and|or|&|versus|vs\.?) {_MARK},?"
)
# Neither in a calculation nor in "larger: 9.9 or 9.11?", which repeats the question.
_BARE = rf"(?! ?[-+*/×÷=] ?[{_LEFT}-{_OTHER}\d])(?! ?(?:or|and)\b)"
_CLAIMS = (
    re.compile(
        rf"(?P<it>{_MARK})[^\w.!?\n]{{0,4}}\s?(?:is|are|was|has)(?P<no> not|n['’]t)?"
        rf" (?:(?!not\b)[\w'’-]+ |{_OTHER} ){{0,3}}?(?:{_LARGER}|{_SMALLER})\b(?! than {_OTHER})"
    ),
    re.compile(
        rf"\b(?:{_LARGER}|{_SMALLER})\b"
        rf"(?: (?!than\b)[\w'’]+){{0,5}}?(?: is|:| =)(?P<no> not)?"
        rf"(?: the)?(?: number| fraction| value)?:?\W{{0,4}}(?P<it>[{_LEFT}-{_OTHER}]){_BARE}"
    ),
    re.compile(rf"(?P<it>{_MARK})\W{{0,3}}(?:(?P<big>>)|(?P<small><))\W{{0,3}}{_MARK}"),
    re.compile(
        rf"\b(?:{_LARGER}|{_SMALLER}) (?:number|one|fraction|value),? \(?(?P<it>{_MARK})[,)]"
    ),
    re.compile(rf"(?P<asked>\\boxed)\{{\W{{0,2}}(?P<it>[{_LEFT}-{_OTHER}])\W{{0,2}}\}}"),
    re.compile(
        rf"\b(?P<asked>answer)\b[^.\n]{{0,20}}?[: ]\W{{0,4}}(?P<it>[{_LEFT}-{_OTHER}]){_BARE}"
    ),
)
_EQUAL = re.compile(
    rf"(?<!if )(?<!whether )\b(?:they|both|numbers) are (?:\w+ )?(?:equal|the same)\b"
    rf"|(?<![-+*/×÷] ){_MARK} (?:is|=)(?: equal to)? {_MARK}{_BARE}"
)
# What a draft can claim instead of one of the two numbers.
_EQUAL_CLAIM, _OTHER_CLAIM = "'equal'", "another number"


def _make(rng: Random) -> Problem:
    style = rng.choice(("decimals", "decimals", "negatives", "fractions", "integers"))
    left, right = _draw(rng, style)
    args = {
        "kind": rng.choice(("larger", "larger", "smaller")),
        "left": left,
        "right": right,
        "form": draw_form(rng),
    }
    instruction = rng.choice(_PHRASINGS).format(k=args["kind"], a=left, b=right)
    return Problem("comparison", args, instruction + form_request(rng, args["form"], "number"))


def _draw(rng: Random, style: str) -> list[str]:
    """Two numbers of different value, as written, including misleading pairs."""
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
    """The number that each statement in a draft, in order, gives as the answer."""
    marks = {Fraction(args["left"]): _LEFT, Fraction(args["right"]): _RIGHT}
    written = {_LEFT: args["left"], _RIGHT: args["right"], _OTHER: _OTHER_CLAIM}
    swapped = {_LEFT: args["right"], _RIGHT: args["left"], _OTHER: _OTHER_CLAIM}
    # Marks that the draft already contains must not count as the numbers.
    text, end = re.sub(f"[{_LEFT}-{_OTHER}]", " ", plain(draft)), 0
    parts = []
    for item in numbers(text):
        parts += [text[end : item.start], marks.get(item.value, _OTHER)]
        end = item.start + len(item.literal)
    whole = "".join([*parts, text[end:]]).lower()
    marked = _BOTH.sub("", whole)
    claims = [
        (match.start(), _EQUAL_CLAIM)
        for match in _EQUAL.finditer(marked)
        if len(set(re.findall(_MARK, match[0]))) != 1
    ]
    for pattern in _CLAIMS:
        for match in pattern.finditer(marked):
            groups = match.groupdict()
            same_way = "asked" in groups or bool(groups["big"]) == (args["kind"] == "larger")
            named = written if same_way != bool(groups.get("no")) else swapped
            claims.append((match.start("it"), named[match["it"]]))
    mentioned = set(re.findall(_MARK, whole))
    if not claims and len(mentioned) == 1 and len(words(draft)) <= 6:
        return [written[mentioned.pop()]]
    return [name for _, name in sorted(claims)]


def _explanation(larger: str, smaller: str) -> tuple[str, tuple[str, ...]]:
    """Why one number is larger, and hints on how to tell."""
    high, low = Fraction(larger), Fraction(smaller)
    if "/" in larger:
        denominator = high.denominator * low.denominator
        rewritten = f"{high * denominator}/{denominator} and {low * denominator}/{denominator}"
        return (
            f"With a common denominator, they are {rewritten}.",
            (
                f"Give {larger} and {smaller} a common denominator and compare the numerators.",
                f"Turn {larger} and {smaller} into decimals and compare them.",
            ),
        )
    if low < 0:
        return (
            f"On the number line, {larger} is to the right of {smaller}.",
            (
                "Place both on the number line; the one farther right is larger.",
                "Watch the signs: the farther below zero a number is, the smaller it is.",
            ),
        )
    if "." in larger:
        places = max(len(text.partition(".")[2]) for text in (larger, smaller))
        rewritten = f"{float(high):.{places}f} and {float(low):.{places}f}"
        return (
            f"With the same number of decimals, they are {rewritten}.",
            (
                "Write both with the same number of decimals before you compare them.",
                "Compare the first digit after the point, then the second; "
                "more digits do not make a number larger.",
            ),
        )
    position = (
        next(i for i in range(9) if larger[i] != smaller[i]) if len(larger) == len(smaller) else 0
    )
    why = f"The first digits that differ are {larger[position]} and {smaller[position]}."
    if len(larger) != len(smaller):
        why = f"{larger} has more digits than {smaller}."
    return why, (
        "Compare the two digit by digit from the left.",
        "Look for the first place where the two numbers differ.",
    )


def _check(args: Args, draft: str) -> CheckedDraft:
    kind = args["kind"]
    smaller, larger = sorted((args["left"], args["right"]), key=Fraction)
    right, wrong = (larger, smaller) if kind == "larger" else (smaller, larger)
    why, hints = _explanation(larger, smaller)
    brief = pick(
        args,
        "brief",
        f"{right} is {kind} than {wrong}. {why}",
        f"{why} So {right} is the {kind} one.",
        f"The {kind} number is {right}. {why}",
    )
    target = f"the {kind} of {args['left']} and {args['right']}"
    key = AnswerKey(args, target, right, brief, f"{why} So {right} is the {kind} one.", hints)
    claims = _claims(args, draft)
    if not claims:
        return check_answer(key, draft, ReadAnswer(None))
    answer = claims[-1]
    rivals = [claim for claim in claims if claim != answer]
    other = None
    if rivals and (answer == right or right in rivals):
        other = right if answer != right else rivals[-1]
    slip = _find_slip(args, answer, right, wrong) if other is None else None
    return check_answer(
        key, draft, ReadAnswer(answer, answer == right, other, float(other == right), slip)
    )


def _find_slip(args: Args, claim: str, right: str, wrong: str) -> str:
    kind = args["kind"]
    if claim == _EQUAL_CLAIM:
        return f"It calls the two equal, but {right} is {kind} than {wrong}."
    if claim == _OTHER_CLAIM:
        return (
            f"It ends with a number that is neither {right} nor {wrong}; {right} is the {kind} one."
        )
    return pick(
        args,
        "slip",
        f"It says {wrong} is the {kind} number, but {right} is {kind}.",
        f"{wrong} is not {kind} than {right}; it is the other way around.",
        f"The comparison is backward: {right} is {kind} than {wrong}.",
    )


FAMILIES = (Family("comparison", _make, _check),)
