"""An evaluation in words: its table, and the sentences that cards and the terminal share.

The facts are the contents of `evaluate.json`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cards.audit_sentences import signed
from cards.rendering import environment

# The order in which answers of a model stand in tables and pictures.
PARTS = ("draft", "refinement", "answer")
_VARIANTS = {
    "difficulty and anchors": "as AlpacaEval 2, with difficulties and anchors",
    "difficulty": "with difficulties, without anchors",
    "anchors": "with anchors, without difficulties",
    "minimal": "minimal: without difficulties and anchors",
    "no length": "all answers differ by one length",
}


@dataclass(frozen=True)
class Line:
    """A row of the table: a name, the cell of each part, and that of the difference."""

    name: str
    cells: list[str]
    difference: str


def render_evaluation_report(evaluation: Mapping[str, Any], picture: str) -> str:
    """The report in Markdown; `picture` is the path of the dumbbell plot."""
    facts = evaluation_facts(evaluation)
    return environment().get_template("evaluation_report.md.j2").render(facts, picture=picture)


def evaluation_facts(evaluation: Mapping[str, Any]) -> dict[str, Any]:
    """What a template needs besides the facts: the table, and sentences."""
    return {
        "evaluation": evaluation,
        "parts": parts_of(evaluation),
        "lines": list(table_lines(evaluation)),
        "sentences": list(sentences(evaluation)),
    }


def parts_of(evaluation: Mapping[str, Any]) -> list[str]:
    return [name for name in PARTS if name in evaluation["parts"]]


def people_are(evaluation: Mapping[str, Any]) -> str:
    """Who corrects the judge, in two words."""
    people = evaluation["people"]
    return "the checker" if people and people["judged_by"] == "checker" else "people"


def figures(evaluation: Mapping[str, Any]) -> list[tuple[str, Callable, bool]]:
    """(name, the estimate of a part or of the difference, whether differences have it)."""
    rows = [
        ("raw", lambda one: one["raw"], True),
        ("at equal length", _at_equal_length, True),
        ("balanced by length", lambda one: one["balanced"], False),
    ]
    if evaluation["people"]:
        rows.append((f"corrected by {people_are(evaluation)}", _corrected, True))
    return rows


def table_lines(evaluation: Mapping[str, Any]) -> Iterator[Line]:
    parts = [evaluation["parts"][name] for name in parts_of(evaluation)]
    both = evaluation["difference"]
    for name, estimate_of, has_difference in figures(evaluation):
        difference = points(estimate_of(both)) if both and has_difference else "–"
        yield Line(name, [share(estimate_of(one)) for one in parts], difference)
    yield Line(
        "mean length, characters",
        [f"{one['characters']:,.0f}" for one in parts],
        _signed_count(both["characters"]) if both else "–",
    )
    if any(one["consistency"] for one in parts):
        cells = [share(one["consistency"]["same"]) if one["consistency"] else "–" for one in parts]
        yield Line("same winner in both orders", cells, "–")
    if any(one["length_controlled"]["longer_wins"]["value"] is not None for one in parts):
        cells = [share(one["length_controlled"]["longer_wins"]) for one in parts]
        yield Line("an equally good, longer answer wins", cells, "–")
    yield Line("pairs judged", [f"{one['judged']:,}" for one in parts], "–")


def sentences(evaluation: Mapping[str, Any]) -> Iterator[str]:
    """What the figures come to, and what limits them."""
    both, reference = evaluation["difference"], evaluation["reference"]["name"]
    if both and both["raw"]["value"] is not None:
        yield (
            f"Refining changes the win rate over {reference} by {points(both['raw'])} points"
            f"{_equal_length_clause(both)}; the length of answers changes by "
            f"{_signed_count(both['characters'])} characters."
        )
    for name in parts_of(evaluation):
        one = evaluation["parts"][name]
        yield from _of_length(name, one)
        yield from _of_people(name, one, people_are(evaluation))
    yield from evaluation["notes"]


def _equal_length_clause(both: Mapping[str, Any]) -> str:
    found = both["length_controlled"]
    return "" if found["value"] is None else f", and by {points(found)} at equal length"


def _of_length(name: str, one: Mapping[str, Any]) -> Iterator[str]:
    found = one["length_controlled"]
    taste = found["longer_wins"]
    if taste["value"] is None:
        return
    yield (
        f"{name.capitalize()}: of two equally good answers, the judge prefers one that is "
        f"{found['characters']:,.0f} characters longer in {share(taste)} of cases "
        f"(weight {_weight(found['taste'])}). The figure at equal length is fitted "
        f"{_VARIANTS[found['variant']]}."
    )


def _of_people(name: str, one: Mapping[str, Any], people: str) -> Iterator[str]:
    found = one["corrected"]
    if found is None:
        return
    if found["estimate"]["value"] is None:
        yield (
            f"{name.capitalize()}: {found['verdicts']:,} verdicts of {people} are too few to "
            "correct the judge by; 30 are needed."
        )
        return
    helps = (found["correlation"] or 0) > found["needed"]
    excess = 100 * found["judge_minus_people"]
    yield (
        f"{name.capitalize()}: the judge's win rate is {abs(excess):.1f} points "
        f"{'above' if excess >= 0 else 'below'} that of {people} on the "
        f"{found['verdicts']:,} pairs that both judged; together they are as sure as "
        f"{found['effective']:,.0f} verdicts of {people} alone"
        + ("." if helps else f": the judge agrees too little with {people} to help.")
    )


def _at_equal_length(one: Mapping[str, Any]) -> Mapping[str, Any]:
    found = one["length_controlled"]
    return found["value"] if "variant" in found else found


def _corrected(one: Mapping[str, Any]) -> Mapping[str, Any]:
    return one["corrected"]["estimate"] if one["corrected"] else {"value": None, "low": None}


def share(one: Mapping[str, Any]) -> str:
    """A share with its interval: 25.8% (22.1 to 29.8)."""
    if one["value"] is None:
        return "–"
    interval = "" if one["low"] is None else f" ({100 * one['low']:.1f} to {100 * one['high']:.1f})"
    return f"{one['value']:.1%}{interval}"


def points(one: Mapping[str, Any]) -> str:
    """A difference of shares in points, with signs: +5.1 (+2.0 to +8.2)."""
    if one["value"] is None:
        return "–"
    return f"{signed(one['value'])} ({signed(one['low'])} to {signed(one['high'])})"


def _weight(one: Mapping[str, Any]) -> str:
    text = f"{one['value']:.2f}, {one['low']:.2f} to {one['high']:.2f}"
    return text.replace("-", "−")


def _signed_count(value: float) -> str:
    return f"{value:+,.0f}".replace("-", "−")
