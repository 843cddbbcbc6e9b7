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
    release, base = facts["release"], facts["base_model"]
    relation = "adapter" if facts["adapter"] else "finetune"
    data = ModelCardData(
        # A folder's name could be somebody else's model there.
        base_model=one_line(base["name"]) if base["on_hub"] else None,
        base_model_relation=relation if base["on_hub"] else None,
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
    """The loss on the release's own rows: what carries the dataset's exact revision."""
    release, metrics = facts["release"], facts["metrics"]
    if not release["repo"]:
        return []
    held_out = "eval_loss" in metrics
    return [
        EvalResult(
            task_type="text-generation",
            dataset_type=release["repo"],
            dataset_name=one_line(release["name"]),
            dataset_config=release["config"],
            dataset_split="test" if held_out else "train",
            dataset_revision=release["commit"],
            metric_type="loss",
            metric_value=metrics["eval_loss" if held_out else "train_loss"],
        )
    ]
