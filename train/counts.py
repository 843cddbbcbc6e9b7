"""What became of a split's rows on their way to the model."""

from dataclasses import asdict, dataclass


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
