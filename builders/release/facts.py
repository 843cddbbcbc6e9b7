"""The facts of a release: what its manifest records and its card states."""

from collections.abc import Iterable, Mapping
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Any

from datasets import DatasetInfo, SplitInfo
from datasets.info import DatasetInfosDict
from datasets.splits import SplitDict
from huggingface_hub import DatasetCardData

from builders.reasons import REASONS
from builders.release.configs import Config, public_name
from builders.release.parquet import WrittenSplit
from builders.release.runs import counted
from builders.release.splits import Splits
from builders.release.statistics import ReleaseStatistics
from builders.run import sha256_of

Written = Mapping[str, Mapping[str, WrittenSplit]]

# The bytes of a release depend on its run and on these packages.
_MADE_WITH = ("pyarrow", "datasets", "huggingface_hub", "jinja2", "matplotlib")
# And its figures on people's verdicts on these.
_MEASURED_WITH = ("numpy", "statsmodels")


def dataset_info(configs: list[Config], written: Written) -> list[dict[str, Any]]:
    """The `dataset_info` block of the card: features, rows and bytes of each config."""
    infos = DatasetInfosDict()
    for config in configs:
        splits = SplitDict()
        for split, made in written[config.name].items():
            splits.add(SplitInfo(split, num_bytes=made.num_bytes, num_examples=made.rows))
        infos[config.name] = DatasetInfo(
            features=config.features,
            splits=splits,
            download_size=sum(made.file_bytes for made in written[config.name].values()),
            dataset_size=sum(made.num_bytes for made in written[config.name].values()),
        )
    card = DatasetCardData()
    infos.to_dataset_card_data(card)
    return card["dataset_info"]


def model_facts(models: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The models by step, in the given order, and no more of each than is for the public."""
    # Named one by one: whatever else a run notes, such as an address, is not for the public.
    settings = ("endpoint", "template", "temperature", "top_p", "max_new_tokens")
    return [
        {
            "step": block["step"],
            "model": public_name(block["model"]),
            **{key: block[key] for key in settings},
        }
        for block in models
    ]


def limit_facts(models: list[dict[str, Any]], statistics: ReleaseStatistics) -> dict[str, bool]:
    """Which of the known limits this release has; the card has a sentence for each."""

    def named(step: str) -> set[str]:
        return {block["model"] for block in models if block["step"] == step}

    checked = {block["step"] for block in models if block["endpoint"] == "verifiable"}
    judged_by_model = named("score_refinement") and "score_refinement" not in checked
    added = statistics.refinement_characters - statistics.draft_characters
    return {
        "scripted": "scripted" in statistics.endpoints,
        "checker": "critique" in checked,
        "same_model": bool(named("critique") & named("draft")),
        "scores_own_text": bool(judged_by_model and named("critique") & named("score_refinement")),
        "longer": bool(judged_by_model and added > 0),
    }


def card_facts(
    manifest: Mapping[str, Any],
    *,
    name: str,
    version: str,
    configs: list[Config],
    written: Written,
    splits: Splits,
    statistics: ReleaseStatistics,
) -> dict[str, Any]:
    """What `cards.dataset_card` states; `manifest` is `merged_facts`, `configs` default first.

    Of the funnel, what was kept and why not is counted anew: a row that two runs have kept is
    kept once.
    """
    models = model_facts(manifest["models"])
    funnel = {
        **manifest["funnel"],
        **counted(statistics.dropped, statistics.draft_scores, statistics.refinement_scores),
    }
    configs, empty = (
        [config for config in configs if (config.name in written) == has] for has in (True, False)
    )
    return {
        "name": name,
        "version": version,
        "stage": manifest["stage"],
        "schema_version": manifest["schema_version"],
        "recipe_sha256": manifest["recipe_sha256"],
        "seed": manifest["seed"],
        "licence": manifest["licence"],
        "language": manifest["language"],
        "about": manifest["about"],
        "test_share": splits.test_share,
        "moved_instructions": len(splits.moved),
        "near_instructions": len(splits.near),
        "runs": manifest["runs"],
        "checkpoints": manifest["checkpoints"],
        "default_config": configs[0].name,
        "empty_configs": [config.name for config in empty],
        "configs": [
            {
                "name": config.name,
                "description": config.description,
                "splits": [
                    {"name": split, "rows": made.rows}
                    for split, made in written[config.name].items()
                ],
            }
            for config in configs
        ],
        "dataset_info": dataset_info(configs, written),
        "funnel": funnel,
        "drops": [
            {"reason": reason, "sentence": REASONS[reason], "rows": rows}
            for reason, rows in sorted(
                funnel["dropped"].items(), key=lambda item: (-item[1], item[0])
            )
        ],
        "models": models,
        "filters": manifest["filters"],
        "sources": statistics.source_facts(),
        "statistics": statistics.as_facts(),
        "limits": limit_facts(models, statistics),
    }


def release_manifest(facts: Mapping[str, Any], written: Written, folder: Path) -> dict[str, Any]:
    """The release's manifest: where it came from, what is in it, and the hash of every file."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    hashes = sha256_of(files, folder)
    shared = [
        "name",
        "version",
        "schema_version",
        "recipe_sha256",
        "licence",
        "language",
        "test_share",
        "funnel",
        "models",
        "checkpoints",
        "filters",
        "sources",
        "statistics",
        "limits",
        "stage",
        "seed",
        "runs",
        "moved_instructions",
        "near_instructions",
        "parent_version",
        "parent_manifest_sha256",
        "gate",
    ]
    review = facts["review"]
    made_with = _MADE_WITH + _MEASURED_WITH * (review is not None)
    return {
        **{key: facts[key] for key in shared},
        **({"review": review} if review is not None else {}),
        "configs": {
            config: {
                split: {
                    "rows": made.rows,
                    "files": [path.relative_to(folder).as_posix() for path in made.files],
                }
                for split, made in splits.items()
            }
            for config, splits in written.items()
        },
        "files": {
            path: {"sha256": digest, "bytes": (folder / path).stat().st_size}
            for path, digest in hashes.items()
        },
        "created_by": {package: installed_version(package) for package in made_with},
    }
