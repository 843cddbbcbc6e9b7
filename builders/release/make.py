"""From complete runs to a release: an immutable folder `NAME@vX.Y.Z/` that loads anywhere.

Two passes over the ledgers: the first plans the splits and the order, the second writes. The
card, the picture and the changelog are made of the figures counted on the way, and the manifest
is written last. The same runs and the same parent give the same bytes.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from builders.ahead import ahead
from builders.errors import BadInput, GateRefused
from builders.release.changelog import changelog, entry, first_entry
from builders.release.changes import changes_since, check_version, other_changes
from builders.release.configs import Config, Row, stage1_configs, to_public
from builders.release.facts import Written, card_facts, release_manifest
from builders.release.ledgers import LEDGER_SCHEMA, Ledgers
from builders.release.order import NUMBER, in_order
from builders.release.parent import Parent, find_parent, parse_version
from builders.release.people import People
from builders.release.plan import Plan, Progress, make_plan
from builders.release.reviews import read_reviews
from builders.release.runs import CompleteRun, check_runs, merged_facts, merged_funnel, names_of
from builders.release.splits import SPLITS
from builders.release.stage2 import stage2_configs
from builders.release.staging import staging
from builders.release.statistics import ReleaseStatistics
from builders.release.verdicts import ReviewSettings
from builders.release.write import BATCH_ROWS, write_configs
from builders.review.folder import Review
from builders.run import Run, write_json
from cards.dataset_card import render_dataset_card
from cards.plots import plot_calibration, plot_scores

Transform = Callable[[Row], Row]
Check = Callable[[Path, Mapping[str, Any]], Mapping[str, Any]]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def check_name_and_version(name: str, version: str) -> None:
    """Raise `BadInput` unless `name` and `version` can name a folder, a repository and a tag."""
    if not _NAME.fullmatch(name):
        raise BadInput(
            f"name {name!r}: a release is named with letters, digits, '.', '_' and '-', and "
            "begins with a letter or a digit"
        )
    parse_version(version)


def make_release(run: Run, manifest: Mapping[str, Any], **settings: Any) -> Path:
    """The release of one run; `settings` are those of `release_runs`."""
    return release_runs([(run, manifest)], **settings)


def release_runs(
    runs: Sequence[CompleteRun],
    *,
    name: str,
    version: str,
    out: Path,
    parent: Path | Literal["none"] | None = None,
    reviews: Sequence[Review] = (),
    transform: Transform | None = None,
    check: Check | None = None,
    progress: Progress | None = None,
) -> Path:
    """Write the release `out/NAME@vVERSION` of complete runs of one stage; its folder.

    A row that two runs have kept is the first run's, and in the others dropped as a duplicate.
    `parent` is the release that this one follows: by default the latest of its name in `out`.
    `reviews` are of these runs or of earlier versions; what becomes of the rows that people found
    wrong is for the runs' recipes to say.
    `transform` changes each ledger row before anything is made of it. `check` is shown the
    folder, without card and manifest, and the facts; what it returns is on both, as `gate`.
    `progress` is told the stage ("splitting", "writing") and the ledger rows read in it.

    Raises `BadInput` where the name, the version, a run or the parent is wrong, `GateRefused`
    where the rows cannot be published, and `RunFailed` where the folder cannot be written. The
    folder is there whole or not at all.
    """
    check_name_and_version(name, version)
    target = out / f"{name}@v{version}"
    check_runs(runs)
    merged = merged_facts(runs)
    with staging(out, name, target) as (folder, scratch):
        # Here, where no other process can add a version.
        before = find_parent(out, name, version, parent)
        opinions = read_reviews(reviews, runs, name=name, version=version, out=out, parent=before)
        people = People(opinions, ReviewSettings.of(merged["review"])) if opinions else None
        ledgers = _ledgers(runs, people, transform, scratch)
        plan = make_plan(
            ledgers,
            people.names(names_of(runs)) if people else names_of(runs),
            stage=merged["stage"],
            test_share=merged["test_share"],
            folder=scratch,
            earlier=before.earlier() if before else None,
            progress=progress,
        )
        ledgers = ledgers.dropping(plan.repeated)
        told = people.told(ledgers.drops, transform) if people else None
        match = plan.match
        configs = stage1_configs(told) if match is None else stage2_configs(match, told)
        if people:
            merged["funnel"] = merged_funnel([merged["funnel"], people.funnel()])
        statistics = ReleaseStatistics()
        public = ahead(to_public(table) for _, table in ledgers.tables())
        # Closed before the folder goes, whatever happens: its thread reads there.
        with closing(ahead(in_order(public, plan.ranks, ledgers.nbytes(), scratch))) as rows:
            written = write_configs(_batches(rows, plan, statistics, progress), configs, folder)
        if not statistics.gains:
            raise GateRefused("nothing to release: no row was kept")
        facts = card_facts(
            merged,
            name=name,
            version=version,
            configs=configs,
            written=written,
            splits=plan.splits,
            statistics=statistics,
        )
        facts |= _descent(before)
        facts["review"] = people.facts(folder, told) if people and told else None
        text = _changelog(before, version, configs, written, facts)
        _draw(facts, folder / "assets")
        facts["gate"] = check(folder, facts) if check else None
        (folder / "README.md").write_text(render_dataset_card(facts), encoding="utf-8")
        (folder / "CHANGELOG.md").write_text(text, encoding="utf-8")
        write_json(folder / "manifest.json", release_manifest(facts, written, folder))
    return target


def _ledgers(
    runs: Sequence[CompleteRun], people: People | None, transform: Transform | None, scratch: Path
) -> Ledgers:
    """The rows of the runs and people's corrections of them, without those that people dropped."""
    ledgers = Ledgers([run.parts() for run, _ in runs])
    if people:
        ledgers = people.with_corrections(ledgers, scratch)
    if transform:
        ledgers = ledgers.transformed(transform, scratch)
    return ledgers.dropping(people.drops(ledgers)) if people else ledgers


