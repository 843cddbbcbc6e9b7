"""Versions that were withdrawn: a file on the main branch of a repository, its card, its changelog.

A tag never moves, so a version that nobody should use any more stays where it is. What says so is
on the main branch, and in every version that follows.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from builders.files.atomic import json_text
from builders.versions import parse_version, version_of_tag
from cards.markdown import inline, one_line

# Beside the manifest on the main branch: {version: {"reason": ..., "date": ...}}.
FILE = "withdrawn.json"
LONGEST_REASON = 500

_NOTICE = re.compile(r"<!-- withdrawn -->\n.*?<!-- /withdrawn -->\n\n?", re.DOTALL)
_FRONT_MATTER = re.compile(r"---\n.*?\n---\n\n?", re.DOTALL)
_MARK = re.compile(r"^\*\*Withdrawn\*\* on .*\n\n?", re.MULTILINE)
_HEADING = re.compile(r"^## (\d+\.\d+\.\d+)\n\n?", re.MULTILINE)


@dataclass(frozen=True)
class Withdrawal:
    """Why a version should not be used any more, and since which day (YYYY-MM-DD)."""

    reason: str
    date: str


# By version, X.Y.Z.
Withdrawals = Mapping[str, Withdrawal]


def read_withdrawals(content: bytes | None) -> dict[str, Withdrawal]:
    """What the file says, whoever wrote it: texts on one line, and nothing else that it holds."""
    try:
        found: Any = json.loads(content or b"{}")
    except (ValueError, RecursionError):
        return {}
    withdrawals = {}
    for version, facts in found.items() if isinstance(found, dict) else ():
        if version_of_tag(f"v{version}") is not None and isinstance(facts, dict):
            reason, date = (one_line(str(facts.get(key, ""))) for key in ("reason", "date"))
            withdrawals[version] = Withdrawal(reason[:LONGEST_REASON], date[:10])
    return withdrawals


def withdrawals_text(withdrawals: Withdrawals) -> str:
    """The content of the file."""
    return json_text({key: vars(value) for key, value in _in_order(withdrawals).items()})


def withdrawn_card(card: str, withdrawals: Withdrawals) -> str:
    """A card that says below its front matter which versions are withdrawn."""
    card = _NOTICE.sub("", card)
    if not withdrawals:
        return card
    lines = [
        f"> **Version {version} is withdrawn** ({inline(one.date)}): {inline(one.reason)}"
        for version, one in _in_order(withdrawals).items()
    ]
    notice = "\n>\n".join(lines)
    start = match.end() if (match := _FRONT_MATTER.match(card)) else 0
    marked = f"<!-- withdrawn -->\n{notice}\n\n<!-- /withdrawn -->\n\n"
    return f"{card[:start]}{marked}{card[start:]}"


def withdrawn_changelog(changelog: str, withdrawals: Withdrawals) -> str:
    """A changelog that says so in the section of each withdrawn version."""

    def marked(heading: re.Match[str]) -> str:
        one = withdrawals.get(heading[1])
        if one is None:
            return heading[0]
        return f"## {heading[1]}\n\n**Withdrawn** on {inline(one.date)}: {inline(one.reason)}\n\n"

    return _HEADING.sub(marked, _MARK.sub("", changelog))


def _in_order(withdrawals: Withdrawals) -> Withdrawals:
    return dict(sorted(withdrawals.items(), key=lambda item: parse_version(item[0]), reverse=True))
