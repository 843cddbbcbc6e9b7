"""Reads a recipe file: YAML and overrides in, a checked recipe or one clear line out."""

import difflib
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from builders.errors import BadInput
from pipelines.recipe import (
    RECIPES,
    SOURCES,
    AnyExecution,
    AnyModel,
    BudgetBlock,
    FileInstructions,
    FilterBlock,
    Price,
    Recipe,
    RefinementInstructions,
    TransformersModel,
)
from pipelines.recipe_release import GateBlock, ReviewBlock

RECIPES_FOLDER = Path(__file__).parent / "recipes"


def find_recipe(path: Path) -> Path:
    """`path`, or the recipe of that name that comes with this package."""
    if path.is_file():
        return path
    shipped = RECIPES_FOLDER / path.name
    if path.parent == Path() and shipped.is_file():
        return shipped
    names = ", ".join(sorted(recipe.name for recipe in RECIPES_FOLDER.glob("*.yaml")))
    raise BadInput(f"{path}: no such recipe; those that come along are {names}")


def load_recipe(
    path: Path,
    overrides: Sequence[str] = (),
    *,
    defaults: Mapping[str, Any] | None = None,
    pin: bool = True,
) -> Recipe:
    """Read a recipe, apply `key.path=value` overrides, and check it; BadInput names the key.

    `defaults` are for keys that the recipe leaves out. `pin` finds the recipe's files and adds
    their hashes; a run's own recipe has them.
    """
    path = find_recipe(path)
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: not UTF-8 ({error.reason})") from None
    except yaml.YAMLError as error:
        raise BadInput(f"{path}: not YAML ({' '.join(str(error).split())})") from None
    if not isinstance(values, dict):
        raise BadInput(f"{path}: a recipe is a mapping of keys to values")
    values = {**(defaults or {}), **values}
    for override in overrides:
        _apply(override, values)
    recipe = parse_recipe(values, str(path))
    return _with_paths_from(recipe, path.parent) if pin else recipe


def of_checkpoint(model: str) -> tuple[list[str], dict[str, Any]]:
    """The overrides that make `model` drafter and critic, and, where it is a checkpoint of this
    machine, the default of `disjoint_from`: the release that it was trained on."""
    name = json.dumps(model)
    overrides = [f"drafts.model={name}", f"critic.model={name}"]
    trained = Path(model).expanduser() / "recipe.yaml"
    if not trained.is_file():
        return overrides, {}
    release = Path(yaml.safe_load(trained.read_text(encoding="utf-8")).get("release", ""))
    # One that was read from the Hub is not at hand: the recipe has to name what it held.
    return overrides, {"disjoint_from": [str(release)]} if release.is_dir() else {}


def parse_recipe(values: dict[str, Any], where: str) -> Recipe:
    """Check `values`; BadInput names `where`, the key, and the nearest right one."""
    stage = values.get("stage", 1)
    if stage not in RECIPES:
        raise BadInput(f"{where}: stage: {stage!r} is neither 1 nor 2")
    try:
        return RECIPES[stage].model_validate(values)
    except ValidationError as error:
        raise BadInput(f"{where}: {_explain(error)}") from None


def _apply(override: str, values: dict[str, Any]) -> None:
    path, equals, text = override.partition("=")
    if not equals:
        raise BadInput(f"{override}: an override reads key=value, such as drafts.temperature=0.5")
    *parents, last = path.split(".")
    target: Any = values
    try:
        for parent in parents:
            # A block that the recipe leaves to its defaults can still be set in part.
            if isinstance(target, list):
                target = target[int(parent)]
            else:
                target = target.setdefault(parent, {})
        target[int(last) if isinstance(target, list) else last] = yaml.safe_load(text)
    except (AttributeError, IndexError, ValueError, TypeError):
        where = ".".join(parents)
        raise BadInput(f"{override}: the recipe has no {where!r} to set this in") from None
    except yaml.YAMLError:
        raise BadInput(f"{override}: {text!r} is not a YAML value") from None


