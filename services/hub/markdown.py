"""A card as HTML that is safe to show: the card's own HTML is shown as the text that it is."""

from posixpath import normpath
from urllib.parse import quote, urlsplit

from markdown_it import MarkdownIt
from markdown_it.token import Token

from services.hub.names import is_path

_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
# A card beyond this is shown as a file only: rendering it would hold the server up.
MAX_CARD_CHARS = 300_000


def render_card(text: str, files: str) -> str:
    """HTML of a card's Markdown; a link or picture of the repository's own leads below `files`."""
    tokens = _MARKDOWN.parse(text)
    for token in tokens:
        for inner in token.children or ():
            _lead(inner, files)
    return _MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {})


def without_front_matter(card: str) -> str:
    """The card's Markdown, after the block between the two lines of three dashes."""
    lines = card.lstrip("\ufeff").replace("\r\n", "\n").split("\n")
    if lines[0].rstrip() == "---":
        for number, line in enumerate(lines[1:], 1):
            if line.rstrip() == "---":
                return "\n".join(lines[number + 1 :])
    return "\n".join(lines)


def _lead(token: Token, files: str) -> None:
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
