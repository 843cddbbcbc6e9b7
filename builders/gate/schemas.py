"""Whether every file and every row has the shape that it should: the check `schema`."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from datasets import Features

from builders.gate.check import Check, FirstRows
from builders.gate.layout import UNREADABLE, iter_parquet
from builders.schema import (
    FEEDBACK,
    LEDGER,
    PREFERENCES,
    SFT,
    InvalidRow,
    validate_feedback_row,
    validate_ledger_row,
    validate_preference_row,
    validate_sft_row,
)
from builders.sft import SFT_FORMS

Validator = Callable[[Mapping[str, Any]], None]

SHAPES: dict[str, tuple[Features, Validator]] = {
    "feedback": (FEEDBACK, validate_feedback_row),
    **dict.fromkeys(SFT_FORMS, (SFT, validate_sft_row)),
    "preferences": (PREFERENCES, validate_preference_row),
    "preferences-length-matched": (PREFERENCES, validate_preference_row),
    "ledger": (LEDGER, validate_ledger_row),
}


class Schemas:
    """Reads files, hands their valid rows on and notes what was wrong with the others."""

    def __init__(self) -> None:
        self.rows_read: Counter[str] = Counter()
        self._problems: list[str] = []
        self._invalid = FirstRows()

    def read(self, config: str, path: Path) -> Iterator[dict[str, Any]]:
        """The valid rows of a file; none where its columns are not those of its config."""
        where = f"{config}/{path.name}"
        if config not in SHAPES:
            self._problems.append(f"{where}: the config {config!r} is not known")
            return
        features, validate = SHAPES[config]
        try:
            schema = pq.read_schema(path)
            if not schema.equals(features.arrow_schema):
                self._problems.append(f"{where}: its columns are not those of the schema")
                return
            for row in iter_parquet(path):
                self.rows_read[config] += 1
                try:
                    validate(row)
                except InvalidRow as error:
                    if not self._invalid.count:
                        self._problems.append(f"{where}: row {row['id']}: {error}")
                    self._invalid.add(str(row["id"]))
                else:
                    yield row
        except UNREADABLE as error:
            first = (str(error).splitlines() or ["no reason given"])[0]
            self._problems.append(f"{where}: cannot be read ({first:.120})")

    def miss(self, what: str) -> None:
        """Note something that the release should have."""
        self._problems.append(what)

    def result(self) -> Check:
        figures = {
            "rows": dict(sorted(self.rows_read.items())),
            "invalid_rows": self._invalid.count,
            "problems": self._problems[:20],
        }
        if self._problems:
            more = len(self._problems) - 1
            others = f"; and {more} more" if more else ""
            bad = f" ({self._invalid.count:,} rows are not valid)" if self._invalid.count else ""
            sentence = f"{self._problems[0]}{others}{bad}."
            return Check("schema", "fail", sentence, figures, self._invalid.ids)
        total, configs = self.rows_read.total(), len(self.rows_read)
        sentence = f"{total:,} rows of {configs} configs have the schema's columns and are valid."
        return Check("schema", "pass", sentence, figures)
