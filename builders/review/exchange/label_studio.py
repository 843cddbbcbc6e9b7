"""Annotations of Label Studio's JSON export as rows of a file of answers.

The export is a list of tasks, each with its `data` and a list of `annotations`; a `result` names
the control that it is from (https://labelstud.io/guide/task_format). docs/review-files.md has the
labeling interface whose controls are the questions.
"""

from collections.abc import Mapping
from typing import Any

from builders.review.exchange.answers import BadRow
from builders.review.exchange.columns import ANNOTATOR, RECORD, STATUS, SUBMITTED_AT
from builders.review.record import QUESTIONS


def is_task(row: Any) -> bool:
    return (
        isinstance(row, dict)
        and isinstance(row.get("data"), dict)
        and isinstance(row.get("annotations"), list)
    )


def row_of(data: Mapping[str, Any], annotation: Any) -> dict[str, Any]:
    """The columns of one person's annotation of a task; BadRow if it is not one."""
    if not isinstance(annotation, dict) or not isinstance(annotation.get("result"), list):
        raise BadRow("not an annotation: it has no list of results")
    row = {
        RECORD: data.get(RECORD),
        ANNOTATOR: _annotator(annotation.get("completed_by")),
        STATUS: "discarded" if annotation.get("was_cancelled") else "",
        SUBMITTED_AT: annotation.get("updated_at") or annotation.get("created_at"),
    }
    for result in annotation["result"]:
        name = result.get("from_name") if isinstance(result, dict) else None
        if name in QUESTIONS:
            if name in row:
                raise BadRow(f"{name}: answered twice")
            row[name] = _value(name, result.get("value"))
    return row


def _annotator(completed_by: Any) -> Any:
    """Who annotated: an email address, or the number of the account."""
    if isinstance(completed_by, dict):
        return completed_by.get("email") or completed_by.get("id")
    return completed_by


def _value(name: str, value: Any) -> Any:
    """A control's value: choices and texts are lists, ratings and numbers are numbers."""
    if not isinstance(value, dict):
        raise BadRow(f"{name}: has no value")
    for key in ("rating", "number"):
        if key in value:
            return value[key]
    if "text" in value:
        texts = value["text"] if isinstance(value["text"], list) else [value["text"]]
        return "\n".join(map(str, texts))
    choices = value.get("choices")
    if not isinstance(choices, list) or len(choices) != 1:
        raise BadRow(f"{name}: is not one choice")
    return choices[0]
