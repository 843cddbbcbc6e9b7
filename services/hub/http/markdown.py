"""A card as HTML that is safe to display: HTML in the card is escaped."""

from posixpath import normpath
from urllib.parse import quote, urlsplit

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from services.hub.http.mermaid import drawn
from services.hub.names import is_path

_BREAK = "<br>"


def _line_break(state: StateInline, silent: bool) -> bool:
    """A line break in a table's cell, which Markdown has none for: of HTML, this alone is read."""
    if not state.src.startswith(_BREAK, state.pos):
        return False
    if not silent:
        state.push("hardbreak", "br", 0)
    state.pos += len(_BREAK)
    return True


def _fence(renderer: RendererHTML, tokens: list[Token], at: int, options: dict, env: dict) -> str:
    diagram = drawn(tokens[at].content) if tokens[at].info.strip() == "mermaid" else None
    return diagram or RendererHTML.fence(renderer, tokens, at, options, env)


_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
_MARKDOWN.inline.ruler.before("autolink", "line_break", _line_break)
_MARKDOWN.add_render_rule("fence", _fence)
# A longer card is only listed as a file: rendering it would block the server.
MAX_CARD_CHARS = 300_000


def render_card(text: str, files: str) -> str:
    """HTML of a card's Markdown; relative links and images point below the URL `files`."""
    tokens = _MARKDOWN.parse(text)
    for token in tokens:
        for inner in token.children or ():
            _resolve_links(inner, files)
    return _MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {})


def without_front_matter(card: str) -> str:
    """The card's Markdown, without the block between the two `---` lines."""
    lines = card.lstrip("\ufeff").replace("\r\n", "\n").split("\n")
    if lines[0].rstrip() == "---":
        for number, line in enumerate(lines[1:], 1):
            if line.rstrip() == "---":
                return "\n".join(lines[number + 1 :])
    return "\n".join(lines)


def _resolve_links(token: Token, files: str) -> None:
    for name in ("src", "href"):
        address = token.attrGet(name)
        if not isinstance(address, str):
            continue
        parts = urlsplit(address)
        if parts.scheme or parts.netloc or not parts.path or parts.path.startswith("/"):
            continue
        path = normpath(parts.path)
        if is_path(path):
            token.attrSet(name, f"{files}/{quote(path, safe='/%')}")
