"""Reads a recipe file: YAML and overrides in, a checked recipe or one clear line out."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from builders.errors import BadInput, reason_of
from builders.files.documents import read_yaml
from builders.progress import Notify
from cards.metadata import language_problem, license_problem
from pipelines.recipe.execution import ExecutionSettings
from pipelines.recipe.explain import explain
from pipelines.recipe.pin import with_pinned_files
from pipelines.recipe.recipe import RECIPES, Recipe
from pipelines.recipe.renamed import new_path, with_new_names
from pipelines.recipe.secrets import refuse_secrets

RECIPES_FOLDER = Path(__file__).parents[1] / "recipes"

# `key.path=value` assignments, the values in YAML; or values by their dotted keys.
Overrides = Sequence[str] | Mapping[str, Any]


def load_recipe(
    path: Path,
    overrides: Overrides = (),
    *,
    stage: int | None = None,
    model: str | None = None,
    pin: bool = True,
    notify: Notify | None = None,
) -> Recipe:
    """Read a recipe, apply the overrides, and check it; BadInput names the file and the key.

    `stage`, if given, is the stage that the recipe must be for. `model` is the drafter and critic
    of stage 2, in place of the recipe's. `pin` resolves the paths of the recipe's files and adds
    their hashes; the recipe in a run folder already has them. `notify` gets a line for each old
    name in the recipe or the overrides.
    """
    path = find_recipe(path)
    values = with_new_names(_read_yaml(path), str(path), notify)
    if model is not None:
        values = _with_checkpoint(values, model)
    _override(values, overrides, notify)
    if pin:
        refuse_secrets(values, str(path))
    recipe = parse_recipe(values, str(path), notify)
    if stage not in (None, recipe.stage):
        raise BadInput(
            f"{path}: a recipe of stage {recipe.stage}, not {stage}: "
            f"use `srt build stage{recipe.stage}`"
        )
    if not pin:
        return recipe
    _check_card(recipe, path)
    return with_pinned_files(recipe, path.parent)


def _check_card(recipe: Recipe, path: Path) -> None:
    """BadInput if the Hub would refuse the card of a release: a license or a language."""
    if problem := license_problem(recipe.license, recipe.license_name, recipe.license_link):
        raise BadInput(f"{path}: license: {problem}")
    for code in recipe.language:
        if problem := language_problem(code):
            raise BadInput(f"{path}: language: {problem}")


def find_recipe(path: Path) -> Path:
    """`path`, or the shipped recipe of that name."""
    if path.is_file():
        return path
    return shipped_recipe(str(path))


def shipped_recipes() -> list[Path]:
    """The recipes that come with this package."""
    return sorted(RECIPES_FOLDER.glob("*.yaml"))


def shipped_recipe(name: str) -> Path:
    """The shipped recipe NAME or NAME.yaml; BadInput if there is none."""
    for path in shipped_recipes():
        if name in (path.name, path.stem):
            return path
    names = ", ".join(path.name for path in shipped_recipes())
    raise BadInput(f"{name}: no such recipe; the shipped ones are {names}")


def run_of(path: Path) -> Path | None:
    """The run whose own recipe `path` is; None for any other recipe."""
    folder = path.parent
    is_run = path.name == "recipe.yaml" and (folder / "ledger").is_dir()
    return folder if is_run else None


def parse_recipe(values: dict[str, Any], where: str, notify: Notify | None = None) -> Recipe:
    """Check `values`; BadInput names `where`, the key, and the nearest known key."""
    values = with_new_names(values, where, notify)
    stage = values.get("stage", 1)
    if stage not in (*RECIPES,):
        raise BadInput(f"{where}: stage: {stage!r} is neither 1 nor 2")
    try:
        return RECIPES[stage].model_validate(values)
    except ValidationError as error:
        raise BadInput(f"{where}: {explain(error)}") from None


def execution_settings(overrides: Overrides) -> ExecutionSettings:
    """`execution` and `budget` from assignments such as `execution.kind=batch`; BadInput names the
    key."""
    values: dict[str, Any] = {}
    _override(values, overrides, None)
    try:
        return ExecutionSettings.model_validate(values)
    except ValidationError as error:
        raise BadInput(explain(error)) from None


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: not UTF-8 ({error.reason})") from None
    except yaml.YAMLError as error:
        raise BadInput(f"{path}: not YAML ({reason_of(error)})") from None
    if not isinstance(values, dict):
        raise BadInput(f"{path}: a recipe is a mapping of keys to values")
    return values


def _with_checkpoint(values: dict[str, Any], model: str) -> dict[str, Any]:
    """The recipe with `model` as drafter and critic.

    If it is a checkpoint folder, `disjoint_from` defaults to the release it was trained on.
    """
    values = {**values}
    for role in ("drafts", "critic"):
        _set(values, f"{role}.model", model)
    trained = Path(model).expanduser() / "recipe.yaml"
    if trained.is_file():
        release = Path(read_yaml(trained).get("release", ""))
        # A release that was read from the Hub is not on this disk: the recipe has to name it.
        if release.is_dir():
            values.setdefault("disjoint_from", [str(release)])
    return values


def _override(values: dict[str, Any], overrides: Overrides, notify: Notify | None) -> None:
    """Set the overrides in `values`; a later one wins over an earlier one."""
    spelled: dict[str, str] = {}
    for path, value in _assignments(overrides):
        name = new_path(path)
        other = spelled.setdefault(name, path)
        if other != path:
            raise BadInput(f"{other} and {path} are the same key; keep {name}")
        if name != path and notify:
            notify(f"{path!r} is now {name!r}; the old name still works")
        _set(values, name, value)


def _assignments(overrides: Overrides) -> Iterator[tuple[str, Any]]:
    """(key, value) of each override. No error shows the value: it may be the key of an endpoint."""
    if isinstance(overrides, Mapping):
        yield from overrides.items()
        return
    for override in overrides:
        path, equals, text = override.partition("=")
        if not equals:
            raise BadInput(
                f"{path}: write an override as key=value, such as drafts.temperature=0.5"
            )
        try:
            yield path, yaml.safe_load(text)
        except yaml.YAMLError:
            raise BadInput(f"{path}: the value after = is not a YAML value") from None


def _set(values: dict[str, Any], path: str, value: Any) -> None:
    *parents, last = path.split(".")
    target: Any = values
    try:
        for parent in parents:
            # A block that the recipe leaves to its defaults can still be set in part.
            if isinstance(target, list):
                target = target[int(parent)]
            else:
                target = target.setdefault(parent, {})
        target[int(last) if isinstance(target, list) else last] = value
    except (AttributeError, IndexError, ValueError, TypeError):
        where = ".".join(parents)
        raise BadInput(f"{path}: the recipe has no {where!r} to set this in") from None
