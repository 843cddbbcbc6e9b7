"""The card of a dataset release: YAML front matter, and text that states computed facts."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from huggingface_hub import DatasetCardData

from cards.audit_report import audit_facts
from cards.evaluation_report import evaluation_facts
from cards.example import cells_of
from cards.facts import ConfigFacts, DatasetFacts, ExampleFacts, ModelFacts, SplitFacts
from cards.front_matter import FrontMatterError, front_matter
from cards.glance import audit_lines, people_line, win_rate_lines
from cards.markdown import one_line
from cards.metadata import license_terms, size_categories
from cards.rendering import QUESTIONS, environment, with_loading

_TAGS = (
    "self-refinement",
    "self-refinement-tuning",
    "critique",
    "language-feedback",
    "alignment",
    "synthetic",
    # What runs are made with; the Hub lists datasets by it.
    "distilabel",
)
_STAGE_TAGS = {1: (), 2: ("preference", "dpo")}
# The Hub's words for annotators, by the recipe's.
_PEOPLE = {"experts": "expert-generated", "crowd": "crowdsourced", None: "other"}
# How a source names a dataset of the Hub: with the commit that was read.
_HUB_DATASET = re.compile(r"([\w.-]+/[\w.-]+)@[0-9a-f]{12}", re.ASCII)
# The columns of the configs `feedback` and `preferences`, the defaults of the two stages.
COLUMNS = {
    "id": "id of the row, the same in all configs",
    "system": "system prompt, if any",
    "history": "the turns before the instruction, as a list of messages; empty for a single turn",
    "instruction": "the user's instruction",
    "criteria": "what a good answer has to do, if known",
    "draft": "the first answer",
    "critique": "critique of the draft: weaknesses, suggestions and a score from 1 to 10",
    "refinement": "the improved answer, written by the critic",
    "draft_score": "independent score of the draft, 1 to 10",
    "refinement_score": "independent score of the refinement, 1 to 10",
    "control_scores": "scores by further scorers, if there were any: model, `draft_score` and "
    "`refinement_score`, or in `detail` why one is missing",
    "prompt": "the conversation up to the instruction, as a list of messages",
    "chosen": "the refinement, as a list with one message",
    "rejected": "the draft, as a list with one message",
    "chosen_score": "independent score of the refinement, 1 to 10",
    "rejected_score": "independent score of the draft, 1 to 10",
    "margin": "`chosen_score` minus `rejected_score`",
    "task": "the problem as JSON, if a program can check the answer",
    "source": "the source of the instruction",
    "license": "the license of the source",
    "draft_model": "the model that wrote the draft",
    "critic_model": "the model that wrote critique and refinement",
    "critique_template": "SHA-256 of the critic's prompt template",
    "human_verdict": "summary of the human verdicts on the row, if there are any",
}


def render_dataset_card(facts: DatasetFacts) -> str:
    """The README of a release, front matter first.

    A missing fact raises KeyError or jinja2.UndefinedError, whose text names it.
    """
    models = facts["models"]
    body = (
        environment()
        .get_template("dataset_card.md.j2")
        .render(
            facts,
            repo=None,
            has_verdicts=facts["review"] is not None,
            people=people_line(facts["review"]),
            audited=list(audit_lines(facts["audits"] or ())),
            win_rates=list(win_rate_lines(facts["evaluations"] or ())),
            example=_example(facts["example"]),
            default_splits=_default_config(facts)["splits"],
            columns=list(_columns(facts)),
            audits=[audit_facts(one) for one in facts["audits"] or ()],
            evaluations=[evaluation_facts(one) for one in facts["evaluations"] or ()],
            rows_of=_rows_of,
            questions=QUESTIONS,
            drafters=_model_names(models, "draft"),
            critics=_model_names(models, "critique"),
            kept_only=_reviews_of_kept_rows(facts["review"]),
            scorers=_model_names(models, "score_draft", "score_refinement"),
            controls=facts["funnel"].get("controls", []),
            systems=_system_prompts(facts["funnel"].get("systems", [])),
            judged=facts["funnel"].get("criteria"),
            scorers_agree=facts["filters"].get("scorers_agree"),
            split_names=[
                name
                for name in ("train", "test")
                if any(_rows_of(config["splits"], name) is not None for config in facts["configs"])
            ],
        )
    )
    return f"---\n{_front_matter(facts)}\n---\n\n{body}"


def published_card(card: str, repo: str, version: str) -> str:
    """The card of a release as readers of the repository need it: with how to load it from there.

    All the rest of it is left alone. ValueError if its front matter cannot be read.
    """
    try:
        configs = (front_matter(card) or {}).get("configs") or []
        default = next((one["config_name"] for one in configs if one.get("default")), None)
    except (AttributeError, KeyError, TypeError) as error:
        raise FrontMatterError(f"its configs are not a list of configs ({error})") from None
    if default is None:
        return card
    loading = (
        environment()
        .get_template("_loading.md.j2")
        .render(
            repo=repo,
            version=version,
            default_config=default,
            has_verdicts=any(one["config_name"] == "verdicts" for one in configs),
        )
    )
    return with_loading(card, loading)


def size_category(rows: int) -> str:
    """The Hub's class of this size; the first is below a thousand, and each next ten times so.

    >>> size_category(999), size_category(1000), size_category(10**12)
    ('n<1K', '1K<n<10K', 'n>1T')
    """
    names = size_categories()
    return names[min(max(0, len(str(rows)) - 3), len(names) - 1)]


def _front_matter(facts: DatasetFacts) -> str:
    default = facts["default_config"]
    rows = {
        config["name"]: sum(split["rows"] for split in config["splits"])
        for config in facts["configs"]
    }
    data = DatasetCardData(
        language=[one_line(code) for code in facts["language"]],
        license=one_line(facts["license"]),
        **license_terms(facts),
        pretty_name=one_line(facts["name"]),
        annotations_creators=_annotators(facts["review"]),
        task_categories=["text-generation"],
        size_categories=[size_category(rows[default])],
        source_datasets=_source_datasets(facts) or None,
        tags=[*_TAGS, *_STAGE_TAGS[facts["stage"]], *_people_tags(facts["review"])],
        configs=[_data_files(config, config["name"] == default) for config in facts["configs"]],
        dataset_info=facts["dataset_info"],
    )
    return data.to_yaml()


def _default_config(facts: DatasetFacts) -> ConfigFacts:
    return next(one for one in facts["configs"] if one["name"] == facts["default_config"])


def _example(example: ExampleFacts | None) -> dict[str, Any] | None:
    """The row that is shown in full: which one it is, and the cells of its table."""
    if example is None:
        return None
    among = example["among"]
    which = "the only row" if among == 1 else f"the shortest of the first {among:,} rows, in full"
    return {"lead": which, "cells": list(cells_of(example["row"]))}


def _annotators(review: Mapping[str, Any] | None) -> list[str]:
    """Who made the annotations, in the Hub's words: people only where a verdict is by one.

    `other` are people of whom the recipe does not say whether they are experts or a crowd.
    """
    if review is None:
        return ["machine-generated"]
    return ["machine-generated", _PEOPLE[review["people"]]]


def _people_tags(review: Mapping[str, Any] | None) -> list[str]:
    """`argilla` where people answered there, and not in files."""
    designs = review["reviews"] if review else ()
    return ["argilla"] if any("files" not in design for design in designs) else []


def _reviews_of_kept_rows(review: Mapping[str, Any] | None) -> list[str]:
    """The names of the reviews that count and are of kept rows only."""
    designs = review["reviews"] if review else ()
    return [one["name"] for one in designs if one["rows"] == "kept" and not one["assisted"]]


def _source_datasets(facts: DatasetFacts) -> list[str]:
    """The sources that are datasets of the Hub, in its vocabulary; files have no name there."""
    names = (_HUB_DATASET.fullmatch(source["name"]) for source in facts["sources"])
    return sorted({f"extended|{name[1]}" for name in names if name})


def _data_files(config: ConfigFacts, is_default: bool) -> dict[str, Any]:
    files = [
        {"split": split["name"], "path": f"{config['name']}/{split['name']}-*"}
        for split in config["splits"]
    ]
    return {
        "config_name": config["name"],
        "data_files": files,
        **({"default": True} if is_default else {}),
    }


def _columns(facts: DatasetFacts) -> Iterator[tuple[str, str]]:
    """(name, description) of the default config's columns."""
    for info in facts["dataset_info"]:
        if info["config_name"] == facts["default_config"]:
            for feature in info["features"]:
                yield feature["name"], COLUMNS[feature["name"]]


def _system_prompts(systems: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """{steps, system} of each different system prompt of the recipes."""
    steps: dict[str, list[str]] = {}
    for one in systems:
        steps.setdefault(one["system"], []).append(one["step"])
    return [{"system": system, "steps": of_system} for system, of_system in steps.items()]


def _rows_of(splits: Sequence[SplitFacts], name: str) -> int | None:
    return next((split["rows"] for split in splits if split["name"] == name), None)


def _model_names(models: Sequence[ModelFacts], *steps: str) -> str:
    """The models of these steps, each named once."""
    names = {block["model"]: None for block in models if block["step"] in steps}
    return ", ".join(names) or "no model call"
