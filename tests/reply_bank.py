"""What critics write: good reviews in the forms that models give them, and broken ones by reason.

`BROKEN` has, for each name of builders.rows.reasons that a critic's reply can cause, replies that
are to be dropped for it. Line endings, bullets and headings vary as they do between models.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Review:
    """An instruction, a response to it, and what a good critic has to say of the response."""

    instruction: str
    response: str
    weaknesses: tuple[str, ...]
    suggestions: tuple[str, ...]
    score: int
    refinement: str


@dataclass(frozen=True)
class Style:
    """How a reply is laid out; `{}` stands for the heading's words, the number or the score."""

    heading: str = "### {}"
    item: str = "{}. "
    score: str = "Overall Score: [[{}]]"
    before: str = ""
    newline: str = "\n"


STYLES = (
    Style(),
    Style(heading="**{}**"),
    Style(heading="## {}"),
    Style(item="- "),
    Style(heading="### {}:"),
    Style(heading="**{}:**", item="* "),
    Style(heading="#### {}", item="{}) "),
    Style(score="**Overall Score: [[{}]]**"),
    Style(score="### Overall Score: [[{}]]"),
    Style(heading="### **{}**", score="Overall Score: **[[{}]]**"),
    Style(before="Here is my review of the response.\n\n"),
    Style(before="### Feedback\n\n", item="- "),
    Style(heading="# {}", score="Overall score: [[{}]]"),
    Style(heading="### {}\n", item="{}. "),
    Style(newline="\r\n"),
)

REVIEWS = (
    Review(
        "Why does bread dough need to rest after kneading?",
        "Resting lets the dough rise because of the yeast. You should wait some time.",
        (
            "It does not mention gluten, which is the main reason for resting kneaded dough.",
            '"Some time" tells the reader nothing about how long to wait.',
        ),
        (
            "Explain that gluten strands relax, so that the dough stretches without tearing.",
            "Give a usual time, such as 20 minutes before shaping and 1 to 2 hours to rise.",
        ),
        5,
        "Kneading winds the gluten in dough tight. During a rest of about 20 minutes it relaxes,"
        " so that the dough can be shaped without tearing or springing back. In the same time,"
        " and over the 1 to 2 hours that follow, yeast makes the gas that raises it.",
    ),
    Review(
        "Write a Python function that returns the second largest number of a list.",
        "def second(xs):\n    return sorted(xs)[-2]",
        (
            "With duplicates such as [3, 3, 1] it returns 3, which is the largest, not the second.",
            "A list of one element raises an IndexError that says nothing about the cause.",
        ),
        (
            "Remove duplicates with a set before sorting.",
            "Raise a ValueError with a message when there are fewer than two distinct numbers.",
        ),
        4,
        "```python\ndef second_largest(numbers):\n    distinct = sorted(set(numbers))\n"
        "    if len(distinct) < 2:\n"
        '        raise ValueError("need at least two distinct numbers")\n'
        "    return distinct[-2]\n```",
    ),
    Review(
        "A train covers 180 km in 2 hours and 15 minutes. What is its average speed?",
        "180 / 2.15 = 83.7 km/h",
        ("It reads 2 hours 15 minutes as 2.15 hours; 15 minutes are a quarter of an hour.",),
        ("Divide by 2.25 hours, which gives 80 km/h.",),
        2,
        "15 minutes are 0.25 hours, so the journey takes 2.25 hours."
        " The average speed is 180 km / 2.25 h = 80 km/h.",
    ),
    Review(
        "Summarise the causes of the French Revolution in three bullet points.",
        "- Hunger\n- Debt\n- Enlightenment ideas",
        (
            "Each point is one or two words, so a reader learns no cause, only its name.",
            "The unequal taxation of the three estates is left out.",
        ),
        (
            "Add half a sentence to each point that says how it led to revolt.",
            "Name the tax privileges of clergy and nobility, and keep to three points.",
        ),
        6,
        "- **Debt and taxes:** wars had emptied the treasury, and the taxes meant to fill it fell"
        " on the third estate, while clergy and nobility were largely exempt.\n"
        "- **Hunger:** the harvest of 1788 failed, and bread came to cost most of a wage.\n"
        "- **New ideas:** Enlightenment writers had made privilege by birth hard to defend.",
    ),
    Review(
        "Translate into German, politely: 'Could you send me the invoice again?'",
        "Kannst du mir die Rechnung nochmal schicken?",
        ('"Kannst du" is the familiar form, while a polite request was asked for.',),
        ('Use "Könnten Sie" and the slightly more formal "noch einmal".',),
        7,
        "Könnten Sie mir die Rechnung bitte noch einmal schicken?",
    ),
    Review(
        "Give one tip for staying focused when working from home.",
        "Put your phone in another room while you work, and fetch it in your breaks.",
        ("It gives no reason, so a reader may not see why another room beats a silent mode.",),
        ("Add in one clause that the mere sight of the phone distracts.",),
        9,
        "Put your phone in another room while you work, and fetch it in your breaks: even a"
        " silent phone distracts while it is in sight.",
    ),
)

