"""The report of an audit, and the facts that cards and the terminal show of it.

The facts are the contents of `audit.json`.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from cards.audit_sentences import cautions, stand_in, taste_sentences, verdict_sentences
from cards.rendering import environment


def render_audit_report(audit: Mapping[str, Any], picture: str) -> str:
    """The report in Markdown; `picture` is the path of the forest plot."""
    return (
        environment().get_template("audit_report.md.j2").render(audit_facts(audit), picture=picture)
    )


def audit_facts(audit: Mapping[str, Any]) -> dict[str, Any]:
    """What a template needs besides the facts: rows of the table, and sentences."""
    return {
        "audit": audit,
        "people_are": people_are(audit),
        "stand_in": stand_in(audit),
        "source": audit["set"]["source"].replace("pairs ", "the file ", 1),
        "rows": list(agreement_rows(audit)),
        "steps": score_steps(audit),
        "verdicts": list(verdict_sentences(audit)),
        "tastes": list(taste_sentences(audit)),
        "cautions": list(cautions(audit)),
    }


def people_are(audit: Mapping[str, Any]) -> str:
    """Who judged the pairs: people, or the checker that stands for them."""
    if audit["set"]["judged_by"] == "checker":
        return "the checker, a program that knows the right answers and stands for people"
    count = audit["set"]["people"]
    return f"{count:,} {'person' if count == 1 else 'people'}"


def agreement_rows(audit: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(who, estimate) of everything that the picture compares, from the model to the baselines."""
    yield audit["model"]["name"], audit["agreement"]["raw"]
    for one in audit["comparisons"]:
        yield f"{one['judge']['name']} ({one['role']})", one["agreement"]
    people = audit["people"]
    if people["value"] is not None:
        found = {"low": None, "high": None, "of": people["pairs"]}
        yield "people among themselves", {**found, "value": people["value"]}
        yield "the most a judge can reach", {**found, "value": people["bound"]}
    for name, estimate in audit["baselines"].items():
        yield f"rule: {name}", estimate


def score_steps(audit: Mapping[str, Any]) -> list[tuple[str, float, int]]:
    """(margins in points, chance, pairs) of the calibration curve, equal chances together."""
    steps: list[list[dict[str, Any]]] = []
    for point in audit["calibration"]["curve"]:
        if not steps or steps[-1][-1]["chance"] != point["chance"]:
            steps.append([])
        steps[-1].append(point)
    return [
        (
            " to ".join(dict.fromkeys(f"{step[at]['margin']:.3g}" for at in (0, -1))),
            step[0]["chance"],
            sum(point["pairs"] for point in step),
        )
        for step in steps
    ]
