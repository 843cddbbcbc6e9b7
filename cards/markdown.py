"""Escapes text from data, so that Markdown shows it literally."""

import re
import unicodedata

from cards.printable import printable

# In CommonMark a backslash makes any ASCII punctuation literal; these characters have a meaning.
_SPECIAL = re.compile(r"([\\`*_\[\]<>#|~$&])")
_BLOCK_START = re.compile(r"^(?:([-+=])|(\d+)([.)])(?=\s|$))")
# Mermaid writes entities as `#name;` or `#number;`.
_MERMAID_SPECIAL = re.compile(r"[^\w\s.,:/+()-]", re.ASCII)


def one_line(text: str) -> str:
    """`text` on one line: white space collapsed to single spaces, control characters removed."""
    joined = " ".join(text.split())
    return "".join(char for char in joined if unicodedata.category(char) not in ("Cc", "Cs"))


def inline(text: str) -> str:
    """`text` as literal Markdown on one line, for a sentence or a table cell."""
    escaped = _SPECIAL.sub(r"\\\1", one_line(text))
    return _BLOCK_START.sub(lambda m: f"\\{m[1]}" if m[1] else f"{m[2]}\\{m[3]}", escaped)


def paragraphs(text: str) -> str:
    """`text` as literal Markdown paragraphs, split at blank lines."""
    blocks = re.split(r"\n\s*\n", text.strip())
    return "\n\n".join(inline(block) for block in blocks)


def cell(text: str, longest: int) -> str:
    r"""`text` as literal Markdown in a table cell, with its lines, cut after `longest` characters.

    >>> cell("a | b\n  c", 9)
    'a \\| b<br>&nbsp;&nbsp;c'
    """
    lines = printable(text.replace("\r\n", "\n").replace("\r", "\n")).strip("\n")
    if len(lines) > longest:
        lines = f"{lines[:longest]}… ({len(lines):,} characters)"
    return "<br>".join(map(_indented, lines.split("\n")))


def _indented(line: str) -> str:
    """A line whose white space at the beginning is seen."""
    line = line.expandtabs(4)
    return "&nbsp;" * (len(line) - len(line.lstrip(" "))) + inline(line)


def code(text: str) -> str:
    """`text` as a code span; backticks, which would end the span, become quotes."""
    return "`" + one_line(text).replace("`", "'").replace("|", "\\|") + "`"


def fenced(text: str, longest: int) -> str:
    """`text` as a code block that shows it literally, cut after `longest` characters.

    The fence is longer than any run of backticks in it. Characters that control a terminal or
    reorder the text around them are replaced.
    """
    lines = printable(text.replace("\r\n", "\n").replace("\r", "\n"))
    if len(lines) > longest:
        lines = f"{lines[:longest]}… ({len(lines):,} characters)"
    ticks = max((len(run) for run in re.findall(r"`+", lines)), default=0)
    fence = "`" * max(3, ticks + 1)
    return f"{fence}text\n{lines}\n{fence}"


def mermaid(text: str) -> str:
    """`text` for a quoted Mermaid label."""
    return _MERMAID_SPECIAL.sub(
        lambda match: match[0] if ord(match[0]) > 127 else f"#{ord(match[0])};", one_line(text)
    )
