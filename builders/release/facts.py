"""The facts of a release: its manifest, and what its card states beside it."""

from collections.abc import Iterable, Sequence
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Any

from datasets import DatasetInfo, SplitInfo
from datasets.info import DatasetInfosDict
from datasets.splits import SplitDict
from huggingface_hub import DatasetCardData

from builders.audit.reserved import ReservedInstructions
from builders.ledger.funnel import Funnel
from builders.manifest import Manifest, ReleasedModel, ReleasedSplit
from builders.release.configs import Config
from builders.release.example import example_row
from builders.release.previous import PreviousRelease
from builders.release.reviews.agreement import FIGURES_VERSION, review_of
from builders.release.reviews.apply import ReleasedVerdicts, ReviewOutcome
from builders.release.runs import MergedRuns
from builders.release.splits import Splits
from builders.release.write import Written
from builders.rows.reasons import REASONS
from builders.rows.schema import SCHEMA_VERSION
from builders.settings import ReviewSettings
from cards.facts import DatasetFacts

# The bytes of a release depend on its runs and on these packages.
_MADE_WITH = ("pyarrow", "datasets", "huggingface_hub", "jinja2", "matplotlib")
# Its figures on people's verdicts depend on these, too.
_MEASURED_WITH = ("numpy", "statsmodels")


def describe(
    runs: MergedRuns,
    *,
    name: str,
    version: str,
    folder: Path,
    previous: PreviousRelease | None,
    splits: Splits,
    written: Written,
    funnel: Funnel,
    criteria: list[str],
    review: dict[str, Any] | None,
    reserved: dict[str, Any] | None,
    audits: list[dict[str, Any]] | None,
    evaluations: list[dict[str, Any]] | None,
) -> Manifest:
    """The manifest of a release in `folder`, before its checks and the hashes of its files.

    `funnel` has counted the ledger rows as they are in the release, with people's corrections and
    with a row that two runs kept as kept once. `criteria` are the recipes', as they are in the
    rows. `review` has the figures on people's verdicts.
    """
    made_with = _MADE_WITH + _MEASURED_WITH * (review is not None)
    return Manifest(
        name=name,
        version=version,
        schema_version=SCHEMA_VERSION,
        stage=runs.stage,
        license=runs.license,
        license_name=runs.license_name,
        license_link=runs.license_link,
        language=runs.language,
        about=runs.about,
        criteria=criteria,
        parent_name=previous.manifest.name if previous and previous.manifest.name != name else None,
        parent_version=previous.version if previous else None,
        parent_manifest_sha256=previous.manifest_sha256 if previous else None,
        recipe_sha256=runs.recipe_sha256,
        seed=runs.seed,
        test_share=splits.test_share,
        moved_instructions=len(splits.moved),
        near_instructions=len(splits.near),
        runs=runs.runs,
        models=runs.models,
        checkpoints=runs.checkpoints,
        filters=runs.filters,
        sources=funnel.source_facts(),
        funnel=funnel.as_facts(),
        statistics=funnel.statistics(),
        limits=_limits(runs.models, funnel),
        reserved=reserved,
        audits=audits,
        evaluations=evaluations,
        review=review,
        gate=None,
        configs={
            config: {
                split: ReleasedSplit(
                    rows=in_split.rows,
                    files=[path.relative_to(folder).as_posix() for path in in_split.files],
                )
                for split, in_split in of_config.items()
            }
            for config, of_config in written.items()
        },
        files={},
        created_by={package: installed_version(package) for package in made_with},
    )


def describe_review(
    folder: Path,
    outcome: ReviewOutcome,
    verdicts: ReleasedVerdicts,
    settings: ReviewSettings,
    votes: int,
) -> dict[str, Any] | None:
    """The figures on the verdicts in the release in `folder`; None if it has none.

    Beside the figures of `review_of`: `figures`, their version, `wrong` and `people` of the recipe,
    `wrong_votes`, how many people it took to find a row wrong, `reviews`, how each was made, and
    `left_out`, how many of their verdicts are not in the release.
    """
    figures = review_of(folder, votes)
    if figures is None:
        return None
    return {
        **figures,
        "figures": FIGURES_VERSION,
        "wrong": settings.wrong,
        "wrong_votes": votes,
        "people": settings.people,
        "reviews": list(outcome.designs),
        "left_out": verdicts.left_out,
    }


def describe_reserved(reserved: ReservedInstructions, splits: Splits) -> dict[str, Any] | None:
    """The sets whose instructions are kept out of training; None if there are none.

    `in_test` has the hashes of instructions that an earlier version has and this one has in test.
    """
    if not reserved and not splits.reserved:
        return None
    sets = [
        {"name": one.name, "digest": one.digest, "pairs": one.facts.counts.pairs}
        for one in reserved.sets
    ]
    return {"sets": sets, "in_test": [f"{value:016x}" for value in sorted(splits.reserved)]}


def card_facts(manifest: Manifest, configs: Sequence[Config], written: Written) -> DatasetFacts:
    """What the card states: the manifest's facts, and a description of each config."""
    full = [config for config in configs if config.name in written]
    facts: dict[str, Any] = {
        **manifest.model_dump(mode="json"),
        "default_config": full[0].name,
        "empty_configs": [config.name for config in configs if config.name not in written],
        "configs": [
            {
                "name": config.name,
                "description": config.description,
                "splits": [
                    {"name": split, "rows": in_split.rows}
                    for split, in_split in written[config.name].items()
                ],
            }
            for config in full
        ],
        "dataset_info": _dataset_info(full, written),
        "example": example_row(written[full[0].name]),
        "drops": [
            {"reason": reason, "sentence": REASONS[reason], "rows": rows}
            for reason, rows in sorted(
                manifest.funnel["dropped"].items(), key=lambda item: (-item[1], item[0])
            )
        ],
    }
    return facts


def _limits(models: Iterable[ReleasedModel], funnel: Funnel) -> dict[str, bool]:
    """Which of the known limits apply; the card has a sentence for each."""

    def named(step: str) -> set[str]:
        return {model.model for model in models if model.step == step}

    checked = {model.step for model in models if model.endpoint == "verifiable"}
    is_judged_by_model = named("score_refinement") and "score_refinement" not in checked
    added = funnel.refinement_characters - funnel.draft_characters
    return {
        "scripted": "scripted" in funnel.endpoints,
        "checker": "critique" in checked,
        "same_model": bool(named("critique") & named("draft")),
        "scores_own_text": bool(is_judged_by_model)
        and bool(named("critique") & named("score_refinement")),
        "longer": bool(is_judged_by_model) and added > 0,
    }


def _dataset_info(configs: Sequence[Config], written: Written) -> list[dict[str, Any]]:
    """The `dataset_info` block of the card: features, rows and bytes of each config."""
    infos = DatasetInfosDict()
    for config in configs:
        splits = SplitDict()
        for split, in_split in written[config.name].items():
            splits.add(SplitInfo(split, num_bytes=in_split.num_bytes, num_examples=in_split.rows))
        infos[config.name] = DatasetInfo(
            features=config.features,
            splits=splits,
            download_size=sum(in_split.file_bytes for in_split in written[config.name].values()),
            dataset_size=sum(in_split.num_bytes for in_split in written[config.name].values()),
        )
    card = DatasetCardData()
    infos.to_dataset_card_data(card)
    return card["dataset_info"]
