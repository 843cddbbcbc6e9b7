"""Counts of a split's rows and tokens on their way to the model."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from datasets import Dataset

from builders.errors import BadInput


@dataclass
class Counts:
    """Rows that are `too_long` are skipped: truncated, they would teach the model to stop early.

    So are those whose texts the chat template alters or rejects (`altered`). `tokens` go through
    the model in each epoch, without padding; `loss_tokens` of them count in the loss.
    """

    rows: int = 0
    too_long: int = 0
    sequences: int = 0
    tokens: int = 0
    loss_tokens: int = 0
    altered: int = 0

    def as_facts(self) -> dict[str, int]:
        return asdict(self)


def nonempty_splits(splits: Mapping[str, tuple[Dataset, Counts]]) -> dict[str, Dataset]:
    """The splits that have rows; BadInput if `train` has none."""
    _, train = splits.get("train", (None, Counts()))
    if not train.sequences:
        raise BadInput(
            f"release: nothing to train on: {train.rows} rows, of which {train.too_long} are "
            f"longer than max_length and {train.altered} not taken by the chat template"
        )
    return {split: rows for split, (rows, counts) in splits.items() if counts.sequences}
