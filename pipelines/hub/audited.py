"""A checkpoint's audit: checked by the gate, and put on its card before it is published."""

from collections.abc import Mapping
from pathlib import Path

from builders.audit.judge import weights_sha256
from builders.audit.result import JUDGMENTS, RESULT, Audit, read_audit, read_judgments
from builders.errors import BadInput
from builders.files.hashes import sha256_of_file
from builders.gate.check import AUDIT_CHECKS
from builders.gate.checks.audits import CheckedAudit, audit_checks
from builders.gate.gate import check_allowed, with_reasons
from builders.manifest import Check
from builders.settings import GateSettings
from pipelines.hub.checkpoint_card import AUDIT_FOLDER, copy_files, write_card


def check_checkpoint(
    checkpoint: Path,
    audit: Path | None = None,
    *,
    settings: GateSettings | None = None,
    allowed: Mapping[str, str] | None = None,
) -> list[Check]:
    """The checks of the checkpoint's audit; none if it was not audited.

    `audit` is a folder that `srt audit run` made of this checkpoint; by default the one that an
    earlier call has put into it. BadInput if it is of another model.
    """
    folder = audit or checkpoint / AUDIT_FOLDER
    if audit is None and not (folder / RESULT).is_file():
        return []
    allowed = allowed or {}
    check_allowed(allowed)
    if other := sorted(allowed.keys() - set(AUDIT_CHECKS)):
        raise BadInput(f"--allow {other[0]}: a checkpoint has the checks {', '.join(AUDIT_CHECKS)}")
    found = _audit_of(checkpoint, folder)
    checked = CheckedAudit(found, read_judgments(folder), kept_out=None)
    return with_reasons(audit_checks([checked], settings or GateSettings()), allowed)


def attach_audit(checkpoint: Path, audit: Path) -> None:
    """Put an audit's figures, judgments and picture into the checkpoint, and on its card."""
    _audit_of(checkpoint, audit)
    copy_files((RESULT, JUDGMENTS), audit, checkpoint / AUDIT_FOLDER)
    write_card(checkpoint)


def _audit_of(checkpoint: Path, folder: Path) -> Audit:
    audit = read_audit(folder)
    is_trained_so = audit.model.weights == sha256_of_file(checkpoint / "training.json")
    if not is_trained_so or audit.model.files not in (None, weights_sha256(checkpoint)):
        raise BadInput(
            f"{folder}: an audit of {audit.model.name}, not of {checkpoint} as it is now"
        )
    return audit
