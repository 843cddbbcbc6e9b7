"""A card as HTML that is safe to display: HTML in the card is escaped."""

from posixpath import normpath
from urllib.parse import quote, urlsplit

from markdown_it import MarkdownIt
from markdown_it.token import Token

from services.hub.names import is_path

_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
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
