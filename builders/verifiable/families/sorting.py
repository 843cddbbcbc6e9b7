"""Putting numbers or words in order."""

import re
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from random import Random

from builders.verifiable.forms import draw_form, form_request
from builders.verifiable.material.words import NOUNS, SHORT_NOUNS
from builders.verifiable.problem import Args, CheckedDraft, Family, Problem
from builders.verifiable.reading.number_text import numbers, plain
from builders.verifiable.reading.prose import without_enumerators
from builders.verifiable.rubric import Fault
from builders.verifiable.short_answer import AnswerKey, ReadAnswer, check_answer
from builders.verifiable.wording import capitalize_first, format_number, join_words, pick

_PHRASINGS = {
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
        "In what order do these words appear in a dictionary: {i}?",
    ),
    ("words", "descending"): (
        "Sort these words in reverse alphabetical order: {i}.",
        "Put the words {i} in order from Z to A.",
        "Arrange {i} so that the last in the alphabet comes first.",
        "List these words in reverse dictionary order: {i}.",
    ),
}
_ORDERS = {
    ("numbers", "ascending"): "from smallest to largest",
    ("numbers", "descending"): "from largest to smallest",
    ("words", "ascending"): "from A to Z",
    ("words", "descending"): "from Z to A",
}
_SEPARATOR = re.compile(r"[\s,;:.<>→|*_\"'“”‘’`()\[\]{}•–—-]*(?:(?:and|then)\b[\s,\"'*]*)?")
_NEW_LIST = re.compile(r":\s*[\n\[({]")
_MAX_GAP = 24


def _make(rng: Random) -> Problem:
    kind = rng.choice(("numbers", "words"))
    count = rng.choice((3, 3, 4, 4, 5, 6))
    if kind == "words":
        items: list[str] = rng.sample(rng.choice((NOUNS, SHORT_NOUNS)), count)
    else:
        values = rng.sample(
            range(-9 if rng.random() < 0.2 else 1, rng.choice((20, 60, 500))), count
        )
        items = [str(value) for value in values]
        if rng.random() < 0.2:
            items = [f"{rng.randint(0, 9)}.{tail}" for tail in rng.sample(range(1, 80), count)]
    order = rng.choice(("ascending", "ascending", "descending"))
    args = {"kind": kind, "order": order, "items": items, "form": draw_form(rng, working=False)}
    if items == _sorted(args) or len({_key(kind, item) for item in items}) < count:
        return _make(rng)
    shown = ", ".join(items) if rng.random() < 0.8 else join_words(items)
    instruction = rng.choice(_PHRASINGS[kind, order]).format(i=shown)
    return Problem("sorting", args, instruction + form_request(rng, args["form"], "sorted list"))


def _key(kind: str, item: str) -> Fraction | str:
    return Fraction(item) if kind == "numbers" else item.casefold()


def _sorted(args: Args) -> list[str]:
    kind = args["kind"]
    return sorted(
        args["items"], key=lambda item: _key(kind, item), reverse=args["order"] == "descending"
    )


def _mentions(args: Args, text: str) -> list[tuple[int, int, str]]:
    """(start, end, item as the question writes it) of each item; any other number counts too."""
    if args["kind"] == "numbers":
        as_written = {Fraction(item): item for item in args["items"]}
        return [
            (
                item.start,
                item.start + len(item.literal),
                as_written.get(item.value, format_number(item.value)),
            )
            for item in numbers(text)
        ]
    as_written = {item.casefold(): item for item in args["items"]}
    pattern = "|".join(map(re.escape, as_written))
    return [
        (match.start(), match.end(), as_written.get(match[0].casefold(), match[0]))
        for match in re.finditer(rf"(?i)\b(?:{pattern})\b", text)
    ]


def _lists(args: Args, draft: str) -> list[list[str]]:
    """The lists of adjacent items in a draft, in order."""
    text = without_enumerators(plain(draft) if args["kind"] == "numbers" else draft)
    lists: list[list[str]] = []
    end = None
    for start, stop, item in _mentions(args, text):
        is_close = end is not None and start - end <= _MAX_GAP
        between = text[end:start] if is_close else ""
        # "Here are 3, 1 and 2 in order:" is followed by another list.
        if is_close and _SEPARATOR.fullmatch(between) and not _NEW_LIST.search(between):
            lists[-1].append(item)
        else:
            lists.append([item])
        end = stop
    return [items for items in lists if len(items) > 1]


