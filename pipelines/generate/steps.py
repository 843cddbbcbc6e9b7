"""The steps that call no model: loading, given drafts, the verifiable teacher, keep or drop."""

from abc import abstractmethod
from collections.abc import Iterator
from itertools import groupby, islice
from typing import Any

from pydantic import Field

from builders.critique.filters import drop_all_but_best, reason_disagreeing, reason_too_low
from builders.critique.replies.foreign_text import foreign_text, without_closing_token
from builders.critique.replies.reasoning import split_reasoning
from builders.critique.replies.text import is_blank
from builders.errors import BadInput
from builders.instructions.sources import draw
from builders.rows import Row
from builders.rows.conversations import conversation_text
from builders.rows.ids import instruction_id, sample_id
from builders.rows.schema import LEDGER
from builders.settings import FilterSettings
from pipelines.dag import GeneratorStep, Step, StepInput
from pipelines.generate.calls import unpriced_call
from pipelines.generate.foreign import dropped_as_foreign

TEACHER = "verifiable"


class LedgerColumns:
    """For steps that read and write all columns: a row has the ledger's shape from the start."""

    @property
    def inputs(self) -> list[str]:
        return list(LEDGER)

    @property
    def outputs(self) -> list[str]:
        return list(LEDGER)


class LoadRows(GeneratorStep):
    """Rows in the ledger's shape that are given, with a step's own columns among them."""

    rows: list[Any] = Field(exclude=True)

    @property
    def outputs(self) -> list[str]:
        return list(LEDGER)

    def process(self, offset: int = 0) -> Iterator[tuple[list[Row], bool]]:
        for start in range(offset, len(self.rows), self.batch_size):
            batch = self.rows[start : start + self.batch_size]
            yield batch, start + self.batch_size >= len(self.rows)


