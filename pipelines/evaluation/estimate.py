"""The calls, tokens and cost of an evaluation, before anything is sent."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from pipelines import dag
from pipelines.asking.asking import Asking
from pipelines.asking.estimate import NOTHING, estimate_step
from pipelines.asking.session import require_sense
from pipelines.audit.judges import AskedModel
from pipelines.evaluation.compare import Pair
from pipelines.evaluation.material import Material
from pipelines.evaluation.run import EvaluationRequest, Plan, plan_of
from pipelines.generate.estimate import (
    TYPICAL_CRITIQUE,
    TYPICAL_DRAFT,
    CountTokens,
    StepEstimate,
    TokenRange,
    token_counter,
)
from pipelines.llms.factory import Models

_TYPICAL_VERDICT = 60
# No folder: nothing is on disk.
_NOWHERE = Path("estimate")


def estimate_evaluation(request: EvaluationRequest) -> tuple[list[StepEstimate], str]:
    """What each step that asks a model takes, and how the prompts were counted."""
    plan = plan_of(request)
    askings = plan.askings(_NOWHERE)
    require_sense(request.settings, askings, "model")
    count, how = token_counter()
    return list(_steps(plan, askings, count)), how


def _steps(plan: Plan, askings: dict[str, Asking], count: CountTokens) -> Iterator[StepEstimate]:
    for role in ("model", "reference"):
        if role in askings:
            yield from _answers(role, askings[role], count)
    if "judge" in askings:
        yield _judge(plan, count)


def _answers(role: str, asking: Asking, count: CountTokens) -> Iterator[StepEstimate]:
    draft = _reply(TYPICAL_DRAFT, asking.block.max_new_tokens)
    for task in _tasks(asking):
        prompts = (task.format_input({**row, "draft": ""}) for row in asking.rows)
        reply, unwritten = draft, NOTHING
        if task.name == "critique":
            reply = _reply(TYPICAL_CRITIQUE + TYPICAL_DRAFT, asking.block.max_new_tokens)
            unwritten = draft
        yield estimate_step(f"{role}: {task.name}", asking, prompts, reply, count, unwritten)


def _judge(plan: Plan, count: CountTokens) -> StepEstimate:
    """Answers that are not written yet are empty in the prompts, and counted as typical ones."""
    parts = ["draft", "refinement"]
    if isinstance(plan.model, Material) and not plan.model.refinements:
        parts = ["answer"]
    pairs = [
        Pair(
            row["item"],
            part,
            {key: row[key] for key in row if key != "item"},
            # So that every pair is one to ask about.
            _text(plan.model, row["item"], part) or f"{part} ",
            _text(plan.reference, row["item"]) or "reference ",
        )
        for part in parts
        for row in plan.material.rows
    ]
    asking = plan.judging(pairs, _NOWHERE)
    unwritten = [_unwritten(one) for one in (plan.model, plan.reference)]
    (task,) = _tasks(asking)
    if plan.judge.trained:
        prompts = [task.format_input({**row, "answer": row["refinement"]}) for row in asking.rows]
        reply = _reply(TYPICAL_CRITIQUE, asking.block.max_new_tokens)
        # Of each answer the prompt has one, which is the model's in all but the reference's share.
        both = TokenRange(*(max(one) for one in zip(*unwritten, strict=True)))
        return estimate_step("judge", asking, prompts, reply, count, both)
    prompts = [task.format_input(row) for row in asking.rows]
    reply = _reply(_TYPICAL_VERDICT, asking.block.max_new_tokens)
    return estimate_step("judge", asking, prompts, reply, count, unwritten[0].plus(unwritten[1]))


def _tasks(asking: Asking) -> Sequence[dag.Task]:
    # Outside of a pipeline, distilabel warns about each step.
    with dag.Pipeline(name="estimate"):
        return asking.steps(Models())


def _text(answers: AskedModel | Material, item: str, part: str = "draft") -> str:
    if not isinstance(answers, Material):
        return ""
    own = answers.refinements if part == "refinement" else answers.drafts
    return own.get(item, answers.drafts[item])


def _unwritten(answers: AskedModel | Material) -> TokenRange:
    if isinstance(answers, Material):
        return NOTHING
    return _reply(TYPICAL_DRAFT, answers.block.max_new_tokens)


def _reply(typical: int, most: int) -> TokenRange:
    return TokenRange(min(typical, most), most)
