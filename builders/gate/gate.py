"""The gate: run on a release before it is finished, and again before it is published."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from builders.errors import BadInput, GateRefused
from builders.files.folder import files_in
from builders.gate.check import ALL_CHECKS
from builders.gate.checks.card_figures import CardFigures
from builders.gate.checks.duplicates import Duplicates
from builders.gate.checks.evaluation_overlap import EvaluationOverlap
from builders.gate.checks.evaluation_sets import local_benchmarks, read_evaluation_set
from builders.gate.checks.foreign_text import ForeignText
from builders.gate.checks.human_agreement import human_agreement, read_review
from builders.gate.checks.lengths import Lengths
from builders.gate.checks.licenses import Licenses
from builders.gate.checks.schema import Schemas
from builders.gate.checks.secrets_and_personal_data import SensitiveText
from builders.gate.redact import Redactor, redactor
from builders.gate.release_files import parquet_files
from builders.gate.sensitive.personal_data import personal_data_finder
from builders.gate.sensitive.screen import suspicious_rows
from builders.gate.sensitive.secrets import find_secrets
from builders.gate.sensitive.texts import texts_of
from builders.manifest import Check, GateRecord, Manifest, Redacted, read_manifest
from builders.progress import Progress
from builders.release.order import prefetch
from builders.review.verdicts import CORRECTED_TEXTS
from builders.settings import GateSettings

_THREADS = 2
_SHOWN_ROWS = 3
# The key of the recipe's `gate:` block that redacts what a check finds.
_REDACTABLE = {"secrets": "secrets", "personal-data": "personal_data"}


class ReleaseGate:
    """The gate of a release that is being made.

    `evaluation_sets` are FILE or FILE:FIELD, in addition to those of the settings. `allowed` has
    the reason for each check that may fail, by its name; BadInput if there is no such check.
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
        # Redacts a ledger row before anything is made of it; None if the settings ask for nothing.
        self.redact: Redactor | None = redactor(settings) if settings.redacts else None

    def check(self, folder: Path, manifest: Manifest) -> GateRecord:
        """What card and manifest record of the checks of `folder`; GateRefused if one failed."""
        redacted = self.redact.record() if self.redact else None
        checks = run_checks(
            folder,
            manifest,
            self._settings,
            evaluation_sets=self._evaluation_sets,
            redacted=redacted,
            review=manifest.review,
            progress=self._progress,
        )
        checks = with_reasons(checks, self._allowed)
        refuse(checks)
        return GateRecord(settings=self._settings.published(), checks=checks, redacted=redacted)


@dataclass(frozen=True)
class Recheck:
    """The result of running the gate again on a release."""

    record: GateRecord

    @property
    def checks(self) -> list[Check]:
        return self.record.checks

    @property
    def facts(self) -> dict[str, Any]:
        return self.record.model_dump(mode="json")

    def refuse(self) -> None:
        """Raise GateRefused if a check failed that may not."""
        refuse(self.checks)


def recheck(
    release: Path,
    *,
    evaluation_sets: Sequence[str] = (),
    allowed: Mapping[str, str] | None = None,
) -> Recheck:
    """Run the gate on a release folder as it is now, with the settings that it records.

    What its manifest allows stays allowed, and `allowed` adds to it. BadInput if the folder is not
    a release.
    """
    manifest = read_manifest(release)
    # Before a file is opened: one that is no file may never end.
    for _ in files_in(release):
        pass
    recorded = manifest.gate or GateRecord()
    reasons = {check.name: check.allowed for check in recorded.checks if check.allowed}
    check_allowed(allowed or {})
    reasons |= allowed or {}
    # A release records the names of evaluation files, not where they are.
    settings = recorded.settings.model_copy(update={"evaluation": ()})
    checks = run_checks(
        release,
        manifest,
        settings,
        evaluation_sets=evaluation_sets,
        redacted=recorded.redacted,
    )
    record = {"checks": with_reasons(checks, reasons), "settings": settings}
    return Recheck(GateRecord(**record, redacted=recorded.redacted))


