"""The checks of audits: did a model's judgment fall, and can the audit be relied on?

Every verdict is computed again, from the judgments that are released or lie beside the audit, with
the gate's own margin.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builders.audit.measure import recompute
from builders.audit.result import Audit, AuditSettings
from builders.audit.rows import RELEASED_JUDGMENT_ROWS
from builders.manifest import Check, Manifest
from builders.rows import Row
from builders.rows.read import read_rows
from builders.settings import GateSettings
from cards.audit_sentences import how_much_more, signed, taste_sentence

# From the worst on.
_STATUSES = ("fail", "warn", "pass")
Finding = tuple[str, str]


@dataclass(frozen=True)
class CheckedAudit:
    """An audit with its judgments; `kept_out` says whether training leaves its set alone.

    `kept_out` is None for a checkpoint, whose audit has left out what the model was trained on.
    """

    audit: Audit
    judgments: Sequence[Row]
    kept_out: bool | None


def released_audits(folder: Path, manifest: Manifest) -> list[CheckedAudit]:
    """The audits that a release carries, with their judgments from its config `audits`."""
    if not manifest.audits:
        return []
    judgments: dict[str, list[Row]] = {}
    for path in sorted((folder / "audits").glob("*.parquet")):
        for row in read_rows(path, RELEASED_JUDGMENT_ROWS):
            judgments.setdefault(row["audit"], []).append(row)
    kept_out = {one["digest"] for one in (manifest.reserved or {}).get("sets", ())}
    audits = []
    for facts in manifest.audits:
        audit = Audit.model_validate(facts)
        is_kept_out = audit.set.digest in kept_out
        audits.append(CheckedAudit(audit, judgments.get(facts["name"], []), is_kept_out))
    return audits


def audit_checks(audits: Sequence[CheckedAudit], settings: GateSettings) -> list[Check]:
    """The five checks over all audits, each with the worst result; none without audits."""
    if not audits:
        return []
    findings = {
        "audit-fall": lambda one: _fall(one, settings),
        "audit-level": lambda one: _level(one, settings),
        "audit-set": _set,
        "audit-readable": lambda one: _readable(one, settings),
        "self-preference": _self_preference,
    }
    return [
        _check(name, [found for one in audits for found in find(one)], audits)
        for name, find in findings.items()
    ]


def _check(name: str, found: Sequence[Finding], audits: Sequence[CheckedAudit]) -> Check:
    status = min((status for status, _ in found), key=_STATUSES.index)
    named = [(one.audit.model.name, one.audit.set) for one in audits]
    figures = {
        "audits": [
            {"model": model, "set": frozen.name, "digest": frozen.digest} for model, frozen in named
        ]
    }
    # What is worst is read first.
    ordered = sorted(found, key=lambda finding: _STATUSES.index(finding[0]))
    return Check(
        name=name, status=status, sentence=" ".join(s for _, s in ordered), figures=figures
    )


def _fall(one: CheckedAudit, settings: GateSettings) -> Iterable[Finding]:
    audit = one.audit
    again = recompute(one.judgments, audit.settings)
    stated = {compared.role: compared.figures for compared in audit.comparisons}
    if (
        again.comparisons.keys() != stated.keys()
        or not _same(again.agreement, audit.agreement["raw"]["value"])
        or not all(_is_close(again.comparisons[role], stated[role]) for role in stated)
    ):
        yield (
            "fail",
            f"The figures on {audit.model.name} are not those of the judgments.",
        )
        return
    if not stated:
        yield "warn", f"{audit.model.name} was compared with no earlier model."
        return
    limits = AuditSettings(margin=settings.audit_margin, alpha=settings.audit_alpha)
    names = {compared.role: compared.judge.name for compared in audit.comparisons}
    for role, figures in recompute(one.judgments, limits).comparisons.items():
        what = f"{audit.model.name} against {names[role]} ({role})"
        if figures["difference"] is None:
            yield "warn", f"{what}: nobody decided any pair."
            continue
        change = (
            f"it agrees {how_much_more(figures['difference'])} ({signed(figures['low'])} to "
            f"{signed(figures['high'])} points, {figures['pairs']:,} pairs)"
        )
        if figures["verdict"] == "fell":
            yield "fail", f"{what}: agreement fell, {change}."
        elif figures["verdict"] == "not worse":
            yield "pass", f"{what}: not worse by {100 * limits.margin:g} points, {change}."
        else:
            missing = figures["pairs_needed"] - figures["pairs"]
            yield "warn", f"{what}: inconclusive, {change}; about {missing:,} more would decide."


def _is_close(again: Mapping[str, Any], stated: Mapping[str, Any]) -> bool:
    return again.keys() <= stated.keys() and all(_same(again[key], stated[key]) for key in again)


def _same(one: Any, other: Any) -> bool:
    """Equal, up to what another machine's sums differ in."""
    if isinstance(one, float) and isinstance(other, int | float):
        return math.isclose(one, other, rel_tol=1e-6, abs_tol=1e-9)
    return one == other


