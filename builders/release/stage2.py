"""The configs of a stage-2 release: preference pairs, all of them and length-matched."""

from collections.abc import Callable, Iterator

import pyarrow as pa

from builders.preferences import LengthMatch, to_preference
from builders.release.configs import Batch, Config, Row, ledger_config, verdict_configs
from builders.release.verdicts import Told
from builders.schema import PREFERENCES, InvalidRow, validate_preference_row


def stage2_configs(match: LengthMatch, told: Told | None = None) -> list[Config]:
    """`match` has seen every kept row of the release; `told` is what people said, if asked."""
    return [
        Config(
            "preferences",
            "One pair per kept instruction: the refinement, chosen over the draft.",
            PREFERENCES,
            _pairs(lambda _: True),
        ),
        Config(
            "preferences-length-matched",
            "The pairs in which length does not tell the winner: by bands of the lengths' ratio, "
            "as many are kept whose chosen answer is the longer as whose chosen is the shorter.",
            PREFERENCES,
            _pairs(match.keeps),
        ),
        ledger_config(),
        *verdict_configs(told),
    ]


def _pairs(wanted: Callable[[Row], bool]) -> Callable[[Batch], pa.Table]:
    def table(batch: Batch) -> pa.Table:
        pairs = list(_preferences(batch, wanted))
        return pa.Table.from_pylist(pairs, schema=PREFERENCES.arrow_schema)

    return table


def _preferences(batch: Batch, wanted: Callable[[Row], bool]) -> Iterator[Row]:
    for row in batch.kept.to_pylist():
        if wanted(row):
            preference = to_preference(row)
            try:
                validate_preference_row(preference)
            except InvalidRow as error:
                raise InvalidRow(f"row {row['id']} cannot be released: {error}") from None
            yield preference
