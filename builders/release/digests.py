"""A digest of each row of a table: equal for equal values, however the columns are stored."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

# The offsets between which the bytes of each row are, and all bytes.
_Leaf = tuple[list[int], memoryview]


DIGEST_BYTES = 16


def row_digests(table: pa.Table) -> list[bytes]:
    """A digest of each row, of all columns in their order (xxHash: not safe against forgery).

    >>> one, other = row_digests(pa.table({"a": [[1, 2], [1, 2]], "b": ["x", None]}))
    >>> one == row_digests(pa.table({"a": [[1, 2]], "b": ["x"]}))[0], one == other
    (True, False)
    """
    table = table.combine_chunks()
    rows = np.arange(len(table) + 1)
    leaves = [leaf for column in table.columns for leaf in _leaves(column.combine_chunks(), rows)]
    digests = []
    for row in range(len(table)):
        digest = xxhash.xxh3_128()
        for bounds, data in leaves:
            digest.update(data[bounds[row] : bounds[row + 1]])
        digests.append(digest.digest())
    return digests


def _leaves(array: pa.Array, rows: np.ndarray) -> Iterator[_Leaf]:
    """The buffers with the values of `array`; those of row i are `rows[i]:rows[i + 1]`."""
    yield rows.tolist(), _bytes(array.is_valid())
    if pa.types.is_list(array.type) or pa.types.is_large_list(array.type):
        lengths = pc.fill_null(pc.list_value_length(array), 0)
        yield _fixed(lengths.cast(pa.int64()), rows)
        yield from _leaves(array.flatten(), _ends(lengths)[rows])
    elif pa.types.is_struct(array.type):
        # Flattened children have the validity of their parent: values under a null do not count.
        for child in array.flatten():
            yield from _leaves(child, rows)
    elif pa.types.is_string(array.type) or pa.types.is_large_string(array.type):
        data = array.fill_null("").cast(pa.large_string())
        lengths = pc.binary_length(data)
        yield _fixed(lengths, rows)
        offsets = np.frombuffer(data.buffers()[1], np.int64)[data.offset :][: len(data) + 1]
        values = data.buffers()[2]
        yield offsets[rows].tolist(), memoryview(b"" if values is None else values)
    elif pa.types.is_boolean(array.type):
        yield _fixed(array.cast(pa.uint8()).fill_null(0), rows)
    elif pa.types.is_timestamp(array.type):
        yield _fixed(array.cast(pa.int64()).fill_null(0), rows)
    else:
        yield _fixed(array.fill_null(0), rows)


def _fixed(array: pa.Array, rows: np.ndarray) -> _Leaf:
    values = np.ascontiguousarray(array.to_numpy(zero_copy_only=False))
    return (rows * values.itemsize).tolist(), memoryview(values).cast("B")


def _bytes(valid: pa.BooleanArray) -> memoryview:
    return memoryview(valid.to_numpy(zero_copy_only=False).astype(np.uint8)).cast("B")


def _ends(lengths: pa.Array) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(lengths.to_numpy(), dtype=np.int64)])
