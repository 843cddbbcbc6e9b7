"""Datasets on disk, memory-mapped, so that their size does not matter."""

import filecmp
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from datasets import Dataset, Features
from datasets.arrow_writer import ArrowWriter


def memory_mapped(rows: Iterable[Mapping[str, Any]], features: Features, path: Path) -> Dataset:
    """Write the `rows` to the Arrow file `path` and map it into memory.

    An existing file with the same content is not replaced, so that the trainer's cache of it stays
    valid for the other processes of a run and for a resumed run.
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
