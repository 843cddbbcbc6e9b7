"""The gate: run on a release before it is finished, and again before it is published."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from builders.ahead import ahead, pool_or_threads
from builders.errors import BadInput, GateRefused
from builders.files.folder import files_in
from builders.gate.check import ALL_CHECKS
from builders.gate.checks.card_figures import CardFigures
from builders.gate.checks.duplicates import Duplicates
from builders.gate.checks.evaluation_overlap import EvaluationOverlap
from builders.gate.checks.evaluation_sets import local_benchmarks, read_evaluation_set
from builders.gate.checks.human_agreement import human_agreement, read_review
from builders.gate.checks.schema import Schemas
from builders.gate.look import Findings, Look, Subject, look_at
from builders.gate.redact import Redactor, redactor
from builders.gate.release_files import parquet_files, parts_of
from builders.manifest import Check, GateRecord, Manifest, Redacted, read_manifest
from builders.progress import Progress
from builders.settings import GateSettings

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
        pool: Executor | None = None,
    ) -> None:
        self._settings, self._evaluation_sets = settings, evaluation_sets
        self._allowed, self._progress, self._pool = allowed or {}, progress, pool
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
            pool=self._pool,
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
    pool: Executor | None = None,
) -> Recheck:
    """Run the gate on a release folder as it is now, with the settings that it records.

    What its manifest allows stays allowed, and `allowed` adds to it. Its parts are looked at in
    `pool`, by default in threads. BadInput if the folder is not
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
        pool=pool,
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
    pool: Executor | None = None,
) -> list[Check]:
    """Run all checks over the release in `folder` in one pass; in the order of `CHECKS`.

    `redacted` is what was taken out of the rows before. `review` is what `review_of` says of the
    folder, if that was just computed. `progress` is called with "checking" and the rows read.
    Parts of the release are looked at in `pool`, whose workers see the same files; by default in
    threads. BadInput if an evaluation set cannot be read.
    """
    files = parquet_files(folder)
    labeled = any(config == "kto" for config, _, _ in files)
    subject = Subject(
        settings,
        version=manifest.schema_version,
        license=manifest.terms,
        criteria=frozenset(manifest.criteria),
        redacted=redacted.by_kind if redacted else {},
        labeled=labeled,
        overlap=_evaluation_overlap(settings, evaluation_sets, labeled=labeled),
    )
    found, schemas, duplicates = Findings(subject), Schemas(subject.version), Duplicates(settings)
    for where, text in _texts_about(folder, manifest):
        found.secrets.see(where, [text])
    if not any(config == "ledger" for config, _, _ in files):
        schemas.miss("ledger: the config is missing")
    # Parts of the ledger take longest.
    parts = sorted(parts_of(files), key=lambda part: part.config != "ledger")
    looks: list[Look] = []
    stopped: set[Path] = set()
    done = 0
    with pool_or_threads(pool) as workers:
        for look in ahead(workers, partial(look_at, subject), parts):
            if look.part.path in stopped:
                continue
            if look.schemas.stopped:
                stopped.add(look.part.path)
            if look.findings:
                found.add(look.findings)
            for asked in look.asked:
                duplicates.add(asked)
            looks.append(replace(look, findings=None, asked=[]))
            done += look.schemas.rows.total()
            if progress:
                progress("checking", done)
    # Reported in the order of the files.
    for look in sorted(looks, key=lambda look: (look.part.path, look.part.groups.start)):
        schemas.add(look.schemas)
    problem = None
    if review is None:
        review, problem = read_review(folder, manifest.review)
    figures = CardFigures(folder, manifest, found.funnel)
    results = [
        figures.result(schemas.rows, review),
        human_agreement(review, problem, settings, (manifest.review or {}).get("reviews", ())),
        *_audit_checks(folder, manifest, settings),
        *(
            check.result()
            for check in (
                schemas,
                duplicates,
                found.overlap,
                found.foreign_text,
                found.secrets,
                found.personal_data,
                found.licenses,
                found.lengths,
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
