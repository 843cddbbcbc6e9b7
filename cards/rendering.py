"""Renders a card's template to Markdown, with every value escaped and formatted."""

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import jinja2

from cards.markdown import cell, code, fenced, inline, mermaid, one_line, paragraphs

# The questions that reviewers answer about a record, as cards and reports phrase them.
QUESTIONS = {
    "better": "which answer is better",
    "draft_score": "score of the draft",
    "refinement_score": "score of the refinement",
    "weaknesses_real": "are the weaknesses real",
    "suggestions_actionable": "are the suggestions actionable",
    "refinement_introduces_error": "does the refinement introduce an error",
}


# A card's section on loading, up to the next heading.
_LOADING = re.compile(r"^## Loading\n.*?\n(?=## )", re.MULTILINE | re.DOTALL)


class _Markdown(str):
    """The output of a filter, which is not escaped again."""


def _format(value: Any) -> str:
    """A template's value as Markdown: text escaped, numbers readable, None as a dash."""
    if isinstance(value, _Markdown | jinja2.Undefined):
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
        return ", ".join(_format(item) for item in value) or "–"
    raise TypeError(f"a card cannot show {type(value).__name__}: {value!r}")


def _setting(value: Any) -> str:
    """A sampling or filter setting without rounding."""
    return f"{value:g}" if isinstance(value, float) else _format(value)


def _number(spec: str) -> Callable[[float | None], str]:
    return lambda value: "–" if value is None else format(value, spec)


@cache
def environment() -> jinja2.Environment:
    jinja = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        undefined=jinja2.StrictUndefined,
        # Markdown, not HTML: `finalize` escapes each value that no filter has escaped.
        autoescape=False,  # noqa: S701
        finalize=_format,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    filters = {
        "paragraphs": paragraphs,
        "cell": cell,
        "code": code,
        "mermaid": mermaid,
        "fenced": fenced,
        # What a macro has written in several lines.
        "block": str.strip,
        "verbatim": one_line,
        "setting": _setting,
        "percent": _number(".1%"),
        "verbatim_block": str,
        "thousandths": _number(".3f"),
        "signed": _number("+,.2f"),
        "whole": _number(",.0f"),
        "signed_whole": _number("+,.0f"),
    }
    for name, function in filters.items():
        jinja.filters[name] = _filter(function)
    return jinja


def _filter(function: Callable[..., str]) -> Callable[..., _Markdown]:
    def filtered(value: Any, *arguments: Any) -> _Markdown:
        if isinstance(value, jinja2.Undefined):
            # Raises the error with the name of the missing value.
            str(value)
        return _Markdown(function(value, *arguments))

    return filtered


def with_loading(card: str, loading: str) -> str:
    """The card with another section on how to load it; one that has none is left alone."""
    return _LOADING.sub(lambda _: f"{loading}\n", card)
