"""The report of a review: how far people agree, with each other and with the model."""

from collections.abc import Mapping
from typing import Any

from cards.rendering import QUESTIONS, environment


def render_review_report(facts: Mapping[str, Any], picture: str) -> str:
    """Markdown of `builders.review.report.review_facts`; `picture` is the path of the plot.

    A missing fact raises KeyError or jinja2.UndefinedError, whose text names it.
    """
    template = environment().get_template("review_report.md.j2")
    return template.render(facts, picture=picture, questions=QUESTIONS)