class LoadInstructions(GeneratorStep):
    """Draws instructions from the sources, without the first `skip`, which the ledger has already.

    Each becomes as many rows as `samples` says, or one if it is not to be used, all in one batch.
    Batches begin at the same rows whether or not the run was interrupted.
    """

    sources: list[Any] = Field(exclude=True)
    skip: int = 0
    limit: int | None = None  # of all instructions, including skipped ones
    samples: int = 1
    criteria: str | None = None  # of every row that comes without its own
    # The ids of rows among the first `skip` that come once more, before the others.
    again: frozenset[str] = frozenset()
    # Whether to use an answer that comes with the instruction as the draft.
    with_drafts: bool = False
    # The instructions that the model was trained on: they are dropped.
    trained_on: Any = Field(default=None, exclude=True)
    # The instructions that audits need: they are dropped too.
    reserved: Any = Field(default=None, exclude=True)

    @property
    def outputs(self) -> list[str]:
        return list(LEDGER)

    def process(self, offset: int = 0) -> Iterator[tuple[list[Row], bool]]:
        # A batch has whole instructions: which of their rows is the best is decided in it.
        size = max(1, self.batch_size // self.samples)
        if self.again and not offset:
            failed = (
                rows for rows in islice(self._drawn(), self.skip) if rows[0]["id"] in self.again
            )
            while batch := list(islice(failed, size)):
                yield self._prepared(batch), False
        start = self.skip + offset
        instructions = islice(self._drawn(), start, self.limit)
        while batch := list(islice(instructions, size - start % size)):
            start += len(batch)
            yield self._prepared(batch), False

    def _drawn(self) -> Iterator[list[Row]]:
        """The rows of each instruction: one, unless its source has several drafts that are used."""
        for _, rows in groupby(draw(self.sources), key=lambda row: instruction_id(row["id"])):
            same = list(rows)
            yield same if self.with_drafts else same[:1]

    def _prepared(self, instructions: list[list[Row]]) -> list[Row]:
        """The rows of the instructions, with a reason for each one that is not to be used."""
        batch = [row for rows in instructions for row in rows]
        for row in batch:
            row["criteria"] = row["criteria"] or self.criteria
            if not self.with_drafts:
                row["draft"] = None
            for reason, index in (
                ("trained_on", self.trained_on),
                ("reserved_for_audit", self.reserved),
            ):
                if index is None or row["reason"] is not None:
                    continue
                if (same := index.same_as(row)) is not None:
                    row.update(reason=reason, detail=f"the same as {same}")
        return [sample for row in batch for sample in self._samples_of(row)]

    def _samples_of(self, row: Row) -> list[Row]:
        if self.samples == 1 or row["reason"] is not None:
            return [row]
        return [
            {**row, "id": sample_id(row["id"], number), "control_scores": [], "calls": []}
            for number in range(1, self.samples + 1)
        ]


class RowStep(LedgerColumns, Step):
    """A distilabel Step over ledger rows."""

    def process(self, inputs: StepInput) -> Iterator[list[Row]]:  # type: ignore[override]
        for row in inputs:
            if row["reason"] is None:
                self.fill_in(row)
        yield inputs

    @abstractmethod
    def fill_in(self, row: Row) -> None:
        """Fill in this step's columns of a row that is still without a reason to drop it."""


class GivenDraft(RowStep):
    """Uses the answer that came with the instruction as the draft."""

    model: str

    def fill_in(self, row: Row) -> None:
        if row["draft"] is None:
            row["reason"] = "draft_missing"
            return
        split = split_reasoning(row["draft"])
        call = unpriced_call("draft", self.model)
        row["calls"].append({**call, "endpoint": "file", "reasoning": split.reasoning})
        answer = without_closing_token(split.answer)
        if answer != row["draft"] and is_blank(answer):
            row["draft"] = None
            row["reason"] = "draft_truncated" if split.is_cut else "draft_empty"
            return
        row["draft"] = answer
        if found := foreign_text(answer, conversation_text(row)):
            row.update(dropped_as_foreign(found))


class VerifiableCritique(RowStep):
    """The teacher that computes the truth, in place of an LLM critic: same columns, no model."""

    filters: FilterSettings = FilterSettings()

    def fill_in(self, row: Row) -> None:
        _require_checkable(row)
        # Imported here, so that a run with another critic never loads the teacher.
        from builders.verifiable.registry import check

        checked = check(row["task"], row["draft"])
        row["calls"].append(unpriced_call("critique", TEACHER))
        row["critique"] = critique_of(checked)
        row["refinement"] = checked.refinement
        if checked.refinement == row["draft"] and not self.filters.keep_no_change:
            row["reason"] = "no_change"


class VerifiableScore(RowStep):
    """The teacher's rubric applied to draft and refinement separately."""

    def fill_in(self, row: Row) -> None:
        _require_checkable(row)
        from builders.verifiable.registry import check

        for part in ("draft", "refinement"):
            checked = check(row["task"], row[part])
            row["calls"].append(unpriced_call(f"score_{part}", TEACHER))
            row[f"{part}_assessment"] = critique_of(checked)
            row[f"{part}_score"] = checked.score


def _require_checkable(row: Row) -> None:
    if row["task"] is None:
        raise BadInput(
            "critic: kind verifiable can only check problems of the verifiable source; "
            f"{row['source']} has others"
        )
    if row["criteria"]:
        raise BadInput(
            f"critic: kind verifiable judges by no criteria, and row {row['id']} of "
            f"{row['source']} has some"
        )


def critique_of(checked: Any) -> Row:
    """The teacher's result as the schema's critique."""
    return {
        "weaknesses": list(checked.weaknesses),
        "suggestions": list(checked.suggestions),
        "score": checked.score,
    }


class KeepOrDrop(LedgerColumns, Step):
    """Decides the status of each row, and the reason if it is dropped."""

    filters: FilterSettings = FilterSettings()
    # Whether one row is kept of the drafts of an instruction, all of which are in one batch.
    only_best: bool = False

    def process(self, inputs: StepInput) -> Iterator[list[Row]]:  # type: ignore[override]
        for row in inputs:
            row["reason"] = row["reason"] or reason_too_low(row, self.filters)
            if self.filters.scorers_agree and row["reason"] is None:
                row["reason"] = reason_disagreeing(row)
        if self.only_best:
            drop_all_but_best(inputs)
        for row in inputs:
            row["status"] = "dropped" if row["reason"] else "kept"
        yield inputs
