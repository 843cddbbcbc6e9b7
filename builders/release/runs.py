"""The runs that a release is made of: whether they can be, and what they say together."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow.compute as pc

from builders.errors import BadInput, GateRefused
from builders.files.folder import check_regular
from builders.files.hashes import sha256_of_files
from builders.ledger.manifest import FunnelFacts, RunManifest
from builders.ledger.merged import LedgerPart, MergedLedger
from builders.ledger.models import public_name
from builders.ledger.run import Run
from builders.manifest import ReleasedModel, ReleasedRun
from builders.rows.reasons import REASONS
from builders.rows.schema import LEDGER_VERSIONS, SCHEMA_VERSION, STEPS
from builders.settings import FilterSettings, ReviewSettings
from cards.metadata import language_problem, license_problem

CompleteRun = tuple[Run, RunManifest]

# A release has one of each: runs that differ in it cannot become one.
_SHARED = ("stage", "license", "license_name", "license_link", "test_share", "gate", "review")


@dataclass(frozen=True)
class MergedRuns:
    """What the runs of a release say together.

    `models` has each block that any run has once. A filter has a list of values if the runs differ
    in it, and `recipe_sha256` and `seed` are None if they do.
    """

    stage: int
    license: str
    license_name: str | None
    license_link: str | None
    test_share: float
    review: ReviewSettings
    language: list[str]
    about: str | None
    criteria: list[str]
    recipe_sha256: str | None
    seed: int | None
    runs: list[ReleasedRun]
    models: list[ReleasedModel]
    checkpoints: list[dict[str, Any]]
    filters: dict[str, Any]
    reserve: list[str]


def check_runs(runs: Sequence[CompleteRun]) -> None:
    """Raise unless each run can be released, is as its build left it, and fits the others."""
    folders: set[str] = set()
    for run, manifest in runs:
        _check_run(run, manifest)
        _check_card(run, manifest)
        if (folder := str(run.folder.resolve())) in folders:
            raise BadInput(f"{run.folder}: this run is given twice")
        folders.add(folder)
    first = runs[0][0]
    values, *others = (_shared(manifest) for _, manifest in runs)
    for (run, _), other in zip(runs[1:], others, strict=True):
        for key, value in other.items():
            if value != values[key]:
                raise BadInput(
                    f"{run.manifest_path}: {key} is {value!r}, and in {first.folder} it is "
                    f"{values[key]!r}; the runs of a release agree in it"
                )
    funnels = [manifest.funnel for _, manifest in runs]
    if not any(funnel.kept for funnel in funnels):
        where = ", ".join(str(run.folder) for run, _ in runs)
        raise GateRefused(f"{where}: {_why_nothing_was_kept(funnels)}")
    for run, manifest in runs:
        tables = merged_ledger([(run, manifest)]).tables(["status"])
        kept = sum(pc.sum(pc.equal(table["status"], "kept")).as_py() or 0 for _, table in tables)
        if kept != manifest.funnel.kept:
            raise BadInput(f"{run.manifest_path}: its count of kept rows is not the ledger's")


def _shared(manifest: RunManifest) -> dict[str, Any]:
    """What the runs of a release agree in, by the dotted key of a recipe."""
    values = manifest.model_dump(mode="json", include=set(_SHARED))
    return {
        **{key: value for key, value in values.items() if not isinstance(value, dict)},
        **{
            f"{block}.{key}": value
            for block, settings in values.items()
            if isinstance(settings, dict)
            for key, value in settings.items()
        },
    }


def _check_run(run: Run, manifest: RunManifest) -> None:
    where, share = run.manifest_path, manifest.test_share
    if manifest.schema_version not in LEDGER_VERSIONS:
        raise BadInput(
            f"{where}: the rows have schema {manifest.schema_version}, and this version "
            f"releases schema {SCHEMA_VERSION}"
        )
    if manifest.stage not in (1, 2):
        raise BadInput(f"{where}: stage {manifest.stage} is neither 1 nor 2")
    if not 0 <= share < 1:
        raise BadInput(f"{where}: test_share is {share}; it must be at least 0 and less than 1")
    for part in run.parts():
        check_regular(part)
    found, listed = sha256_of_files(run.parts(), run.folder), manifest.files
    if other := sorted(set(found.items()) ^ set(listed.items())):
        name = other[0][0]
        state = "is missing" if name not in found else "is damaged, or not of this run"
        raise BadInput(
            f"{run.folder / name} {state}: the ledger's files are not those that the run's "
            "manifest lists"
        )


def _check_card(run: Run, manifest: RunManifest) -> None:
    """BadInput if the Hub would refuse the card: a run may be older than the Hub's lists here."""
    problem = license_problem(manifest.license, manifest.license_name, manifest.license_link)
    key = "license"
    if problem is None:
        key = "language"
        problem = next(filter(None, map(language_problem, manifest.language)), None)
    if problem:
        raise BadInput(
            f"{run.manifest_path}: {key}: {problem}; change the recipe, and `srt build` writes it "
            "into the run"
        )


