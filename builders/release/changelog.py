"""CHANGELOG.md: what each version changed, the latest first."""

from collections.abc import Sequence

from builders.release.changes import KINDS, Changes
from builders.release.facts import Written
from cards.markdown import code, inline

_HEADING = "# Changelog\n"


def first_entry(version: str, written: Written) -> str:
    """The section of a version without a parent."""
    lines = [f"## {version}", "", "The first release.", ""]
    lines += ["| config | split | rows added |", "|---|---|--:|"]
    lines += [
        f"| {config} | {split} | {made.rows:,} |"
        for config, splits in written.items()
        for split, made in splits.items()
    ]
    return "\n".join(lines) + "\n"


def entry(version: str, parent: str, changes: Changes, others: Sequence[str]) -> str:
    """The section of a version that follows `parent`; `others` are sentences."""
    lines = [f"## {version}", "", f"Compared with {parent}:", ""]
    lines += [f"- {inline(said[0].upper() + said[1:])}." for said in changes.schema]
    lines += [f"- {inline(said)}" for said in others]
    changed = {place: found for place, found in changes.rows.items() if found}
    if not changed:
        return "\n".join([*lines, "- No row was added, removed or changed."]) + "\n"
    if changes.schema or others:
        lines.append("")
    lines += [f"| config | split | {' | '.join(KINDS)} |", f"|---|---|{'--:|' * len(KINDS)}"]
    for (config, split), found in changed.items():
        counts = " | ".join(f"{rows:,}" for rows in found.rows.values())
        lines.append(f"| {config} | {split} | {counts} |")
    lines += ["", "`moved` are rows that were in the other split.", ""]
    for (config, split), found in changed.items():
        for kind, ids in found.examples.items():
            if ids and config == "ledger":
                lines.append(f"- {kind} in `{split}`, such as {', '.join(map(code, ids))}")
    return "\n".join(lines) + "\n"


def changelog(latest: str, earlier: str | None) -> str:
    """`latest` before the sections of the parent's changelog."""
    if earlier is None:
        return f"{_HEADING}\n{latest}"
    return f"{_HEADING}\n{latest}\n{earlier.removeprefix(_HEADING).lstrip()}"
