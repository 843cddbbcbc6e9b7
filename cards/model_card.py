"""The card of a trained checkpoint: what it is, what it was trained on, and how that went."""

from collections.abc import Mapping
from typing import Any

from huggingface_hub import EvalResult, ModelCardData

from cards.markdown import one_line
from cards.rendering import environment

_TAGS = ["self-refinement-tuning", "critique", "language-feedback", "trl"]
_METHOD = {1: "sft", 2: "dpo"}


def render_model_card(facts: Mapping[str, Any]) -> str:
    """The README of a checkpoint folder; `facts` are those of its `training.json`."""
    body = environment().get_template("model_card.md.j2").render(facts)
    return f"---\n{_front_matter(facts)}\n---\n\n{body}"


def _front_matter(facts: Mapping[str, Any]) -> str:
    release = facts["release"]
    data = ModelCardData(
        base_model=one_line(facts["base_model"]),
        base_model_relation="adapter" if facts["adapter"] else "finetune",
        datasets=[release["repo"]] if release["repo"] else None,
        language=[one_line(code) for code in release["language"]],
        library_name="peft" if facts["adapter"] else "transformers",
        pipeline_tag="text-generation",
        tags=[*_TAGS, _METHOD[facts["stage"]]],
        model_name=one_line(facts["name"]),
        eval_results=_results(facts) or None,
    )
    return data.to_yaml()


def _results(facts: Mapping[str, Any]) -> list[EvalResult]:
    """The loss on the release's own test split: it carries the dataset's exact revision."""
    release, loss = facts["release"], facts["metrics"].get("eval_loss")
    if loss is None or not release["repo"]:
        return []
    return [
        EvalResult(
            task_type="text-generation",
            dataset_type=release["repo"],
            dataset_name=one_line(release["name"]),
            dataset_config=release["config"],
            dataset_split="test",
            dataset_revision=release["commit"],
            metric_type="loss",
            metric_value=loss,
        )
    ]
