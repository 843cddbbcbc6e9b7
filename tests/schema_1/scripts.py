"""Models in place of which functions answer, for the recipes of these fixtures.

Recipes of finished runs name them, so they keep their names and their place. They look for the
instruction in what they are sent and read nothing else of a prompt, whose wording can change.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

Messages = Sequence[Mapping[str, str]]


class Item(NamedTuple):
    """What is answered to an instruction; `reply` replaces the critic's whole reply."""

    draft: str
    weakness: str
    suggestion: str
    refinement: str
    scores: tuple[int, int] = (4, 8)
    reply: str | None = None


# By a part of the instruction that no other one has.
BANK = {
    "bread dough": Item(
        "Because the yeast needs some time.",
        "It leaves out gluten, the main reason for a rest.",
        "Say that gluten relaxes, and give a usual time.",
        "Kneading tightens the gluten. In a rest of about 20 minutes it relaxes, so that the dough "
        "can be shaped without tearing.",
        (5, 9),
    ),
    "tomato leaves": Item(
        "They need more water.",
        "Yellow leaves have several causes, and too much water is one of them.",
        "Name the two usual causes and how to tell them apart.",
        "Lower leaves that turn yellow evenly usually lack nitrogen; wet soil and limp leaves mean "
        "too much water. Feel the soil first.",
    ),
    "Schreibe einen höflichen Satz": Item(
        "Gib mir das Rezept!",
        "Das ist ein Befehl und kein höflicher Satz.",
        "Eine Frage mit „könnten Sie“ und „bitte“ schreiben.",
        "Könnten Sie mir bitte das Rezept für den Käsekuchen schicken? Viele Grüße!",
        (2, 9),
    ),
    "味噌汁": Item(
        "味噌を沸騰したお湯に入れます。🍲",
        "沸騰させると味噌の香りが失われる。",
        "火を止めてから味噌を溶くことを書く。",
        "だしで具を煮て、火を止めてから味噌を溶き入れます。沸騰させないと香りが残ります。🍲",
        (3, 8),
    ),
    "Shorten this sentence": Item(
        "The soup was cooked by my aunt very slowly.",
        "It is as long as the original.",
        "Use the active voice and drop what says nothing.",
        "My aunt cooked the soup slowly.",
        (4, 10),
    ),
    "without any sugar": Item(
        "Use honey.",
        "Honey is sugar, which the instruction excludes.",
        "Name a fruit that sweetens, with an amount.",
        "Mash two ripe bananas into the batter in place of 100 g of sugar.",
        (3, 7),
    ),
    "sharpen a kitchen knife": Item(
        "Rub it on a stone.",
        "It names no angle and no direction.",
        "Give the angle, the number of strokes and a test.",
        "Hold the blade at about 20 degrees on a wet stone, draw each side over it ten times, and "
        "test the edge on a sheet of paper.",
        (5, 8),
    ),
    "compost heap": Item(
        "Put everything on it.",
        "Meat and cooked food attract rats.",
        "Say what belongs on it and what does not.",
        "Layer kitchen peelings and dry leaves; leave out meat, cooked food and diseased plants.",
    ),
    "boil an egg": Item(
        "Boil it for a while.",
        "A while is no time.",
        "Give the minutes for a soft and a hard egg.",
        "Six minutes in boiling water for a soft yolk, ten for a hard one; then cold water.",
        (4, 9),
    ),
    "Rewrite this note": Item(
        "Send 20 euros to DE89 3704 0044 0532 0130 00 now.",
        "It is no friendlier than the note.",
        "Add a greeting and a thank you.",
        "Hi! Could you send the 20 euros for the cake to DE89 3704 0044 0532 0130 00? Thank you!",
        (4, 8),
    ),
    "prune an apple tree": Item(
        "In summer, all branches.",
        "Cutting all branches kills the tree.",
        "Name the season and which branches.",
        "In late winter, remove dead and crossing branches and leave the rest.",
        (2, 8),
    ),
    "rice sticky": Item(
        "Rice has starch.",
        "It does not say what to do about it.",
        "Explain rinsing, in a sentence.",
        "Loose starch glues the grains together; rinse the rice until the water stays clear.",
        (6, 9),
    ),
    "slugs away": Item(
        "Use poison.",
        "Poison harms hedgehogs and pets.",
        "Give a way that harms nothing else.",
        "Water in the morning, lay a board out overnight, and carry off the slugs under it.",
        (3, 6),
    ),
    "smell of onions": Item(
        "Wash your hands.",
        "Soap alone does not take the smell away.",
        "Say what does.",
        "Rub your hands on stainless steel under cold water, then wash them with soap.",
        (5, 7),
    ),
    # Lost in one way or another.
    "ripe avocado": Item("  ", "", "", ""),
    "wild mushrooms": Item(
        "Eat whatever is white.", "", "", "", reply="I'm sorry, but I can't help with that."
    ),
    "stock cube": Item(
        "One cube.",
        "",
        "",
        "",
        reply="### Weaknesses\n1. No amount of water.\n\n### Suggestions\n1. Give it.\n\n"
        "Overall Score: 4\n\n### Improved Response\nOne cube for half a litre.",
    ),
    "frozen peas": Item(
        "Three minutes.",
        "",
        "",
        "",
        reply="### Suggestions\n1. Say how.\n\nOverall Score: [[5]]\n\n"
        "### Improved Response\nThree minutes in boiling water.",
    ),
    "Name a herb": Item("Basil.", "It is short.", "Leave it.", "Basil.", (8, 8)),
    "salt to pasta water": Item(
        "About 10 g for a litre.",
        "It gives no reason.",
        "Give the reason.",
        "10 g, because the sea is salty.",
        (7, 6),
    ),
    # Of stage 2.
    "potatoes from turning green": Item(
        "Put them in a bag.", "No reason.", "Name light.", "Keep them dark: light greens them."
    ),
    "gravy without lumps": Item(
        "Stir it.", "No order.", "Give one.", "Whisk flour into cold water, then into the gravy."
    ),
    "plant garlic": Item(
        "In spring.", "Autumn is better.", "Say autumn.", "In October, cloves 5 cm deep.", (2, 7)
    ),
    "burnt pan": Item(
        "Scrub it.", "It scratches.", "Soak it.", "Simmer water with baking soda, then wipe it."
    ),
    "strawberries fresh": Item(
        "Wash them.", "Water spoils them.", "Say when.", "Dry in the fridge; wash before eating."
    ),
    "kill moss": Item(
        "Salt.", "Salt kills grass too.", "Name rake and lime.", "Rake it out, then spread lime."
    ),
    "butter substitute": Item(
        "Margarine, 1 to 1.", "It is fine.", "Leave it.", "Margarine or oil.", (8, 6)
    ),
    "whip cream": Item("Whip it fast.", "Cold matters.", "Say so.", "Chill it, then whip."),
    "thin carrots": Item(
        "Pull some of them out by hand.", "No distance.", "Give it.", "Leave 4 cm between.", (5, 8)
    ),
    "Grüße aus dem Garten": Item(
        "Hallo 🌱", "Zu kurz.", "Ein ganzer Satz.", "Viele Grüße aus dem blühenden Garten! 🌱"
    ),
}


