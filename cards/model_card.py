"""The card of a trained checkpoint: base model, training data and results."""

from collections.abc import Mapping
from typing import Any

from huggingface_hub import ModelCard, ModelCardData

from cards.audit_report import audit_facts
from cards.evaluation_report import evaluation_facts
from cards.glance import audit_lines, win_rate_lines
from cards.markdown import one_line
from cards.metadata import OTHER, license_terms
from cards.rendering import environment, with_loading

_TAGS = ["self-refinement-tuning", "critique", "language-feedback", "trl"]
_METHOD = {1: "sft", 2: "dpo"}


def render_model_card(
    facts: Mapping[str, Any],
    audit: Mapping[str, Any] | None = None,
    evaluation: Mapping[str, Any] | None = None,
) -> str:
    """The README of a checkpoint folder; `facts` is the content of its `training.json`.

    `audit` and `evaluation` are the contents of `audit.json` and `evaluate.json`, if there are any.
    """
    template = environment().get_template("model_card.md.j2")
    body = template.render(
        facts,
        audit=audit_facts(audit) if audit else None,
        evaluation=evaluation_facts(evaluation) if evaluation else None,
        audited=list(audit_lines([audit] if audit else [])),
        win_rates=list(win_rate_lines([evaluation] if evaluation else [])),
        license=_license(facts)["license"],
        repo=None,
    )
    return f"---\n{_front_matter(facts)}\n---\n\n{body}"


def published_model_card(card: str, repo: str, version: str) -> str:
    """The card of a checkpoint with how to load it from the repository; the rest is left alone.

    ValueError if its front matter cannot be read.
    """
    adapter = ModelCard(card).data.library_name == "peft"
    template = environment().get_template("_loading_model.md.j2")
    return with_loading(card, template.render(repo=repo, version=version, adapter=adapter))


def _license(facts: Mapping[str, Any]) -> dict[str, str]:
    """The license of the base model: a trained model is a work derived from it.

    Where it is not known, the card leads to the base model's page.
    """
    base = facts["base_model"]
    if license := base.get("license"):
        return {"license": one_line(license), **license_terms(base)}
    if base["on_hub"]:
        link = f"https://huggingface.co/{one_line(base['name'])}"
        name = "license-of-the-base-model"
        return {"license": OTHER, "license_name": name, "license_link": link}
    return {"license": "unknown"}


def _front_matter(facts: Mapping[str, Any]) -> str:
    release, base = facts["release"], facts["base_model"]
    relation = "adapter" if facts["adapter"] else "finetune"
    data = ModelCardData(
        # On the Hub, the name of a local folder could be someone else's model.
        base_model=one_line(base["name"]) if base["on_hub"] else None,
        base_model_relation=relation if base["on_hub"] else None,
        datasets=[release["repo"]] if release["repo"] else None,
        **_license(facts),
        language=[one_line(code) for code in release["language"]],
        library_name="peft" if facts["adapter"] else "transformers",
        pipeline_tag="text-generation",
        tags=[*_TAGS, _METHOD[facts["stage"]]],
        model_name=one_line(facts["name"]),
    )
    return data.to_yaml()
