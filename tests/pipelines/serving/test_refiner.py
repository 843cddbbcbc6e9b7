"""Draft, critique and refinement of one answer."""

import asyncio

import pytest

from pipelines.llms.messages import Completion
from services.chat.answerer import Asked
from services.chat.errors import ChatError
from tests import openai_server as fake
from tests.openai_client import until
from tests.openai_server import OpenAIServer
from tests.tiny_model import save_tiny_model

CRITIQUE = {"weaknesses": ["It is short."], "suggestions": ["Say more."], "score": 4}


def test_the_answer_is_the_refinement(block, refiner, answer):
    found = answer(refiner(block()), "Name a lake.")
    assert found.text == "Draft 7 of 1: Name a lake., more."
    assert found.finish_reason == "stop"
    assert found.details == {
        "draft": "Draft 7 of 1: Name a lake.",
        "answer": "refinement",
        "scores": [4],
        "reason": None,
        "rounds": [
            {
                "critique": CRITIQUE,
                "refinement": found.text,
                "reason": None,
                "sentence": None,
                "detail": None,
            }
        ],
    }
    # The words of both calls: the second reads the instruction, the draft and the request.
    alone = answer(refiner(block(), refine=False), "Name a lake.")
    assert (alone.text, alone.details["answer"]) == ("Draft 7 of 1: Name a lake.", "draft")
    assert (alone.tokens_in, alone.tokens_out) == (3, 7)
    assert found.tokens_in > 3 + 10
    assert found.tokens_out > 7 + 15


def test_an_unreadable_critique_gives_the_draft_and_says_so(block, refiner, answer):
    found = answer(refiner(block()), "Something unreadable.")
    assert found.text == "Draft 7 of 1: Something unreadable."
    assert found.details["answer"] == "draft"
    assert found.details["reason"] == "headings_missing"
    (said,) = found.details["rounds"]
    assert said["sentence"] == "the reply has none of the requested sections"
    assert said["refinement"] is None


def test_rounds_refine_what_was_refined(block, refiner, answer):
    found = answer(refiner(block(), rounds=3), "Name a lake.")
    assert found.text == "Draft 7 of 1: Name a lake., more., more., more."
    assert found.details["scores"] == [4, 4, 4]
    assert [one["refinement"] for one in found.details["rounds"]][-1] == found.text
    # What the second round cannot read leaves the refinement of the first.
    path = block("tests.pipelines.serving.test_refiner:unreadable_when_refined")
    found = answer(refiner(path, rounds=3), "Name a lake.")
    assert found.text == "Better."
    assert (found.details["answer"], found.details["reason"]) == ("refinement", "headings_missing")
    assert len(found.details["rounds"]) == 2


def test_a_refinement_that_is_the_draft_ends_the_rounds(block, refiner, answer):
    path = block("tests.pipelines.serving.test_refiner:content")
    found = answer(refiner(path, rounds=3), "Name a lake.")
    assert found.text == "Lake Geneva."
    assert found.details["reason"] is None
    assert len(found.details["rounds"]) == 1


def test_system_prompt_and_history_are_asked_with(block, refiner, answer):
    turns = (
        ("system", "Be brief."),
        ("system", "Be kind."),
        ("user", "Hi"),
        ("assistant", "<think>Hm.</think>Hello!"),
        ("user", "Name a lake."),
        ("user", "A large one."),
    )
    path = block("tests.pipelines.serving.test_refiner:parrot", system="Never seen.")
    found = answer(refiner(path, refine=False), turns)
    assert found.text == (
        "system: Be brief.\n\nBe kind. | user: Hi | assistant: Hello! | "
        "user: Name a lake.\n\nA large one."
    )
    assert answer(refiner(path, refine=False), "Hi").text == "system: Never seen. | user: Hi"
    with pytest.raises(ChatError, match="system turn comes after") as caught:
        answer(refiner(path), (("user", "Hi"), ("system", "Be brief."), ("user", "Go on.")))
    assert (caught.value.status, caught.value.param) == (400, "messages")


@pytest.mark.parametrize(
    ("script", "text", "reason", "finish"),
    [
        ("empty", "", "draft_empty", "stop"),
        ("thinking", "", "draft_truncated", "length"),
        ("filtered", "", "content_filtered", "content_filter"),
        ("foreign", "Yes.\n\n### Instruction\nGo on.", "foreign_text", "stop"),
    ],
)
def test_a_draft_of_which_nothing_comes_is_not_criticized(
    block, refiner, answer, script, text, reason, finish
):
    found = answer(refiner(block(f"tests.pipelines.serving.test_refiner:{script}")), "Hi")
    assert (found.text, found.details["reason"], found.finish_reason) == (text, reason, finish)


