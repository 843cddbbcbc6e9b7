"""The card of a dataset release: YAML front matter, and text that states computed facts."""

from collections.abc import Mapping
from typing import Any

from huggingface_hub import DatasetCardData

from cards.markdown import one_line
from cards.rendering import QUESTIONS, environment

# The Hub's size classes: the first bound above the number of rows names the class.
_SIZES = (
    (10**3, "n<1K"),
    (10**4, "1K<n<10K"),
    (10**5, "10K<n<100K"),
    (10**6, "100K<n<1M"),
    (10**7, "1M<n<10M"),
    (10**8, "10M<n<100M"),
    (10**9, "100M<n<1B"),
)
_TAGS = (
    "self-refinement",
    "self-refinement-tuning",
    "critique",
    "language-feedback",
    "alignment",
    "synthetic",
)
# The source of corrections, which is no data set.
_PEOPLE = "human"
_STAGE_TAGS = {1: (), 2: ("preference", "dpo")}


def size_category(rows: int) -> str:
    return next((name for bound, name in _SIZES if rows < bound), "n>1B")


def _rows_of(splits: list[Mapping[str, Any]], name: str) -> int | None:
    return next((split["rows"] for split in splits if split["name"] == name), None)


def _front_matter(facts: Mapping[str, Any]) -> str:
    default = facts["default_config"]
    rows = {
        config["name"]: sum(split["rows"] for split in config["splits"])
        for config in facts["configs"]
    }
    sources = {one_line(source["name"]) for source in facts["sources"]}
    data = DatasetCardData(
        language=[one_line(code) for code in facts["language"]],
        license=one_line(facts["licence"]),
        pretty_name=one_line(facts["name"]),
        annotations_creators=["machine-generated"],
        task_categories=["text-generation"],
        size_categories=[size_category(rows[default])],
        source_datasets=sorted(sources - {_PEOPLE}),
        tags=[*_TAGS, *_STAGE_TAGS[facts["stage"]]],
        configs=[_data_files(config, config["name"] == default) for config in facts["configs"]],
        dataset_info=facts["dataset_info"],
    )
    return data.to_yaml()


def _data_files(config: Mapping[str, Any], default: bool) -> dict[str, Any]:
    files = [
        {"split": split["name"], "path": f"{config['name']}/{split['name']}-*"}
        for split in config["splits"]
    ]
    return {
        "config_name": config["name"],
        "data_files": files,
        **({"default": True} if default else {}),
    }


def _model_names(models: list[Mapping[str, Any]], *steps: str) -> str:
    """The models that took `steps`, each named once."""
    names = {block["model"]: None for block in models if block["step"] in steps}
    return ", ".join(names) or "no model call"


def render_dataset_card(facts: Mapping[str, Any]) -> str:
    """The README of a release, front matter first.

    `facts` are plain values:
    `name`, `version`, `stage` (1 or 2), `schema_version`, `recipe_sha256`, `licence`,
    `language` (list of codes), `about` (text or None), `test_share` (0 to 1),
    `moved_instructions` (those that chance would have put into the other split),
    `near_instructions` (those of `test` that have gone to `train` with one like them),
    `parent_version` (or None), `runs` [{name, rows, kept, recipe_sha256}],
    `checkpoints` [{model, base_model, stage, trained_on}],
    `default_config`, `empty_configs` (names of those left out),
    `configs` [{name, description, splits: [{name, rows}]}],
    `dataset_info` (the front matter's block), `funnel` (`Funnel.as_facts`),
    `drops` [{reason, sentence, rows}], `filters` {name: value},
    `models` [{step, model, endpoint, template, temperature, top_p, max_new_tokens}],
    `sources` [{name, licence, rows, kept}], `statistics` (`ReleaseStatistics.as_facts`),
    `gate` {checks: [{name, status, sentence, allowed}], redacted: {rows, by_kind} or None} or None
    where nothing was checked (`allowed` is a reason or None), `review` (what
    `builders.release.people.People.facts` says, or None where nobody was asked) and
    `limits` {scripted, checker, same_model, scores_own_text, longer}.
    A missing one raises KeyError or jinja2.UndefinedError, whose text names it.
    """
    models = facts["models"]
    body = (
        environment()
        .get_template("dataset_card.md.j2")
        .render(
            facts,
            rows_of=_rows_of,
            questions=QUESTIONS,
            drafters=_model_names(models, "draft"),
            critics=_model_names(models, "critique"),
            scorers=_model_names(models, "score_draft", "score_refinement"),
            split_names=[
                name
                for name in ("train", "test")
                if any(s["name"] == name for c in facts["configs"] for s in c["splits"])
            ],
        )
    )
    return f"---\n{_front_matter(facts)}\n---\n\n{body}"
