"""The tasks of a run, as distilabel knows them: draft, critique, independent scores.

A row is the ledger's row from the start, with what is not known yet as None, so that every step
reads and writes the same columns. `reason` is set where a row is lost; later steps leave such a
row alone and pay nothing for it.
"""

from abc import abstractmethod
from collections.abc import Iterator
from typing import Any

from pydantic import Field

from builders.filters import Filters, incomplete
from builders.parse import Rejection, parse_assessment, parse_review
from builders.prompts import (
    Message,
    Prompt,
    chat,
    critique_prompt,
    critique_schema,
    repair_prompt,
    score_prompt,
)
from builders.reasons import REASONS, REPAIRABLE
from pipelines.calls import Caller
from pipelines.dag import Row, StepInput, Task
from pipelines.llms.base import Completion
from pipelines.recipe import Price
from pipelines.steps import LedgerColumns

# The reason of a row whose answer is still to come; in no ledger (see `pipelines/batch`).
PENDING = "pending"


class RowTask(LedgerColumns, Task):
    """A distilabel Task that fills in ledger rows; each row that fails keeps its own reason."""

    seed: int
    system: str | None = None
    price: Price | None = None

    @property
    def caller(self) -> Caller:
        return Caller(self.llm, self.seed, self.price)

    def process(self, inputs: StepInput) -> Iterator[list[Row]]:  # type: ignore[override]
        self.fill_in([row for row in inputs if row["reason"] is None])
        yield inputs

    @abstractmethod
    def fill_in(self, rows: list[Row]) -> None:
        """Fill in this task's columns of `rows`, none of which is lost yet."""


class Draft(RowTask):
    """The base model's answer to the instruction (arXiv 2406.07168, section 3.1)."""

    keep_truncated: bool = False

    def fill_in(self, rows: list[Row]) -> None:
        completions = self.caller(rows, [self.format_input(row) for row in rows], step="draft")
        for row, completion in zip(rows, completions, strict=True):
            row.update(self.format_output(completion))

    def format_input(self, row: Row) -> list[Message]:
        return chat(row["instruction"], row["system"] or self.system)

    def format_output(self, completion: Completion, _: Any = None) -> Row:
        if completion.text is None:
            return lost(completion)
        if not completion.text.strip():
            return {"reason": "draft_empty"}
        reached_limit = completion.finish_reason == "length" and not self.keep_truncated
        return {
            "draft": completion.text.strip(),
            "reason": "draft_truncated" if reached_limit else None,
        }


class Critique(RowTask):
    """The critic's one call: weaknesses, suggestions, score and refinement (Table 1)."""

    filters: Filters = Field(default_factory=Filters)
    as_json: bool = False
    # How often a reply that cannot be read is asked for again, the reason told.
    max_repairs: int = 0

    @property
    def prompt(self) -> Prompt:
        return critique_prompt(as_json=self.as_json)

    def fill_in(self, rows: list[Row]) -> None:
        asked = [(row, self.format_input(row)) for row in rows]
        for repairs_left in range(self.max_repairs, -1, -1):
            replies = self._ask(asked)
            broken = [(at, reply) for at, reply in enumerate(replies) if reply is not None]
            if not repairs_left or not broken:
                return
            asked = [(asked[at][0], self._repair(*asked[at], reply)) for at, reply in broken]

    def _ask(self, asked: list[tuple[Row, list[Message]]]) -> list[str | None]:
        """Fill in the rows, and return the replies that could not be read, by row."""
        rows = [row for row, _ in asked]
        completions = self.caller(
            rows,
            [messages for _, messages in asked],
            step="critique",
            template=self.prompt.sha256,
            json_schema=critique_schema(refined=True) if self.as_json else None,
        )
        for row, completion in zip(rows, completions, strict=True):
            row.update(self.format_output(completion, row))
        return [
            completion.text if row["reason"] in REPAIRABLE else None
            for row, completion in zip(rows, completions, strict=True)
        ]

    def _repair(self, row: Row, messages: list[Message], reply: str) -> list[Message]:
        problem = repair_prompt().render(problem=REASONS[row["reason"]])
        row.update(dict.fromkeys(("critique", "refinement", "reason", "detail")))
        return [
            *messages,
            {"role": "assistant", "content": reply},
            {"role": "user", "content": problem},
        ]

    def format_input(self, row: Row) -> list[Message]:
        request = self.prompt.render(
            system=row["system"], instruction=row["instruction"], response=row["draft"]
        )
        return chat(request, self.system)

    def format_output(self, completion: Completion, row: Row) -> Row:
        if completion.text is None:
            return lost(completion)
        reply = completion.text
        review = parse_review(reply, row["draft"], completion.finish_reason)
        if isinstance(review, Rejection):
            return {"critic_reply": reply, "reason": review.reason, "detail": review.detail}
        return {
            "critic_reply": reply,
            "critique": review.critique.as_row(),
            "refinement": review.refinement,
            "reason": incomplete(review, self.filters),
        }


class IndependentScore(RowTask):
    """Scores of draft and refinement, each in a context that has seen nothing else (3.2)."""

    as_json: bool = False

    @property
    def prompt(self) -> Prompt:
        return score_prompt(as_json=self.as_json)

    def fill_in(self, rows: list[Row]) -> None:
        self.assess(rows, "draft")
        # An answer that was left as it is has one score, and is paid for once.
        unchanged = [row for row in rows if row["refinement"] == row["draft"]]
        for row in unchanged:
            row["refinement_assessment"] = row["draft_assessment"]
            row["refinement_score"] = row["draft_score"]
        self.assess([row for row in rows if row["refinement"] != row["draft"]], "refinement")

    def assess(self, rows: list[Row], part: str) -> None:
        """Score one of the two answers of each row."""
        # Where a score is still to come, that of the other answer can be asked for beside it.
        rows = [row for row in rows if row["reason"] in (None, PENDING)]
        completions = self.caller(
            rows,
            [self.format_input({**row, "answer": row[part]}) for row in rows],
            step=f"score_{part}",
            template=self.prompt.sha256,
            json_schema=critique_schema(refined=False) if self.as_json else None,
        )
        for row, completion in zip(rows, completions, strict=True):
            row.update(self.format_output(completion, part))

    def format_input(self, row: Row) -> list[Message]:
        request = self.prompt.render(
            system=row["system"], instruction=row["instruction"], response=row["answer"]
        )
        return chat(request, self.system)

    def format_output(self, completion: Completion, part: str) -> Row:
        if completion.text is None:
            return lost(completion)
        review = parse_assessment(completion.text, completion.finish_reason)
        if isinstance(review, Rejection):
            detail = f"{review.reason}: {review.detail}"
            return {"reason": f"{part}_score_missing", "detail": detail}
        critique = review.critique.as_row()
        return {f"{part}_assessment": critique, f"{part}_score": critique["score"]}


def lost(completion: Completion) -> Row:
    """The columns of a row whose call brought no text."""
    return {"reason": completion.reason or "call_failed", "detail": completion.detail}
