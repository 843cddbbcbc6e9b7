"""All texts of a ledger row, to read or to replace: in lists, in calls and in the task too."""

import json
from collections.abc import Callable, Mapping
from typing import Any

# Keys whose values are not free text: ids, hashes, and words from a fixed list.
AS_IS = frozenset(
    {"id", "license", "status", "reason", "step", "endpoint", "template", "finish_reason", "role"}
)
# Most values of a row's calls.
_NO_TEXT = frozenset({type(None), int, float, bool})


def change_texts(row: Mapping[str, Any], change: Callable[[str], str]) -> dict[str, Any]:
    """The row with `change` applied to every text; a task stays JSON."""
    return {
        key: value if type(value) in _NO_TEXT or key in AS_IS else _changed(value, change, key)
        for key, value in row.items()
    }


def texts_of(row: Mapping[str, Any]) -> list[str]:
    """The texts that `change_texts` would change."""
    texts: list[str] = []

    def note(text: str) -> str:
        texts.append(text)
        return text

    change_texts(row, note)
    return texts


def _changed(value: Any, change: Callable[[str], str], key: str) -> Any:
    if isinstance(value, str):
        return _changed_task(value, change) if key == "task" else change(value)
    if isinstance(value, dict):
        return change_texts(value, change)
    if isinstance(value, list):
        return [_changed(item, change, key) for item in value]
    return value


def _changed_task(task: str, change: Callable[[str], str]) -> str:
    try:
        values = json.loads(task)
        changed = _changed_json(values, change)
        return task if changed == values else json.dumps(changed)
    except (ValueError, RecursionError):
        return change(task)


def _changed_json(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {change(key): _changed_json(item, change) for key, item in value.items()}
    if isinstance(value, list):
        return [_changed_json(item, change) for item in value]
    if isinstance(value, int | float) and not isinstance(value, bool):
        # A bank card's number may be a JSON number; its replacement is a text.
        text = json.dumps(value)
        changed = change(text)
        return value if changed == text else changed
    return value
