"""The calls and tokens of an evaluation, before anything is sent."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from builders.critique.prompts import Message
from builders.rows import Row
from pipelines import dag
from pipelines.audit.judges import AskedModel
from pipelines.audit.tasks import score_task
from pipelines.evaluation.answers import answer_steps
from pipelines.evaluation.compare import Pair, compare_step, comparisons
from pipelines.evaluation.material import Material
from pipelines.evaluation.run import EvaluationRequest, Plan, plan_of
from pipelines.generate.estimate import TYPICAL_CRITIQUE, token_counter
from pipelines.llms.factory import Models

# Characters and tokens of a typical answer, which is not written yet.
_TYPICAL_ANSWER, _TYPICAL_TOKENS, _TYPICAL_VERDICT = "x " * 500, 250, 60


def estimate_evaluation(request: EvaluationRequest) -> tuple[list[dict[str, Any]], str]:
    """Calls and tokens of each step that asks a model, and how the prompts were counted."""
    plan = plan_of(request)
    count, how = token_counter()
    return list(_steps(plan, count)), how


def _steps(plan: Plan, count: Callable) -> Iterator[dict[str, Any]]:
    rows = plan.material.rows
    for role, one in (("model", plan.model), ("reference", plan.reference)):
        if isinstance(one, AskedModel):
            yield from _answer_steps(role, one, rows, count, refine=role == "model")
    if isinstance(plan.judge, AskedModel):
        yield _judge_step(plan, count)


def _answer_steps(
    role: str, model: AskedModel, rows: Sequence[Row], count: Callable, *, refine: bool
) -> Iterator[dict[str, Any]]:
    # Outside of a pipeline, distilabel warns about each step.
    with dag.Pipeline(name="srt-estimate"):
        tasks = answer_steps(model, Models(), 0, refine=refine)
    for task in tasks:
        prompts = [task.format_input({**row, "draft": _TYPICAL_ANSWER}) for row in rows]
        typical = _TYPICAL_TOKENS + (TYPICAL_CRITIQUE if task.name == "critique" else 0)
        yield _step(f"{role}: {task.name}", model, prompts, typical, count)


def _judge_step(plan: Plan, count: Callable) -> dict[str, Any]:
    judge, parts = plan.judge, ["draft", "refinement"]
    if isinstance(plan.model, Material) and not plan.model.refinements:
        parts = ["answer"]
    pairs = [
        Pair(
            row["item"],
            part,
            {key: row[key] for key in row if key != "item"},
            _text(plan.model, row["item"]),
            _text(plan.reference, row["item"]),
        )
        for part in parts
        for row in plan.material.rows
    ]
    with dag.Pipeline(name="srt-estimate"):
        if judge.trained:
            task = score_task(judge, Models().get(judge.block))
        else:
            task = compare_step(judge, Models(), 0)
    if not judge.trained:
        prompts = [task.format_input(row) for row in comparisons(pairs)]
        return _step("judge", judge, prompts, _TYPICAL_VERDICT, count)
    # Each answer once, and the reference's.
    answers = [(pair, pair.answer) for pair in pairs]
    answers += [(pair, pair.reference) for pair in pairs if pair.part == parts[0]]
    prompts = [task.format_input({**pair.conversation, "answer": text}) for pair, text in answers]
    return _step("judge", judge, prompts, TYPICAL_CRITIQUE, count)


def _text(answers: AskedModel | Material, item: str) -> str:
    return answers.drafts[item] if isinstance(answers, Material) else _TYPICAL_ANSWER


def _step(
    name: str, model: AskedModel, prompts: Sequence[list[Message]], typical: int, count: Callable
) -> dict[str, Any]:
    most = model.block.max_new_tokens
    return {
        "step": name,
        "model": model.name,
        "calls": len(prompts),
        "tokens_in": sum(count(turn["content"]) for prompt in prompts for turn in prompt),
        "tokens_out": min(typical, most) * len(prompts),
        "tokens_out_at_most": most * len(prompts),
    }
