"""The runs that a release is made of: whether they can be, and what they say together."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from builders.errors import BadInput, GateRefused
from builders.funnel import by_score, mean
from builders.gate.settings import GateSettings
from builders.reasons import REASONS
from builders.release.configs import public_name
from builders.release.ledgers import Ledgers
from builders.release.verdicts import ReviewSettings
from builders.run import Run, sha256_of
from builders.schema import LEDGER_VERSIONS, SCHEMA_VERSION, STEPS

Facts = Mapping[str, Any]
# A run and its manifest.
CompleteRun = tuple[Run, Facts]

_MANIFEST_KEYS = [
    "schema_version",
    "stage",
    "recipe_sha256",
    "seed",
    "licence",
    "language",
    "about",
    "test_share",
    "funnel",
    "models",
    "filters",
    "files",
]
# What a release has one of: runs that differ in it cannot become one.
_SHARED = ["stage", "licence", "test_share"]
# What a run asks of a release of it; one that says nothing of it asks for the defaults.
_ASKED: dict[str, Callable[[Facts | None], Any]] = {
    "gate": GateSettings.of,
    "review": ReviewSettings.of,
}
_SUMMED = ["rows", "drafted", "critiqued", "scored", "calls", "tokens_in", "tokens_out"]


def check_runs(runs: Sequence[CompleteRun]) -> None:
    """Raise unless each run can be released, is as its build left it, and fits the others."""
    folders: set[str] = set()
    for run, manifest in runs:
        _check_run(run, manifest)
        if (folder := str(run.folder.resolve())) in folders:
            raise BadInput(f"{run.folder}: this run is given twice")
        folders.add(folder)
    first, facts = runs[0]
    for run, manifest in runs[1:]:
        for key in (*_SHARED, *_ASKED):
            read = _ASKED.get(key, lambda value: value)
            if read(manifest.get(key)) != read(facts.get(key)):
                raise BadInput(
                    f"{run.manifest_path}: {key} is {manifest.get(key)!r}, and {first.folder} has "
                    f"{facts.get(key)!r}; runs of one release agree in it"
                )
    funnels = [manifest["funnel"] for _, manifest in runs]
    if not any(funnel["kept"] for funnel in funnels):
        where = ", ".join(str(run.folder) for run, _ in runs)
        raise GateRefused(f"{where}: {_nothing_kept(funnels)}")
    for run, manifest in runs:
        kept = sum(
            table["status"].to_pylist().count("kept")
            for _, table in Ledgers([run.parts()]).tables(["status"])
        )
        if kept != manifest["funnel"]["kept"]:
            raise BadInput(f"{run.manifest_path}: its count of kept rows is not the ledger's")


def _check_run(run: Run, manifest: Facts) -> None:
    where = run.manifest_path
    missing = [key for key in _MANIFEST_KEYS if key not in manifest]
    if missing:
        raise BadInput(f"{where}: the keys {', '.join(missing)} are missing")
    if manifest["schema_version"] not in LEDGER_VERSIONS:
        raise BadInput(
            f"{where}: the rows have schema {manifest['schema_version']}, and this version "
            f"releases schema {SCHEMA_VERSION}"
        )
    if manifest["stage"] not in (1, 2):
        raise BadInput(f"{where}: stage {manifest['stage']!r} is neither 1 nor 2")
    share = manifest["test_share"]
    if not 0 <= share < 1:
        raise BadInput(f"{where}: test_share is {share}; it must be at least 0 and less than 1")
    if sha256_of(run.parts(), run.folder) != manifest["files"]:
        raise BadInput(
            f"{run.ledger_folder}: the files are not those that the run's manifest lists"
        )


def _nothing_kept(funnels: Iterable[Facts]) -> str:
    rows, dropped = 0, Counter[str]()
    for funnel in funnels:
        rows += funnel["rows"]
        dropped.update(funnel["dropped"])
    if not rows:
        return "nothing to release: the run has no rows"
    top = sorted(dropped.items(), key=lambda item: (-item[1], item[0]))[:3]
    reasons = "; ".join(f"{count:,} × {reason} ({REASONS[reason]})" for reason, count in top)
    return f"nothing to release: none of {rows:,} rows was kept: {reasons}"


def names_of(runs: Sequence[CompleteRun]) -> list[str]:
    """A name for each run: its recipe's, or its folder's where recipes share a name."""
    names = [str(manifest.get("name") or run.folder.name) for run, manifest in runs]
    shared = len(set(names)) < len(names)
    return [run.folder.resolve().name for run, _ in runs] if shared else names


def merged_facts(runs: Sequence[CompleteRun]) -> dict[str, Any]:
    """One manifest for all runs.

    `models` is a list of {step, ...settings}, each block that any run has once; `filters` has a
    list where runs differ; `recipe_sha256`, `seed` are None where they do. The funnel's counts of
    kept and dropped rows are those of the runs.
    """
    manifests = [manifest for _, manifest in runs]
    first = manifests[0]
    abouts = dict.fromkeys(manifest["about"] for manifest in manifests if manifest["about"])
    return {
        **{key: first[key] for key in _SHARED},
        "schema_version": SCHEMA_VERSION,
        "review": first.get("review"),
        **{key: _agreed(manifests, key) for key in ("recipe_sha256", "seed")},
        "language": _distinct(code for manifest in manifests for code in manifest["language"]),
        "about": "\n\n".join(abouts) or None,
        "funnel": merged_funnel([manifest["funnel"] for manifest in manifests]),
        "models": _distinct(
            {"step": step, **manifest["models"][step]}
            for step in STEPS
            for manifest in manifests
            if step in manifest["models"]
        ),
        "checkpoints": _distinct(
            {**block, "model": public_name(block["model"])}
            for manifest in manifests
            for block in manifest.get("checkpoints", [])
        ),
        "filters": _merged_filters([manifest["filters"] for manifest in manifests]),
        "runs": [
            {
                "name": name,
                "rows": manifest["funnel"]["rows"],
                "kept": manifest["funnel"]["kept"],
                **{key: manifest[key] for key in ("recipe_sha256", "seed")},
                "filters": manifest["filters"],
            }
            for name, manifest in zip(names_of(runs), manifests, strict=True)
        ],
    }


def merged_funnel(funnels: Sequence[Facts]) -> dict[str, Any]:
    """The sums of `Funnel.as_facts` of several runs."""
    if len(funnels) == 1:
        return dict(funnels[0])
    costs = [funnel["cost"] for funnel in funnels if funnel["cost"] is not None]
    dropped = Counter[str]()
    scores = {"draft_scores": Counter[int](), "refinement_scores": Counter[int]()}
    for funnel in funnels:
        dropped.update(funnel["dropped"])
        for key, counts in scores.items():
            counts.update({int(score): count for score, count in funnel[key].items()})
    return {
        **{key: sum(funnel[key] for funnel in funnels) for key in _SUMMED},
        "cost": sum(costs) if costs else None,
        **counted(dropped, scores["draft_scores"], scores["refinement_scores"]),
    }


def counted(
    dropped: Counter[str], drafts: Mapping[int, int], refinements: Mapping[int, int]
) -> dict[str, Any]:
    """The part of a funnel's facts that says what was kept."""
    return {
        "kept": sum(drafts.values()),
        "dropped": dict(dropped.most_common()),
        "mean_draft_score": mean(drafts),
        "mean_refinement_score": mean(refinements),
        "draft_scores": by_score(drafts),
        "refinement_scores": by_score(refinements),
    }


def _agreed(manifests: Sequence[Facts], key: str) -> Any:
    values = _distinct(manifest[key] for manifest in manifests)
    return values[0] if len(values) == 1 else None


def _merged_filters(filters: Sequence[Facts]) -> dict[str, Any]:
    names = _distinct(name for some in filters for name in some)
    merged = {name: _distinct(some.get(name) for some in filters) for name in names}
    return {name: values[0] if len(values) == 1 else values for name, values in merged.items()}


def _distinct(values: Iterable[Any]) -> list[Any]:
    found: list[Any] = []
    for value in values:
        if value not in found:
            found.append(value)
    return found
