"""The figures of a review, and the report of them as Markdown, JSON and a picture."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypedDict

import orjson

from builders.errors import BadInput
from builders.review.folder import Exclusion, Population, Review
from builders.review.record import critique_text, instruction_text
from builders.review.reviewable import reviewable_row
from builders.review.source import SHOWN, reviewed_source
from builders.review.statistics.annotator_agreement import QuestionAgreement, between_annotators
from builders.review.statistics.annotators import AnnotatorFigures, by_annotator, first_shown
from builders.review.statistics.answers import (
    Answers,
    Contradictions,
    answers_of,
    contradictions,
)
from builders.review.statistics.intervals import Figure
from builders.review.statistics.model_agreement import ModelAgreement, model_against_people
from builders.review.statistics.notable import NotableRows, notable_rows
from builders.review.statistics.pairs import TIE_RULES
from builders.review.statistics.reviewed import reviewed_records
from builders.review.verdicts import (
    CORRECTED_TEXTS,
    Verdict,
    is_correction,
    unassisted,
    unassisted_sample,
    valid_verdicts,
)
from builders.rows import InvalidRow
from cards.plots import plot_calibration
from cards.review_report import render_review_report

MARKDOWN, JSON, PICTURE = "report.md", "report.json", "calibration.png"


class VerdictCounts(TypedDict):
    """`calibration` and `counted` are of unassisted verdicts; `counted` is for the model."""

    verdicts: int
    discarded: int
    assisted: int
    calibration: int
    counted: int
    records: int
    annotators: int
    corrected: int


class GateFigures(TypedDict):
    """The figures that the gate compares with its limits, and what to read them by.

    `verdicts`: how many count for the model against people. `agreement`: the model's agreement with
    people, weighted to all rows that the sample was drawn from. `balanced`,
    `over_always_refinement`, and the agreement of the rules `always_refinement` and `longer` are
    weighted likewise. `alpha`: nominal, on which answer is better.
    """

    verdicts: int
    agreement: Figure
    balanced: Figure
    over_always_refinement: Figure
    always_refinement: Figure
    longer: Figure
    alpha: Figure


class ReviewFigures(TypedDict):
    """All figures on verdicts, JSON-able.

    `answers` is what people said; `agreement` between annotators is by question; `trust` is the
    model against people; `first_shown` is how often the answer shown first was chosen.
    `contradictions` are by annotator, and `notable` has the rows to look at, by what they are.
    """

    counts: VerdictCounts
    answers: Answers
    agreement: dict[str, QuestionAgreement]
    trust: ModelAgreement
    annotators: list[AnnotatorFigures]
    contradictions: dict[str, Contradictions]
    notable: dict[str, NotableRows]
    first_shown: Figure
    gate: GateFigures


class SourceFacts(TypedDict):
    """The run or release under review, and which of its rows the sample was drawn from."""

    kind: str
    name: str
    version: str | None
    rows: Population


class ReviewReport(ReviewFigures):
    """The figures of one review: estimates for the rows that `source` names.

    `excluded` says of each annotator who is left out how many verdicts they had, and why.
    """

    source: SourceFacts
    excluded: list[Exclusion]


class RowTexts(TypedDict):
    """What a row says, and each text that a person wrote for it."""

    instruction: str
    draft: str
    critique: str
    refinement: str
    corrections: list[str]


def report_review(review: Review, *, ties: str = "half") -> ReviewReport:
    """Write the report of `review` into its folder; its figures.

    `ties`, one of TIE_RULES, sets how the model's ties count. BadInput if it is anything else, or
    if the review does not match its run or release.
    """
    if ties not in TIE_RULES:
        raise BadInput(f"--ties: {ties!r} is not one of {', '.join(TIE_RULES)}")
    source, rows = reviewed_source(review), review.facts.rows
    verdicts = review.included_verdicts()
    try:
        figures = review_figures(verdicts, source.rows(rows), ties=ties)
    except InvalidRow as error:
        raise BadInput(f"{review.folder}: {error}") from None
    listed = {row["id"] for kind in figures["notable"].values() for row in kind["rows"]}
    shown = (row for row in source.rows(rows, SHOWN) if row["id"] in listed) if listed else ()
    of = SourceFacts(kind=source.kind, name=source.name, version=source.version, rows=rows)
    report = ReviewReport(source=of, excluded=review.exclusions(), **figures)
    write_report(report, review.folder, texts_of(shown, verdicts))
    return report


def texts_of(rows: Iterable[Mapping[str, Any]], verdicts: Iterable[Verdict]) -> dict[str, RowTexts]:
    """The texts of `rows`, by id; with those of people's corrections among the verdicts."""
    texts: dict[str, RowTexts] = {
        row["id"]: {
            "instruction": instruction_text(row),
            "draft": row["draft"],
            "critique": critique_text(row["critique"]),
            "refinement": row["refinement"],
            "corrections": [],
        }
        for row in rows
    }
    for verdict in filter(is_correction, verdicts):
        if verdict["id"] in texts:
            corrected = [verdict[name] for name in CORRECTED_TEXTS if verdict[name] is not None]
            texts[verdict["id"]]["corrections"] += corrected
    return texts


