"""Runs the checks over a release folder in one pass, and refuses what failed."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from builders.errors import BadInput, GateRefused
from builders.gate.card_figures import CardFigures
from builders.gate.check import CHECKS, Check
from builders.gate.duplicates import Duplicates
from builders.gate.evaluation_overlap import EvaluationOverlap
from builders.gate.evaluation_sets import local_benchmarks, read_evaluation_set
from builders.gate.exposure import Exposure, joined_texts
from builders.gate.find_personal import personal_finder
from builders.gate.find_secrets import find_secrets
from builders.gate.human_agreement import human_agreement, read_review
from builders.gate.layout import parquet_files
from builders.gate.lengths import Lengths
from builders.gate.licences import Licences
from builders.gate.schemas import Schemas
from builders.gate.settings import GateSettings
from builders.gate.texts import texts_of
from builders.release.verdicts import WRITTEN

Progress = Callable[[str, int], None]

_PROGRESS_ROWS = 256
_SHOWN_ROWS = 3
# The key of the recipe's `gate:` block by the check's name.
_REDACTABLE = {"secrets": "secrets", "personal-data": "personal_data"}


class _Content:
    """The checks that read ledger rows, and what people have written; each row is seen once."""

    def __init__(
        self,
        licence: str,
        settings: GateSettings,
        evaluation_sets: Sequence[str],
        redacted: Mapping[str, int],
    ) -> None:
        named = [read_evaluation_set(name) for name in (*settings.evaluation, *evaluation_sets)]
        cached, absent = local_benchmarks() if settings.benchmarks else ([], [])
        personal = personal_finder(settings.phone_regions)
        self.duplicates = Duplicates(settings)
        self.overlap = EvaluationOverlap(
            [*named, *cached], absent, fails=settings.overlap == "fail"
        )
        self.secrets = Exposure("secrets", find_secrets, settings.secrets, redacted)
        self.personal = Exposure("personal-data", personal, settings.personal_data, redacted)
        self.licences = Licences(licence)
        self.lengths = Lengths(settings)

    def see_texts(self, row: Mapping[str, Any]) -> None:
        """Look at a row of which nothing but the texts is checked."""
        texts = texts_of(row)
        joined = joined_texts(texts)
        self.secrets.see(row["id"], texts, joined)
        self.personal.see(row["id"], texts, joined)

    def see(self, row: Mapping[str, Any], split: str) -> None:
        self.see_texts(row)
        self.duplicates.see(row, split)
        self.overlap.see(row)
        self.licences.see(row)
        self.lengths.see(row)


def run_gate(
    folder: Path,
    facts: Mapping[str, Any],
    settings: GateSettings,
    *,
    evaluation_sets: Sequence[str] = (),
    redacted: Mapping[str, Any] | None = None,
    review: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> list[Check]:
    """Every check's result on the release in `folder`, in the order of `CHECKS`.

    `facts` are the card's facts, while the release is being made, or its manifest.
    `evaluation_sets` are FILE or FILE:FIELD, beside those of the settings. `redacted` is what a
    `Redactor` took out (`as_facts`). `review` is what `builders.release.agreement.review_of` says
    of the folder, where that has just been computed. `progress` is told "checking" and the rows
    read. Raises BadInput where an evaluation set cannot be read.
    """
    by_kind = (redacted or {}).get("by_kind", {})
    content = _Content(str(facts.get("licence")), settings, evaluation_sets, by_kind)
    schemas, figures = Schemas(facts.get("schema_version")), CardFigures(folder, facts)
    for where, text in _about(folder, facts):
        content.secrets.see(where, [text], text)
    files = parquet_files(folder)
    if not any(config == "ledger" for config, _, _ in files):
        schemas.miss("ledger: the config is missing")
    for config, split, path in files:
        if config == "verdicts":
            for row in schemas.read(config, split, path):
                content.see_texts({key: row[key] for key in WRITTEN} | {"id": row["id"]})
            continue
        if config != "ledger":
            schemas.look_at(config, split, path)
            _report(progress, schemas)
            continue
        for count, row in enumerate(schemas.read(config, split, path)):
            if count % _PROGRESS_ROWS == 0:
                _report(progress, schemas)
            figures.see(row)
            content.see(row, split)
    problem = None
    if review is None:
        review, problem = read_review(folder)
    results = [
        schemas.result(),
        content.duplicates.result(),
        content.overlap.result(),
        content.secrets.result(),
        content.personal.result(),
        content.licences.result(),
        figures.result(schemas.rows, review),
        content.lengths.result(),
        human_agreement(review, problem, settings),
    ]
    return sorted(results, key=lambda check: CHECKS.index(check.name))


def _report(progress: Progress | None, schemas: Schemas) -> None:
    if progress:
        progress("checking", schemas.rows.total())


def _about(folder: Path, facts: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What is published beside the rows, and where it stands."""
    if isinstance(facts.get("about"), str):
        yield "about", facts["about"]
    card = folder / "README.md"
    if card.is_file():
        yield card.name, card.read_text(encoding="utf-8", errors="replace")


def refuse(checks: Sequence[Check], allowed: Mapping[str, str]) -> list[Check]:
    """The checks, those that failed and are allowed with the reason; GateRefused for any other.

    `allowed` has the reason by the check's name; BadInput where there is no such check, or no
    reason.
    """
    check_allowed(allowed)
    marked = with_allowed(checks, allowed)
    refused = [check for check in marked if check.status == "fail" and check.allowed is None]
    if refused:
        said = "; ".join(map(_refusal, refused))
        raise GateRefused(f"the gate refuses this release: {said}; {_way_out(refused)}")
    return marked


def with_allowed(checks: Sequence[Check], allowed: Mapping[str, str]) -> list[Check]:
    """The checks, those that failed and are allowed with the reason."""
    return [
        replace(check, allowed=allowed[check.name])
        if check.status == "fail" and check.name in allowed
        else check
        for check in checks
    ]


def allowed_before(recorded: Mapping[str, Any]) -> dict[str, str]:
    """The reasons that a manifest's `gate` records, by the check's name."""
    return {
        check["name"]: check["allowed"]
        for check in recorded.get("checks", [])
        if check.get("allowed")
    }


def check_allowed(allowed: Mapping[str, str]) -> None:
    """Raise BadInput unless each key is a check's name and each value a reason."""
    for name, reason in allowed.items():
        if name not in CHECKS:
            raise BadInput(f"--allow: {name!r} is not one of {', '.join(CHECKS)}")
        if not reason.strip():
            raise BadInput(f"--allow {name}: needs a --reason, which the card prints")


def gate_facts(
    checks: Sequence[Check], settings: GateSettings, redacted: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """What a release's manifest records under `gate`, and its card prints."""
    return {
        "settings": settings.as_facts(),
        "checks": [check.as_facts() for check in checks],
        "redacted": redacted,
    }


def _way_out(refused: Sequence[Check]) -> str:
    keys = [_REDACTABLE[check.name] for check in refused if check.name in _REDACTABLE]
    redact = "".join(f"`gate: {{{key}: redact}}` in the recipe takes that out, " for key in keys)
    return f"{redact}--allow CHECK --reason TEXT lets it pass"


def _refusal(check: Check) -> str:
    if not check.rows:
        return f"{check.name}: {check.sentence.rstrip('.')}"
    shown = ", ".join(check.rows[:_SHOWN_ROWS])
    more = ", …" if len(check.rows) > _SHOWN_ROWS else ""
    return f"{check.name}: {check.sentence.rstrip('.')} (rows {shown}{more})"
