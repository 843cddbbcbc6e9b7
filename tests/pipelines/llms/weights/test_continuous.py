"""Requests that join rows in progress get what they would get alone."""

import threading
from concurrent.futures import CancelledError, Future

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from builders.errors import RunFailed
from pipelines.llms.messages import Request, Sampling
from pipelines.llms.weights import continuous
from pipelines.llms.weights.continuous import ContinuousDecoder
from pipelines.llms.weights.decode import RunningBatch, columns
from pipelines.llms.weights.local import TransformersLLM
from tests.openai_client import until
from tests.tiny_model import CONTEXT, TEMPLATE, save_tiny_model, tiny_model

QUESTIONS = ["a", "Why is the sky blue?", "¿Qué? 日本 🙂", "x" * 90, "Name three.", "one two"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_tiny_model(tmp_path_factory.mktemp("tiny"))


def llm_of(folder, **changes):
    defaults = {"device": "cpu", "dtype": "float32", "max_new_tokens": 12}
    return TransformersLLM(model=str(folder), **defaults | changes)


@pytest.fixture
def make(folder):
    decoders = []

    def make_decoder(**changes):
        decoders.append(ContinuousDecoder(llm_of(folder, **changes)))
        return decoders[-1]

    yield make_decoder
    for decoder in decoders:
        decoder.close()


def ask(content, seed=0, sampling=None):
    return Request([{"role": "user", "content": content}], seed, sampling=sampling)


def start(decoder, request, on_text=None):
    future = Future()
    decoder.start(request, future, on_text)
    return future


def test_texts_are_those_of_a_batch_of_the_same_sampling(folder, make):
    for sampling in (Sampling(0.0, 1.0, 12), Sampling(1.0, 0.95, 12), Sampling(0.7, 1.0, 30)):
        llm = llm_of(
            folder,
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            max_new_tokens=sampling.max_new_tokens,
        )
        expected = llm.complete([ask(text, seed) for seed, text in enumerate(QUESTIONS)])
        decoder = make()
        futures = [start(decoder, ask(text, seed, sampling)) for seed, text in enumerate(QUESTIONS)]
        for future, other in zip(futures, expected, strict=True):
            own = future.result(60)
            for name in ("text", "tokens_in", "tokens_out", "finish_reason"):
                assert getattr(own, name) == getattr(other, name)


def test_each_has_its_own_sampling_and_its_seed_decides(make):
    decoder = make()
    samplings = [Sampling(0.0, 1.0, 5), Sampling(1.0, 1.0, 40), Sampling(1.5, 0.9, 17)]
    requests = [ask(text, 3, one) for text in QUESTIONS for one in samplings]
    alone = [start(decoder, request).result(60) for request in requests]
    together = [start(decoder, request) for request in requests]
    assert [future.result(60).text for future in together] == [one.text for one in alone]
    assert all(
        one.tokens_out <= request.sampling.max_new_tokens
        for one, request in zip(alone, requests, strict=True)
    )
    drawn = {start(decoder, ask("a", seed, samplings[1])).result(60).text for seed in range(8)}
    assert len(drawn) == 8


def test_pieces_add_up_to_the_text(make):
    decoder = make()
    for seed, question in enumerate(QUESTIONS):
        pieces = []
        sampling = Sampling(1.0, 1.0, 60)
        completion = start(decoder, ask(question, seed, sampling), pieces.append).result(60)
        shown = "".join(pieces)
        assert len(pieces) > 3
        # What is not a whole character yet is left out at the end.
        assert completion.text.startswith(shown)
        assert not completion.text[len(shown) :].strip("\ufffd")


def test_a_caller_that_fails_at_a_piece_harms_nobody(make):
    def fail(piece):
        raise ZeroDivisionError

    assert start(make(), ask("a"), fail).result(60).text


def test_a_stop_sequence_ends_the_text(make):
    decoder = make()
    sampling = Sampling(1.0, 1.0, 200)
    whole = start(decoder, ask("a", 5, sampling)).result(60)
    assert whole.tokens_out > 40
    stop = whole.text[10:12]
    cut = start(decoder, ask("a", 5, Sampling(1.0, 1.0, 200, ("nowhere", stop)))).result(60)
    assert cut.text == whole.text[: whole.text.find(stop)]
    assert cut.finish_reason == "stop"
    assert cut.tokens_out < whole.tokens_out


def test_a_reply_is_cut_where_the_context_ends(make):
    decoder = make(max_new_tokens=CONTEXT)
    completion = start(decoder, ask("x" * 490, 1, Sampling(1.0, 1.0, CONTEXT))).result(60)
    assert completion.tokens_in + completion.tokens_out <= CONTEXT
    assert start(decoder, ask("x" * 600)).result(60).reason == "context_exceeded"


def test_a_conversation_that_the_template_rejects_is_one_failure(tmp_path):
    template = "{% if messages[-1]['content'] == 'no' %}{{ 1 / 0 }}{% endif %}" + TEMPLATE
    decoder = ContinuousDecoder(llm_of(save_tiny_model(tmp_path, template)))
    assert start(decoder, ask("no")).result(60).reason == "call_failed"
    assert start(decoder, ask("yes")).result(60).text
    decoder.close()


def test_thinking_that_the_template_opens_is_no_piece_of_the_answer(tmp_path):
    template = TEMPLATE.replace("<|assistant|>{% endif", "<|assistant|><think>\n{% endif")
    decoder = ContinuousDecoder(llm_of(save_tiny_model(tmp_path, template)))
    pieces = []
    start(decoder, ask("a"), pieces.append).result(60)
    assert pieces[0] == "<think>\n"
    decoder.close()


def test_a_canceled_request_gives_its_slot_back(make):
    decoder = make(generation_batch_size=1)
    begun = threading.Event()
    endless = Sampling(0.0, 1.0, 400)
    # Greedy decoding of this model goes round in circles.
    first = start(decoder, ask("x" * 90, 0, endless), lambda _: begun.set())
    assert begun.wait(60)
    waiting = start(decoder, ask("Why?", 0, endless))
    last = start(decoder, ask("a"))
    assert first.cancel()
    assert waiting.cancel()
    assert last.result(60).text
    until(lambda: not decoder._running)


def test_what_goes_wrong_in_a_step_ends_with_it(make, monkeypatch):
    decoder = make()
    real = continuous.greedy

    def fail(scores, rows):
        monkeypatch.setattr(continuous, "greedy", real)
        raise torch.OutOfMemoryError

    monkeypatch.setattr(continuous, "greedy", fail)
    with pytest.raises(RunFailed, match="generation_batch_size"):
        start(decoder, ask("a")).result(60)
    assert start(decoder, ask("a")).result(60).text


def test_closing_cancels_what_is_left(make):
    decoder = make(generation_batch_size=1)
    futures = [start(decoder, ask("x" * 90, 0, Sampling(0.0, 1.0, 400))) for _ in range(3)]
    decoder.close()
    for future in futures:
        with pytest.raises(CancelledError):
            future.result(60)
    late = start(decoder, ask("a"))
    assert late.cancelled()


def test_little_memory_makes_requests_wait_and_not_fail(folder, make, monkeypatch):
    expected = [one.text for one in llm_of(folder).complete([ask(text) for text in QUESTIONS])]
    row = columns(150, 12) * llm_of(folder).loaded().cache_bytes
    monkeypatch.setattr(continuous, "cache_bytes", lambda device: 2 * row)
    decoder = make()
    sizes = []
    real = RunningBatch.step

    def step(batch):
        sizes.append(len(batch.generations) * batch.width)
        return real(batch)

    monkeypatch.setattr(RunningBatch, "step", step)
    futures = [start(decoder, ask(text)) for text in QUESTIONS * 3]
    assert [future.result(60).text for future in futures] == expected * 3
    assert max(sizes) <= 2 * columns(150, 12)
    # One that is larger than all of it is decoded by itself.
    sizes.clear()
    long = Sampling(0.0, 1.0, 20)
    assert start(decoder, ask("x" * 400, 0, long)).result(60).tokens_out == 20
    assert start(decoder, ask("a")).result(60).text == expected[0]


@given(st.data())
@settings(max_examples=25)
def test_resizing_changes_no_row(data):
    model = tiny_model()
    prompts = data.draw(
        st.lists(st.lists(st.integers(5, 200), min_size=1, max_size=20), min_size=1, max_size=4)
    )
    width = columns(20, 12)
    with torch.inference_mode():
        batch = RunningBatch(model, len(prompts), width, 1)
        texts = {}
        scores, slots = batch.join(dict(enumerate(prompts)))
        for _ in range(8):
            for slot, token in zip(slots, scores.argmax(-1).tolist(), strict=True):
                generation = batch.generations[slot]
                generation.tokens.append(token)
                texts.setdefault(generation.index, generation.tokens)
            if len(batch.slots()) > 1 and data.draw(st.booleans()):
                batch.generations[data.draw(st.sampled_from(batch.slots()))] = None
            slots_now = data.draw(st.integers(len(batch.slots()), 6))
            batch.resize(slots_now, data.draw(st.integers(width, width + 40)))
            assert (len(batch.generations), batch.width >= width) == (slots_now, True)
            scores, slots = batch.step()
        for index, tokens in texts.items():
            ids = torch.tensor([prompts[index]])
            alone = model.generate(
                ids, max_new_tokens=len(tokens), do_sample=False, eos_token_id=None
            )
            assert tokens == alone[0, ids.shape[1] :].tolist()