def _why_nothing_was_kept(funnels: Iterable[FunnelFacts]) -> str:
    rows, dropped = 0, Counter[str]()
    for funnel in funnels:
        rows += funnel.rows
        dropped.update(funnel.dropped)
    if not rows:
        return "nothing to release: the run has no rows"
    top = sorted(dropped.items(), key=lambda item: (-item[1], item[0]))[:3]
    reasons = "; ".join(f"{count:,} × {reason} ({REASONS[reason]})" for reason, count in top)
    return f"nothing to release: none of {rows:,} rows was kept: {reasons}"


def names_of(runs: Sequence[CompleteRun]) -> list[str]:
    """A name for each run: its recipe's, or its folder's if recipes share a name."""
    names = [manifest.name or run.folder.name for run, manifest in runs]
    if len(set(names)) < len(names):
        return [run.folder.resolve().name for run, _ in runs]
    return names


def merged_ledger(runs: Sequence[CompleteRun]) -> MergedLedger:
    """The ledgers of the runs, one part for each."""
    names = names_of(runs)
    return MergedLedger(
        [LedgerPart(number, names[number], run.parts()) for number, (run, _) in enumerate(runs)]
    )


def merge_runs(runs: Sequence[CompleteRun]) -> MergedRuns:
    manifests = [manifest for _, manifest in runs]
    first = manifests[0]
    abouts = dict.fromkeys(manifest.about for manifest in manifests if manifest.about)
    return MergedRuns(
        stage=first.stage,
        license=first.license,
        license_name=first.license_name,
        license_link=first.license_link,
        test_share=first.test_share,
        review=first.review,
        language=_distinct(code for manifest in manifests for code in manifest.language),
        about="\n\n".join(abouts) or None,
        criteria=_distinct(manifest.criteria for manifest in manifests if manifest.criteria),
        recipe_sha256=_common(manifest.recipe_sha256 for manifest in manifests),
        seed=_common(manifest.seed for manifest in manifests),
        runs=[
            ReleasedRun(
                name=name,
                rows=manifest.funnel.rows,
                kept=manifest.funnel.kept,
                recipe_sha256=manifest.recipe_sha256,
                seed=manifest.seed,
                filters=manifest.filters,
            )
            for name, manifest in zip(names_of(runs), manifests, strict=True)
        ],
        models=_distinct(
            _public_model(step, manifest.models[step])
            for step in STEPS
            for manifest in manifests
            if step in manifest.models
        ),
        checkpoints=_distinct(
            {**block.model_dump(), "model": public_name(block.model)}
            for manifest in manifests
            for block in manifest.checkpoints
        ),
        filters=_merged_filters([manifest.filters for manifest in manifests]),
        # One run's set is out of bounds for all of them.
        reserve=_distinct(name for manifest in manifests for name in manifest.reserve),
    )


def _public_model(step: str, block: Mapping[str, Any]) -> ReleasedModel:
    # Key by key: what else a run notes about a model, such as an address, is not for the public.
    keys = ("endpoint", "template", "temperature", "top_p", "max_new_tokens")
    model = public_name(block["model"])
    return ReleasedModel(step=step, model=model, **{key: block[key] for key in keys})


def _common(values: Iterable[Any]) -> Any:
    """The value if there is only one, or None."""
    distinct = _distinct(values)
    return distinct[0] if len(distinct) == 1 else None


def _merged_filters(filters: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    names = _distinct(name for some in filters for name in some)
    # A run that is older than a filter was made without it, as by its default.
    defaults = FilterSettings().model_dump()
    merged = {
        name: _distinct(some.get(name, defaults.get(name)) for some in filters) for name in names
    }
    return {name: values[0] if len(values) == 1 else values for name, values in merged.items()}


def _distinct(values: Iterable[Any]) -> list[Any]:
    distinct: list[Any] = []
    for value in values:
        if value not in distinct:
            distinct.append(value)
    return distinct
