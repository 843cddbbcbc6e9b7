"""The step of an audit: the score of one answer, which stands in the row as its refinement."""

from typing import Any

from builders.rows import Row
from pipelines.audit.expected import Expected
from pipelines.audit.judges import AskedModel
from pipelines.generate.self_critique import SelfScoreTask
from pipelines.generate.tasks import ScoreTask
from pipelines.llms.base import ChatLLM
from pipelines.recipe.models import Price


class AnswerScore(ScoreTask):
    """The independent score of one answer, by the prompt for any model."""

    def fill_in(self, rows: list[Row]) -> None:
        self.assess(rows, "refinement")


class TrainedAnswerScore(SelfScoreTask):
    """The same in the words that a checkpoint of this project was trained on."""

    def fill_in(self, rows: list[Row]) -> None:
        self.assess(rows, "refinement")


class ExpectedScore(Expected, AnswerScore):
    """The expected score of one answer, by the prompt for any model."""


class TrainedExpectedScore(Expected, TrainedAnswerScore):
    """The same in the words that a checkpoint of this project was trained on."""


def score_task(
    model: AskedModel, llm: ChatLLM, seed: int = 0, price: Price | None = None
) -> ScoreTask:
    """The task that asks `model`, called through `llm`, for the score of an answer."""
    arguments: dict[str, Any] = {
        "name": "score",
        "llm": llm,
        "seed": seed,
        "system": model.block.system,
        "price": price,
    }
    if model.scores == "expected":
        return (TrainedExpectedScore if model.trained else ExpectedScore)(**arguments)
    if model.trained:
        return TrainedAnswerScore(**arguments)
    return AnswerScore(as_json=model.as_json, **arguments)
