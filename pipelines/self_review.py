"""The tasks of a model that stage 1 has trained: it reviews in the form in which it was taught.

The conversation is that of `builders.sft`: instruction, answer, request. A teacher's prompts show
the answer as a quotation instead, which such a model has never seen.
"""

from dataclasses import replace

from builders.prompts import Message, Prompt, request_prompt
from builders.sft import review_turns
from pipelines.dag import Row
from pipelines.llms.base import Completion
from pipelines.tasks import Critique, IndependentScore

_IMPROVED = "### Improved Response"


class SelfCritique(Critique):
    """The model reviews and refines its own draft (arXiv 2406.07168, section 3.2)."""

    @property
    def prompt(self) -> Prompt:
        return request_prompt()

    def format_input(self, row: Row) -> list[Message]:
        return review_turns(row["instruction"], row["draft"], system=row["system"] or self.system)


class SelfScore(IndependentScore):
    """The model's scores of draft and refinement, each as if it had just given that answer.

    With `refined` it is asked for the same review as in training, of which only the score is
    read. For the draft that is the critique itself: it was written before the refinement, and in
    sight of nothing but the draft.
    """

    refined: bool = True

    @property
    def prompt(self) -> Prompt:
        return request_prompt(refined=self.refined)

    def assess(self, rows: list[Row], part: str) -> None:
        if not (self.refined and part == "draft"):
            super().assess(rows, part)
            return
        for row in rows:
            row["draft_assessment"] = row["critique"]
            row["draft_score"] = row["critique"]["score"]

    def format_input(self, row: Row) -> list[Message]:
        return review_turns(
            row["instruction"],
            row["answer"],
            system=row["system"] or self.system,
            refined=self.refined,
        )

    def format_output(self, completion: Completion, part: str) -> Row:
        if completion.text is not None:
            review, improved, _ = completion.text.partition(_IMPROVED)
            # Cut off in the refinement, a review is still whole.
            finish = "stop" if improved else completion.finish_reason
            completion = replace(completion, text=review, finish_reason=finish)
        return super().format_output(completion, part)
