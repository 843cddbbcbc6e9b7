"""Every text of a ledger row, to be read or replaced: also in lists, in calls and in the task."""

import json
from collections.abc import Callable, Mapping
from typing import Any

Change = Callable[[str], str]

# Keys whose values are ours: ids, hashes and words of a fixed list.
_AS_IS = frozenset(
    {"id", "licence", "status", "reason", "step", "endpoint", "template", "finish_reason"}
)
# Most values of a row's calls.
_NO_TEXT = frozenset({type(None), int, float, bool})


def change_texts(row: Mapping[str, Any], change: Change) -> dict[str, Any]:
    """The row with `change` applied to every text; a task stays JSON."""
    return {
        key: value if type(value) in _NO_TEXT or key in _AS_IS else _changed(value, change, key)
        for key, value in row.items()
    }


def texts_of(row: Mapping[str, Any]) -> list[str]:
    """The texts that `change_texts` would change."""
    found: list[str] = []

    def note(text: str) -> str:
        found.append(text)
        return text

    change_texts(row, note)
    return found


def _changed(value: Any, change: Change, key: str) -> Any:
    if isinstance(value, str):
        return _changed_task(value, change) if key == "task" else change(value)
    if isinstance(value, dict):
        return change_texts(value, change)
    if isinstance(value, list):
        return [_changed(item, change, key) for item in value]
    return value


def _changed_task(task: str, change: Change) -> str:
    try:
        values = json.loads(task)
        changed = _changed_json(values, change)
        return task if changed == values else json.dumps(changed)
    except (ValueError, RecursionError):
        return change(task)


def _changed_json(value: Any, change: Change) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {change(key): _changed_json(item, change) for key, item in value.items()}
    if isinstance(value, list):
        return [_changed_json(item, change) for item in value]
    if isinstance(value, int | float) and not isinstance(value, bool):
        # A card's number may be written as a number; what is put in its place is a text.
        text = json.dumps(value)
        changed = change(text)
        return value if changed == text else changed
    return value
