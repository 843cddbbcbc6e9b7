"""The card of a dataset release: YAML front matter, and text that states computed facts."""

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from huggingface_hub import DatasetCardData

from cards.markdown import code, inline, mermaid, one_line, paragraphs

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


class _Ready(str):
    """Markdown that a filter has made, to be shown as it is."""


def size_category(rows: int) -> str:
    return next((name for bound, name in _SIZES if rows < bound), "n>1B")


def _written(value: Any) -> str:
    """How a template's value appears: text escaped, numbers readable, a missing one as a dash."""
    if isinstance(value, _Ready | jinja2.Undefined):
        return str(value)
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.2f}"
    if isinstance(value, str):
        return inline(value)
    if isinstance(value, list):
        return ", ".join(_written(item) for item in value) or "–"
    raise TypeError(f"a card cannot show {type(value).__name__}: {value!r}")


def _setting(value: Any) -> str:
    """A sampling or filter setting exactly as it was given."""
    return f"{value:g}" if isinstance(value, float) else _written(value)


def _number(form: str) -> Callable[[float | None], str]:
    return lambda value: "–" if value is None else format(value, form)


def _rows_of(splits: list[Mapping[str, Any]], name: str) -> int | None:
    return next((split["rows"] for split in splits if split["name"] == name), None)


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        undefined=jinja2.StrictUndefined,
        # Markdown, not HTML: `finalize` escapes each value, unless a filter has done it.
        autoescape=False,  # noqa: S701
        finalize=_written,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    filters = {
        "paragraphs": paragraphs,
        "code": code,
        "mermaid": mermaid,
        "verbatim": one_line,
        "setting": _setting,
        "percent": _number(".1%"),
        "signed": _number("+,.2f"),
        "whole": _number(",.0f"),
        "signed_whole": _number("+,.0f"),
    }
    for name, function in filters.items():
        environment.filters[name] = _filter(function)
    environment.filters["rows_of"] = _rows_of
    return environment


def _filter(function: Callable[[Any], str]) -> Callable[[Any], _Ready]:
    def filtered(value: Any) -> _Ready:
        if isinstance(value, jinja2.Undefined):
            # Showing it is what raises the error that names it.
            str(value)
        return _Ready(function(value))

    return filtered


def _front_matter(facts: Mapping[str, Any]) -> str:
    default = facts["default_config"]
    rows = {
        config["name"]: sum(split["rows"] for split in config["splits"])
        for config in facts["configs"]
    }
    data = DatasetCardData(
        language=[one_line(code) for code in facts["language"]],
        license=one_line(facts["licence"]),
        pretty_name=one_line(facts["name"]),
        annotations_creators=["machine-generated"],
        task_categories=["text-generation"],
        size_categories=[size_category(rows[default])],
        source_datasets=sorted({one_line(source["name"]) for source in facts["sources"]}),
        tags=list(_TAGS),
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
    `name`, `version`, `schema_version`, `recipe_sha256`, `licence`, `language` (list of codes),
    `about` (text or None), `test_share` (0 to 1), `moved_instructions` (those that chance would
    have put into the other split), `default_config`,
    `configs` [{name, description, splits: [{name, rows}]}],
    `dataset_info` (the front matter's block), `funnel` (`Funnel.as_facts`),
    `drops` [{reason, sentence, rows}], `filters` {name: value},
    `models` [{step, model, endpoint, template, temperature, top_p, max_new_tokens}],
    `sources` [{name, licence, rows, kept}], `statistics` (`ReleaseStatistics.as_facts`) and
    `limits` {scripted, checker, same_model, scores_own_text, longer}.
    A missing one raises KeyError or jinja2.UndefinedError, whose text names it.
    """
    models = facts["models"]
    body = (
        _environment()
        .get_template("dataset_card.md.j2")
        .render(
            facts,
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
