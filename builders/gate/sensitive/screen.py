"""The rows of a table that may have secrets or personal data, by a search of its columns.

Most rows have none, and a detector takes a hundred times as long to say so.
"""

import re
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from builders.gate.sensitive.personal_data import PATTERNS as PERSONAL_DATA
from builders.gate.sensitive.secrets import secret_patterns
from builders.gate.sensitive.texts import AS_IS, texts_of
from builders.screening import FEW_ROWS, Screen

# What in the JSON of a task is written otherwise than what it means: escapes, and numbers.
_WRITTEN = r"\\|[0-9][eE]"


def _patterns() -> Iterator[re.Pattern[str]]:
    yield from secret_patterns()
    yield from PERSONAL_DATA


_SCREEN = Screen(_patterns())


def suspicious_rows(table: pa.Table) -> np.ndarray:
    """The numbers of the rows in whose texts a detector may find something, ascending.

    The texts are those of `builders.gate.sensitive.texts`.

    >>> table = pa.table({"id": ["a@b.org", "b"], "draft": ["Hi.", "Ask ada@analytical.org."]})
    >>> suspicious_rows(pa.concat_tables([table] * FEW_ROWS)).tolist()[:3]
    [1, 3, 5]
    """
    if len(table) < FEW_ROWS:
        return np.arange(len(table))
    found = [np.array([], np.int64)]
    for name in table.column_names:
        column = table[name].combine_chunks()
        texts = _meant(column) if name == "task" else column
        for leaf, rows in _texts(name, texts, np.arange(len(table))):
            found.append(rows[_SCREEN.hits(leaf)])
    return np.unique(np.concatenate(found))


def _texts(name: str, column: pa.Array, rows: np.ndarray) -> Iterator[tuple[pa.Array, np.ndarray]]:
    """The texts in a column, however nested, and the row of each."""
    if name in AS_IS:
        return
    if pa.types.is_list(column.type):
        # The values of null lists are not among those of `flatten`.
        lengths = pc.fill_null(pc.list_value_length(column), 0).to_numpy()
        yield from _texts(name, column.flatten(), np.repeat(rows, lengths))
    elif pa.types.is_struct(column.type):
        for field, values in zip(column.type, column.flatten(), strict=True):
            yield from _texts(field.name, values, rows)
    elif pa.types.is_string(column.type):
        yield column, rows


def _meant(tasks: pa.StringArray) -> pa.StringArray:
    """The texts in each task. Where its JSON has them word for word, it stays."""
    rewritten = pc.fill_null(pc.match_substring_regex(tasks, _WRITTEN), False)
    if not pc.any(rewritten).as_py():
        return tasks
    texts = tasks.to_pylist()
    for row in np.flatnonzero(rewritten.to_numpy(zero_copy_only=False)):
        texts[row] = "\n".join([texts[row], *texts_of({"task": texts[row]})])
    return pa.array((_encodable(text) for text in texts), pa.string())


def _encodable(text: str | None) -> str | None:
    r"""The text without lone surrogates, which JSON may have as `\ud800`."""
    return text and text.encode(errors="replace").decode()
