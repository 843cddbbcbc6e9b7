"""What the checks of the gate find in a part of a release, by itself; parts are put together later.

A look reads one part and keeps counts, the first rows concerned, and some 300 bytes of each
instruction. So parts can be looked at in any place and at the same time: in threads, or by
processes of several machines that see the same files.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from builders.gate.checks.duplicates import Asked, asked_of
from builders.gate.checks.evaluation_overlap import EvaluationOverlap
from builders.gate.checks.foreign_text import ForeignText
from builders.gate.checks.lengths import Lengths
from builders.gate.checks.licenses import Licenses
from builders.gate.checks.schema import Schemas
from builders.gate.checks.secrets_and_personal_data import SensitiveText
from builders.gate.release_files import Part
from builders.gate.sensitive.personal_data import personal_data_finder
from builders.gate.sensitive.screen import suspicious_rows
from builders.gate.sensitive.secrets import find_secrets
from builders.gate.sensitive.texts import texts_of
from builders.ledger.funnel import Funnel
from builders.review.verdicts import CORRECTED_TEXTS
from builders.settings import GateSettings


@dataclass(frozen=True)
class Subject:
    """What the checks have to know of a release, beside its rows.

    `version` is that of its schema and `license` what it is under; `criteria` are the recipes'.
    `redacted` counts what was taken out of its rows before, by kind. `labeled` says that dropped
    rows are trained on, too: in the config `kto`.
    """

    settings: GateSettings
    version: str
    license: str
    criteria: frozenset[str]
    redacted: Mapping[str, int]
    labeled: bool
    overlap: EvaluationOverlap


class Findings:
    """The checks of ledger rows and of people's verdicts."""

    def __init__(self, subject: Subject) -> None:
        settings = subject.settings
        find_personal_data = personal_data_finder(settings.phone_regions)
        redacted = subject.redacted
        self.secrets = SensitiveText("secrets", find_secrets, settings.secrets, redacted)
        self.personal_data = SensitiveText(
            "personal-data", find_personal_data, settings.personal_data, redacted
        )
        self.overlap = subject.overlap.without_rows()
        self.foreign_text = ForeignText(settings, labeled=subject.labeled)
        self.licenses = Licenses(subject.license)
        self.lengths = Lengths(settings)
        self.funnel = Funnel(recipe_criteria=subject.criteria)

    def see_texts(self, rows: pa.Table) -> None:
        """Look for secrets and personal data in all texts."""
        for row in rows.take(suspicious_rows(rows)).to_pylist():
            texts = texts_of(row)
            for check in (self.secrets, self.personal_data):
                check.see(row["id"], texts)

    def see_ledger(self, rows: pa.Table) -> None:
        """All checks that need no other row."""
        self.see_texts(rows)
        for check in (self.overlap, self.foreign_text, self.licenses, self.lengths):
            check.see(rows)
        self.funnel.add_table(rows)

    def add(self, other: "Findings") -> None:
        """Take over what was found in rows behind these."""
        self.secrets.add(other.secrets)
        self.personal_data.add(other.personal_data)
        self.overlap.add(other.overlap)
        self.foreign_text.add(other.foreign_text)
        self.licenses.add(other.licenses)
        self.lengths.add(other.lengths)
        self.funnel.add_counts(other.funnel)


@dataclass(frozen=True)
class Look:
    """What was found in a part; `findings` is None where rows are only checked for their schema."""

    part: Part
    schemas: Schemas
    findings: Findings | None
    asked: list[Asked]


def look_at(subject: Subject, part: Part) -> Look:
    """Read a part and run the checks on it that need no other part."""
    schemas = Schemas(subject.version)
    if part.config not in ("ledger", "verdicts"):
        schemas.read_all(part)
        return Look(part, schemas, None, [])
    findings, asked = Findings(subject), []
    for rows in schemas.read(part):
        if part.config == "verdicts":
            findings.see_texts(rows.select(["id", *CORRECTED_TEXTS]))
        else:
            findings.see_ledger(rows)
            asked.append(asked_of(rows, part.split, labeled=subject.labeled))
    return Look(part, schemas, findings, asked)
