"""The distilabel tasks of a run: draft, critique and refinement, independent scores.

A row has the ledger's columns from the start, with None for what is not known yet, so every step
reads and writes the same columns. `reason` is set when a row is to be dropped: later steps skip it
and pay nothing for it.
"""

from abc import abstractmethod
from collections.abc import Iterator

from builders.critique.filters import reason_incomplete
from builders.critique.parse import Rejection, parse_assessment, parse_reply
from builders.critique.planted import own_words
from builders.critique.prompts import (
    Message,
    PromptTemplate,
    chat,
    critique_prompt,
    critique_schema,
    repair_prompt,
    score_prompt,
)
from builders.critique.replies.foreign_text import foreign_text
from builders.rows import Row
from builders.rows.conversations import conversation_text
from builders.rows.reasons import REASONS, REPAIRABLE
from builders.rows.scorers import score_step
from builders.settings import FilterSettings
from pipelines.dag import StepInput, Task
from pipelines.generate.calls import Caller
from pipelines.generate.failed_rows import call_may_pass
from pipelines.generate.foreign import dropped_as_foreign, first_foreign
from pipelines.generate.steps import LedgerColumns
from pipelines.llms.messages import Completion
from pipelines.recipe.models import Price

# The reason of a row that waits for a batch API's answer (`pipelines/batch`); never in a ledger.
PENDING = "pending"
# The reasons of replies without an answer.
_UNREAD = ("reply_empty", "reply_truncated")


class RowTask(LedgerColumns, Task):
    """A distilabel Task that fills in ledger rows; a row that fails gets a reason of its own."""

    seed: int
    system: str | None = None
    price: Price | None = None
    # The recipe's; each row has its own, or these.
    criteria: str | None = None

    @property
    def caller(self) -> Caller:
        return Caller(self.llm, self.seed, self.price, self.system)

    def process(self, inputs: StepInput) -> Iterator[list[Row]]:  # type: ignore[override]
        self.fill_in([row for row in inputs if row["reason"] is None])
        yield inputs

    @abstractmethod
    def fill_in(self, rows: list[Row]) -> None:
        """Fill in this task's columns of `rows`, which are all without a reason to drop them."""


class DraftTask(RowTask):
    """The base model's answer to the instruction (arXiv 2406.07168, section 3.1)."""

    keep_truncated: bool = False

    def fill_in(self, rows: list[Row]) -> None:
        for row in rows:
            # It shapes the draft, so it is part of the row: of what is trained and of pairs.
            row["system"] = row["system"] or self.system
        completions = self.caller(rows, [self.format_input(row) for row in rows], step="draft")
        for row, completion in zip(rows, completions, strict=True):
            row.update(self.format_output(completion, row))

    def format_input(self, row: Row) -> list[Message]:
        return chat(row["instruction"], row["system"] or self.system, row["history"])

    def format_output(self, completion: Completion, row: Row) -> Row:
        if completion.text is None:
            return lost(completion, reply_empty="draft_empty", reply_truncated="draft_truncated")
        if not completion.text.strip():
            return {"reason": "draft_empty"}
        draft = completion.text.strip()
        if found := foreign_text(draft, conversation_text(row)):
            return {"draft": draft, **dropped_as_foreign(found)}
        reached_limit = completion.finish_reason == "length" and not self.keep_truncated
        return {"draft": draft, "reason": "draft_truncated" if reached_limit else None}


