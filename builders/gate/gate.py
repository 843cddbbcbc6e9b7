"""Where the gate stands: before a release is whole, and again before it is published."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builders.gate.check import Check
from builders.gate.redact import Redactor, redactor
from builders.gate.run import (
    Progress,
    allowed_before,
    check_allowed,
    gate_facts,
    refuse,
    run_gate,
    with_allowed,
)
from builders.gate.settings import GateSettings
from builders.release.manifest import read_manifest


class ReleaseGate:
    """The gate of one release that is being made.

    `evaluation_sets` are FILE or FILE:FIELD beside those of the settings; `allowed` has, by the
    name of each check that may fail, the reason. BadInput where there is no such check.
    """

    def __init__(
        self,
        settings: GateSettings,
        *,
        evaluation_sets: Sequence[str] = (),
        allowed: Mapping[str, str] | None = None,
        progress: Progress | None = None,
    ) -> None:
        self._settings, self._evaluation_sets = settings, evaluation_sets
        self._allowed, self._progress = allowed or {}, progress
        check_allowed(self._allowed)
        # What redacts a ledger row, before anything is made of it; None where nothing is to be.
        self.transform: Redactor | None = redactor(settings) if settings.redacts else None

    def check(self, folder: Path, facts: Mapping[str, Any]) -> dict[str, Any]:
        """What manifest and card say of the checks of `folder`; GateRefused where one failed."""
        redacted = self.transform.as_facts() if self.transform else None
        checks = run_gate(
            folder,
            facts,
            self._settings,
            evaluation_sets=self._evaluation_sets,
            redacted=redacted,
            review=facts.get("review"),
            progress=self._progress,
        )
        return gate_facts(refuse(checks, self._allowed), self._settings, redacted)


@dataclass(frozen=True)
class Rechecked:
    """The checks of a release that is there; a failed one has its reason, if it may fail."""

    checks: list[Check]
    allowed: Mapping[str, str]
    facts: dict[str, Any]

    def refuse(self) -> None:
        """Raise GateRefused where a check has failed that may not."""
        refuse(self.checks, self.allowed)


def recheck(
    release: Path,
    *,
    evaluation_sets: Sequence[str] = (),
    allowed: Mapping[str, str] | None = None,
) -> Rechecked:
    """Run the gate on a release folder, as it is now, with the settings that it records.

    What its manifest allows stays allowed, and `allowed` adds to it. BadInput where the folder is
    no release.
    """
    manifest = read_manifest(release).facts
    recorded = manifest.get("gate") or {}
    settings = GateSettings.of_release(recorded.get("settings"))
    reasons = {**allowed_before(recorded), **(allowed or {})}
    redacted = recorded.get("redacted")
    checks = run_gate(
        release, manifest, settings, evaluation_sets=evaluation_sets, redacted=redacted
    )
    marked = with_allowed(checks, reasons)
    return Rechecked(marked, reasons, gate_facts(marked, settings, redacted))
