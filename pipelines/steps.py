"""The steps of a run that call no model: loading, given drafts, the teacher, the verdict."""

from abc import abstractmethod
from collections.abc import Iterator
from itertools import islice
from typing import Any

from pydantic import Field

from builders.errors import BadInput
from builders.filters import Filters, too_low
from builders.schema import LEDGER
from builders.sources import draw
from builders.verifiable.registry import check
from pipelines.calls import unpriced_call
from pipelines.dag import GeneratorStep, Row, Step, StepInput

TEACHER = "verifiable"


class LedgerColumns:
    """Reads and writes all columns: a row has the ledger's shape from the start."""

    @property
    def inputs(self) -> list[str]:
        return list(LEDGER)

    @property
    def outputs(self) -> list[str]:
        return list(LEDGER)


class LoadInstructions(GeneratorStep):
    """Draws rows from the sources, leaving out the first `skip`, which the ledger has.

    Batches begin at the same rows whether or not a run was stopped on the way.
    """

    sources: list[Any] = Field(exclude=True)
    skip: int = 0
    limit: int | None = None  # of all rows, those that are skipped included
    # Whether an answer that stands beside the instruction is to be the draft.
    with_drafts: bool = False
    # What the model was trained on; an instruction of it is dropped.
    earlier: Any = Field(default=None, exclude=True)

    @property
    def outputs(self) -> list[str]:
        return list(LEDGER)

    def process(self, offset: int = 0) -> Iterator[tuple[list[Row], bool]]:
        start = self.skip + offset
        rows = islice(draw(self.sources), start, self.limit)
        while batch := list(islice(rows, self.batch_size - start % self.batch_size)):
            start += len(batch)
            for row in batch:
                if not self.with_drafts:
                    row["draft"] = None
                if self.earlier and row["reason"] is None and (same := self.earlier.same_as(row)):
                    row.update(reason="trained_on", detail=f"the same as {same}")
            yield batch, False


class RowStep(LedgerColumns, Step):
    """A distilabel Step over ledger rows."""

    def process(self, inputs: StepInput) -> Iterator[list[Row]]:  # type: ignore[override]
        for row in inputs:
            if row["reason"] is None:
                self.fill_in(row)
        yield inputs

    @abstractmethod
    def fill_in(self, row: Row) -> None:
        """Fill in this step's columns of a row that is not lost yet."""


class GivenDraft(RowStep):
    """Takes the answer that came with the instruction as the draft."""

    model: str

    def fill_in(self, row: Row) -> None:
        if row["draft"] is None:
            row["reason"] = "draft_missing"
        else:
            row["calls"].append({**unpriced_call("draft", self.model), "endpoint": "file"})


class VerifiableCritique(RowStep):
    """The teacher that knows the truth, in place of an LLM critic: same columns, no model."""

    filters: Filters = Field(default_factory=Filters)

    def fill_in(self, row: Row) -> None:
        if row["task"] is None:
            raise BadInput(
                "critic: kind verifiable reviews only instructions of the verifiable source; "
                f"{row['source']} has none"
            )
        found = check(row["task"], row["draft"])
        row["calls"].append(unpriced_call("critique", TEACHER))
        row["critique"] = critique_of(found)
        row["refinement"] = found.refinement
        if found.refinement == row["draft"] and not self.filters.keep_no_change:
            row["reason"] = "no_change"


class VerifiableScore(RowStep):
    """The teacher's rubric applied to draft and refinement, each by itself."""

    def fill_in(self, row: Row) -> None:
        for part in ("draft", "refinement"):
            found = check(row["task"], row[part])
            row["calls"].append(unpriced_call(f"score_{part}", TEACHER))
            row[f"{part}_assessment"] = critique_of(found)
            row[f"{part}_score"] = found.score


def critique_of(found: Any) -> Row:
    """A teacher's check as the schema's critique."""
    return {
        "weaknesses": list(found.weaknesses),
        "suggestions": list(found.suggestions),
        "score": found.score,
    }


class KeepOrDrop(LedgerColumns, Step):
    """The last word on each row: its status, and the reason where it is dropped."""

    filters: Filters = Field(default_factory=Filters)

    def process(self, inputs: StepInput) -> Iterator[list[Row]]:  # type: ignore[override]
        for row in inputs:
            row["reason"] = row["reason"] or too_low(row, self.filters)
            row["status"] = "dropped" if row["reason"] else "kept"
        yield inputs