class CritiqueTask(RowTask):
    """The critic's single call: weaknesses, suggestions, score and refinement (Table 1)."""

    filters: FilterSettings = FilterSettings()
    as_json: bool = False
    # How many times the critic is asked to correct a reply that cannot be parsed.
    max_repairs: int = 0

    @property
    def prompt(self) -> PromptTemplate:
        return critique_prompt(as_json=self.as_json, criteria=self.criteria)

    def fill_in(self, rows: list[Row]) -> None:
        pending = [(row, self.format_input(row)) for row in rows]
        for repairs_left in range(self.max_repairs, -1, -1):
            replies = self._call(pending)
            broken = [(at, reply) for at, reply in enumerate(replies) if reply is not None]
            if not repairs_left or not broken:
                return
            pending = [
                (pending[at][0], self._repair_request(*pending[at], reply)) for at, reply in broken
            ]

    def _call(self, pending: list[tuple[Row, list[Message]]]) -> list[str | None]:
        """Fill in the rows; the reply of each row whose reply is worth a repair, else None."""
        rows = [row for row, _ in pending]
        completions = self.caller(
            rows,
            [messages for _, messages in pending],
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

    def _repair_request(self, row: Row, messages: list[Message], reply: str) -> list[Message]:
        """The conversation so far and what is wrong with the reply; the row is reset."""
        problem = repair_prompt().render(problem=REASONS[row["reason"]])
        row.update(dict.fromkeys(("critique", "refinement", "reason", "detail")))
        return [
            *messages,
            {"role": "assistant", "content": reply},
            {"role": "user", "content": problem},
        ]

    def format_input(self, row: Row) -> list[Message]:
        request = self.prompt.render(
            system=row["system"],
            history=row["history"],
            instruction=row["instruction"],
            criteria=row["criteria"],
            response=row["draft"],
        )
        return chat(request, self.system)

    def format_output(self, completion: Completion, row: Row) -> Row:
        if completion.text is None:
            return lost(completion)
        reply = completion.text
        parsed = parse_reply(reply, row["draft"], completion.finish_reason)
        parsed = own_words(parsed, reply, row, row["draft"])
        if isinstance(parsed, Rejection):
            return {"critic_reply": reply, "reason": parsed.reason, "detail": parsed.detail}
        critique = parsed.critique.as_row()
        texts = (parsed.refinement, *critique["weaknesses"], *critique["suggestions"])
        if found := first_foreign(texts, f"{conversation_text(row)}\n{row['draft']}"):
            return {"critic_reply": reply, **dropped_as_foreign(found)}
        return {
            "critic_reply": reply,
            "critique": critique,
            "refinement": parsed.refinement,
            "reason": reason_incomplete(parsed, self.filters),
        }


class ScoreTask(RowTask):
    """Scores of draft and refinement, each in a context of its own (section 3.2)."""

    as_json: bool = False

    @property
    def prompt(self) -> PromptTemplate:
        return score_prompt(as_json=self.as_json, criteria=self.criteria)

    def fill_in(self, rows: list[Row]) -> None:
        self.assess(rows, "draft")
        # An unchanged answer is scored, and paid for, once.
        unchanged = [row for row in rows if row["refinement"] == row["draft"]]
        for row in unchanged:
            row["refinement_assessment"] = row["draft_assessment"]
            row["refinement_score"] = row["draft_score"]
        self.assess([row for row in rows if row["refinement"] != row["draft"]], "refinement")

    def step_of(self, part: str) -> str:
        """The step under which calls are recorded."""
        return score_step(part, 1)

    def assess(self, rows: list[Row], part: str) -> None:
        """Score one of the two answers of each row."""
        # While the draft's score is pending, the refinement's can be requested beside it.
        rows = [row for row in rows if row["reason"] in (None, PENDING)]
        completions = self.caller(
            rows,
            [self.format_input({**row, "answer": row[part]}) for row in rows],
            step=self.step_of(part),
            template=self.prompt.sha256,
            json_schema=critique_schema(refined=False) if self.as_json else None,
        )
        for row, completion in zip(rows, completions, strict=True):
            row.update(self.format_output(completion, part, row))

    def format_input(self, row: Row) -> list[Message]:
        request = self.prompt.render(
            system=row["system"],
            history=row["history"],
            instruction=row["instruction"],
            criteria=row["criteria"],
            response=row["answer"],
        )
        return chat(request, self.system)

    def format_output(self, completion: Completion, part: str, row: Row) -> Row:
        if completion.reason in _UNREAD:
            detail = f"{completion.reason}: {completion.detail}"
            return {"reason": f"{part}_score_missing", "detail": detail}
        if completion.text is None:
            return lost(completion)
        parsed = parse_assessment(completion.text, completion.finish_reason)
        parsed = own_words(parsed, completion.text, row, row[part])
        if isinstance(parsed, Rejection):
            detail = f"{parsed.reason}: {parsed.detail}"
            return {"reason": f"{part}_score_missing", "detail": detail}
        critique = parsed.critique.as_row()
        texts = (*critique["weaknesses"], *critique["suggestions"])
        if found := first_foreign(texts, f"{conversation_text(row)}\n{row[part]}"):
            return dropped_as_foreign(found)
        return {f"{part}_assessment": critique, f"{part}_score": critique["score"]}


class ControlScoreTask(ScoreTask):
    """The scores of another scorer, beside those of the first, which decides.

    A reply that cannot be used costs the row nothing but this scorer's score. A call that failed
    for a cause that may pass drops the row, as any call does: it is tried again.
    """

    # The scorer's place in the recipe, from 2 on.
    number: int

    def process(self, inputs: StepInput) -> Iterator[list[Row]]:  # type: ignore[override]
        # While the first scores are pending, these can be requested beside them.
        self.fill_in(
            [
                row
                for row in inputs
                if row["reason"] is None
                or (row["reason"] == PENDING and row["refinement"] is not None)
            ]
        )
        yield inputs

    def fill_in(self, rows: list[Row]) -> None:
        for row in rows:
            scores = dict.fromkeys(("draft_score", "refinement_score", "detail"))
            row["control_scores"].append({"model": self.llm.model_name, **scores})
        self.assess(rows, "draft")
        for row in rows:
            if row["refinement"] == row["draft"]:
                control = row["control_scores"][-1]
                control["refinement_score"] = control["draft_score"]
        self.assess([row for row in rows if row["refinement"] != row["draft"]], "refinement")

    def step_of(self, part: str) -> str:
        return score_step(part, self.number)

    def format_output(self, completion: Completion, part: str, row: Row) -> Row:
        """What happens to the row; the score goes among its control scores."""
        result = super().format_output(completion, part, row)
        control = row["control_scores"][-1]
        if (reason := result.get("reason")) is None:
            control[f"{part}_score"] = result[f"{part}_score"]
            return {}
        detail = result["detail"]
        passes = reason == "call_failed" and call_may_pass(row["calls"][-1], detail)
        if passes or reason == PENDING:
            return result
        found = (None if reason.endswith("_score_missing") else reason, detail)
        details = (control["detail"], ": ".join(filter(None, (part, *found))))
        control["detail"] = "; ".join(filter(None, details))
        return {}


def lost(completion: Completion, **names: str) -> Row:
    """The reason and detail of a row whose call returned no text; `names` renames reasons."""
    reason = completion.reason or "call_failed"
    return {"reason": names.get(reason, reason), "detail": completion.detail}
