"""Several samples of a prompt: one HTTP request where the endpoint knows `n`."""

import asyncio

import pytest

from builders.errors import RunFailed
from pipelines.llms.budget import Account, Budget
from pipelines.llms.messages import Request
from pipelines.llms.scripted import ScriptedLLM
from pipelines.llms.store import CompletionStore
from tests import openai_server as fake
from tests.openai_client import ask
from tests.openai_server import OpenAIServer


def several(body, n):
    """What an endpoint does that honours `n`."""
    return [f"{body['seed']}.{index}" for index in range(body.get("n", 1))]


def texts(group):
    return [completion.text for completion in group]


def asked(server):
    return [(body["seed"], body.get("n")) for body in server.requests]


@pytest.fixture
def store(tmp_path):
    return CompletionStore(tmp_path / "store.sqlite")


@pytest.fixture
def kept(make, store):
    def make_llm(url, **changes):
        llm = make(url, **changes)
        llm.keep_in(store)
        return llm

    return make_llm


def test_one_request_brings_all_samples_of_a_prompt(make):
    with OpenAIServer(several) as server:
        groups = make(server.url).sample([ask("A"), ask("B", seed=7, samples=3)])
        assert [texts(group) for group in groups] == [["0.0"], ["7.0", "7.1", "7.2"]]
        assert sorted(asked(server)) == [(0, None), (7, 3)]


def test_the_prompt_is_counted_once_and_the_answers_by_their_lengths(make):
    answers = ["one two three", "one", ""]
    with OpenAIServer(lambda body, n: answers) as server:
        (group,) = make(server.url).sample([ask("four words of prompt", samples=3)])
    assert [completion.tokens_in for completion in group] == [4, 0, 0]
    assert sum(completion.tokens_out for completion in group) == 4
    assert group[0].tokens_out > group[1].tokens_out >= group[2].tokens_out


def test_distilabels_own_tasks_get_their_generations_from_one_request(make):
    from distilabel.steps.tasks import TextGeneration

    with OpenAIServer(several) as server:
        llm = make(server.url)
        task = TextGeneration(llm=llm, num_generations=3, group_generations=True)
        task.load()
        rows = next(task.process([{"instruction": "Why?"}, {"instruction": "How?"}]))
        assert [row["generation"] for row in rows] == [["0.0", "0.1", "0.2"]] * 2
        assert asked(server) == [(0, 3)] * 2


def test_only_missing_samples_are_asked_for(kept, store):
    with OpenAIServer(several) as server:
        kept(server.url).complete([ask(seed=5)])
        ((*first,),) = kept(server.url).sample([ask(seed=5, samples=2)])
        ((*more,),) = kept(server.url).sample([ask(seed=5, samples=4)])
        ((*again,),) = kept(server.url).sample([ask(seed=5, samples=4)])
        assert asked(server) == [(5, None), (6, None), (7, 2)]
    assert texts(more) == ["5.0", "6.0", "7.0", "7.1"]
    assert first == more[:2]
    assert again == more
    assert store.stats().completions == 4


def test_an_endpoint_that_ignores_n_is_asked_for_the_rest(kept, store):
    with OpenAIServer(lambda body, n: f"seed {body['seed']}") as server:
        (group,) = kept(server.url).sample([ask(samples=4)])
        assert texts(group) == [f"seed {seed}" for seed in range(4)]
        assert asked(server)[0] == (0, 4)
        assert sorted(asked(server)[1:]) == [(1, None), (2, None), (3, None)]
        kept(server.url).sample([ask(samples=4)])
        assert len(server.requests) == 4
    assert len({completion.tokens_in for completion in group}) == 1
    assert store.stats().completions == 4


def test_an_endpoint_that_refuses_n_gets_none(make):
    def reply(body, n):
        return fake.status(400, "'n': number must be 1") if "n" in body else "Fine."

    with OpenAIServer(reply) as server:
        llm = make(server.url)
        (group,) = llm.sample([ask(samples=3)])
        assert texts(group) == ["Fine."] * 3
        (group,) = llm.sample([ask(samples=3)])
        assert texts(group) == ["Fine."] * 3
        assert sum("n" in body for body in server.requests) == 1


def test_what_is_wrong_with_a_choice_stays_with_its_sample(kept, store):
    def reply(body, n):
        if n:
            return "At last."
        return ["Fine.", fake.refusal("No."), fake.null_content(), fake.cut_off("And so")]

    with OpenAIServer(reply) as server:
        (group,) = kept(server.url).sample([ask(samples=4)])
        assert asked(server) == [(0, 4), (2, None)]
    fine, refused, late, cut = group
    assert (fine.text, fine.failures, fine.attempts) == ("Fine.", (), 1)
    assert (refused.reason, refused.detail) == ("refusal", "No.")
    assert (late.text, late.failures, late.attempts) == ("At last.", ("content is null",), 2)
    assert (cut.text, cut.finish_reason) == ("And so", "length")
    assert store.stats().completions == 4


def test_a_failed_reply_is_a_failure_of_every_sample(make):
    replies = [fake.status(503), several({"seed": 0, "n": 2}, 0)]
    with OpenAIServer(lambda body, n: replies[n]) as server:
        (group,) = make(server.url).sample([ask(samples=2)])
        assert asked(server) == [(0, 2)] * 2
    assert [(one.text, one.failures) for one in group] == [
        ("0.0", ("HTTP 503",)),
        ("0.1", ("HTTP 503",)),
    ]


@pytest.mark.parametrize("honours", [True, False])
def test_a_budget_counts_every_token_once(kept, honours):
    def reply(body, n):
        answers = ["a b c"] * (body.get("n", 1) if honours else 1)
        return answers if honours else answers[0]

    budget = Budget(10_000, "tokens")
    with OpenAIServer(reply) as server:
        llm = kept(server.url, max_new_tokens=50)
        llm.draw_on(Account(budget, 0.0, 0.0))
        groups = llm.sample([ask(f"prompt {n}", samples=4) for n in range(5)])
        prompts = len(server.requests)
    assert prompts == (5 if honours else 20)
    assert budget.spent == prompts * 2 + 20 * 3
    assert budget.spent == sum(one.tokens_in + one.tokens_out for group in groups for one in group)
    # Everything that was reserved has been returned.
    asyncio.run(budget.reserve(10_000 - budget.spent))


def test_a_budget_stops_before_samples_that_might_pass_it(kept):
    budget = Budget(250, "tokens")
    with OpenAIServer(several) as server:
        llm = kept(server.url, max_new_tokens=100)
        llm.draw_on(Account(budget, 0.0, 0.0))
        with pytest.raises(RunFailed, match="budget of 250 tokens"):
            llm.sample([ask(samples=3)])
        assert server.requests == []


def test_kinds_without_n_make_one_request_a_sample():
    llm = ScriptedLLM(script="tests.scripts:draft")
    request = Request([{"role": "user", "content": "Why?"}], seed=3, samples=2)
    assert texts(llm.sample([request])[0]) == [
        f"A first answer to: Why? (sample {seed})" for seed in (3, 4)
    ]