def test_a_stop_sequence_ends_draft_and_refinement(block, refiner, answer):
    made = refiner(block())
    found = answer(made, "One, two, three.", stop=(", more", ", three"))
    assert found.details["draft"] == "Draft 7 of 1: One, two"
    assert found.text == "Draft 7 of 1: One, two"
    assert answer(made, "Hi", stop=("Draft",)).details["reason"] == "draft_empty"


def test_a_client_reads_along(block, refiner, answer):
    made = refiner(block())
    for text in ("Name a lake.", "A long one.", "Something unreadable."):
        whole = answer(made, text)
        read, pieces = answer(made, text, read=True)
        assert read == whole
        assert "".join(pieces) == whole.text


def test_a_model_in_this_process(tmp_path, refiner, answer):
    path = tmp_path / "model.yaml"
    keys = {"kind": "transformers", "model": save_tiny_model(tmp_path / "tiny"), "device": "cpu"}
    keys |= {"dtype": "float32", "max_new_tokens": 24}
    path.write_text("".join(f"{key}: {value}\n" for key, value in keys.items()))
    made = refiner(path)
    found = answer(made, "Hi", temperature=1.0, seed=3)
    # Random weights write no critique that can be read.
    assert found.details["reason"] is not None
    assert found.text == found.details["draft"]
    assert answer(made, "Hi", temperature=1.0, seed=3) == found
    shorter = answer(made, "Hi", temperature=1.0, seed=3, max_tokens=5)
    assert shorter.finish_reason == "length"
    with pytest.raises(ChatError, match="too long for the model's context") as caught:
        answer(made, "x" * 1000)
    assert (caught.value.status, caught.value.code) == (400, "context_length_exceeded")

    async def many():
        asked = [Asked((("user", "Hi" * n),), 3, temperature=1.0) for n in range(1, 12)]
        together = await asyncio.gather(*(made.answer(one) for one in asked))
        return together, [await made.answer(one) for one in asked]

    together, alone = asyncio.run(many())
    assert together == alone


def test_canceling_an_answer_frees_the_model(tmp_path, refiner):
    made = refiner(save_tiny_model(tmp_path), max_new_tokens=400)

    async def hang_up():
        task = asyncio.create_task(made.answer(Asked((("user", "x" * 90),), 0)))
        await asyncio.sleep(0.2)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(hang_up())
    until(lambda: not made._live._running)


def test_an_endpoint(tmp_path, refiner, answer):
    def reply(body, number):
        return fake.critic(body, number)

    with OpenAIServer(reply) as server:
        path = tmp_path / "model.yaml"
        path.write_text(
            f"kind: openai\nmodel: m\nbase_url: {server.url}\napi_key_env: null\ntemperature: 0.2\n"
        )
        made = refiner(path)
        found = answer(made, "Name a lake.", temperature=0.9, max_tokens=50, stop=("\n\n\n",))
        draft, critique = server.requests
        assert made.name == "m"
        made.close()
    assert found.details["answer"] == "refinement"
    assert (draft["temperature"], critique["temperature"]) == (0.9, 0.2)
    assert (draft["max_tokens"], critique["max_tokens"]) == (50, 512)
    assert "stop" not in critique
    assert draft["seed"] == 7
    assert "### Improved Response" in critique["messages"][-1]["content"]


def test_an_endpoint_that_fails(tmp_path, refiner, answer):
    with OpenAIServer(lambda body, number: fake.status(500)) as server:
        path = tmp_path / "model.yaml"
        path.write_text(
            f"kind: openai\nmodel: m\nbase_url: {server.url}\napi_key_env: null\nmax_attempts: 1\n"
        )
        with pytest.raises(ChatError, match="gave no answer: HTTP 500") as caught:
            answer(refiner(path), "Name a lake.")
    assert caught.value.status == 502


def unreadable_when_refined(messages, seed):
    if not messages[-1]["content"].startswith("Critique your last response"):
        return "Good."
    if messages[-2]["content"] == "Better.":
        return "Fine."
    return (
        "### Weaknesses\n1. No.\n\n### Suggestions\n1. Yes.\n\nOverall Score: [[4]]\n\n"
        "### Improved Response\nBetter."
    )


def content(messages, seed):
    if not messages[-1]["content"].startswith("Critique your last response"):
        return "Lake Geneva."
    return (
        "### Weaknesses\nNone.\n\n### Suggestions\nNone.\n\nOverall Score: [[10]]\n\n"
        "### Improved Response\nLake Geneva."
    )


def parrot(messages, seed):
    return " | ".join(f"{one['role']}: {one['content']}" for one in messages)


def empty(messages, seed):
    return "  "


def thinking(messages, seed):
    return Completion("<think>Hm, hm", finish_reason="length")


def filtered(messages, seed):
    return Completion(None, reason="content_filtered", finish_reason="content_filter")


def foreign(messages, seed):
    return "Yes.\n\n### Instruction\nGo on."