def run_checks(
    folder: Path,
    manifest: Manifest,
    settings: GateSettings,
    *,
    evaluation_sets: Sequence[str] = (),
    redacted: Redacted | None = None,
    review: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> list[Check]:
    """Run all checks over the release in `folder` in one pass; in the order of `CHECKS`.

    `redacted` is what was taken out of the rows before. `review` is what `review_of` says of the
    folder, if that was just computed. `progress` is called with "checking" and the rows read.
    BadInput if an evaluation set cannot be read.
    """
    counts = redacted.by_kind if redacted else {}
    find_personal_data = personal_data_finder(settings.phone_regions)
    secrets = SensitiveText("secrets", find_secrets, settings.secrets, counts)
    personal = SensitiveText("personal-data", find_personal_data, settings.personal_data, counts)
    files = parquet_files(folder)
    labeled = any(config == "kto" for config, _, _ in files)
    duplicates = Duplicates(settings, labeled=labeled)
    overlap = _evaluation_overlap(settings, evaluation_sets, labeled=labeled)
    licenses, lengths = Licenses(manifest.terms), Lengths(settings)
    foreign = ForeignText(settings, labeled=labeled)
    figures, schemas = CardFigures(folder, manifest), Schemas(manifest.schema_version)

    def look_at_texts(rows: pa.Table) -> None:
        for row in rows.take(suspicious_rows(rows)).to_pylist():
            texts = texts_of(row)
            for check in (secrets, personal):
                check.see(row["id"], texts)

    for where, text in _texts_about(folder, manifest):
        secrets.see(where, [text])
    if not any(config == "ledger" for config, _, _ in files):
        schemas.miss("ledger: the config is missing")
    # One for each file, in the order in which they are reported.
    looks = [Schemas(manifest.schema_version) for _ in files]

    def note_progress() -> None:
        if progress:
            progress("checking", sum(look.rows.total() for look in looks))

    with ThreadPoolExecutor(_THREADS, "schemas") as pool:
        # Only the schema is checked in these, and all of that in pyarrow.
        others = [
            pool.submit(look.read_all, *file)
            for look, file in zip(looks, files, strict=True)
            if file[0] not in ("ledger", "verdicts")
        ]
        try:
            for look, (config, split, path) in zip(looks, files, strict=True):
                if config == "ledger":
                    for rows in prefetch(look.read(config, split, path)):
                        look_at_texts(rows)
                        duplicates.see(rows, split)
                        for check in (overlap, foreign, licenses, lengths, figures):
                            check.see(rows)
                        note_progress()
                elif config == "verdicts":
                    for rows in look.read(config, split, path):
                        look_at_texts(rows.select(["id", *CORRECTED_TEXTS]))
            for other in others:
                other.result()
                note_progress()
        finally:
            pool.shutdown(cancel_futures=True)
    for look in looks:
        schemas.add(look)
    problem = None
    if review is None:
        review, problem = read_review(folder, manifest.review)
    results = [
        figures.result(schemas.rows, review),
        human_agreement(review, problem, settings, (manifest.review or {}).get("reviews", ())),
        *_audit_checks(folder, manifest, settings),
        *(
            check.result()
            for check in (
                schemas,
                duplicates,
                overlap,
                foreign,
                secrets,
                personal,
                licenses,
                lengths,
            )
        ),
    ]
    return sorted(results, key=lambda check: ALL_CHECKS.index(check.name))


def _audit_checks(folder: Path, manifest: Manifest, settings: GateSettings) -> list[Check]:
    if not manifest.audits:
        return []
    # Imports scipy and statsmodels, which take seconds that other releases do not need.
    from builders.gate.checks.audits import audit_checks, released_audits

    return audit_checks(released_audits(folder, manifest), settings)


def _evaluation_overlap(
    settings: GateSettings, evaluation_sets: Sequence[str], *, labeled: bool
) -> EvaluationOverlap:
    named = [read_evaluation_set(name) for name in (*settings.evaluation, *evaluation_sets)]
    cached, absent = local_benchmarks() if settings.benchmarks else ([], [])
    fails = settings.overlap == "fail"
    return EvaluationOverlap([*named, *cached], absent, fails=fails, labeled=labeled)


def _texts_about(folder: Path, manifest: Manifest) -> Iterator[tuple[str, str]]:
    """What is published beside the rows, and where it is."""
    if manifest.about:
        yield "about", manifest.about
    card = folder / "README.md"
    if card.is_file():
        yield card.name, card.read_text(encoding="utf-8", errors="replace")


def check_allowed(allowed: Mapping[str, str]) -> None:
    """Raise BadInput unless each key is the name of a check and each value a reason."""
    for name, reason in allowed.items():
        if name not in ALL_CHECKS:
            raise BadInput(f"--allow: {name!r} is not one of {', '.join(ALL_CHECKS)}")
        if not reason.strip():
            raise BadInput(f"--allow {name}: needs a --reason, which the card prints")


def with_reasons(checks: Sequence[Check], allowed: Mapping[str, str]) -> list[Check]:
    """The checks; one that failed and is allowed has its reason."""
    return [
        check.model_copy(update={"allowed": allowed[check.name]})
        if check.status == "fail" and check.name in allowed
        else check
        for check in checks
    ]


def refuse(checks: Sequence[Check], what: str = "release") -> None:
    """Raise GateRefused, with every reason and a way out, if a check failed and is not allowed."""
    refused = [check for check in checks if check.status == "fail" and check.allowed is None]
    if not refused:
        return
    keys = [_REDACTABLE[check.name] for check in refused if check.name in _REDACTABLE]
    redact = "".join(f"`gate: {{{key}: redact}}` in the recipe takes that out, " for key in keys)
    raise GateRefused(
        f"the gate refuses this {what}: {'; '.join(map(_refusal, refused))}; {redact}"
        "--allow CHECK --reason TEXT lets it pass"
    )


def _refusal(check: Check) -> str:
    text = f"{check.name}: {check.sentence.rstrip('.')}"
    if not check.rows:
        return text
    more = ", …" if len(check.rows) > _SHOWN_ROWS else ""
    return f"{text} (rows {', '.join(check.rows[:_SHOWN_ROWS])}{more})"