# For instructions of which the bank knows nothing: true of most short answers.
_REMARKS = (
    ("It states its point without an example.", "Add one concrete example after the first claim."),
    ("The order of the sentences hides what matters.", "Begin with the direct answer."),
    ("It leaves open when the advice does not apply.", "Name one case in which it fails."),
    ("Two sentences say the same thing.", "Merge the sentences that repeat each other."),
    ("A term is used before it is explained.", "Explain the term where it first appears."),
)
_CLOSINGS = (
    "For example, this is how it looks on an ordinary working day.",
    "It does not hold in every case: where time is short, the first step alone is enough.",
    "In short, the first point matters most, and the others support it.",
)


def review(instruction: str, response: str, n: int) -> Review:
    """The bank's review of this instruction, or one made up for it; the same for the same n."""
    for known in REVIEWS:
        if known.instruction == instruction:
            return known
    remarks = [_REMARKS[(n + step) % len(_REMARKS)] for step in range(1 + n % 3)]
    refinement = f"{response.strip()}\n\n{_CLOSINGS[n % len(_CLOSINGS)]}"
    weaknesses, suggestions = zip(*remarks, strict=True)
    return Review(instruction, response, weaknesses, suggestions, 3 + n % 6, refinement.strip())


def write(given: Review, style: Style = STYLES[0], refined: bool = True) -> str:
    """The reply of a critic; without `refined`, that to a request for an independent score."""
    sections = [("Weaknesses", given.weaknesses), ("Suggestions", given.suggestions)]
    blocks = [
        "\n".join(
            [
                style.heading.format(title),
                *(style.item.format(number) + item for number, item in enumerate(items, 1)),
            ]
        )
        for title, items in sections
    ]
    blocks.append(style.score.format(given.score))
    if refined:
        blocks.append(f"{style.heading.format('Improved Response')}\n{given.refinement}")
    return (style.before + "\n\n".join(blocks)).replace("\n", style.newline)


def good(instruction: str, response: str, n: int, refined: bool = True) -> str:
    """A reply that can be read without doubt, in one of the STYLES."""
    return write(review(instruction, response, n), STYLES[n % len(STYLES)], refined)


BREAD, CODE, TRAIN, REVOLT, GERMAN, FOCUS = REVIEWS


def _but(given: Review, old: str, new: str, style: Style = STYLES[0]) -> str:
    whole = write(given, style)
    assert old in whole
    return whole.replace(old, new, 1)


def _without(given: Review, title: str, style: Style = STYLES[0]) -> str:
    """The reply without that section, its heading included."""
    blocks = write(given, style).split("\n\n")
    left = [block for block in blocks if title not in block.splitlines()[0]]
    assert len(left) == len(blocks) - 1
    return "\n\n".join(left)


_DASHES, _BOLD = STYLES[3], STYLES[1]
_BREAD_WEAKNESSES = "1. " + BREAD.weaknesses[0] + "\n2. " + BREAD.weaknesses[1]
_BREAD_SUGGESTIONS = "1. " + BREAD.suggestions[0] + "\n2. " + BREAD.suggestions[1]

