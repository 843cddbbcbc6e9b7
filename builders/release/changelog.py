"""CHANGELOG.md: what each version changed, the latest first."""

from collections.abc import Sequence

from builders.manifest import Manifest
from builders.release.changes import KINDS, Changes, changes_since, check_version, other_changes
from builders.release.configs import Config
from builders.release.previous import PreviousRelease
from builders.release.write import Written
from cards.markdown import code, inline

_HEADING = "# Changelog\n"


def changelog_of(
    previous: PreviousRelease | None,
    manifest: Manifest,
    configs: Sequence[Config],
    written: Written,
) -> str:
    """The text of CHANGELOG.md; BadInput if the version is too low for what has changed."""
    if previous is None:
        return f"{_HEADING}\n{first_entry(manifest.version, written)}"
    changes = changes_since(previous, configs, written, manifest.schema_version)
    check_version(previous, manifest.version, changes)
    others = other_changes(previous.manifest, manifest)
    latest = entry(manifest.version, previous.version, changes, others)
    path = previous.folder / "CHANGELOG.md"
    earlier = path.read_text(encoding="utf-8") if path.exists() else _HEADING
    return f"{_HEADING}\n{latest}\n{earlier.removeprefix(_HEADING).lstrip()}"


def first_entry(version: str, written: Written) -> str:
    """The section of a version that follows no other."""
    lines = [f"## {version}", "", "The first release.", ""]
    lines += ["| config | split | rows added |", "|---|---|--:|"]
    lines += [
        f"| {config} | {split} | {in_split.rows:,} |"
        for config, splits in written.items()
        for split, in_split in splits.items()
    ]
    return "\n".join(lines) + "\n"


def entry(version: str, previous: str, changes: Changes, others: Sequence[str]) -> str:
    """The section of a version that follows `previous`; `others` are sentences."""
    lines = [f"## {version}", "", f"Compared with {previous}:", ""]
    phrases = [*changes.schema, *changes.additions]
    lines += [f"- {inline(phrase[0].upper() + phrase[1:])}." for phrase in phrases]
    lines += [f"- {inline(sentence)}" for sentence in others]
    changed = {place: rows for place, rows in changes.rows.items() if rows}
    if not changed:
        return "\n".join([*lines, "- No row was added, removed or changed."]) + "\n"
    if phrases or others:
        lines.append("")
    lines += [f"| config | split | {' | '.join(KINDS)} |", f"|---|---|{'--:|' * len(KINDS)}"]
    for (config, split), rows in changed.items():
        counts = " | ".join(f"{count:,}" for count in rows.counts.values())
        lines.append(f"| {config} | {split} | {counts} |")
    lines += ["", "`moved` rows were in the other split.", ""]
    for (config, split), rows in changed.items():
        for kind, ids in rows.examples.items():
            if ids and config == "ledger":
                lines.append(f"- {kind} in `{split}`, such as {', '.join(map(code, ids))}")
    return "\n".join(lines) + "\n"
