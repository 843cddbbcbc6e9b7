"""Old names in a recipe: accepted, with one line that has the new name."""

from typing import Any

from builders.errors import BadInput
from builders.progress import Notify
from builders.renamed import RECIPE_KEYS, RECIPE_VALUES


def with_new_names(values: dict[str, Any], where: str, notify: Notify | None) -> dict[str, Any]:
    """The recipe's values under today's names.

    `notify` gets one line for each old name. BadInput if an old and a new key are both there.
    """
    renamed: dict[str, str] = {}
    values = _with_new_keys(values, where, renamed)
    sources = values.get("instructions")
    if isinstance(sources, dict):
        values["instructions"] = _with_new_keys(sources, where, renamed, "instructions.")
    elif isinstance(sources, list):
        values["instructions"] = [
            _with_new_keys(source, where, renamed, f"instructions.{at}.")
            if isinstance(source, dict)
            else source
            for at, source in enumerate(sources)
        ]
    for key, names in RECIPE_VALUES.items():
        old = values.get(key)
        if isinstance(old, str) and old in names:
            values[key] = names[old]
            renamed[f"{key}: {old}"] = f"{key}: {names[old]}"
    if notify:
        for old, new in renamed.items():
            notify(f"{where}: {old!r} is now {new!r}; the old name still works")
    return values


def new_path(path: str) -> str:
    """Today's name of a dotted key.

    >>> new_path("instructions.0.licence")
    'instructions.0.license'
    """
    *parents, last = path.split(".")
    if parents and parents[0] != "instructions":
        return path
    return ".".join([*parents, RECIPE_KEYS.get(last, last)])


def _with_new_keys(
    block: dict[str, Any], where: str, renamed: dict[str, str], prefix: str = ""
) -> dict[str, Any]:
    for old in block.keys() & RECIPE_KEYS.keys():
        new = RECIPE_KEYS[old]
        if new in block:
            raise BadInput(
                f"{where}: {prefix}{old} and {prefix}{new} are the same key; keep {prefix}{new}"
            )
        renamed[old] = new
    return {RECIPE_KEYS.get(key, key): value for key, value in block.items()}
