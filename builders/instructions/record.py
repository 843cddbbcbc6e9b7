"""An instruction as its source has it, and why a row has none."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Turns = Sequence[Mapping[str, str]]


@dataclass(frozen=True)
class InstructionRecord:
    """An instruction as its source has it; `reason` is set if it cannot be used.

    `sample` counts records that follow each other with one instruction and other drafts of it.
    """

    instruction: str
    system: str | None = None
    draft: str | None = None
    history: Turns = ()
    criteria: str | None = None
    task: str | None = None
    reason: str | None = None
    detail: str | None = None
    sample: int = 1


class Unusable(Exception):
    """A row of a source cannot be used: its `reason`, and in `detail` what was found."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
