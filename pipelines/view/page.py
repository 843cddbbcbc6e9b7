"""The page as HTML with everything inline, for a server or with its rows in it.

Of the page, only its own script and styles are run, which its policy names by their hashes. The
policy allows requests to the page's own server alone, and none from a file.
"""

import base64
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import orjson
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from builders.view.filters import Filters
from builders.view.view import View
from pipelines.review.page import source_of
from pipelines.view.answers import QUESTIONS, Asked, Query

_OF_REVIEW = ("markdown.js", "math.js", "differences.js")
_OWN = ("rows_in_file.js", "rows_of_server.js", "detail.js", "panel.js", "main.js")


@dataclass(frozen=True)
class Page:
    """A page that asks a view."""

    view: View
    html: str
    policy: str

    def ask(self, name: str, query: Query) -> Asked | None:
        question = QUESTIONS.get(name)
        return Asked(self.view, question, query) if question else None


def served_page(view: View, title: str, ancestors: str = "'none'") -> Page:
    """The page for a server; its policy goes into a header.

    `ancestors` are the pages that may have it in a frame, as the policy names them.
    """
    policy = "; ".join([_policy("'self'"), f"frame-ancestors {ancestors}"])
    return Page(view, _render(title, None, None), policy)


def page_in_file(view: View, filters: Filters, most: int) -> tuple[str, int]:
    """A page that needs no server, with up to `most` rows in it, and how many it has."""
    summary = view.summary(filters)
    rows = list(view.rows(filters, most))
    title = summary["title"]
    if len(rows) < summary["rows"]:
        summary["facts"] = [*summary["facts"], f"the first {len(rows):,} of {summary['rows']:,}"]
    # Of what is in the file, nothing more is coming.
    summary |= {"complete": True, "rows": len(rows)}
    data = {"summary": summary, "rows": rows}
    return _render(title, _policy("'none'"), data), len(rows)


def _render(title: str, policy: str | None, data: Any) -> str:
    style, script = _assets()
    template = _templates().get_template("page.html.j2")
    return template.render(
        title=title,
        policy=policy,
        style=Markup(style),  # noqa: S704 – the project's own
        script=Markup(script),  # noqa: S704
        data=None if data is None else Markup(_json_in_html(data)),  # noqa: S704
    )


def _json_in_html(value: Any) -> str:
    """JSON that no HTML parser takes for anything else, whatever its texts have in them.

    >>> _json_in_html(["</script><!--"])
    '["\\\\u003c/script>\\\\u003c!--"]'
    """
    text = orjson.dumps(value).decode()
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


@cache
def _assets() -> tuple[str, str]:
    """The style and the script."""
    folder = Path(__file__).with_name("page")
    own = [(folder / name).read_text(encoding="utf-8") for name in _OWN]
    script = "\n".join([*map(source_of, _OF_REVIEW), *own])
    style = (folder / "view.css").read_text(encoding="utf-8")
    return style, f'(() => {{\n"use strict";\n{script}}})();'


def _policy(connect: str) -> str:
    style, script = map(_digest, _assets())
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src 'sha256-{script}'",
            f"style-src-elem 'sha256-{style}'",
            # What a formula in bold or italics has.
            "style-src-attr 'unsafe-inline'",
            f"connect-src {connect}",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@cache
def _templates() -> Environment:
    loader = PackageLoader("pipelines.view", "page")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined)