BROKEN: dict[str, list[str]] = {
    "refusal": [
        "I'm sorry, but I can't help with reviewing this response.",
        "I cannot assist with that request. If you have another text, I would be glad to help.",
        "As an AI language model, I am not able to evaluate or improve this content.",
    ],
    "template_echoed": [
        '### Weaknesses (numbered, or "None.")\n### Suggestions (numbered, or "None.")\n'
        "Overall Score: [[1-10]]\n### Improved Response",
        "### Requirements\nTake the instruction exactly as given: judge the response"
        " by what was asked, and do not add requirements of your own.\n1. Under the heading"
        " `### Weaknesses`, list in numbered points what is wrong, missing or unclear in the"
        " response.\n\n"
        "### Feedback\n### Weaknesses\n1. [weakness]\n\n### Suggestions\n1. [suggestion]\n\n"
        "Overall Score: [[1-10]]\n\n### Improved Response\n[improved response]",
    ],
    "bad_json": [
        '{"weaknesses": ["It does not mention gluten."], "suggestions": ["Explain gluten."],'
        ' "score": 5, "refinement": "Kneading winds the glu',
        '```json\n{"weaknesses": "It reads 15 minutes as 0.15 hours.", "score": "two"}\n```',
        '{"weaknesses": ["Too short",], "suggestions": ["Say more"] "score": 6}',
    ],
    "headings_missing": [
        "The response is a decent start, but it never says what gluten has to do with resting"
        " the dough. I would add that, and a time. Otherwise it reads well.",
        "Pretty good overall! The translation is correct, though I'd have used the polite form"
        ' "Könnten Sie" here, as the user asked for politeness.',
    ],
    "sections_ambiguous": [
        write(BREAD) + "\n\n### Weaknesses\n1. The improved response is longer than the first.",
        f"### Improved Response\n{TRAIN.refinement}\n\n### Suggestions\n1. {TRAIN.suggestions[0]}"
        f"\n\n### Improved Response\n180 / 2.25 = 80 km/h\n\n### Weaknesses\n"
        f"1. {TRAIN.weaknesses[0]}\n\nOverall Score: [[2]]",
    ],
    "weaknesses_missing": [
        _without(BREAD, "Weaknesses"),
        _without(GERMAN, "Weaknesses", _BOLD),
    ],
    "suggestions_missing": [
        _without(REVOLT, "Suggestions", _DASHES),
        _without(TRAIN, "Suggestions"),
    ],
    "refinement_missing": [
        write(BREAD, refined=False),
        write(GERMAN, _BOLD, refined=False),
    ],
    "refinement_empty": [
        _but(BREAD, BREAD.refinement, ""),
        _but(GERMAN, GERMAN.refinement, "[Your improved response here]"),
        _but(FOCUS, FOCUS.refinement, "..."),
    ],
    "refinement_truncated": [
        _but(CODE, "    return distinct[-2]\n```", "    return dis"),
        _but(CODE, "    return distinct[-2]\n```", "    return distinct[-2]", _DASHES),
        _but(BREAD, "yeast makes the gas that raises it.", "yeast makes the"),
    ],
    "score_missing": [
        _without(BREAD, "Overall Score"),
        _without(FOCUS, "Overall Score", _DASHES),
    ],
    "score_from_template": [
        _but(BREAD, "[[5]]", "[[1-10]]"),
        _but(REVOLT, "[[6]]", "[[1-10]]", _BOLD),
    ],
    "score_unbracketed": [
        _but(BREAD, "[[5]]", "5"),
        _but(GERMAN, "Overall Score: [[7]]", "**Overall Score:** 7", _DASHES),
        _but(CODE, "[[4]]", "[4]"),
    ],
    "score_fraction": [
        _but(BREAD, "[[5]]", "[[5/10]]"),
        _but(FOCUS, "[[9]]", "9/10"),
        _but(GERMAN, "[[7]]", "[[7/10]]", _BOLD),
    ],
    "score_not_integer": [
        _but(BREAD, "[[5]]", "[[5.5]]"),
        _but(REVOLT, "[[6]]", "[[six]]"),
        _but(TRAIN, "[[2]]", "[[2-3]]"),
    ],
    "score_out_of_range": [
        _but(FOCUS, "[[9]]", "[[11]]"),
        _but(TRAIN, "[[2]]", "[[0]]"),
        _but(BREAD, "[[5]]", "[[50]]"),
    ],
    "score_conflict": [
        _but(BREAD, "Overall Score: [[5]]", "Overall Score: [[5]]\nOverall Score: [[7]]"),
        _but(REVOLT, "### Weaknesses", "Overall Score: [[8]]\n\n### Weaknesses"),
    ],
    "weaknesses_empty": [
        _but(BREAD, _BREAD_WEAKNESSES, ""),
        _but(BREAD, _BREAD_WEAKNESSES, "None."),
        _but(GERMAN, GERMAN.weaknesses[0], ""),
    ],
    "suggestions_empty": [
        _but(BREAD, _BREAD_SUGGESTIONS, ""),
        _but(BREAD, _BREAD_SUGGESTIONS, "N/A"),
        _but(TRAIN, TRAIN.suggestions[0], ""),
    ],
}
