import pytest

from pipelines.generate.calls import cost, row_seed
from pipelines.llms.messages import Completion
from pipelines.recipe.models import Price


def test_a_seed_depends_on_run_row_and_step():
    seeds = {row_seed(seed, id_, step) for seed in (0, 1) for id_ in "ab" for step in ("x", "y")}
    assert len(seeds) == 8
    assert all(0 <= seed < 2**31 for seed in seeds)
    assert row_seed(0, "a", "x") == row_seed(0, "a", "x")


def test_cost_is_per_million_tokens():
    completion = Completion("x", tokens_in=500_000, tokens_out=250_000)
    assert cost(completion, Price(input=2, output=8)) == pytest.approx(3.0)
    assert cost(completion, None) is None
