"""The row that a card shows in full."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from builders.files.parquet import open_parquet
from builders.release.parquet import WrittenSplit
from builders.rows import Row

# So many rows are looked at.
_LOOKED_AT = 100


def example_row(splits: Mapping[str, WrittenSplit]) -> dict[str, Any] | None:
    """{row, among} of a config: the shortest of its first rows; None if it has no row.

    A row whose critique names a weakness is preferred to one whose critique names none.
    """
    for split in splits.values():
        for path in split.files:
            if rows := _first_rows(path):
                return {"row": min(rows, key=_order), "among": len(rows)}
    return None


def _first_rows(path: Path) -> list[Row]:
    with open_parquet(path) as file:
        for batch in file.iter_batches(batch_size=_LOOKED_AT):
            return batch.to_pylist()
    return []


def _order(row: Row) -> tuple[bool, int]:
    critique = row.get("critique") or {"weaknesses": [None]}
    texts = [row.get(name) for name in ("instruction", "draft", "critique", "refinement")]
    texts += [row.get(name) for name in ("system", "history", "prompt", "chosen", "rejected")]
    return not critique["weaknesses"], sum(len(str(text)) for text in texts if text)
