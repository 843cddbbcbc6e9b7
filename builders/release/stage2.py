"""The configs of a stage-2 release: preference pairs, all of them and length-matched."""

from collections.abc import Callable, Iterator

from builders.preferences import LengthMatch, to_preference
from builders.release.configs import Config, Row, ledger_config
from builders.schema import PREFERENCES, validate_preference_row


def stage2_configs(match: LengthMatch) -> list[Config]:
    """`match` has seen every kept row of the run."""
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
    ]


def _pairs(wanted: Callable[[Row], bool]) -> Callable[[Row], Iterator[Row]]:
    def rows(row: Row) -> Iterator[Row]:
        if row["status"] == "kept" and wanted(row):
            preference = to_preference(row)
            validate_preference_row(preference)
            yield preference

    return rows
