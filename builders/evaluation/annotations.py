"""Judgments from files: AlpacaEval's annotations, or a plain table with a preference in each row.

AlpacaEval writes `instruction`, `output_1` (the reference's), `output_2` (the model's),
`generator_1`, `generator_2` and `preference`: 1 for the first output, 2 for the second, what is
between for less than a whole preference, 0 and 1.5 for none, and nothing where the judge failed.

A plain table has `instruction`, `answer` and `reference` (or `answer_characters` and
`reference_characters`) and `preference`, how far the answer is preferred, from 0 to 1. `part` is
`draft` or `refinement` where both are judged, and `shown` is `first` or `second` where the answer
was judged in both places, in two rows.
"""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from builders.errors import BadInput
from builders.evaluation.rows import PARTS, SHOWN
from builders.files.tables import read_table
from builders.rows import Row

_TIE = 1.5
_INSTRUCTIONS = ("instruction", "prompt")


@dataclass(frozen=True)
class Judgments:
    """Rows of `JUDGED_ROWS`, the instruction of each item, and who wrote and judged the answers.

    `indices` has the place of each item in its file, from 0, and `ids` the value of its column
    `index`, if there is one.
    """

    rows: Sequence[Row]
    instructions: Mapping[str, str]
    model: str | None = None
    reference: str | None = None
    judge: str | None = None
    indices: Mapping[str, int] = field(default_factory=dict)
    ids: Mapping[str, str] = field(default_factory=dict)


def item_key(instruction: str, history: Sequence[Mapping[str, str]] = (), system: str = "") -> str:
    """What stands for an instruction in its conversation: 16 hexadecimal digits."""
    text = json.dumps([system, [dict(turn) for turn in history], instruction], sort_keys=True)
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:16]


def read_annotations(path: Path, part: str = "answer") -> Judgments:
    """The judgments of a file, of the model's `part` where no column says of which.

    BadInput, with the place, if a row is of neither shape, or an answer is judged twice.
    """
    rows: dict[tuple[str, str], Row] = {}
    instructions, indices, ids = {}, {}, {}
    names: dict[str, set[str]] = {"model": set(), "reference": set(), "judge": set()}
    for number, (place, row) in enumerate(read_table(path)):
        instruction = next((row[key] for key in _INSTRUCTIONS if row.get(key) is not None), None)
        if not isinstance(instruction, str):
            raise BadInput(f"{place}: instruction: it is missing, or not a text")
        item = item_key(instruction, _history(row, place))
        judged = _alpaca(row, place) if "output_2" in row else _plain(row, place)
        judged = {"item": item, "part": row.get("part") or part, **judged}
        if judged["part"] not in PARTS:
            raise BadInput(f"{place}: part: {judged['part']!r} is not one of {', '.join(PARTS)}")
        _add(rows, judged, place)
        instructions[item] = instruction
        indices.setdefault(item, number)
        if row.get("index") is not None:
            ids[item] = index_of(row["index"])
        for name, keys in (
            ("model", ("generator_2", "model")),
            ("reference", ("generator_1", "reference_model")),
            ("judge", ("annotator", "judge")),
        ):
            names[name] |= {row[key] for key in keys if isinstance(row.get(key), str)}
    if not rows:
        raise BadInput(f"{path}: it has no rows")
    for name in ("model", "reference"):
        if len(names[name]) > 1:
            raise BadInput(
                f"{path}: answers of several models in one file: {', '.join(sorted(names[name]))}"
            )
    known = {name: next(iter(found), None) for name, found in names.items() if len(found) == 1}
    return Judgments(
        [_averaged(row) for row in rows.values()], instructions, **known, indices=indices, ids=ids
    )


def together(refinement: Judgments, draft: Judgments) -> Judgments:
    """The judgments of a model's refinements and of its drafts, from two files."""
    return Judgments(
        [*refinement.rows, *draft.rows],
        {**draft.instructions, **refinement.instructions},
        refinement.model or draft.model,
        refinement.reference or draft.reference,
        refinement.judge or draft.judge,
        {**draft.indices, **refinement.indices},
        {**draft.ids, **refinement.ids},
    )


