"""From a complete run to a release: an immutable folder `NAME@vX.Y.Z/` that loads anywhere.

Rows stream from the ledger into parquet; the card, the picture and the changelog are made of the
figures counted on the way, and the manifest is written last. The same run gives the same bytes.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from builders.atomic import atomic_folder
from builders.errors import BadInput, GateRefused
from builders.preferences import LengthMatch
from builders.reasons import REASONS
from builders.release.configs import Config, Row, stage1_configs, to_public, write_configs
from builders.release.facts import Written, card_facts, release_manifest
from builders.release.splits import Splits, plan_splits
from builders.release.stage2 import stage2_configs
from builders.release.statistics import ReleaseStatistics
from builders.run import Run, sha256_of, write_json
from builders.schema import SCHEMA_VERSION
from cards.dataset_card import render_dataset_card
from cards.plots import plot_scores

Progress = Callable[[str, int], None]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_VERSION = re.compile(r"(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)")
_PROGRESS_ROWS = 250
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


def check_name_and_version(name: str, version: str) -> None:
    """Raise `BadInput` unless `name` and `version` can name a folder, a repository and a tag."""
    if not _NAME.fullmatch(name):
        raise BadInput(
            f"name {name!r}: a release is named with letters, digits, '.', '_' and '-', and "
            "begins with a letter or a digit"
        )
    if not _VERSION.fullmatch(version):
        raise BadInput(f"version {version!r}: write it as X.Y.Z, such as 1.0.0, without a 'v'")


def check_run(run: Run, manifest: Mapping[str, Any]) -> None:
    """Raise unless the run is one that can be released and is as its build left it."""
    where = run.manifest_path
    missing = [key for key in _MANIFEST_KEYS if key not in manifest]
    if missing:
        raise BadInput(f"{where}: the keys {', '.join(missing)} are missing")
    if manifest["schema_version"] != SCHEMA_VERSION:
        raise BadInput(
            f"{where}: the rows have schema {manifest['schema_version']}, and this version "
            f"releases schema {SCHEMA_VERSION}"
        )
    if manifest["stage"] not in (1, 2):
        raise BadInput(f"{where}: stage {manifest['stage']!r} is neither 1 nor 2")
    share = manifest["test_share"]
    if not 0 <= share < 1:
        raise BadInput(f"{where}: test_share is {share}; it must be at least 0 and less than 1")
    funnel = manifest["funnel"]
    if not funnel["kept"]:
        raise GateRefused(f"{run.folder}: {_nothing_kept(funnel)}")
    if sha256_of(run.parts(), run.folder) != manifest["files"]:
        raise BadInput(
            f"{run.ledger_folder}: the files are not those that the run's manifest lists"
        )


def _nothing_kept(funnel: Mapping[str, Any]) -> str:
    if not funnel["rows"]:
        return "nothing to release: the run has no rows"
    top = sorted(funnel["dropped"].items(), key=lambda item: (-item[1], item[0]))[:3]
    reasons = "; ".join(f"{count:,} × {reason} ({REASONS[reason]})" for reason, count in top)
    return f"nothing to release: none of {funnel['rows']:,} rows was kept: {reasons}"


def _reported(rows: Iterator[Row], stage: str, progress: Progress | None) -> Iterator[Row]:
    count = 0
    for count, row in enumerate(rows, start=1):
        yield row
        if progress and count % _PROGRESS_ROWS == 0:
            progress(stage, count)
    if progress and count % _PROGRESS_ROWS:
        progress(stage, count)


def _plan(run: Run, test_share: float, progress: Progress | None) -> Splits:
    rows = _reported(run.iter_rows(columns=["instruction", "status"]), "splitting", progress)
    return plan_splits((row["instruction"] for row in rows if row["status"] == "kept"), test_share)


def _configs(run: Run, stage: int) -> list[Config]:
    if stage == 1:
        return stage1_configs()
    match = LengthMatch()
    for row in run.iter_rows(columns=["id", "draft", "refinement", "status"]):
        if row["status"] == "kept":
            match.add(row)
    return stage2_configs(match)


def _counted(rows: Iterator[Row], statistics: ReleaseStatistics) -> Iterator[Row]:
    for row in rows:
        public = to_public(row)
        statistics.add(public)
        yield public


def first_changelog(version: str, written: Written) -> str:
    lines = ["# Changelog", "", f"## {version}", "", "The first release.", ""]
    lines += ["| config | split | rows added |", "|---|---|--:|"]
    lines += [
        f"| {config} | {split} | {made.rows:,} |"
        for config, splits in written.items()
        for split, made in splits.items()
    ]
    return "\n".join(lines) + "\n"


def make_release(
    run: Run,
    manifest: Mapping[str, Any],
    *,
    name: str,
    version: str,
    out: Path,
    progress: Progress | None = None,
) -> Path:
    """Write the release `out/NAME@vVERSION` of a complete stage-1 run; its folder.

    `progress` is told the stage ("splitting", "writing") and the ledger rows read in it.
    Raises `BadInput` where the name, the version or the run is wrong or the release exists, and
    `GateRefused` where the rows cannot be published. The folder is there whole or not at all.
    """
    check_name_and_version(name, version)
    target = out / f"{name}@v{version}"
    if target.exists():
        raise BadInput(f"{target}: this release exists and is never changed; choose a new version")
    check_run(run, manifest)
    splits = _plan(run, manifest["test_share"], progress)
    configs, statistics = _configs(run, manifest["stage"]), ReleaseStatistics()
    with atomic_folder(target) as folder:
        rows = _counted(_reported(run.iter_rows(), "writing", progress), statistics)
        try:
            written = write_configs(rows, configs, splits, folder)
        except GateRefused as error:
            raise GateRefused(f"{run.folder}: {error}") from error
        if statistics.gains.total() != manifest["funnel"]["kept"]:
            raise BadInput(f"{run.manifest_path}: its count of kept rows is not the ledger's")
        facts = card_facts(
            manifest,
            name=name,
            version=version,
            configs=configs,
            written=written,
            splits=splits,
            statistics=statistics,
        )
        funnel = manifest["funnel"]
        plot_scores(
            funnel["draft_scores"], funnel["refinement_scores"], folder / "assets" / "scores.png"
        )
        (folder / "README.md").write_text(render_dataset_card(facts), encoding="utf-8")
        (folder / "CHANGELOG.md").write_text(first_changelog(version, written), encoding="utf-8")
        write_json(folder / "manifest.json", release_manifest(manifest, facts, written, folder))
    return target
