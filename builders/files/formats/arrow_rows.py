"""Rows of parquet and Arrow files, and of folders that `Dataset.save_to_disk` wrote."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa

from builders.errors import BadInput
from builders.files.formats.row import TableRow
from builders.files.parquet import open_parquet

_BATCH_ROWS = 512
_SPLITS, _DATASET = "dataset_dict.json", "state.json"


def read_parquet(path: Path) -> Iterator[TableRow]:
    try:
        with open_parquet(path) as file:
            yield from _rows(path, file.iter_batches(_BATCH_ROWS))
    except (pa.ArrowException, OSError) as error:
        raise BadInput(f"{path}: not parquet ({str(error).splitlines()[0]})") from None


def read_arrow(path: Path) -> Iterator[TableRow]:
    from datasets import Dataset

    try:
        table = Dataset.from_file(str(path)).data
        yield from _rows(path, table.to_batches(max_chunksize=_BATCH_ROWS))
    except (pa.ArrowException, OSError) as error:
        raise BadInput(f"{path}: not Arrow ({str(error).splitlines()[0]})") from None


def read_saved_dataset(folder: Path) -> Iterator[TableRow]:
    """The rows of a folder that `save_to_disk` wrote; BadInput if it has several splits."""
    from datasets import load_from_disk

    if (folder / _SPLITS).is_file():
        folder = _only_split(folder)
    try:
        table = load_from_disk(str(folder)).data
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{folder}: not a saved dataset ({str(error).splitlines()[0]})") from None
    yield from _rows(folder, table.to_batches(max_chunksize=_BATCH_ROWS))


def is_saved_dataset(folder: Path) -> bool:
    return any((folder / name).is_file() for name in (_SPLITS, _DATASET))


def _only_split(folder: Path) -> Path:
    try:
        splits = json.loads((folder / _SPLITS).read_text(encoding="utf-8"))["splits"]
        if len(splits) == 1:
            return folder / splits[0]
    except (ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{folder / _SPLITS}: not a list of splits ({error})") from None
    raise BadInput(
        f"{folder}: it has the splits {', '.join(splits)}; name one: {folder}/{splits[0]}"
    )


def _rows(path: Path, batches: Iterable[pa.RecordBatch]) -> Iterator[TableRow]:
    number = 0
    for batch in batches:
        names = batch.schema.names
        if repeated := sorted(name for name, count in Counter(names).items() if count > 1):
            raise BadInput(f"{path}: it has the column {repeated[0]!r} twice")
        for row in batch.to_pylist():
            number += 1
            yield TableRow(path, number, row, unit="row")