def _level(one: CheckedAudit, settings: GateSettings) -> Iterable[Finding]:
    audit, least = one.audit, settings.min_audit_agreement
    value = audit.agreement["raw"]["value"]
    if value is None:
        yield "warn", f"{audit.model.name}: nobody decided any pair."
        return
    sentence = f"{audit.model.name} agrees with {_people(audit)} in {value:.1%}"
    rules = {
        name: estimate["value"]
        for name, estimate in audit.baselines.items()
        if estimate["value"] is not None
    }
    if least is not None and value < least:
        yield "fail", f"{sentence}; asked for: min_audit_agreement {least:.1%}."
        return
    better = [f"“{name}” in {rule:.1%}" for name, rule in rules.items() if rule >= value]
    if better:
        yield "warn", f"{sentence}, and the rule {' and '.join(better)}."
    else:
        yield "pass", f"{sentence}, more than any rule without judgment."


def _people(audit: Audit) -> str:
    return "the checker" if audit.set.judged_by == "checker" else "people"


def _set(one: CheckedAudit) -> Iterable[Finding]:
    audit = one.audit
    if one.kept_out is False:
        yield (
            "fail",
            f"The set {audit.set.name} is not kept out of training: `reserve:` in the recipe does.",
        )
        return
    where = f"The set {audit.set.name} ({audit.set.digest[:12]}, {audit.pairs.audited:,} pairs)"
    if not audit.pairs.audited:
        yield "fail", f"{where}: the model was trained on all of its pairs."
        return
    left_out = f", {audit.pairs.leaked:,} left out as trained on" if audit.pairs.leaked else ""
    doubtful = any(
        word in audit.pairs.contamination
        for word in ("is not known", "cannot be read", "frozen after")
    )
    yield (
        "warn" if doubtful or audit.pairs.leaked else "pass",
        f"{where}{left_out}. {audit.pairs.contamination}",
    )


def _readable(one: CheckedAudit, settings: GateSettings) -> Iterable[Finding]:
    share, most = one.audit.pairs.unreadable_share, settings.max_unreadable
    sentence = f"{share:.1%} of {one.audit.model.name}'s scores could not be read"
    if share > most:
        yield "fail", f"{sentence}, more than max_unreadable ({most:.1%})."
    else:
        yield "pass", f"{sentence}."


def _self_preference(one: CheckedAudit) -> Iterable[Finding]:
    audit = one.audit.model_dump(mode="json")
    found = audit["bias"].get("own text")
    if found is None or found["opportunity"]["value"] is None:
        yield "pass", f"No pair tells whether {one.audit.model.name} prefers its own text."
        return
    beside = found["beside_controls"]
    is_apart = beside is not None and beside["value"] is not None and not found["found"]
    yield "pass" if is_apart else "warn", taste_sentence(audit, "own text")
