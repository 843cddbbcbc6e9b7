"""The columns of a file of answers. A sample has the texts and the questions, to be filled in."""

from builders.review.folder import Review
from builders.review.record import ANSWERS_ONLY, FIELDS, QUESTIONS
from builders.review.verdicts import CORRECTED_TEXTS

RECORD, ANNOTATOR, STATUS, SUBMITTED_AT = "record", "annotator", "status", "submitted_at"
REQUIRED = tuple(name for name in QUESTIONS if name not in CORRECTED_TEXTS)
# What an annotator fills in.
ANSWERS = (ANNOTATOR, *QUESTIONS)
# What a file of answers is read for; all its other columns are ignored.
READ = (RECORD, *ANSWERS, STATUS, SUBMITTED_AT)
EXPORTED = (RECORD, *FIELDS, *ANSWERS)
SUGGESTED = tuple(f"suggested_{name}" for name in QUESTIONS)


def required_of(review: Review) -> tuple[str, ...]:
    """The questions that every submitted answer has to a record of the review."""
    return ANSWERS_ONLY if review.facts.source.kind == "evaluation" else REQUIRED


def exported_of(review: Review) -> tuple[str, ...]:
    """The columns of the review's sample as a file: pairs have no critique to ask about."""
    if review.facts.source.kind == "evaluation":
        return (RECORD, *FIELDS[:-1], ANNOTATOR, *ANSWERS_ONLY)
    return EXPORTED + SUGGESTED * review.facts.assisted
