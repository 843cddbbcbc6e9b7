"""The outcome of a review as facts, and their Markdown, JSON and picture."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import orjson

from builders.review.agreement import between_annotators
from builders.review.annotators import by_annotator, shown_choice
from builders.review.candidates import candidate
from builders.review.counted import Verdict, about_the_model, checked, unassisted
from builders.review.intervals import wilson
from builders.review.trust import asked, model_against_people
from cards.plots import plot_calibration
from cards.review_report import render_review_report

MARKDOWN, JSON, PICTURE = "report.md", "report.json", "calibration.png"


def review_facts(
    verdicts: Iterable[Verdict], rows: Iterable[Mapping[str, Any]], *, ties: str = "half"
) -> dict[str, Any]:
    """What people said of `rows` (of a ledger or a `feedback` config), JSON-able.

    {counts, agreement, trust, annotators, first_shown, gate}. `rows` may be a stream: of those
    that were asked about, no text is kept. An invalid verdict, or one that counts for the model
    and is on a row that is not there or has nothing to compare, raises `InvalidRow`.
    """
    found = checked(verdicts)
    wanted = {row["id"] for row in found}
    candidates = {
        row["id"]: seen for row in rows if row["id"] in wanted and (seen := candidate(row))
    }
    agreement = between_annotators(found)
    trust = model_against_people(asked(found, candidates), ties)
    return {
        "counts": _counts(found),
        "agreement": agreement,
        "trust": trust,
        "annotators": by_annotator(found),
        "first_shown": _first_shown(found),
        "gate": gate_facts(agreement, trust),
    }


def gate_facts(agreement: Mapping[str, Any], trust: Mapping[str, Any]) -> dict[str, Any]:
    """What a gate compares with its limits.

    `verdicts`: those that count for the model against people. `agreement` {value, low, high, of}:
    the model's agreement with people, weighted to all rows drawn from. `alpha` {value, low, high,
    of}: nominal, of which answer is better.
    """
    return {
        "verdicts": trust["verdicts"],
        "agreement": trust["pairwise"]["weighted"],
        "alpha": agreement["better"]["alpha"]["nominal"],
    }


def _counts(verdicts: list[Verdict]) -> dict[str, int]:
    submitted = [row for row in verdicts if row["status"] == "submitted"]
    between = unassisted(verdicts)
    return {
        "verdicts": len(verdicts),
        "discarded": len(verdicts) - len(submitted),
        "assisted": len(submitted) - len(between),
        "calibration": sum(row["calibration"] for row in between),
        "counted": len(about_the_model(verdicts)),
        "records": len({row["record"] for row in verdicts}),
        "annotators": len({row["annotator"] for row in verdicts}),
        "corrected": sum(
            row["corrected_critique"] is not None or row["corrected_refinement"] is not None
            for row in submitted
        ),
    }


def _first_shown(verdicts: list[Verdict]) -> dict[str, Any]:
    """How often the answer that was shown first was chosen; near a half where order is no matter.

    Wilson's interval, of verdicts.
    """
    choices = [shown_choice(row) for row in unassisted(verdicts)]
    first, of = choices.count("first"), choices.count("first") + choices.count("second")
    return {"value": first / of if of else None, **wilson(first, of), "of": of}


def write_report(facts: Mapping[str, Any], folder: Path) -> None:
    """Write MARKDOWN, JSON and PICTURE into `folder`: of the same facts, the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    calibration = facts["trust"]["calibration"]
    plot_calibration(calibration["scores"], calibration["margins"], folder / PICTURE)
    options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    (folder / JSON).write_bytes(orjson.dumps(facts, option=options))
    (folder / MARKDOWN).write_text(render_review_report(facts, PICTURE), encoding="utf-8")