def _final_list(args: Args, lists: Sequence[list[str]]) -> list[str]:
    """The last complete list; one that repeats the question only counts if it is the only one."""
    count = len(args["items"])
    candidates = [items for items in lists if items != args["items"]] or list(lists)
    complete = [items for items in candidates if len(items) >= count]
    if complete:
        return complete[-1]
    longest = max(len(items) for items in candidates)
    return [items for items in candidates if len(items) == longest][-1]


def _order_faults(args: Args, answer: Sequence[str], right: Sequence[str]) -> list[Fault]:
    order = _ORDERS[args["kind"], args["order"]]
    faults = []
    missing = [item for item in right if item not in answer]
    added = list(dict.fromkeys(item for item in answer if item not in right))
    repeated = list(dict.fromkeys(item for item in right if answer.count(item) > 1))
    places = {item: place for place, item in enumerate(right)}
    own_items = [item for item in answer if item in places]
    if list(answer) == args["items"]:
        return [_unsorted_fault(args)]
    swapped = next(
        (pair for pair in pairwise(own_items) if places[pair[0]] > places[pair[1]]),
        None,
    )
    if swapped:
        weakness = pick(
            args,
            "swapped",
            f"{swapped[0]} is before {swapped[1]}, but {order}, {swapped[1]} comes first.",
            f"The order is wrong: {swapped[1]} has to come before {swapped[0]}.",
            f"{swapped[1]} comes after {swapped[0]}, so the list is not sorted {order}.",
        )
        suggestion = pick(
            args,
            "swapped how",
            f"Swap {swapped[0]} and {swapped[1]}, and compare neighbors until all are in order.",
            "Pick the item that comes first, write it down, cross it off, and repeat.",
            f"Check that every pair of neighbors in the list goes {order}.",
        )
        faults.append(Fault(weakness, suggestion))
    if missing:
        are = "is" if len(missing) == 1 else "are"
        faults.append(
            Fault(
                f"{join_words(missing)} {are} missing from the list.",
                f"Count the items: all {len(right)} from the question have to be there.",
            )
        )
    if added:
        were = "was" if len(added) == 1 else "were"
        faults.append(
            Fault(
                f"{join_words(added[:3])} {were} not in the question.",
                "Use only the items that were given.",
            )
        )
    if repeated:
        are = "is" if len(repeated) == 1 else "are"
        faults.append(
            Fault(
                f"{join_words(repeated)} {are} listed twice.",
                "List each item once.",
            )
        )
    return faults


def _unsorted_fault(args: Args) -> Fault:
    order = _ORDERS[args["kind"], args["order"]]
    return Fault(
        pick(
            args,
            "unsorted",
            "The items are still in the order of the question; nothing was sorted.",
            "It repeats the list as it was given instead of sorting it.",
            f"The order was not changed: {args['items'][0]} still comes first.",
        ),
        pick(
            args,
            "unsorted how",
            f"Going {order}, move the first item to the front, then the next one.",
            "Write a new list: pick the item that comes first, cross it off, and repeat.",
        ),
    )


def _check(args: Args, draft: str) -> CheckedDraft:
    right = _sorted(args)
    order, answer = _ORDERS[args["kind"], args["order"]], ", ".join(right)
    target = f"the order {order}"
    brief = pick(
        args,
        "brief",
        f"{capitalize_first(order)}: {answer}",
        f"The order {order} is: {answer}",
        answer,
    )
    hints = (
        f"Going {order}, find the first item, then the next one, until none are left.",
        f"Begin with {right[0]}, end with {right[-1]}, and fit the others in between.",
        "Copy all the items first, then move each one to its place.",
    )
    key = AnswerKey(args, target, answer, brief, brief, hints, noun="sorted list")
    lists = _lists(args, draft)
    if not lists:
        return check_answer(key, draft, ReadAnswer(None))
    items = _final_list(args, lists)
    if items == right:
        return check_answer(key, draft, ReadAnswer(answer, right=True))
    if right in lists:
        return check_answer(key, draft, ReadAnswer(", ".join(items), other=answer, share=1.0))
    faults = _order_faults(args, items, right)
    hits = sum(item == expected for item, expected in zip(items, right, strict=False))
    share = hits / len(right)
    read = ReadAnswer(", ".join(items), share=share, slip=faults[0], faults=faults[1:])
    return check_answer(key, draft, read)


FAMILIES = (Family("sorting", _make, _check),)
