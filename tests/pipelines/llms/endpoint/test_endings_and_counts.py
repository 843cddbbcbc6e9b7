"""Why a reply ended and what it used, in the words of all endpoints."""

import json
import logging

import pytest

from builders.critique.prompts import chat
from pipelines.generate.calls import Caller
from pipelines.llms.answers import read_answer
from pipelines.llms.budget import Account, Budget
from pipelines.llms.endpoint.http_replies import FailedRequest, RejectedRequest, read_reply
from pipelines.llms.endpoint.token_counts import read_token_counts
from pipelines.llms.finish_reasons import fold_finish_reason
from pipelines.llms.messages import Completion
from tests import openai_server as fake
from tests.openai_client import ask
from tests.openai_server import OpenAIServer

FOLDED = {
    "length": "length LENGTH MAX_TOKENS max_tokens model_length max_output_tokens max_length "
    "FINISH_REASON_MAX_TOKENS",
    "content_filter": "content_filter SAFETY RECITATION BLOCKLIST PROHIBITED_CONTENT sensitive",
    "stop": "stop STOP eos_token end_turn stop_sequence COMPLETE",
    "error": "error network_error insufficient_system_resource",
}


@pytest.mark.parametrize(
    ("word", "reason"), [(word, key) for key, words in FOLDED.items() for word in words.split()]
)
def test_endings_in_other_words(word, reason):
    assert fold_finish_reason(word) == reason


def test_other_endings_stay_as_they_are():
    assert fold_finish_reason("content_filter: RECITATION") == "content_filter"
    assert [fold_finish_reason(one) for one in ("tool_calls", "", None)] == ["tool_calls", "", None]


@pytest.mark.parametrize("word", ["SAFETY", "RECITATION", "content_filter: RECITATION"])
def test_an_answer_withheld_in_other_words(once, word):
    completion, requests = once(fake.answer(None, finish_reason=word))
    assert (completion.text, completion.reason) == (None, "content_filtered")
    assert len(requests) == 1


@pytest.mark.parametrize("word", ["MAX_TOKENS", "model_length", "max_output_tokens"])
def test_a_cut_answer_is_cut_in_the_store_of_an_earlier_version_too(word):
    stored = Completion("Because", finish_reason=word)
    assert read_answer(stored).finish_reason == "length"


def test_as_many_tokens_as_allowed_and_no_reason_is_a_cut_answer():
    full = Completion("Because", tokens_out=512)
    assert read_answer(full, 512).finish_reason == "length"
    assert read_answer(full, 513).finish_reason is None
    assert (
        read_answer(
            Completion("Because", tokens_out=512, estimated=("tokens_out",)), 512
        ).finish_reason
        is None
    )
    assert read_answer(Completion("Yes.", tokens_out=512, finish_reason="stop"), 512).text == "Yes."


@pytest.mark.parametrize(
    ("words", "seconds"),
    [
        ("You exceeded your quota. Please retry in 3.2s.", 3.2),
        ("Rate limit reached. Please try again in 120ms.", 0.12),
        ("Please try again in 20s. Visit ...", 20.0),
        ("Try again later.", None),
    ],
)
def test_a_wait_that_is_only_in_the_words_is_kept_to(words, seconds):
    body = json.dumps({"error": {"message": words}}).encode()
    assert read_reply(429, body, {}).retry_after == seconds
    assert read_reply(429, body, {"Retry-After": "7"}).retry_after == 7.0


def test_a_delay_in_the_details_is_kept_to():
    body = {"error": {"code": 429, "details": [{"retryDelay": "3s"}]}}
    assert read_reply(429, json.dumps(body).encode(), {}).retry_after == 3.0


def reply_with(**choice):
    return read_reply(200, json.dumps({"choices": [choice]}).encode(), {})


def test_an_error_inside_a_choice_is_a_failure():
    partial = {"content": "The first"}
    failed = reply_with(message=partial, error={"code": 502, "message": "upstream died"})
    assert isinstance(failed, RejectedRequest)
    assert (failed.status, failed.message, failed.may_pass) == (502, "upstream died", True)
    failed = reply_with(message=partial, error="upstream died", finish_reason="stop")
    assert isinstance(failed, FailedRequest)
    assert failed.failure == "error in the choice: upstream died"
    body = {"error": {"code": "429", "message": "slow down"}, "choices": [{"message": partial}]}
    assert read_reply(200, json.dumps(body).encode(), {}).status == 429


@pytest.mark.parametrize(
    "body",
    [
        {"usage": {"prompt_tokens": 30, "completion_tokens": 12}},
        {"usage": {"input_tokens": 30, "output_tokens": 12}},
        {"usage": {"prompt_tokens": 30, "total_tokens": 42}},
        {"usageMetadata": {"promptTokenCount": 30, "candidatesTokenCount": 12}},
        {"prompt_eval_count": 30, "eval_count": 12},
        {"usage": None, "timings": {"prompt_n": 30, "predicted_n": 12}},
    ],
)
def test_counts_under_other_names(body):
    assert read_token_counts(body) == (30, 12, 0)


@pytest.mark.parametrize(
    "usage",
    [None, {}, [], "30", {"prompt_tokens": 0}, {"prompt_tokens": -1}, {"prompt_tokens": True}],
)
def test_no_count_is_no_number(usage):
    assert read_token_counts({"usage": usage}) == (None, None, 0)


@pytest.mark.parametrize("usage", [None, {"prompt_tokens": 0, "completion_tokens": 0}])
def test_a_budget_holds_where_the_endpoint_reports_no_tokens(make, caplog, usage):
    text = "word " * 40
    with OpenAIServer(lambda body, n: fake.answer(text, body) | {"usage": usage}) as server:
        llm = make(server.url, in_flight=1, max_new_tokens=100)
        budget = Budget(1000, "tokens")
        llm.draw_on(Account(budget, 1.0, 1.0))
        rows = [{"id": str(n), "calls": []} for n in range(3)]
        with caplog.at_level(logging.WARNING):
            Caller(llm, 0)(rows, [chat("Why is the sky blue?")] * 3, step="draft")
    # A character of an answer is a token at most, and so are two bytes of a prompt.
    assert 600 < budget.spent < 1000
    assert caplog.text.count("does not say how many tokens") == 1
    for row in rows:
        assert (row["calls"][0]["tokens_in"], row["calls"][0]["tokens_out"]) == (None, None)


def test_a_reply_with_counts_is_counted(once):
    assert once("Fine.", request=ask())[0].estimated == ()
