"""How a card's template becomes Markdown: every value is escaped and readable."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import jinja2

from cards.markdown import code, inline, mermaid, one_line, paragraphs

# What people are asked of a record, as cards and reports say it.
QUESTIONS = {
    "better": "which answer is better",
    "draft_score": "score of the draft",
    "refinement_score": "score of the refinement",
    "weaknesses_real": "are the weaknesses real",
    "suggestions_actionable": "are the suggestions actionable",
    "refinement_introduces_error": "would the refinement introduce an error",
}


class _Ready(str):
    """Markdown that a filter has made, to be shown as it is."""


def _written(value: Any) -> str:
    """How a template's value appears: text escaped, numbers readable, a missing one as a dash."""
    if isinstance(value, _Ready | jinja2.Undefined):
        return str(value)
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.2f}"
    if isinstance(value, str):
        return inline(value)
    if isinstance(value, list):
        return ", ".join(_written(item) for item in value) or "–"
    raise TypeError(f"a card cannot show {type(value).__name__}: {value!r}")


def _setting(value: Any) -> str:
    """A sampling or filter setting exactly as it was given."""
    return f"{value:g}" if isinstance(value, float) else _written(value)


def _number(form: str) -> Callable[[float | None], str]:
    return lambda value: "–" if value is None else format(value, form)


@cache
def environment() -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        undefined=jinja2.StrictUndefined,
        # Markdown, not HTML: `finalize` escapes each value, unless a filter has done it.
        autoescape=False,  # noqa: S701
        finalize=_written,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    filters = {
        "paragraphs": paragraphs,
        "code": code,
        "mermaid": mermaid,
        "verbatim": one_line,
        "setting": _setting,
        "percent": _number(".1%"),
        "signed": _number("+,.2f"),
        "whole": _number(",.0f"),
        "signed_whole": _number("+,.0f"),
    }
    for name, function in filters.items():
        made.filters[name] = _filter(function)
    return made


def _filter(function: Callable[[Any], str]) -> Callable[[Any], _Ready]:
    def filtered(value: Any) -> _Ready:
        if isinstance(value, jinja2.Undefined):
            # Showing it is what raises the error that names it.
            str(value)
        return _Ready(function(value))

    return filtered
