"""The calls, tokens and cost of an audit, before anything is sent."""

from builders.audit.frozen import open_set
from pipelines import dag
from pipelines.asking.asking import Asking
from pipelines.asking.estimate import estimate_step
from pipelines.asking.session import require_sense
from pipelines.audit.judges import AskedModel
from pipelines.audit.run import AuditRequest, askings_of, chosen_pairs, judges_of
from pipelines.generate.estimate import (
    TYPICAL_CRITIQUE,
    CountTokens,
    StepEstimate,
    TokenRange,
    token_counter,
)
from pipelines.llms.factory import Models


def estimate_audit(request: AuditRequest) -> tuple[list[StepEstimate], str]:
    """What each judge that is asked takes, and how the prompts were counted."""
    frozen = open_set(request.set)
    pairs, judges = chosen_pairs(frozen, request.limit), judges_of(request, frozen)
    askings = askings_of(request, pairs, judges, frozen.folder)
    require_sense(request.settings, askings)
    count, how = token_counter()
    steps = [_estimate(role, judges[role], asking, count) for role, asking in askings.items()]
    return steps, how


def _estimate(role: str, judge: AskedModel, asking: Asking, count: CountTokens) -> StepEstimate:
    # distilabel warns of a task that is in no pipeline.
    with dag.Pipeline(name="estimate"):
        (task,) = asking.steps(Models())
    most = 0 if judge.scores == "expected" else judge.block.max_new_tokens
    reply = TokenRange(min(TYPICAL_CRITIQUE, most), most)
    prompts = (task.format_input({**row, "answer": row["refinement"]}) for row in asking.rows)
    return estimate_step(role, asking, prompts, reply, count)
