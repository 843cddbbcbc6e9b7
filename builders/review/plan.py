"""Which rows people are asked about, under which key, and which answer they are shown first.

Of the same rows and the same settings, always the same.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from builders.errors import BadInput
from builders.review.candidates import candidate
from builders.review.record import record_of
from builders.review.sampling import Drawn, sample
from builders.schema import ORDERS

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Design:
    """What decides who is drawn and how it is shown.

    `review` and `source` (a digest) make the records' keys those of this review alone.
    """

    review: str
    source: str
    strategy: str
    seed: int
    sample: int
    calibration: int = 0
    assisted: bool = False

    def key(self, use: str, row_id: str) -> str:
        """20 hexadecimal digits that say nothing of the row."""
        told = json.dumps([asdict(self), use, row_id], sort_keys=True)
        return hashlib.sha256(told.encode()).hexdigest()[:20]


def draw(rows: Callable[[], Iterable[Row]], design: Design) -> list[dict[str, Any]]:
    """The rows drawn, as `builders.review.folder.DRAWN` has them, in the order of their keys.

    The calibration records are drawn first, uniformly, and the sample from the rest, to which its
    inclusion probabilities refer. `rows` is called for each of the two passes. BadInput where
    nothing can be compared, or nothing is left for the sample.
    """
    first = (
        _sample(rows(), design.calibration, "uniform", design.seed) if design.calibration else []
    )
    taken = {row.id for row in first}
    rest = (row for row in rows() if row["id"] not in taken)
    second = _sample(rest, design.sample, design.strategy, design.seed)
    if not second:
        raise BadInput(_nothing_left(rows(), len(taken)))
    found = [*_drawn(first, design, calibration=True), *_drawn(second, design, calibration=False)]
    return sorted(found, key=lambda row: row["record"])


def _sample(rows: Iterable[Row], size: int, strategy: str, seed: int) -> list[Drawn]:
    return sample((seen for row in rows if (seen := candidate(row))), size, strategy, seed)


def _nothing_left(rows: Iterable[Row], taken: int) -> str:
    if taken:
        return f"calibration takes all {taken:,} rows that can be compared; none is left to sample"
    return (
        f"nothing to review: of {sum(1 for _ in rows):,} kept rows, none has a critique and two "
        "answers that differ"
    )


def _drawn(rows: Iterable[Drawn], design: Design, *, calibration: bool) -> Iterator[dict[str, Any]]:
    """The rows with their keys and orders: as many with either order, in each stratum too."""
    shuffled = sorted(rows, key=lambda row: (row.stratum, design.key("order", row.id)))
    flip = int(design.key("flip", str(calibration)), 16) % 2
    for place, row in enumerate(shuffled):
        yield {
            "record": design.key("record", row.id),
            "id": row.id,
            "order": ORDERS[(place + flip) % 2],
            "stratum": row.stratum,
            "inclusion_probability": row.inclusion_probability,
            "calibration": calibration,
        }


def records(
    rows: Iterable[Row], drawn: Iterable[Row], *, assisted: bool
) -> Iterator[dict[str, Any]]:
    """The record of each row that is among those drawn, in the order of `rows`."""
    wanted = {row["id"]: row for row in drawn}
    for row in rows:
        if chosen := wanted.pop(row["id"], None):
            yield record_of(row, chosen, assisted=assisted)