def _draw(facts: Mapping[str, Any], folder: Path) -> None:
    """The card's pictures."""
    funnel, review = facts["funnel"], facts["review"]
    plot_scores(funnel["draft_scores"], funnel["refinement_scores"], folder / "scores.png")
    if review is not None:
        calibration = review["trust"]["calibration"]
        picture = folder / "calibration.png"
        plot_calibration(calibration["scores"], calibration["margins"], picture)


def _batches(
    tables: Iterator[pa.Table],
    plan: Plan,
    statistics: ReleaseStatistics,
    progress: Progress | None,
) -> Iterator[tuple[str, pa.Table]]:
    """Rows in the order of the release, counted: a split, and rows that all belong to it."""
    done = 0
    for table in tables:
        tests = plan.tests[table[NUMBER].to_numpy()]
        rows = table.drop_columns(NUMBER).cast(LEDGER_SCHEMA)
        for split in SPLITS:
            chosen = rows.filter(pa.array(tests == (split == "test")))
            for start in range(0, len(chosen), BATCH_ROWS):
                batch = chosen.slice(start, BATCH_ROWS)
                statistics.add_table(batch)
                yield split, batch
                done += len(batch)
                if progress:
                    progress("writing", done)


def _descent(parent: Parent | None) -> dict[str, str | None]:
    return {
        "parent_version": parent.version if parent else None,
        "parent_manifest_sha256": parent.manifest_sha256 if parent else None,
    }


def _changelog(
    parent: Parent | None,
    version: str,
    configs: Sequence[Config],
    written: Written,
    facts: Mapping[str, Any],
) -> str:
    """The text of CHANGELOG.md; BadInput where the version does not fit what has changed."""
    if parent is None:
        return changelog(first_entry(version, written), None)
    changes = changes_since(parent, configs, written, facts["schema_version"])
    check_version(parent, version, changes)
    others = other_changes(parent.manifest, facts)
    latest = entry(version, parent.version, changes, others)
    earlier = parent.folder / "CHANGELOG.md"
    return changelog(latest, earlier.read_text(encoding="utf-8") if earlier.exists() else None)
