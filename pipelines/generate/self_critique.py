"""The tasks of a model that stage 1 has trained: its prompts have the form of its training data.

The conversation is that of `builders.training.sft`: instruction, answer, request. The prompts for
a critic quote the answer instead, which a trained model has never seen.
"""

from dataclasses import replace

from builders.critique.prompts import Message, PromptTemplate, request_prompt
from builders.rows import Row
from builders.training.sft import review_turns
from pipelines.generate.tasks import CritiqueTask, ScoreTask
from pipelines.llms.messages import Completion

_IMPROVED = "### Improved Response"


class SelfCritiqueTask(CritiqueTask):
    """The model criticizes and refines its own draft (arXiv 2406.07168, section 3.2)."""

    @property
    def prompt(self) -> PromptTemplate:
        return request_prompt(criteria=self.criteria)

    def format_input(self, row: Row) -> list[Message]:
        return review_turns(
            row["instruction"],
            row["draft"],
            system=row["system"] or self.system,
            history=row["history"],
            criteria=row["criteria"],
        )


class SelfScoreTask(ScoreTask):
    """The model's scores of draft and refinement, each as if it had just given that answer.

    With `refined`, the request is the one of training, and only the score of the reply is used.
    For the draft that reply exists: the critique was written before the refinement, in a context
    with nothing but the draft.
    """

    refined: bool = True

    @property
    def prompt(self) -> PromptTemplate:
        return request_prompt(refined=self.refined, criteria=self.criteria)

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
            history=row["history"],
            criteria=row["criteria"],
            refined=self.refined,
        )

    def format_output(self, completion: Completion, part: str, row: Row) -> Row:
        if completion.text is not None:
            critique, heading, _ = completion.text.partition(_IMPROVED)
            # A reply that was cut off in the refinement has a whole critique.
            finish = "stop" if heading else completion.finish_reason
            completion = replace(completion, text=critique, finish_reason=finish)
        return super().format_output(completion, part, row)
