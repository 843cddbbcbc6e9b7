"""The ledger rows of a folder, whether it is a run or a release."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from builders.errors import BadInput
from builders.ledger.run import Run
from builders.rows import Row
from builders.rows.read import read_rows
from builders.rows.schema import LEDGER_ROWS


def ledger_rows(folder: Path, columns: Sequence[str] | None = None) -> Iterator[Row]:
    """The rows of a run, finished or not, or of a release's `ledger` config.

    BadInput if the folder is neither, or has no rows yet.
    """
    run = Run(folder)
    if run.parts():
        return run.iter_rows(columns)
    files = sorted((folder / "ledger").glob("*.parquet"))
    if not files:
        raise BadInput(f"{folder}: neither a run nor a release with rows in it")
    return (row for file in files for row in read_rows(file, LEDGER_ROWS, columns))
