"""Putting numbers or words in order."""

import re
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from random import Random

from builders.verifiable.forms import draw_form, request
from builders.verifiable.material.words import NOUNS, SHORT_NOUNS
from builders.verifiable.problem import Args, Check, Family, Problem
from builders.verifiable.reading.number_text import numbers, plain
from builders.verifiable.reading.prose import without_enumerators
from builders.verifiable.rubric import Fault
from builders.verifiable.short_answer import Finding, Question, review
from builders.verifiable.wording import listing, number, pick, sentence

_TEXTS = {
    ("numbers", "ascending"): (
        "Sort these numbers from smallest to largest: {i}.",
        "Put {i} in ascending order.",
        "Arrange the numbers {i} so that the smallest comes first.",
        "Here are some numbers: {i}. List them in increasing order.",
    ),
    ("numbers", "descending"): (
        "Sort these numbers from largest to smallest: {i}.",
        "Put {i} in descending order.",
        "Arrange the numbers {i} so that the largest comes first.",
        "Here are some numbers: {i}. List them in decreasing order.",
    ),
    ("words", "ascending"): (
        "Sort these words alphabetically: {i}.",
        "Put the words {i} in alphabetical order.",
        "Arrange {i} from A to Z.",
        "In which order do these words stand in a dictionary: {i}?",
    ),
    ("words", "descending"): (
        "Sort these words in reverse alphabetical order: {i}.",
        "Put the words {i} in order from Z to A.",
        "Arrange {i} so that the last in the alphabet comes first.",
        "List these words backwards through the alphabet: {i}.",
    ),
}
_ORDERS = {
    ("numbers", "ascending"): "from smallest to largest",
    ("numbers", "descending"): "from largest to smallest",
    ("words", "ascending"): "from A to Z",
    ("words", "descending"): "from Z to A",
}
_BETWEEN = re.compile(r"[\s,;:.<>→|*_\"'“”‘’`()\[\]{}•–—-]*(?:(?:and|then)\b[\s,\"'*]*)?")
_LONGEST_GAP = 24


def _make(rng: Random) -> Problem:
    kind = rng.choice(("numbers", "words"))
    count = rng.choice((3, 3, 4, 4, 5, 6))
    if kind == "words":
        items: list[str] = rng.sample(rng.choice((NOUNS, SHORT_NOUNS)), count)
    else:
        drawn = rng.sample(range(-9 if rng.random() < 0.2 else 1, rng.choice((20, 60, 500))), count)
        items = [str(value) for value in drawn]
        if rng.random() < 0.2:
            items = [f"{rng.randint(0, 9)}.{tail}" for tail in rng.sample(range(1, 80), count)]
    order = rng.choice(("ascending", "ascending", "descending"))
    args = {"kind": kind, "order": order, "items": items, "form": draw_form(rng, working=False)}
    if items == _sorted(args) or len({_key(kind, item) for item in items}) < count:
        return _make(rng)
    text = ", ".join(items) if rng.random() < 0.8 else listing(items)
    instruction = rng.choice(_TEXTS[kind, order]).format(i=text)
    return Problem("sorting", args, instruction + request(rng, args["form"], "sorted list"))


def _key(kind: str, item: str) -> Fraction | str:
    return Fraction(item) if kind == "numbers" else item.casefold()


def _sorted(args: Args) -> list[str]:
    kind = args["kind"]
    return sorted(
        args["items"], key=lambda item: _key(kind, item), reverse=args["order"] == "descending"
    )


def _mentions(args: Args, text: str) -> list[tuple[int, int, str]]:
    """(start, end, item as the question writes it) of what is listed; other numbers count too."""
    if args["kind"] == "numbers":
        written = {Fraction(item): item for item in args["items"]}
        return [
            (
                item.start,
                item.start + len(item.literal),
                written.get(item.value, number(item.value)),
            )
            for item in numbers(text)
        ]
    as_asked = {item.casefold(): item for item in args["items"]}
    pattern = "|".join(map(re.escape, as_asked))
    return [
        (match.start(), match.end(), as_asked.get(match[0].casefold(), match[0]))
        for match in re.finditer(rf"(?i)\b(?:{pattern})\b", text)
    ]