def _add(rows: dict[tuple[str, str], Row], judged: Row, place: str) -> None:
    """Add one judgment; the second order of an answer joins the first."""
    key = judged["item"], judged["part"]
    known = rows.get(key)
    if known is None:
        rows[key] = judged
        return
    shown = judged["shown"]
    if shown is None or shown in known["orders"] or not known["orders"]:
        raise BadInput(
            f"{place}: this {judged['part']} was judged above; a column `shown` (first, second) "
            "tells orders apart"
        )
    known["orders"] |= judged["orders"]
    known[f"shown_{shown}"] = judged[f"shown_{shown}"]


def _averaged(row: Row) -> Row:
    """A row of `JUDGED_ROWS`; of two orders, both have to be known."""
    values = {key: row[key] for key in row if key not in ("shown", "orders")}
    if len(row["orders"]) == 2:
        both = (row["shown_first"], row["shown_second"])
        values["preference"] = None if None in both else sum(both) / 2
    return values


def _alpaca(row: Mapping[str, Any], place: str) -> Row:
    outputs = [row.get("output_1"), row.get("output_2")]
    if not all(isinstance(output, str) for output in outputs):
        raise BadInput(f"{place}: output_1 and output_2 have to be texts")
    raw = number_in(row.get("preference"), "preference", place)
    # Older files write −1 where the judge's reply could not be read.
    preference = None if raw is None or raw == -1 else _TIE if raw == 0 else raw
    if preference is not None and not 1 <= preference <= 2:
        raise BadInput(f"{place}: preference: {raw:g} is not 0, nor from 1 to 2")
    return _judged(
        len(outputs[1]), len(outputs[0]), None if preference is None else preference - 1, None
    )


def _plain(row: Mapping[str, Any], place: str) -> Row:
    if "preference" not in row:
        raise BadInput(
            f"{place}: neither AlpacaEval's annotation (output_1, output_2, preference) nor a row "
            "of instruction, answer, reference and preference"
        )
    lengths = []
    for name in ("answer", "reference"):
        if isinstance(row.get(name), str):
            lengths.append(len(row[name]))
            continue
        key = f"{name}_characters"
        number = number_in(row.get(key), key, place)
        if number is None:
            raise BadInput(f"{place}: {name}: it is missing, and so is {key}")
        if number < 0 or number != int(number):
            raise BadInput(f"{place}: {key}: {number:g} is not a number of characters")
        lengths.append(int(number))
    preference = number_in(row["preference"], "preference", place)
    if preference is not None and not 0 <= preference <= 1:
        raise BadInput(f"{place}: preference: {preference:g} is not from 0 to 1")
    shown = row.get("shown") or None
    if shown is not None and shown not in SHOWN:
        raise BadInput(f"{place}: shown: {shown!r} is not first or second")
    return _judged(*lengths, preference, shown)


def _judged(characters: int, reference: int, preference: float | None, shown: str | None) -> Row:
    return {
        "characters": characters,
        "reference_characters": reference,
        "shown_first": preference if shown == "first" else None,
        "shown_second": preference if shown == "second" else None,
        "preference": preference,
        "shown": shown,
        "orders": {shown} if shown else set(),
    }


def _history(row: Mapping[str, Any], place: str) -> Sequence[Mapping[str, str]]:
    history = row.get("history") or []
    if isinstance(history, list) and all(isinstance(turn, Mapping) for turn in history):
        return history
    raise BadInput(f"{place}: history: it is not a list of turns")


def number_in(value: Any, key: str, place: str) -> float | None:
    """A number, None for a missing one; tables of text have numbers as texts."""
    if value is None or value == "" or value == "nan":
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise BadInput(f"{place}: {key}: {value!r} is not a number") from None
    if isinstance(value, bool) or math.isinf(number):
        raise BadInput(f"{place}: {key}: {value!r} is not a number")
    return None if math.isnan(number) else number


def index_of(value: Any) -> str:
    """An index as it is compared: 7, 7.0 and "7" are the same."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
