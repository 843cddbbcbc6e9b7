"""Whether an instruction was there before, in the data that a model was trained on.

Stage 2 needs instructions that stage 1 has not seen (arXiv 2406.07168): a model
repeats what it was trained on, and its judgement of that is worth nothing.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from builders.dedup import normalise
from builders.errors import BadInput
from builders.run import Run
from builders.sketch import PERMUTATIONS, SIMILARITY, sketches

# Numbers in a row that have to be equal before two sketches are compared.
_BAND = 4
_COLUMNS = ["id", "instruction", "task"]


class Earlier:
    """Instructions seen before: by id, by normalised text, and by likeness.

    Problems with a computable answer are alike by design, and are compared by the problem
    itself instead. An instruction takes a few kilobytes.
    """

    def __init__(self) -> None:
        self._ids: set[str] = set()
        self._texts: dict[str, str] = {}
        self._tasks: dict[str, str] = {}
        self._sketches: dict[str, np.ndarray] = {}
        self._bands: defaultdict[tuple[int, bytes], list[str]] = defaultdict(list)

    @classmethod
    def in_folders(cls, folders: Sequence[Path]) -> "Earlier":
        """What the runs or releases in `folders` hold; BadInput where one is neither."""
        earlier = cls()
        for folder in folders:
            for row in _rows(folder):
                earlier.add(row)
        return earlier

    def add(self, row: Mapping[str, Any]) -> None:
        if row["id"] in self._ids:
            return
        self._ids.add(row["id"])
        self._texts.setdefault(normalise(row["instruction"]), row["id"])
        if row["task"] is not None:
            self._tasks.setdefault(row["task"], row["id"])
        else:
            sketch = self._sketches[row["id"]] = sketches([row["instruction"]])[0]
            for band in _bands(sketch):
                self._bands[band].append(row["id"])

    def same_as(self, row: Mapping[str, Any]) -> str | None:
        """The id of an earlier instruction that `row` repeats, or None."""
        if row["id"] in self._ids:
            return row["id"]
        if same := self._texts.get(normalise(row["instruction"])):
            return same
        if row["task"] is not None:
            return self._tasks.get(row["task"])
        sketch = sketches([row["instruction"]])[0]
        offered = {other for band in _bands(sketch) for other in self._bands.get(band, ())}
        return next(
            (
                other
                for other in sorted(offered)
                if (sketch == self._sketches[other]).mean() >= SIMILARITY
            ),
            None,
        )


def _bands(sketch: np.ndarray) -> Iterator[tuple[int, bytes]]:
    return ((at, sketch[at : at + _BAND].tobytes()) for at in range(0, PERMUTATIONS, _BAND))


def _rows(folder: Path) -> Iterator[dict[str, Any]]:
    run = Run(folder)
    if run.recipe_path.is_file():
        yield from run.iter_rows(_COLUMNS)
        return
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        splits = manifest["configs"]["ledger"].values()
    except (OSError, ValueError, KeyError, TypeError):
        raise BadInput(f"disjoint_from: {folder} is neither a run nor a release") from None
    for split in splits:
        for path in split["files"]:
            for batch in pq.ParquetFile(folder / path).iter_batches(512, columns=_COLUMNS):
                yield from batch.to_pylist()