def _runs(args: Args, draft: str) -> list[list[str]]:
    """The items that stand next to each other, as lists, in the order of the text."""
    text = without_enumerators(plain(draft) if args["kind"] == "numbers" else draft)
    runs: list[list[str]] = []
    end = None
    for start, stop, item in _mentions(args, text):
        joined = end is not None and start - end <= _LONGEST_GAP
        if joined and _BETWEEN.fullmatch(text, end, start):
            runs[-1].append(item)
        else:
            runs.append([item])
        end = stop
    return [run for run in runs if len(run) > 1]


def _final_run(args: Args, runs: Sequence[list[str]]) -> list[str]:
    """The last complete list; one that only repeats the question does not count beside others."""
    count = len(args["items"])
    own = [run for run in runs if run != args["items"]] or list(runs)
    complete = [run for run in own if len(run) >= count]
    if complete:
        return complete[-1]
    longest = max(len(run) for run in own)
    return [run for run in own if len(run) == longest][-1]


def _faults(args: Args, given: Sequence[str], right: Sequence[str]) -> list[Fault]:
    order = _ORDERS[args["kind"], args["order"]]
    faults = []
    missing = [item for item in right if item not in given]
    added = list(dict.fromkeys(item for item in given if item not in right))
    doubled = list(dict.fromkeys(item for item in right if given.count(item) > 1))
    places = {item: place for place, item in enumerate(right)}
    known = [item for item in given if item in places]
    if list(given) == args["items"]:
        return [_unsorted(args)]
    swapped = next(
        (pair for pair in pairwise(known) if places[pair[0]] > places[pair[1]]),
        None,
    )
    if swapped:
        weakness = pick(
            args,
            "swapped",
            f"{swapped[0]} stands before {swapped[1]}, though {order} {swapped[1]} comes first.",
            f"The order is wrong: {swapped[1]} has to come before {swapped[0]}.",
            f"{swapped[1]} is placed after {swapped[0]}, which is not the order {order}.",
        )
        how = pick(
            args,
            "swapped how",
            f"Compare neighbours and swap {swapped[0]} and {swapped[1]}, until all is in order.",
            "Pick the item that comes first, write it down, cross it off, and go on like that.",
            f"Go through the list {order} and check every pair of neighbours.",
        )
        faults.append(Fault(weakness, how))
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        faults.append(
            Fault(
                f"{listing(missing)} {verb} missing from the list.",
                f"Count the items: all {len(right)} of the question have to be there.",
            )
        )
    if added:
        faults.append(
            Fault(
                f"{listing(added[:3])} {'was' if len(added) == 1 else 'were'} not in the question.",
                "Use only the items that were given.",
            )
        )
    if doubled:
        faults.append(Fault(f"{listing(doubled)} is listed twice.", "List every item once."))
    return faults


def _unsorted(args: Args) -> Fault:
    order = _ORDERS[args["kind"], args["order"]]
    return Fault(
        pick(
            args,
            "unsorted",
            "The items still stand in the order of the question; nothing has been sorted.",
            "It repeats the list as it was given instead of sorting it.",
            f"The order was not changed: {args['items'][0]} still comes first.",
        ),
        pick(
            args,
            "unsorted how",
            f"Find the item that comes first {order} and move it to the front, then the next one.",
            "Write a new list: pick the item that comes first, cross it off, and go on like that.",
        ),
    )


def _check(args: Args, draft: str) -> Check:
    right = _sorted(args)
    order, answer = _ORDERS[args["kind"], args["order"]], ", ".join(right)
    asked = f"the order {order}"
    brief = pick(
        args, "brief", f"{sentence(order)}: {answer}", f"The order {order} is: {answer}", answer
    )
    ends = (right[0], right[-1])
    hints = (
        f"Find the item that comes first {order}, then the next one, until none is left.",
        f"Begin with {ends[0]}, end with {ends[1]}, and fit the others in between.",
        "Copy all the items first, and move one after the other to its place.",
    )
    question = Question(args, asked, answer, brief, brief, hints, noun="sorted list")
    runs = _runs(args, draft)
    if not runs:
        return review(question, draft, Finding(None))
    given = _final_run(args, runs)
    faults = _faults(args, given, right)
    hits = sum(mine == its for mine, its in zip(given, right, strict=False))
    if given == right:
        return review(question, draft, Finding(answer, right=True))
    if right in runs:
        finding = Finding(", ".join(given), other=answer, share=1.0)
        return review(question, draft, finding)
    finding = Finding(", ".join(given), share=hits / len(right), slip=faults[0], faults=faults[1:])
    return review(question, draft, finding)


FAMILIES = (Family("sorting", _make, _check),)