def _with_paths_from(recipe: Recipe, folder: Path) -> Recipe:
    """Find the recipe's files, relative to the recipe, and pin each by its hash.

    Checkpoints and runs are what commands make, and are found where the command is given.
    """
    found: dict[str, Any] = {
        "instructions": [_pinned(block, folder) for block in recipe.instructions]
    }
    for role in ("drafts", "critic", "scorer"):
        found[role] = _pinned_model(getattr(recipe, role))
    # FILE and FILE:FIELD alike.
    evaluation = [
        str(folder.resolve() / Path(name).expanduser()) for name in recipe.gate.evaluation
    ]
    found["gate"] = recipe.gate.model_copy(update={"evaluation": evaluation})
    return recipe.model_copy(update=found)


def _pinned_model(model: Any) -> Any:
    if not isinstance(model, TransformersModel):
        return model
    training = Path(model.model).expanduser().resolve() / "training.json"
    if not training.is_file():
        return model
    sha256 = hashlib.sha256(training.read_bytes()).hexdigest()
    if model.training_sha256 not in (None, sha256):
        raise BadInput(f"training_sha256: {training} has the SHA-256 {sha256}")
    return model.model_copy(update={"model": str(training.parent), "training_sha256": sha256})


def _pinned(block: Any, folder: Path) -> Any:
    if isinstance(block, RefinementInstructions):
        return block.model_copy(update={"refinements": block.refinements.expanduser().resolve()})
    if not isinstance(block, FileInstructions):
        return block
    path = (folder / block.path.expanduser()).resolve()
    if not path.is_file():
        raise BadInput(f"instructions.path: {path}: no such file")
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    if block.sha256 not in (None, sha256):
        raise BadInput(f"instructions.sha256: {path} has the SHA-256 {sha256}")
    return block.model_copy(
        update={"path": path, "sha256": sha256, "name": block.name or path.name}
    )


def differing_keys(one: Recipe, other: Recipe) -> list[str]:
    """The dotted keys in which two recipes' identities differ."""
    left, right = _flat(one.identity()), _flat(other.identity())
    return sorted(key for key in left | right if left.get(key) != right.get(key))


def _flat(value: Any, prefix: str = "") -> dict[str, Any]:
    if isinstance(value, list):
        value = dict(enumerate(value))
    if not isinstance(value, dict) or not value:
        return {prefix: value}
    return {
        key: leaf
        for name, child in value.items()
        for key, leaf in _flat(child, f"{prefix}.{name}" if prefix else str(name)).items()
    }


def _explain(error: ValidationError) -> str:
    """One line on the first error, with the nearest right key where one is unknown."""
    details = error.errors()
    unknown = [detail for detail in details if detail["type"] == "extra_forbidden"]
    detail = (unknown or details)[0]
    path = _without_tags(detail["loc"])
    key = ".".join(map(str, path))
    if detail["type"] == "union_tag_not_found":
        return f"key '{key}.kind' is missing"
    if detail["type"] == "union_tag_invalid":
        tag, kinds = detail["ctx"]["tag"], detail["ctx"]["expected_tags"]
        return f"{key}.kind: {tag!r} is not one of {kinds}"
    if detail["type"] == "extra_forbidden":
        near = difflib.get_close_matches(str(path[-1]), sorted(_known_keys()), n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        return f"unknown key {key!r}{hint}"
    if detail["type"] == "missing":
        return f"key {key!r} is missing"
    found = "" if isinstance(detail["input"], dict | list) else f" (it is {detail['input']!r})"
    return f"{key}: {detail['msg']}{found}"


def _without_tags(location: tuple[str | int, ...]) -> list[str | int]:
    """pydantic puts the chosen member of a union into an error's path; users have no such key."""
    tags = {"instructions": 2, "drafts": 1, "critic": 1, "scorer": 1, "execution": 1}
    tag = tags.get(str(location[0]))
    return [part for index, part in enumerate(location) if index != tag]


def _known_keys() -> set[str]:
    unions = (*AnyModel.__args__, *AnyExecution.__args__, *SOURCES.values())
    blocks = (*RECIPES.values(), FilterBlock, GateBlock, ReviewBlock, Price, BudgetBlock, *unions)
    return {key for block in blocks for key in block.model_fields}
