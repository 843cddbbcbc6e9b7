"""The compared answers of an evaluation as rows that people can review.

In `pairs.parquet`, a row in the ledger's shape, the reference's answer stands as the draft and the
model's as the refinement. There is no critique, and the source is the part that the answer is.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from builders.errors import BadInput
from builders.files.parquet import write_parquet
from builders.review.folder import PAIRS
from builders.review.record import NO_CRITIQUE
from builders.rows import Row
from builders.rows.read import read_rows
from builders.rows.schema import LEDGER_ROWS, new_ledger_row


def pair_id(item: str, part: str) -> str:
    return f"{item}-{part}"


def write_pairs(folder: Path, pairs: Iterable[Mapping[str, Any]]) -> None:
    """Write pairs of {item, part, conversation, answer, reference}."""
    rows = [
        new_ledger_row(
            id=pair_id(pair["item"], pair["part"]),
            source=pair["part"],
            license="unknown",
            draft=pair["reference"],
            refinement=pair["answer"],
            critique=NO_CRITIQUE,
            status="dropped",
            reason="margin",
            **pair["conversation"],
        )
        for pair in pairs
    ]
    for row in rows:
        LEDGER_ROWS.validate(row)
    write_parquet(folder / PAIRS, pa.Table.from_pylist(rows, schema=LEDGER_ROWS.schema))


def read_pairs(folder: Path, columns: list[str] | None = None) -> Iterator[Row]:
    """The pairs of an evaluation; BadInput if it has none, as one of existing judgments."""
    path = folder / PAIRS
    if not path.is_file():
        raise BadInput(
            f"{folder}: it has no {PAIRS} to ask people about; `srt evaluate MODEL` writes one, "
            "--annotations does not"
        )
    yield from read_rows(path, LEDGER_ROWS, columns)