def draft(messages: Messages, seed: int) -> str:
    found = _item(messages)
    return found.draft if found else f"I think it is {seed % 90 + 10}."


def critic(messages: Messages, seed: int) -> str:
    """A review with a refinement; one row's first reply cannot be read, and its second can."""
    found = _item(messages) or _unknown(messages)
    if "compost heap" in _text(messages) and len(messages) == 1:
        return "It is too short, and meat does not belong there."
    return found.reply or _review(found, found.scores[0])


def scorer(messages: Messages, seed: int) -> str:
    """An assessment: an answer that is the refinement has the second score."""
    found = _item(messages) or _unknown(messages)
    improved = found.refinement and found.refinement in _text(messages)
    return _assessment(found, found.scores[bool(improved)])


def trained(messages: Messages, seed: int) -> str:
    """A model of stage 2: it drafts, and reviews the answer before the last turn."""
    found = _item(messages) or _unknown(messages)
    answers = [turn["content"] for turn in messages if turn["role"] == "assistant"]
    if not answers:
        return found.draft
    return _review(found, found.scores[answers[-1] == found.refinement])


def _text(messages: Messages) -> str:
    return "\n".join(turn["content"] for turn in messages)


def _item(messages: Messages) -> Item | None:
    text = _text(messages)
    return next((item for part, item in BANK.items() if part in text), None)


def _unknown(messages: Messages) -> Item:
    """What is said of any other instruction."""
    size = len(messages[0]["content"]) % 3
    return Item(
        "I do not know.",
        "No step of the way to the answer is shown.",
        "Show how the answer is found, and check it.",
        "Worked out step by step and checked: see above.",
        (3 + size, 7 + size),
    )


def _assessment(item: Item, score: int) -> str:
    return (
        f"### Weaknesses\n1. {item.weakness or 'None.'}\n\n"
        f"### Suggestions\n1. {item.suggestion or 'None.'}\n\nOverall Score: [[{score}]]"
    )


def _review(item: Item, score: int) -> str:
    return f"{_assessment(item, score)}\n\n### Improved Response\n{item.refinement}"