def review_figures(
    verdicts: Iterable[Verdict], rows: Iterable[Mapping[str, Any]], *, ties: str = "half"
) -> ReviewFigures:
    """All figures of the verdicts on `rows` (of a ledger or a `feedback` config).

    `rows` may be a stream; their texts are not kept. `InvalidRow` for an invalid verdict, and for
    one that counts for the model if its row is missing or has nothing to compare.
    """
    verdicts = valid_verdicts(verdicts)
    reviewed_ids = {row["id"] for row in verdicts}
    reviewable = (reviewable_row(row) for row in rows if row["id"] in reviewed_ids)
    known = {row.id: row for row in reviewable if row}
    agreement = between_annotators(verdicts)
    records = reviewed_records(verdicts, known)
    trust = model_against_people(records, ties)
    pairwise = trust["pairwise"]
    return {
        "counts": _counts(verdicts),
        "answers": answers_of(records),
        "agreement": agreement,
        "trust": trust,
        "annotators": by_annotator(verdicts),
        "contradictions": contradictions(verdicts),
        "notable": notable_rows(verdicts, known),
        "first_shown": first_shown(verdicts),
        "gate": {
            "verdicts": trust["verdicts"],
            "agreement": pairwise["weighted"],
            "balanced": pairwise["balanced"],
            "over_always_refinement": pairwise["over_always_refinement"],
            "always_refinement": pairwise["always_refinement"],
            "longer": pairwise["longer"],
            "alpha": agreement["better"]["alpha"]["nominal"],
        },
    }


def _counts(verdicts: list[Verdict]) -> VerdictCounts:
    submitted = [row for row in verdicts if row["status"] == "submitted"]
    blind = unassisted(verdicts)
    return {
        "verdicts": len(verdicts),
        "discarded": len(verdicts) - len(submitted),
        "assisted": len(submitted) - len(blind),
        "calibration": sum(row["calibration"] for row in blind),
        "counted": len(unassisted_sample(verdicts)),
        "records": len({row["record"] for row in verdicts}),
        "annotators": len({row["annotator"] for row in verdicts}),
        "corrected": sum(map(is_correction, verdicts)),
    }


def write_report(report: ReviewReport, folder: Path, texts: Mapping[str, RowTexts]) -> None:
    """Write MARKDOWN, JSON and PICTURE into `folder`; the same figures give the same bytes.

    `texts` are those of the notable rows, by id.
    """
    folder.mkdir(parents=True, exist_ok=True)
    calibration = report["trust"]["calibration"]
    plot_calibration(calibration["scores"], calibration["margins"], folder / PICTURE)
    options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    (folder / JSON).write_bytes(orjson.dumps(report, option=options))
    (folder / MARKDOWN).write_text(render_review_report(report, PICTURE, texts), encoding="utf-8")
