"""What people said of the pairs of an evaluation, as preferences for the model's answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Verdicts:
    """`shares` has, by (item, part), the share of people who prefer the model's answer, a tie as ½.

    Items were drawn within strata: `stratum` has the one of each item that was drawn, and `sizes`
    the number of items of each, drawn or not. Both are empty for a simple random sample.
    """

    name: str
    shares: Mapping[tuple[str, str], float]
    people: int
    count: int
    judged_by: str = "people"
    stratum: Mapping[str, str] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)
