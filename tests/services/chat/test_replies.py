"""What clients of OpenAI's API get, whole and as a stream."""

import asyncio
import json
import subprocess

import httpx
import openai
import pytest

from tests.openai_client import until


@pytest.fixture
def client(server):
    with openai.OpenAI(base_url=f"{server}/v1", api_key="none", max_retries=0) as client:
        yield client


def create(client, text="Hi there", **fields):
    messages = [{"role": "user", "content": text}]
    return client.chat.completions.create(model="org/repeater", messages=messages, **fields)


def test_openais_client(client, repeater):
    reply = create(client, "One two three", seed=7)
    assert reply.choices[0].message.content == "One two three"
    assert reply.choices[0].finish_reason == "stop"
    assert reply.choices[0].srt == {"seed": 7}
    assert (reply.usage.prompt_tokens, reply.usage.completion_tokens) == (3, 3)
    assert reply.usage.total_tokens == 6
    assert reply.model == "org/repeater"
    assert [model.id for model in client.models.list()] == ["org/repeater"]
    assert client.models.retrieve("org/repeater").owned_by == "srt"
    with pytest.raises(openai.NotFoundError, match="org/other"):
        client.models.retrieve("org/other")


def test_openais_client_reads_a_stream(client):
    with create(client, "One two three", stream=True, seed=7) as stream:
        chunks = list(stream)
    texts = [chunk.choices[0].delta.content for chunk in chunks]
    assert texts == ["", "One ", "two ", "three", None]
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [chunk.choices[0].finish_reason for chunk in chunks] == [None] * 4 + ["stop"]
    assert chunks[-1].choices[0].srt == {"seed": 7}
    assert len({chunk.id for chunk in chunks}) == 1
    with create(client, "One", stream=True, stream_options={"include_usage": True}) as stream:
        *_, last = stream
    assert (last.choices, last.usage.total_tokens) == ([], 4)


def test_several_choices_have_seeds_of_their_own(client, repeater):
    reply = create(client, n=3, seed=7)
    assert [choice.srt["seed"] for choice in reply.choices] == [7, 8, 9]
    assert [choice.index for choice in reply.choices] == [0, 1, 2]
    assert reply.usage.prompt_tokens == 9
    with create(client, "One two", n=3, stream=True) as stream:
        texts = {0: "", 1: "", 2: ""}
        for chunk in stream:
            (choice,) = chunk.choices
            texts[choice.index] += choice.delta.content or ""
    assert set(texts.values()) == {"One two"}


def test_without_a_seed_answers_are_drawn(client, repeater):
    create(client)
    create(client)
    assert repeater.asked[0].seed != repeater.asked[1].seed


def test_what_a_client_says_reaches_the_model(client, repeater):
    messages = [
        {"role": "developer", "content": "Be brief."},
        {
            "role": "user",
            "content": [{"type": "text", "text": "One"}, {"type": "text", "text": "two"}],
        },
        {"role": "assistant", "content": "Yes."},
        {"role": "user", "content": "Go on."},
    ]
    client.chat.completions.create(
        model="org/repeater",
        messages=messages,
        max_completion_tokens=5,
        temperature=0.5,
        top_p=0,
        stop="\n",
        seed=2**31 + 5,
        user="ada",
        metadata={"a": "b"},
        response_format={"type": "text"},
    )
    (asked,) = repeater.asked
    assert asked.turns == (
        ("system", "Be brief."),
        ("user", "One\ntwo"),
        ("assistant", "Yes."),
        ("user", "Go on."),
    )
    assert (asked.max_tokens, asked.temperature, asked.stop) == (5, 0.5, ("\n",))
    assert 0 < asked.top_p < 0.001
    assert asked.seed == 5


def test_curl(server):
    body = {"model": "org/repeater", "messages": [{"role": "user", "content": "Hi there"}]}
    address = f"{server}/v1/chat/completions"
    command = ["curl", "-sS", "-N", address, "-H", "Content-Type: application/json", "-d"]
    done = subprocess.run([*command, json.dumps(body)], capture_output=True, text=True)
    assert json.loads(done.stdout)["choices"][0]["message"]["content"] == "Hi there"
    body["stream"] = True
    done = subprocess.run([*command, json.dumps(body)], capture_output=True, text=True)
    events = done.stdout.strip().split("\n\n")
    assert all(event.startswith("data: ") for event in events)
    assert events[-1] == "data: [DONE]"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_client_that_hangs_up_ends_the_work(http, chat, repeater, stream):
    messages = [{"role": "user", "content": "One two and hang"}]
    body = {"model": "org/repeater", "messages": messages, "stream": stream, "n": 2}
    if stream:
        with http.stream("POST", "/v1/chat/completions", json=body) as response:
            assert next(response.iter_text())
    else:
        with pytest.raises(httpx.ReadTimeout):
            http.post("/v1/chat/completions", json=body, timeout=0.5)
    until(lambda: repeater.running == 0)
    assert repeater.canceled == 2
    assert chat().json()["choices"][0]["message"]["content"] == "Hi there"


def test_an_error_in_a_stream(client, chat, capfd):
    with pytest.raises(openai.BadRequestError, match="too long") as caught:
        create(client, "too long", stream=True)
    assert caught.value.param == "messages"
    with pytest.raises(openai.InternalServerError, match="internal error"):
        create(client, "broken", stream=True)
    with (
        create(client, "One two and break", stream=True) as stream,
        pytest.raises(openai.APIError, match="internal error"),
    ):
        list(stream)
    assert capfd.readouterr().err.count("Traceback") == 2
    assert chat().status_code == 200


def test_100_clients_at_once(server, repeater):
    async def ask(client, number):
        messages = [{"role": "user", "content": f"Number {number} slowly"}]
        reply = await client.chat.completions.create(model="org/repeater", messages=messages)
        return reply.choices[0].message.content

    async def ask_all():
        async with openai.AsyncOpenAI(base_url=f"{server}/v1", api_key="none") as client:
            return await asyncio.gather(*(ask(client, number) for number in range(100)))

    assert asyncio.run(ask_all()) == [f"Number {number} slowly" for number in range(100)]
    assert repeater.peak > 50


def test_more_answers_than_fit_are_refused(chat, http, server, repeater):
    messages = [{"role": "user", "content": "One and hang"}]
    body = {"model": "org/repeater", "messages": messages, "stream": True, "n": 128}
    with httpx.Client(base_url=server, timeout=30) as first:
        streams = [first.stream("POST", "/v1/chat/completions", json=body) for _ in range(8)]
        for stream in streams:
            stream.__enter__()
        refused = chat()
        assert (refused.status_code, refused.json()["error"]["code"]) == (
            429,
            "rate_limit_exceeded",
        )
        for stream in streams:
            stream.__exit__(None, None, None)
    until(lambda: repeater.running == 0)
    assert chat().status_code == 200
