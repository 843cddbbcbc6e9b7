"""The calls, tokens and cost of an audit, before anything is sent."""

from builders.audit.frozen import open_set
from pipelines import dag
from pipelines.audit.ask import Asking
from pipelines.audit.engine import require_sense
from pipelines.audit.run import AuditRequest, askings_of, chosen_pairs, judges_of
from pipelines.audit.tasks import score_task
from pipelines.generate.estimate import (
    TYPICAL_CRITIQUE,
    CountTokens,
    StepEstimate,
    TokenRange,
    token_counter,
)
from pipelines.llms.factory import make_llm


def estimate_audit(request: AuditRequest) -> tuple[list[StepEstimate], str]:
    """What each judge that is asked takes, and how the prompts were counted."""
    frozen = open_set(request.set)
    pairs, judges = chosen_pairs(frozen, request.limit), judges_of(request, frozen)
    askings = askings_of(request, pairs, judges, frozen.folder)
    require_sense(request.settings, askings)
    count, how = token_counter()
    return [_estimate(role, asking, count) for role, asking in askings.items()], how


def _estimate(role: str, asking: Asking, count: CountTokens) -> StepEstimate:
    judge = asking.model
    # distilabel warns of a task that is in no pipeline.
    with dag.Pipeline(name="estimate"):
        task = score_task(judge, make_llm(judge.block))
    total = StepEstimate(role, judge.name)
    most = 0 if judge.scores == "expected" else judge.block.max_new_tokens
    reply = TokenRange(min(TYPICAL_CRITIQUE, most), most)
    for row in asking.rows:
        turns = task.format_input({**row, "answer": row["refinement"]})
        prompt = sum(count(turn["content"]) for turn in turns)
        total.add(TokenRange(prompt, prompt), reply, asking.price)
    return total
