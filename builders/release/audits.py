"""The audits that a release carries: read, written as a config, and described."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from builders.audit.frozen import open_set
from builders.audit.rows import RELEASED_JUDGMENT_ROWS
from builders.errors import BadInput
from builders.release.parquet import SplitWriter, WrittenSplit
from builders.rows import Row
from cards.audit_plot import plot_audit

if TYPE_CHECKING:
    from builders.audit.result import Audit

CONFIG, SPLIT = "audits", "test"


@dataclass(frozen=True)
class ReleaseAudit:
    """`folder` names it; `set_folder` is where its set is, None if that is not beside it."""

    folder: Path
    audit: "Audit"
    judgments: Sequence[Row]
    set_folder: Path | None

    @property
    def name(self) -> str:
        return f"{self.audit.set.name}/{self.folder.resolve().name}"


def read_release_audits(folders: Sequence[Path]) -> list[ReleaseAudit]:
    """The audits in `folders`; BadInput if one is none, or is given twice."""
    if not folders:
        return []
    # Imports scipy and statsmodels, which take seconds that other releases do not need.
    from builders.audit.result import read_audit, read_judgments

    audits: list[ReleaseAudit] = []
    for folder in folders:
        audit = read_audit(folder)
        one = ReleaseAudit(folder, audit, read_judgments(folder), _set_of(folder, audit))
        if one.name in {other.name for other in audits}:
            raise BadInput(f"{folder}: the audit {one.name} is given twice")
        audits.append(one)
    return audits


def _set_of(folder: Path, audit: "Audit") -> Path | None:
    """The set that the audit is a folder of."""
    beside = folder.resolve().parent.parent
    try:
        return beside if open_set(beside).digest == audit.set.digest else None
    except BadInput:
        return None


def sets_of(audits: Sequence[ReleaseAudit]) -> list[str]:
    """The folders of the audited sets: a release that carries an audit keeps its set out."""
    return [str(one.set_folder) for one in audits if one.set_folder is not None]


def write_audits(
    audits: Sequence[ReleaseAudit], folder: Path
) -> dict[str, dict[str, WrittenSplit]]:
    """Write the config `audits` and each audit's picture into the release; what was written."""
    if not audits:
        return {}
    rows = [{"audit": one.name, **row} for one in audits for row in one.judgments]
    # The rows of an id follow each other, as in every config.
    rows.sort(key=lambda row: (row["id"], row["audit"], row["role"], row["judge"], row["times"]))
    writer = SplitWriter(folder / CONFIG, SPLIT, RELEASED_JUDGMENT_ROWS.features)
    writer.write(pa.Table.from_pylist(rows, schema=RELEASED_JUDGMENT_ROWS.schema))
    for number, one in enumerate(audits, start=1):
        plot_audit(one.audit.model_dump(mode="json"), folder / "assets" / f"audit-{number}.png")
    return {CONFIG: {SPLIT: writer.close()}}


def describe_audits(audits: Sequence[ReleaseAudit]) -> list[dict[str, Any]] | None:
    """What the manifest says of the audits; None without any."""
    return [
        {"name": one.name, **one.audit.model_dump(mode="json", by_alias=True)} for one in audits
    ] or None
