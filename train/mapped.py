"""Rows on disk, mapped into memory: a data set of any size costs none of it."""

import filecmp
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from datasets import Dataset, Features
from datasets.arrow_writer import ArrowWriter


def mapped(rows: Iterable[Mapping[str, Any]], features: Features, path: Path) -> Dataset:
    """The `rows`, written to `path` and read from there.

    A file that holds them already stays untouched, so that what a trainer has computed from it
    is found again, by the other processes of a run and by a run that goes on.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        written = Path(folder) / path.name
        with ArrowWriter(path=str(written), features=features) as writer:
            for row in rows:
                writer.write(row)
            writer.finalize()
        if not (path.is_file() and filecmp.cmp(written, path, shallow=False)):
            written.replace(path)
    return Dataset.from_file(str(path))
