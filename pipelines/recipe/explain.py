"""What is wrong with a recipe, as one line that names the key."""

import difflib
from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from builders.settings import FilterSettings, GateSettings, ReviewSettings
from pipelines.recipe.execution import AnyExecution, BudgetLimit
from pipelines.recipe.instructions import SOURCES
from pipelines.recipe.models import SEVERAL, AnyModel, Price
from pipelines.recipe.recipe import RECIPES

# pydantic puts the chosen member of a union into an error's path, where a user has no such key:
# its place, by the first key.
_UNION_TAG = {"instructions": 2, "drafts": 1, "critic": 1, "execution": 1}
# Characters of a value in a message.
_LONGEST_VALUE = 80


def explain(error: ValidationError) -> str:
    """One line on the first error, with the nearest known key where a key is unknown."""
    details = error.errors()
    unknown = [detail for detail in details if detail["type"] == "extra_forbidden"]
    detail = (unknown or details)[0]
    path = _path(detail["loc"])
    key = ".".join(map(str, path))
    match detail["type"]:
        case "union_tag_not_found":
            return f"key '{key}.kind' is missing"
        case "union_tag_invalid":
            tag, kinds = detail["ctx"]["tag"], detail["ctx"]["expected_tags"]
            return f"{key}.kind: {tag!r} is not one of {kinds}"
        case "extra_forbidden":
            near = difflib.get_close_matches(str(path[-1]), sorted(_known_keys()), n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            return f"unknown key {key!r}{hint}"
        case "missing":
            return f"key {key!r} is missing"
    found = detail["input"]
    value = "" if isinstance(found, dict | list) else f" (it is {_short(found)})"
    message = f"{detail['msg'].removeprefix('Value error, ')}{value}"
    return f"{key}: {message}" if key else message


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}…"


def _path(loc: Sequence[int | str]) -> list[int | str]:
    """The keys of an error's path that are the user's."""
    if not loc:
        return []
    tags = {_UNION_TAG.get(str(loc[0]))}
    if loc[0] == "scorer":
        # A block, or a list of them, and then the kind of model.
        tags = {1, 3 if SEVERAL in loc[1:2] else 2}
    return [part for place, part in enumerate(loc) if place not in tags]


def _known_keys() -> set[str]:
    unions = (*AnyModel.__args__, *AnyExecution.__args__, *SOURCES.values())
    settings = (FilterSettings, GateSettings, ReviewSettings)
    blocks = (*RECIPES.values(), *settings, Price, BudgetLimit, *unions)
    return {key for block in blocks for key in block.model_fields}
