"""What a run uses of a completion, whatever kind of model it came from."""

import json

import pytest

from pipelines.llms.answers import read_answer
from pipelines.llms.endpoint.http_replies import AnsweredRequest, read_reply
from pipelines.llms.messages import Completion
from pipelines.llms.store import CompletionStore
from tests import openai_server as fake
from tests.openai_client import ask
from tests.openai_server import OpenAIServer


def test_thinking_in_the_text_joins_that_in_a_field():
    completion = read_answer(Completion("<think>b</think>Yes.", reasoning="a", tokens_out=9))
    assert completion == Completion("Yes.", reasoning="a\n\nb", tokens_out=9)
    plain = Completion("Yes.", finish_reason="stop")
    assert read_answer(plain) is plain


def test_thinking_without_an_answer_is_an_empty_or_a_truncated_reply():
    empty = read_answer(Completion("<think>Hm.</think>\n", finish_reason="stop"))
    assert (empty.text, empty.reason, empty.reasoning) == (None, "reply_empty", "Hm.")
    assert "thinking" in empty.detail
    for finish_reason, text in (("length", "<think>Hm.</think>"), ("stop", "<think>Hm.")):
        cut = read_answer(Completion(text, finish_reason=finish_reason))
        assert (cut.text, cut.reason) == (None, "reply_truncated")


def message(**fields):
    body = {"choices": [{"message": {"role": "assistant", **fields}, "finish_reason": "stop"}]}
    return read_reply(200, json.dumps(body).encode(), {})


@pytest.mark.parametrize(
    ("fields", "reasoning"),
    [
        ({"content": "Yes.", "reasoning_content": "Hm."}, "Hm."),
        ({"content": "Yes.", "reasoning": "Hm."}, "Hm."),
        ({"content": "Yes.", "thinking": "Hm."}, "Hm."),
        (
            {
                "content": [
                    {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]},
                    {"type": "text", "text": "Yes."},
                ]
            },
            "Hm.",
        ),
        (
            {
                "content": [
                    {"type": "thinking", "thinking": "Hm."},
                    {"type": "reasoning", "text": " So."},
                    {"type": "text", "text": "Yes."},
                ]
            },
            "Hm. So.",
        ),
    ],
)
def test_fields_and_parts_for_thinking(fields, reasoning):
    outcome = message(**fields)
    assert (outcome.text, outcome.reasoning) == ("Yes.", reasoning)


@pytest.mark.parametrize("content", [None, "", "\n"])
@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
def test_a_reply_that_is_all_thinking_names_the_field(content, name):
    outcome = message(content=content, **{name: "Hm."})
    assert isinstance(outcome, AnsweredRequest)
    assert outcome.text == ""
    assert outcome.detail == f"content is empty: all 3 characters are in {name}"


def test_thinking_alone_is_asked_for_once_and_never_paid_for_again(make, tmp_path):
    store = CompletionStore(tmp_path / "responses.sqlite")
    with OpenAIServer(lambda body, n: fake.answer(None, reasoning_content="Hm.")) as server:
        for _ in range(2):
            llm = make(server.url)
            llm.keep_in(store)
            (completion,) = llm.complete([ask()])
            assert (completion.text, completion.reason) == (None, "reply_empty")
            assert "reasoning_content" in completion.detail
        assert len(server.requests) == 1


def test_answers_that_were_stored_with_their_thinking_are_read_without_it(make, tmp_path):
    store = CompletionStore(tmp_path / "responses.sqlite")
    with OpenAIServer(lambda body, n: "<think>Hm.</think>Yes.") as server:
        for _ in range(2):
            llm = make(server.url)
            llm.keep_in(store)
            (completion,) = llm.complete([ask()])
            assert (completion.text, completion.reasoning) == ("Yes.", "Hm.")
        assert len(server.requests) == 1
    (stored,) = store.get([llm._requests.key(ask())]).values()
    assert stored.text == "<think>Hm.</think>Yes."
