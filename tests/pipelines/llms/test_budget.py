import asyncio

import pytest

from builders.errors import RunFailed
from pipelines.llms.budget import Account, Budget
from pipelines.llms.endpoint.openai import OpenAILLM
from pipelines.llms.messages import Request
from pipelines.llms.store import CompletionStore
from tests import openai_server as server


def requests(count):
    return [Request([{"role": "user", "content": f"Question {n}"}], n) for n in range(count)]


def reply(body, n):
    usage = {"prompt_tokens": 20, "completion_tokens": 30}
    return {**server.answer("Fine.", body), "usage": usage}


def test_amounts_in_money_and_in_tokens():
    money = Account(Budget(1.0, "money"), input_price=2.0, output_price=8.0)
    assert money.amount(500_000, 250_000) == pytest.approx(3.0)
    assert Account(Budget(1.0, "tokens"), 2.0, 8.0).amount(20, 30) == 50


def test_a_request_waits_for_what_others_give_back():
    budget = Budget(100, "tokens")

    async def run():
        await budget.reserve(80)
        waiting = asyncio.create_task(budget.reserve(80))
        await asyncio.sleep(0)
        assert not waiting.done()
        budget.settle(80, 10)
        await waiting
        budget.settle(80, 50)

    asyncio.run(run())
    assert budget.spent == 60


def test_with_nothing_to_come_back_it_stops():
    with pytest.raises(RunFailed, match=r"budget of 100 tokens .* larger one continues"):
        asyncio.run(Budget(100, "tokens", spent=90).reserve(20))


def test_once_it_has_stopped_a_run_nothing_is_sent_any_more():
    budget = Budget(100, "tokens", spent=90)
    for amount in (20, 5):
        with pytest.raises(RunFailed, match="budget"):
            asyncio.run(budget.reserve(amount))


@pytest.mark.parametrize("in_flight", [1, 8, 64])
def test_the_budget_is_never_passed_and_nothing_paid_is_lost(tmp_path, in_flight):
    store = CompletionStore(tmp_path / "store.sqlite")
    budget = Budget(2000, "tokens")
    with server.OpenAIServer(reply) as endpoint:

        def llm(limit):
            client = OpenAILLM(
                model="m",
                base_url=endpoint.url,
                api_key_env=None,
                in_flight=in_flight,
                max_new_tokens=100,
            )
            client.keep_in(store)
            client.draw_on(Account(limit, 0.0, 0.0))
            return client

        with pytest.raises(RunFailed, match="budget"):
            llm(budget).complete(requests(100))
        sent = len(endpoint.requests)
        assert budget.spent == 50 * sent <= 2000
        assert sent >= 30
        assert store.stats().completions == sent

        larger = Budget(10_000, "tokens")
        assert all(done.text for done in llm(larger).complete(requests(100)))
        assert len(endpoint.requests) == 100
        assert larger.spent == 5000
