"""A card as HTML that is safe to display: HTML in the card is escaped.

Markdown takes quadratic time for some texts: 300 kB of `![` half a minute. As no bound on a text's
size lets real cards through and keeps such ones out, a card is rendered by a process of its own,
which ends itself when it has computed for a moment: `python -m services.hub.http.markdown FILES`
reads a card's Markdown and writes HTML.
"""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from posixpath import normpath
from urllib.parse import quote, urlsplit

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from services.hub.http.mermaid import drawn
from services.hub.names import is_path
from services.leash import leashed

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
# A longer card is only listed as a file.
MAX_CARD_CHARS = 300_000
# Seconds of computing, and of waiting where the machine has no time for it.
_CPU_S, _WAIT_S = 0.7, 15.0
_ROOT = Path(__file__).parents[3]


def render_card(text: str, files: str) -> str:
    """HTML of a card's Markdown; relative links and images point below the URL `files`."""
    tokens = _MARKDOWN.parse(text)
    for token in tokens:
        for inner in token.children or ():
            _resolve_links(inner, files)
    return _MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {})


async def rendered_card(text: str, files: str) -> str | None:
    """`render_card` in a process of its own; None if it takes too long."""
    env = {**os.environ, "PYTHONPATH": str(_ROOT), "PYTHONUTF8": "1"}
    process = await asyncio.create_subprocess_exec(
        *leashed([sys.executable, "-m", __name__, files]),
        env=env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(_WAIT_S):
            html, _ = await process.communicate(text.encode(errors="replace"))
    except TimeoutError:
        return None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return None if process.returncode else html.decode()


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


if __name__ == "__main__":
    card = sys.stdin.read()
    # The process's own time, from here on; the signal ends it.
    signal.setitimer(signal.ITIMER_VIRTUAL, _CPU_S)
    sys.stdout.write(render_card(card, sys.argv[1]))
