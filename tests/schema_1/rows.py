"""What tests of schema 1.x know of later schemas, and the rows of parquet files."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

# Columns of schema 1.1, and a check of its gate, by the names that they have today.
RENAMED = {
    "licence": "license",
    "licences": "licenses",
    "model": "draft_model",
    "response": "draft",
    "response_score": "draft_score",
}
# Words of the request in training rows, and what they are today.
REWORDED = {
    "Review your last response": "Critique your last response",
    "response, and then improve it.": "response, then improve it.",
    "Stay with the instruction exactly as it is given.": "Follow the instruction exactly as given.",
}
# The lowest version that a release over `questions@v1.1.0` can have where rows are added, and a
# lower one that is refused. A change of the schema is a major one.
NEXT_VERSION, TOO_LOW = "2.0.0", "1.2.0"


def rows_in(files: Iterable[Path]) -> list[dict[str, Any]]:
    return [row for path in sorted(files) for row in pq.read_table(path).to_pylist()]


def released(release: Path, config: str, split: str) -> list[dict[str, Any]]:
    return rows_in((release / config).glob(f"{split}-*.parquet"))


def ledger(run: Path) -> list[dict[str, Any]]:
    return rows_in((run / "ledger").glob("part-*.parquet"))


def as_before(row: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """`row` with the columns of `before`, a row of schema 1.1; KeyError where it lacks one.

    Nested values keep only the keys that they had then.
    """
    return {
        name: _only(row[name] if name in row else row[RENAMED[name]], value)
        for name, value in before.items()
    }


def same_rows(rows: list[dict[str, Any]], before: list[dict[str, Any]]) -> None:
    """Compare `rows` with rows of schema 1.1, in the same order, whose requests are reworded."""
    assert len(rows) == len(before)
    found = [as_before(*pair) for pair in zip(rows, before, strict=True)]
    assert found == [_reworded(row) for row in before]


def _only(value: Any, before: Any) -> Any:
    if isinstance(value, dict) and isinstance(before, dict):
        return {key: _only(value[key], inner) for key, inner in before.items()}
    if isinstance(value, list) and isinstance(before, list) and len(value) == len(before):
        return [_only(*pair) for pair in zip(value, before, strict=True)]
    return value


def _reworded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _reworded(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_reworded(inner) for inner in value]
    if isinstance(value, str):
        for words, today in REWORDED.items():
            value = value.replace(words, today)
    return value
