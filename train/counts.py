"""What became of a split's rows on their way to the model."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from datasets import Dataset

from builders.errors import BadInput


@dataclass
class Counts:
    """Those `too_long` for the model are left out: cut off, they would teach it to stop in the
    middle. `tokens` go through the model once an epoch, padding apart; the loss falls on
    `learnt_tokens`."""

    rows: int = 0
    too_long: int = 0
    sequences: int = 0
    tokens: int = 0
    learnt_tokens: int = 0

    def as_facts(self) -> dict[str, int]:
        return asdict(self)


def not_empty(splits: Mapping[str, tuple[Dataset, Counts]]) -> dict[str, Dataset]:
    """The splits that have rows; BadInput where there is nothing to train on."""
    _, train = splits.get("train", (None, Counts()))
    if not train.sequences:
        raise BadInput(
            f"release: nothing to train on: {train.rows} rows, of which {train.too_long} are "
            "longer than max_length"
        )
    return {split: rows for split, (rows, counts) in splits.items() if counts.sequences}
