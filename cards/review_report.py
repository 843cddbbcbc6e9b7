"""The report of a review: agreement between people, and of the model with people."""

from collections.abc import Mapping
from typing import Any

from cards.rendering import QUESTIONS, environment

# The longest text of a row that a report shows, in characters.
LONGEST_TEXT = 800


def render_review_report(
    report: Mapping[str, Any], picture: str, texts: Mapping[str, Mapping[str, Any]]
) -> str:
    """The report in Markdown; `picture` is the path of the calibration plot.

    `report` and `texts` are those of `builders.review.report`. If a figure is missing, KeyError or
    jinja2.UndefinedError names it.
    """
    template = environment().get_template("review_report.md.j2")
    return template.render(
        report, picture=picture, texts=texts, questions=QUESTIONS, longest=LONGEST_TEXT
    )
