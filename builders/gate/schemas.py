"""Whether every file and every row has the shape that it should: the check `schema`."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from datasets import Features

from builders.gate.check import Check, FirstRows
from builders.gate.layout import UNREADABLE, iter_parquet
from builders.release.columns import all_answers, all_asked, full
from builders.schema import (
    FEEDBACK,
    FEEDBACK_1_0,
    LEDGER,
    PREFERENCES,
    SFT,
    VERDICTS,
    InvalidRow,
    validate_feedback_row,
    validate_ledger_row,
    validate_preference_row,
    validate_sft_row,
    validate_verdict_row,
)
from builders.sft import SFT_FORMS

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Shape:
    """`sound` says of a batch that all its rows are valid, where columns can tell."""

    features: Features
    validate: Callable[[Row], None]
    sound: Callable[[pa.RecordBatch], bool] = lambda _: False


def _sound_sft(batch: pa.RecordBatch) -> bool:
    return (
        full(batch["id"])
        and full(batch["turn"])
        and all_asked(batch["prompt"])
        and all_answers(batch["completion"])
    )


_SFT = Shape(SFT, validate_sft_row, _sound_sft)
_PREFERENCES = Shape(PREFERENCES, validate_preference_row)
SHAPES = {
    "feedback": Shape(FEEDBACK, validate_feedback_row),
    **dict.fromkeys(SFT_FORMS, _SFT),
    "preferences": _PREFERENCES,
    "preferences-length-matched": _PREFERENCES,
    "ledger": Shape(LEDGER, validate_ledger_row),
    "verdicts": Shape(VERDICTS, validate_verdict_row),
}
# Configs that were of another shape, by the schema version of the release.
_EARLIER = {
    "1.0": {
        "feedback": Shape(
            FEEDBACK_1_0, lambda row: validate_feedback_row({**row, "human_verdict": None})
        )
    }
}


class Schemas:
    """Reads files and notes what is wrong with them; `rows` counts those read.

    `version` is that of the schema which the release was made with.
    """

    def __init__(self, version: str | None = None) -> None:
        self._shapes = {**SHAPES, **_EARLIER.get(str(version), {})}
        self.rows: Counter[tuple[str, str]] = Counter()
        self._problems: list[str] = []
        self._invalid = FirstRows()

    def look_at(self, config: str, split: str, path: Path) -> None:
        """Check a file's columns and rows."""
        for batch in self._batches(config, split, path):
            if not self._shapes[config].sound(batch):
                self._valid(config, path, batch)

    def read(self, config: str, split: str, path: Path) -> Iterator[dict[str, Any]]:
        """The valid rows of a file; none where its columns are not those of its config."""
        for batch in self._batches(config, split, path):
            yield from self._valid(config, path, batch)

    def _batches(self, config: str, split: str, path: Path) -> Iterator[pa.RecordBatch]:
        where = f"{config}/{path.name}"
        if config not in self._shapes:
            self._problems.append(f"{where}: the config {config!r} is not known")
            return
        try:
            if not pq.read_schema(path).equals(self._shapes[config].features.arrow_schema):
                self._problems.append(f"{where}: its columns are not those of the schema")
                return
            for batch in iter_parquet(path):
                self.rows[config, split] += len(batch)
                yield batch
        except UNREADABLE as error:
            first = (str(error).splitlines() or ["no reason given"])[0]
            self._problems.append(f"{where}: cannot be read ({first:.120})")

    def _valid(self, config: str, path: Path, batch: pa.RecordBatch) -> list[dict[str, Any]]:
        valid = []
        for row in batch.to_pylist():
            try:
                self._shapes[config].validate(row)
            except InvalidRow as error:
                if not self._invalid.count:
                    self._problems.append(f"{config}/{path.name}: row {row['id']}: {error}")
                self._invalid.add(str(row["id"]))
            else:
                valid.append(row)
        return valid

    def miss(self, what: str) -> None:
        """Note something that the release should have."""
        self._problems.append(what)

    def result(self) -> Check:
        by_config: Counter[str] = Counter()
        for (config, _), rows in self.rows.items():
            by_config[config] += rows
        figures = {
            "rows": dict(sorted(by_config.items())),
            "invalid_rows": self._invalid.count,
            "problems": self._problems[:20],
        }
        if self._problems:
            more = len(self._problems) - 1
            others = f"; and {more} more" if more else ""
            bad = f" ({self._invalid.count:,} rows are not valid)" if self._invalid.count else ""
            sentence = f"{self._problems[0]}{others}{bad}."
            return Check("schema", "fail", sentence, figures, self._invalid.ids)
        total, configs = by_config.total(), len(by_config)
        sentence = f"{total:,} rows of {configs} configs have the schema's columns and are valid."
        return Check("schema", "pass", sentence, figures)
