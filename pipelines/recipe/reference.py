"""Writes docs/recipe.md from the recipe's models.

python -m pipelines.recipe.reference > docs/recipe.md
"""

import inspect
import types
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import yaml
from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from builders.settings import FilterSettings, GateSettings, PairFilterSettings, ReviewSettings
from pipelines.recipe.execution import AnyExecution, BudgetLimit
from pipelines.recipe.instructions import SOURCES
from pipelines.recipe.models import AnyModel, GivenDrafts, Model, Price, VerifiableTeacher
from pipelines.recipe.recipe import Stage1Recipe, Stage2Recipe

EXAMPLE = """\
name: support-questions
seed: 1
instructions:
  - path: questions.jsonl          # beside the recipe
    license: cc-by-4.0
    columns: {instruction: question, draft: answer}
  - builtin: stage1
    languages: [en, de]
    limit: 500
drafts:
  kind: embedded                   # a small model that needs no key
  temperature: 0.7
critic:
  kind: openai                     # any OpenAI-compatible endpoint
  base_url: https://api.openai.com/v1
  api_key_env: OPENAI_API_KEY
  model: gpt-4.1
  max_new_tokens: 2048
  price: {input: 2.00, output: 8.00}
filters:
  min_margin: 1                    # keep a row only if its refinement scores higher
budget: {money: 25}
execution: {kind: batch}
license: cc-by-4.0
language: [en, de]
gate: {personal_data: redact}
"""

_INTRODUCTION = """\
# Recipes

A recipe is a YAML file that says what a run does: where its instructions come from, which models
draft, criticize and score, and which rows are kept. `srt build stage1 RECIPE.yaml` checks it before
anything starts; a key that is unknown, missing or wrong is one line that names the file and the
key. `key=value` arguments replace values: `srt build stage1 RECIPE.yaml critic.model=gpt-4.1
filters.min_margin=2`.
"""

_ABOUT_RUNS = """\
The recipes that come with the package (`stage1-embedded.yaml`, `stage1-openai.yaml`,
`stage2-embedded.yaml`, `stage2-openai.yaml`) can be used by name.

A run records its recipe with every default filled in, and is continued only by a recipe with the
same values. The exceptions are values that its rows do not depend on: paths of pinned files, an
endpoint's address, key, concurrency, deadline, attempts and price, and the keys `rounds`,
`budget`, `execution`, `disjoint_from`, `gate` and `review`.

This page is generated from the definitions of the keys:
`python -m pipelines.recipe.reference > docs/recipe.md`.
"""

# The section of each block, by the heading that it has here.
_LINKS: dict[type[BaseModel], str] = {
    Price: "price",
    BudgetLimit: "budget",
    FilterSettings: "filters",
    PairFilterSettings: "filters of stage 2",
    GateSettings: "gate",
    ReviewSettings: "review",
}
_UNIONS = {
    "instructions": "instructions",
    "drafts": "models",
    "critic": "models",
    "scorer": "models",
    "execution": "execution",
}
_TYPES = {str: "text", int: "integer", float: "number", bool: "true or false", Path: "path"}
_BOUNDS = ((Ge, "≥ ", "ge"), (Gt, "> ", "gt"), (Le, "≤ ", "le"), (Lt, "< ", "lt"))


def recipe_reference() -> str:
    """The whole page, in Markdown."""
    sections = [
        _INTRODUCTION,
        f"```yaml\n{EXAMPLE}```\n",
        _ABOUT_RUNS,
        _section("Keys of a recipe", Stage1Recipe),
        _section("Keys of a recipe of stage 2", Stage2Recipe, _own_keys(Stage2Recipe)),
        *_sources(),
        *_models(),
        _section("filters", FilterSettings),
        _section("filters of stage 2", PairFilterSettings, _own_keys(PairFilterSettings)),
        _section("budget", BudgetLimit),
        *_executions(),
        _section("gate", GateSettings),
        _section("review", ReviewSettings),
    ]
    return "\n".join(sections)


def _sources() -> Iterator[str]:
    yield (
        "## instructions\n\nOne of these blocks, or a list of them. Each kind has a key of its "
        "own name.\n"
    )
    for key, block in SOURCES.items():
        yield _section(f"instructions: {key}", block, level=3)


