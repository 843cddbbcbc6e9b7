import pytest

from pipelines.generate.estimate import estimate
from pipelines.generate.instructions import make_sources
from pipelines.recipe.file import parse_recipe

RECIPE = {
    "name": "x",
    "instructions": {"builtin": "stage1"},
    "drafts": {"kind": "embedded", "max_new_tokens": 100},
    "critic": {"kind": "openai", "model": "m", "price": {"input": 1.0, "output": 2.0}},
}


def count(text):
    return len(text.split())


def steps(limit=None, **changes):
    recipe = parse_recipe({**RECIPE, **changes}, "test")
    sources = make_sources(recipe.instructions)
    return {step.step: step for step in estimate(recipe, sources, count, limit)}


def test_every_step_that_calls_a_model_is_counted():
    estimates = steps()
    assert list(estimates) == ["draft", "critique", "score_draft", "score_refinement"]
    assert {step.calls for step in estimates.values()} == {180}
    for step in estimates.values():
        assert step.tokens_in <= step.tokens_in_at_most
        assert step.tokens_out <= step.tokens_out_at_most


def test_cost_follows_the_prices():
    critique = steps(limit=10)["critique"]
    assert critique.calls == 10
    assert critique.cost == pytest.approx((critique.tokens_in + 2 * critique.tokens_out) / 1e6)
    assert critique.cost < critique.cost_at_most
    assert steps()["draft"].cost is None


def test_a_batch_costs_half():
    live, batch = steps()["critique"], steps(execution={"kind": "batch"})["critique"]
    assert batch.cost == pytest.approx(live.cost / 2)


def test_nothing_is_counted_where_no_model_is_called():
    assert list(steps(instructions={"verifiable": 5}, critic={"kind": "verifiable"})) == ["draft"]


def test_a_model_may_score_what_the_verifiable_teacher_refines():
    estimates = steps(
        instructions={"verifiable": 5}, critic={"kind": "verifiable"}, scorer=RECIPE["critic"]
    )
    assert list(estimates) == ["draft", "score_draft", "score_refinement"]
    assert estimates["score_draft"].tokens_in == estimates["score_refinement"].tokens_in


def test_what_a_model_writes_at_most_is_its_limit():
    estimates = steps(limit=10)
    assert estimates["draft"].tokens_out_at_most == 10 * 100
    assert estimates["critique"].tokens_out_at_most == 10 * 512
    assert estimates["score_refinement"].tokens_in_at_most - estimates[
        "score_draft"
    ].tokens_in_at_most == (10 * (512 - 100))
