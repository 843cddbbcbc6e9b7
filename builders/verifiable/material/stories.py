"""The stories that word problems are made of."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Story:
    """A word problem without its numbers.

    `ranges` are the bounds of each number; `steps` are (what it yields, left, operator, right);
    `target` names the answer within a sentence; `answer` is a sentence with {x}.
    """

    texts: tuple[str, ...]
    ranges: Mapping[str, tuple[int, int]]
    steps: tuple[tuple[str, str, str, str], ...]
    target: str
    answer: str


STORIES: Mapping[str, Story] = {
    "bags": Story(
        (
            "{name} has {a} {things}. {name} buys {b} bags with {c} {things} in each. How many "
            "{things} does {name} have now?",
            "There are {a} {things} in {name}'s kitchen. {name} brings home {b} bags of {c} "
            "{things}. How many {things} are there in all?",
        ),
        {"a": (2, 20), "b": (2, 6), "c": (2, 10)},
        (("the {things} in the bags", "b", "×", "c"), ("all the {things}", "a", "+", "1")),
        "the number of {things} that {name} has",
        "{name} has {x} {things}.",
    ),
    "more": Story(
        (
            "{name} has {a} {things} and gets {b} more. How many {things} does {name} have now?",
            "{name} picks {a} {things} in the morning and {b} in the afternoon. How many {things} "
            "is that in all?",
        ),
        {"a": (3, 60), "b": (2, 40)},
        (("all the {things}", "a", "+", "b"),),
        "the number of {things} that {name} has",
        "{name} has {x} {things}.",
    ),
    "fewer": Story(
        (
            "{name} had {a} {things} and lost {b} of them. How many {things} are left?",
            "There were {a} {things} on the table, and {name} took {b} away. How many {things} "
            "are still there?",
        ),
        {"a": (20, 80), "b": (2, 19)},
        (("the {things} left", "a", "-", "b"),),
        "the number of {things} left",
        "{x} {things} are left.",
    ),
    "rows": Story(
        (
            "{name} plants {b} rows with {c} trees in each row. How many trees is that?",
            "There are {c} trees in each of the {b} rows in {name}'s garden. How many trees are "
            "there?",
        ),
        {"b": (2, 10), "c": (2, 10)},
        (("all the trees", "b", "×", "c"),),
        "the number of trees",
        "There are {x} trees.",
    ),
    "given away": Story(
        (
            "{name} has {a} {things}, gives {b} to a friend and then finds {c} more. How many "
            "{things} does {name} have at the end?",
            "{name} starts with {a} {things}. {b} of them go to a friend, and {name} gets {c} new "
            "ones. How many {things} are there now?",
        ),
        {"a": (15, 60), "b": (2, 14), "c": (2, 20)},
        (("what is left", "a", "-", "b"), ("the {things} at the end", "1", "+", "c")),
        "the number of {things} at the end",
        "At the end there are {x} {things}.",
    ),
    "shared": Story(
        (
            "{name} shares {total} {things} equally among {b} children. How many {things} does "
            "each child get?",
            "{b} children share {total} {things} equally. How many {things} are there for each "
            "child?",
        ),
        {"a": (2, 15), "b": (3, 9)},
        (("the {things} each child gets", "total", "÷", "b"),),
        "the number of {things} for each child",
        "Each child gets {x} {things}.",
    ),
    "shop": Story(
        (
            "{name} buys {b} notebooks for ${c} each and a bag for ${a}. How much does {name} "
            "pay in total?",
            "A notebook costs ${c} and a bag ${a}. What does {name} pay for {b} notebooks and "
            "one bag, in dollars?",
        ),
        {"a": (5, 40), "b": (2, 6), "c": (2, 9)},
        (("the price of the notebooks", "b", "×", "c"), ("the total price", "1", "+", "a")),
        "the total price in dollars",
        "{name} pays ${x}.",
    ),
    "change": Story(
        (
            "{name} pays for {b} tickets at ${c} each with ${total}. How much change does "
            "{name} get?",
            "Tickets cost ${c} each. {name} buys {b} of them and hands over ${total}. What is "
            "the change in dollars?",
        ),
        {"a": (1, 20), "b": (2, 6), "c": (2, 12)},
        (("the price of the tickets", "b", "×", "c"), ("the change", "total", "-", "1")),
        "the change in dollars",
        "{name} gets ${x} back.",
    ),
    "pages": Story(
        (
            "A book has {total} pages. {name} reads {b} pages a day for {c} days. How many "
            "pages are left?",
            "{name} reads {b} pages of a book each day. How many of its {total} pages are still "
            "unread after {c} days?",
        ),
        {"a": (10, 100), "b": (5, 20), "c": (2, 7)},
        (("the pages read", "b", "×", "c"), ("the pages left", "total", "-", "1")),
        "the number of pages left",
        "{x} pages are left.",
    ),
    "seats": Story(
        (
            "A hall has {b} rows with {c} seats in each row. {a} seats are taken. How many "
            "seats are free?",
            "A movie theater has {b} rows of {c} seats. If {a} people come in and sit down, "
            "how many seats stay empty?",
        ),
        {"a": (3, 20), "b": (3, 10), "c": (7, 12)},
        (("all the seats", "b", "×", "c"), ("the free seats", "1", "-", "a")),
        "the number of free seats",
        "{x} seats are free.",
    ),
    "trip": Story(
        (
            "{name} cycles {b} km every hour. How far is that in {c} hours?",
            "On foot and by bus, {name} covers {b} km per hour. How many kilometers is that in "
            "{c} hours?",
        ),
        {"b": (4, 12), "c": (2, 9)},
        (("the distance", "b", "×", "c"),),
        "the distance in kilometers",
        "It is {x} km.",
    ),
    "saving": Story(
        (
            "{name} has ${a} and saves ${b} every week. How many dollars does {name} have after "
            "{c} weeks?",
            "Every week {name} puts ${b} into a jar that already holds ${a}. How much is in the "
            "jar after {c} weeks?",
        ),
        {"a": (5, 50), "b": (2, 12), "c": (2, 10)},
        (("the money saved", "b", "×", "c"), ("all the money", "a", "+", "1")),
        "the amount in dollars",
        "In the end there is ${x}.",
    ),
    "boxes": Story(
        (
            "{name} packs {total} {things} into boxes of {b}. How many boxes does {name} need?",
            "{total} {things} have to go into boxes that hold {b} each. How many boxes are filled?",
        ),
        {"a": (3, 20), "b": (4, 12)},
        (("the number of boxes", "total", "÷", "b"),),
        "the number of boxes",
        "{x} boxes are needed.",
    ),
    "difference": Story(
        (
            "{name} collected {a} stamps and {other} collected {b} fewer. How many stamps do "
            "they have together?",
            "{other} has {b} fewer stamps than {name}, who has {a}. How many stamps do the two "
            "of them have together?",
        ),
        {"a": (12, 60), "b": (2, 11)},
        (("{other}'s stamps", "a", "-", "b"), ("all the stamps", "a", "+", "1")),
        "the number of stamps they have together",
        "Together they have {x} stamps.",
    ),
    "wages": Story(
        (
            "{name} earns ${b} an hour and works {c} hours. {name} then spends ${a}. How much "
            "money is left?",
            "For {c} hours of work {name} gets ${b} an hour. How many dollars are left after "
            "paying ${a} for shoes?",
        ),
        {"a": (5, 25), "b": (6, 15), "c": (5, 10)},
        (("the wages", "b", "×", "c"), ("what is left", "1", "-", "a")),
        "the money left in dollars",
        "{name} has ${x} left.",
    ),
}