def _models() -> Iterator[str]:
    yield (
        "## models\n\n`drafts`, `critic` and `scorer` each name a model by its `kind`. Equal "
        "blocks share one model.\n"
    )
    yield _section("keys of every model", Model, level=3)
    for block in get_args(AnyModel):
        yield _section(f"kind: {_kind(block)}", block, ["kind", *_own_keys(block)], level=3)
    yield _section("kind: file (drafts only)", GivenDrafts, level=3)
    yield _section("kind: verifiable (scorer, and critic of stage 1)", VerifiableTeacher, level=3)
    yield _section("price", Price, level=3)


def _executions() -> Iterator[str]:
    yield "## execution\n\nHow a run is executed. Every kind builds the same rows.\n"
    for block in get_args(AnyExecution):
        yield _section(f"execution: {_kind(block)}", block, level=3)


def _kind(block: type[BaseModel]) -> str:
    return get_args(block.model_fields["kind"].annotation)[0]


def _own_keys(block: type[BaseModel]) -> list[str]:
    """The keys that a block adds to those of its base, or defines differently."""
    return [key for key in block.model_fields if key in inspect.get_annotations(block)]


def _section(
    heading: str, block: type[BaseModel], keys: Sequence[str] | None = None, level: int = 2
) -> str:
    """A heading, the docstring of a block, and a table of its keys."""
    lines = [f"{'#' * level} {heading}", "", inspect.cleandoc(block.__doc__ or ""), ""]
    fields = block.model_fields
    rows = [_row(key, fields[key]) for key in (keys or fields) if key != "kind"]
    if rows:
        lines += ["| key | type | default | meaning |", "|---|---|---|---|", *rows, ""]
    return "\n".join(lines)


def _row(key: str, field: FieldInfo) -> str:
    if not field.description:
        raise ValueError(f"{key}: its field has no description")
    link = _UNIONS.get(key)
    type_ = f"[{link}](#{_anchor(link)})" if link else _type(field.annotation, field.metadata)
    cells = (f"`{key}`", type_, _default(field), field.description)
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _type(annotation: Any, metadata: Iterable[Any] = ()) -> str:
    """A type as users of YAML know it, with its bounds."""
    arguments = get_args(annotation)
    match get_origin(annotation):
        case origin if origin is Annotated:
            metadata = [*metadata, *_flat_metadata(arguments[1:])]
            return _type(arguments[0], metadata)
        case origin if origin is Literal:
            return " or ".join(f"`{_yaml(value)}`" for value in arguments)
        case origin if origin in (Union, types.UnionType):
            return " or ".join(
                "`null`" if member is type(None) else _type(member, metadata)
                for member in arguments
            )
        case origin if origin in (list, tuple):
            return f"list of {_type(arguments[0])}"
        case origin if origin is dict:
            return f"mapping of {_type(arguments[0])} to {_type(arguments[1])}"
    if annotation is Any:
        return "any value"
    if annotation in _LINKS:
        return f"[{_LINKS[annotation]}](#{_anchor(_LINKS[annotation])})"
    bounds = [
        f"{sign}{getattr(constraint, name):g}"
        for constraint in metadata
        for kind, sign, name in _BOUNDS
        if isinstance(constraint, kind)
    ]
    return " ".join([_TYPES[annotation], ", ".join(bounds)]).strip()


def _flat_metadata(metadata: Iterable[Any]) -> Iterator[Any]:
    for constraint in metadata:
        yield from constraint.metadata if isinstance(constraint, FieldInfo) else [constraint]


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    default = field.get_default(call_default_factory=True)
    if default is PydanticUndefined:
        return "required"
    if isinstance(default, BaseModel):
        kind = getattr(default, "kind", None)
        return f"`kind: {kind}`" if kind else "its defaults"
    return f"`{_yaml(default)}`"


def _yaml(value: Any) -> str:
    """A value as it is written in a recipe, on one line."""
    value = list(value) if isinstance(value, tuple) else value
    text = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=1000)
    return text.removesuffix("...\n").strip()


def _anchor(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    return "".join(
        character if character.isalnum() or character == "-" else ""
        for character in heading.lower().replace(" ", "-")
    )


if __name__ == "__main__":
    print(recipe_reference(), end="")
