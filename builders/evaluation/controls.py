"""What AlpacaEval 2 adds to control for length: each instruction's difficulty, and anchors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from builders.errors import BadInput
from builders.evaluation.annotations import Judgments, index_of, item_key, number_in
from builders.evaluation.statistics.length_control import Anchors
from builders.files.tables import read_table

_DIFFICULTIES = ("difficulty", "instruction_difficulty")
# AlpacaEval's names and plain ones: tanh of the standardized difference, and the difference.
_TANH = ("tanh_std_delta_len", "tanh")
_STANDARDIZED = ("std_delta_len",)
_LENGTHS = ("delta_len", "length_difference")
_INDICES = ("index", "id")


@dataclass(frozen=True)
class Difficulties:
    """Difficulties in the order of the file, with the key and the index of each where given."""

    path: Path
    values: Sequence[float]
    by_item: Mapping[str, float]
    by_index: Mapping[str, float]

    def of(self, judgments: Judgments, *, by_row: bool = False) -> dict[str, float]:
        """The difficulty of each item; BadInput unless every item has one.

        Items are found by instruction, else by the column `index` of both files. `by_row` takes
        the row of the same number, as AlpacaEval does.
        """
        if by_row:
            found = {
                item: self.at(str(number))
                for item, number in judgments.indices.items()
                if self.at(str(number)) is not None
            }
        elif self.by_item:
            found = {item: self.by_item.get(item) for item in judgments.instructions}
        elif self.by_index and judgments.ids:
            found = {item: self.by_index.get(index) for item, index in judgments.ids.items()}
        else:
            raise BadInput(
                f"{self.path}: it has no column `instruction`, and the judgments no `index`; "
                "--join-by-row joins rows by their number"
            )
        missing = [item for item in judgments.instructions if found.get(item) is None]
        if missing:
            text = " ".join(judgments.instructions[missing[0]].split())[:60]
            raise BadInput(
                f"{self.path}: {len(missing):,} of {len(judgments.instructions):,} instructions "
                f"have no difficulty, “{text}” among them"
            )
        return {item: float(found[item]) for item in judgments.instructions}

    def at(self, index: str) -> float | None:
        """The difficulty with this index, or of the row with this number, from 0."""
        if self.by_index:
            return self.by_index.get(index)
        is_row = index.isdecimal() and int(index) < len(self.values)
        return self.values[int(index)] if is_row else None


def read_difficulties(path: Path) -> Difficulties:
    """The difficulties of a table: `instruction` or `index`, and `difficulty`."""
    values, by_item, by_index = [], {}, {}
    for place, row in read_table(path):
        key = next((key for key in _DIFFICULTIES if key in row), None)
        value = number_in(row.get(key), "difficulty", place) if key else None
        if value is None:
            raise BadInput(f"{place}: difficulty: it is missing")
        values.append(value)
        if isinstance(row.get("instruction"), str):
            by_item[item_key(row["instruction"])] = value
        index = next((row[key] for key in _INDICES if row.get(key) is not None), None)
        if index is not None:
            by_index[index_of(index)] = value
    if not values:
        raise BadInput(f"{path}: it has no rows")
    return Difficulties(path, values, by_item, by_index)


def read_anchors(path: Path, difficulties: Difficulties | None) -> Anchors:
    """Judgments of the reference against itself: `index`, a length difference, `preference`.

    The length is the reference's minus that of its longer or shorter version, in characters
    (`delta_len`) or as the tanh of its standardized value (`tanh_std_delta_len`). Preferences are
    for the version, from 0 to 1, or from 1 to 2 as AlpacaEval writes them. With difficulties, those
    of the rows are found by `index` or `instruction`.
    """
    y, tanh, lengths, places, hard = [], [], [], [], []
    for place, row in read_table(path):
        preference = number_in(row.get("preference"), "preference", place)
        if preference is None:
            continue
        y.append(preference)
        places.append(place)
        tanh.append(_first(row, _TANH, place))
        standardized = _first(row, _STANDARDIZED, place)
        if tanh[-1] is None and standardized is not None:
            tanh[-1] = float(np.tanh(standardized))
        lengths.append(_first(row, _LENGTHS, place))
        if tanh[-1] is None and lengths[-1] is None:
            raise BadInput(f"{place}: it has neither {_TANH[0]} nor {_LENGTHS[0]}")
        if difficulties is not None:
            hard.append(_difficulty(row, difficulties, place))
    if not y:
        raise BadInput(f"{path}: it has no preferences")
    shorter = _standardized(tanh, lengths, path)
    preferences = np.array(y)
    if preferences.max() > 1:
        preferences = np.where(preferences == 0, 1.5, preferences) - 1
    if ((preferences < 0) | (preferences > 1)).any():
        raise BadInput(f"{path}: preference: it has values outside 0 to 1 and outside 1 to 2")
    if np.abs(shorter).max() > 1:
        raise BadInput(f"{path}: {_TANH[0]}: it has values outside −1 to 1")
    return Anchors(preferences, shorter, np.array(hard if hard else np.zeros(len(y))))


def _standardized(tanh: list, lengths: list, path: Path) -> np.ndarray:
    if None not in tanh:
        return np.array(tanh)
    if None in lengths:
        raise BadInput(f"{path}: some rows have {_TANH[0]} and others {_LENGTHS[0]}")
    differences = np.array(lengths)
    spread = differences.std(ddof=1) if len(differences) > 1 else 0.0
    return np.tanh(differences / spread) if spread > 0 else np.zeros(len(differences))


def _first(row: Mapping, keys: Sequence[str], place: str) -> float | None:
    key = next((key for key in keys if row.get(key) is not None), None)
    return None if key is None else number_in(row[key], key, place)


def _difficulty(row: Mapping, difficulties: Difficulties, place: str) -> float:
    if isinstance(row.get("instruction"), str) and difficulties.by_item:
        found = difficulties.by_item.get(item_key(row["instruction"]))
    else:
        index = next((row[key] for key in _INDICES if row.get(key) is not None), None)
        found = None if index is None else difficulties.at(index_of(index))
    if found is None:
        raise BadInput(f"{place}: {difficulties.path} has no difficulty for it")
    return found
