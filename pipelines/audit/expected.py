"""`scores: expected`: the mean of the scores that a model could give, by how likely each is.

The model's reply begins with the words before the score, and the score is read from the
probabilities of what comes next. Nothing is written or sampled, so this is much cheaper than a
reply, and has hardly any ties. But the model scores without having written a critique: this is
another instrument than the scores of replies, and agrees with people more or less than they do.
"""

from builders.critique.render import BLOCKS
from builders.rows import Row
from pipelines.generate.calls import unpriced_call
from pipelines.generate.tasks import lost
from pipelines.llms.messages import Choices, Likelihoods

_BEGIN, _END = BLOCKS["score"]("|").split("|")
SCORES = Choices(_BEGIN, tuple(str(score) for score in range(1, 11)), _END)


def expectation(likely: Likelihoods) -> tuple[float | None, float]:
    """The expected score, and the probability that a score is given at all.

    None if no score is possible.
    """
    total = sum(likely.values)
    if not total > 0:
        return None, 0.0
    mean = sum(score * p for score, p in enumerate(likely.values, start=1)) / total
    return mean, total


class Expected:
    """Scores answers by expectation; a mixin for the task that has the request."""

    def assess(self, rows: list[Row], part: str) -> None:
        requests = [self.format_input({**row, "answer": row[part]}) for row in rows]
        for row, likely in zip(rows, self.llm.choose(requests, SCORES), strict=True):
            row["calls"].append(self._call(f"score_{part}", likely))
            row.update(self._outcome(likely, part))

    def _outcome(self, likely: Likelihoods, part: str) -> Row:
        if likely.completion.reason:
            return lost(likely.completion)
        score, probability = expectation(likely)
        if score is None:
            reason = f"{part}_score_missing"
            return {"reason": reason, "detail": "score_missing: no score has a probability"}
        return {f"{part}_score": score, "score_probability": probability}

    def _call(self, step: str, likely: Likelihoods) -> Row:
        completion = likely.completion
        return {
            **unpriced_call(step, self.llm.model_name),
            "endpoint": self.llm.endpoint,
            "template": self.prompt.sha256,
            "tokens_in": completion.tokens_in,
            "tokens_out": completion.tokens_out,
            "latency": completion.latency,
            "attempts": completion.attempts,
            "finish_reason": completion.finish_reason,
        }
