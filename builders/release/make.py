"""From complete runs to a release: an immutable folder `NAME@vX.Y.Z/` that loads anywhere.

Two passes over the ledgers: the first decides splits and order, the second writes. The card, its
pictures and the changelog are made from the figures counted on the way, and the manifest is
written last. The same runs and the same previous release give the same bytes.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from contextlib import closing
from pathlib import Path
from typing import Literal

from huggingface_hub import DatasetCard

from builders.audit.reserved import reserved_instructions
from builders.errors import BadInput, GateRefused
from builders.ledger.merged import Redact
from builders.manifest import GateRecord, Manifest, write_manifest
from builders.progress import Progress
from builders.release.audits import (
    describe_audits,
    read_release_audits,
    sets_of,
    write_audits,
)
from builders.release.changelog import changelog_of
from builders.release.configs import AUDITS_CONFIG, EVALUATIONS_CONFIG, release_configs
from builders.release.evaluations import (
    describe_evaluations,
    read_release_evaluations,
    write_evaluations,
)
from builders.release.facts import card_facts, describe, describe_reserved, describe_review
from builders.release.first_pass import first_pass
from builders.release.order import ordered
from builders.release.previous import find_previous, previous_rows
from builders.release.reviews.apply import apply_reviews, released_verdicts
from builders.release.reviews.read import read_reviews
from builders.release.runs import CompleteRun, check_runs, merge_runs, merged_ledger
from builders.release.staging import staging
from builders.release.write import write_configs, write_in_pool
from builders.review.folder import Review
from builders.versions import check_name_and_version
from cards.dataset_card import render_dataset_card
from cards.metadata import metadata_problems
from cards.plots import plot_calibration, plot_scores

# Checks a release folder that has neither card nor manifest yet, given what the manifest will say.
# It returns what both record as `gate`, or raises GateRefused.
ReleaseCheck = Callable[[Path, Manifest], GateRecord]


def release_runs(
    runs: Sequence[CompleteRun],
    *,
    name: str,
    version: str,
    out: Path,
    parent: Path | Literal["none"] | None = None,
    reviews: Sequence[Review] = (),
    audits: Sequence[Path] = (),
    evaluations: Sequence[Path] = (),
    redact: Redact | None = None,
    check: ReleaseCheck | None = None,
    progress: Progress | None = None,
    rename: bool = False,
    pool: Executor | None = None,
) -> Path:
    """Write the release `out/NAME@vVERSION` of complete runs of one stage, and return its folder.

    A row that two runs kept comes from the first one; the other is dropped as a duplicate. `parent`
    is the release that this one follows: by default the latest of its name in `out`; with `rename`
    it has another name. `reviews` are
    of these runs or of earlier versions; the runs' recipes say what happens to rows that people
    found wrong. `audits` are folders of audits, whose sets are kept out of training; their figures
    and judgments are released. `evaluations` are folders of evaluations of the release's
    checkpoints, whose win rates and judgments are released. `redact` changes each ledger row
    before anything is made of it. `progress` is called with the stage ("splitting", "writing") and
    the ledger rows done in it. Work is done in `pool`, whose workers see `out` and the runs under
    the same paths; by default in threads. The files are the same.

    Raises `BadInput` if the name, the version, a run, a review or the parent is wrong,
    `GateRefused` if the rows cannot be published, and `RunFailed` if the folder cannot be written.
    The release is written whole or not at all.
    """
    check_name_and_version(name, version)
    check_runs(runs)
    merged = merge_runs(runs)
    audited = read_release_audits(audits)
    evaluated = read_release_evaluations(evaluations, runs, name)
    reserved = reserved_instructions([*merged.reserve, *sets_of(audited)])
    target = out / f"{name}@v{version}"
    with staging(out, name, target) as (folder, scratch):
        # Only in here can no other process add a version.
        previous = find_previous(out, name, version, parent, rename=rename)
        read = read_reviews(reviews, runs, name=name, version=version, out=out, previous=previous)
        ledger = merged_ledger(runs).redacted(redact, scratch)
        criteria = _redacted(merged.criteria, redact)
        votes = merged.review.votes_needed(review.design["overlap"] for review in read)
        outcome = apply_reviews(ledger, read, merged.review.wrong, votes, redact)
        first = first_pass(
            outcome.ledger,
            previous_rows(previous),
            stage=merged.stage,
            test_share=merged.test_share,
            folder=scratch,
            reserved=reserved,
            progress=progress,
            pool=pool,
        )
        verdicts = released_verdicts(outcome, first.ledger.drops, redact)
        configs = release_configs(verdicts, first.length_match)
        rows = ordered(first.ledger, first.ranks, scratch)
        if pool is None:
            with closing(rows.tables()) as tables:
                written, funnel = write_configs(
                    tables, first.in_test, configs, folder, progress, recipe_criteria=criteria
                )
        else:
            written, funnel = write_in_pool(
                pool, rows, first.in_test, configs, folder, progress, recipe_criteria=criteria
            )
        if not funnel.kept:
            raise GateRefused("nothing to release: no row was kept")
        if audited:
            configs, written = (
                [*configs, AUDITS_CONFIG],
                {**written, **write_audits(audited, folder)},
            )
        if evaluated:
            configs, written = (
                [*configs, EVALUATIONS_CONFIG],
                {**written, **write_evaluations(evaluated, folder)},
            )
        manifest = describe(
            merged,
            name=name,
            version=version,
            folder=folder,
            previous=previous,
            splits=first.splits,
            written=written,
            funnel=funnel,
            criteria=criteria,
            review=describe_review(folder, outcome, verdicts, merged.review, votes),
            reserved=describe_reserved(reserved, first.splits),
            audits=describe_audits(audited),
            evaluations=describe_evaluations(evaluated),
        )
        changelog = changelog_of(previous, manifest, configs, written)
        _draw(manifest, folder / "assets")
        gate = check(folder, manifest) if check else None
        manifest = manifest.model_copy(update={"gate": gate})
        card = render_dataset_card(card_facts(manifest, configs, written))
        _check_front_matter(card)
        (folder / "README.md").write_text(card, encoding="utf-8")
        (folder / "CHANGELOG.md").write_text(changelog, encoding="utf-8")
        write_manifest(folder, manifest)
    return target


def _check_front_matter(card: str) -> None:
    """BadInput if the Hub would refuse the card."""
    if problems := list(metadata_problems(DatasetCard(card).data.to_dict())):
        raise BadInput(f"README.md: the Hub would refuse the card: {problems[0]}")


def _redacted(criteria: list[str], redact: Redact | None) -> list[str]:
    """The recipes' criteria as they are in the rows."""
    if redact is None or not criteria:
        return criteria
    # As a row that is not kept: it has no answers to compare.
    return redact({"status": "dropped", "criteria": criteria})["criteria"]


def _draw(manifest: Manifest, folder: Path) -> None:
    """Draw the card's pictures."""
    funnel, review = manifest.funnel, manifest.review
    plot_scores(funnel["draft_scores"], funnel["refinement_scores"], folder / "scores.png")
    if review is not None:
        calibration = review["trust"]["calibration"]
        picture = folder / "calibration.png"
        plot_calibration(calibration["scores"], calibration["margins"], picture)
