"""Text from data, written into Markdown so that it is read and never obeyed."""

import re
import unicodedata

# CommonMark lets a backslash make any ASCII punctuation literal; these can start something.
_SPECIAL = re.compile(r"([\\`*_\[\]<>#|~$&])")
_BLOCK_START = re.compile(r"^(?:([-+=])|(\d+)([.)])(?=\s|$))")
# Mermaid's own form of an entity is `#name;` or `#number;`.
_MERMAID_SPECIAL = re.compile(r"[^\w\s.,:/+()-]", re.ASCII)


def one_line(text: str) -> str:
    """`text` with each run of white space made one space, and without control characters."""
    joined = " ".join(text.split())
    return "".join(char for char in joined if unicodedata.category(char) not in ("Cc", "Cs"))


def inline(text: str) -> str:
    """`text` as literal Markdown on one line, fit for a sentence or a cell of a table."""
    escaped = _SPECIAL.sub(r"\\\1", one_line(text))
    return _BLOCK_START.sub(lambda m: f"\\{m[1]}" if m[1] else f"{m[2]}\\{m[3]}", escaped)


def paragraphs(text: str) -> str:
    """`text` as literal Markdown paragraphs, which blank lines separate."""
    blocks = re.split(r"\n\s*\n", text.strip())
    return "\n\n".join(inline(block) for block in blocks)


def code(text: str) -> str:
    """`text` as a code span; a backtick in it, which would end the span, becomes a quote."""
    return "`" + one_line(text).replace("`", "'").replace("|", "\\|") + "`"


def mermaid(text: str) -> str:
    """`text` for use inside the quotes of a Mermaid label."""
    return _MERMAID_SPECIAL.sub(
        lambda match: match[0] if ord(match[0]) > 127 else f"#{ord(match[0])};", one_line(text)
    )
