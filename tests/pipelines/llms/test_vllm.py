"""vLLM needs a GPU: here a stand-in has its place, and what it is given is looked at."""

import sys
from types import ModuleType, SimpleNamespace

import pytest

from builders.errors import BadInput
from builders.training.chat_template import chat_text, token_ids
from pipelines.llms.messages import Request
from pipelines.llms.vllm import VllmLLM
from tests.tiny_model import tiny_tokenizer

THINKING = (
    "{% for message in messages %}<|{{ message.role }}|>{{ message.content }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% if not enable_thinking %}<|pad|>{% endif %}"
    "{% endif %}"
)
ASKED = [{"role": "user", "content": "What does <|end|> mean?"}]


def test_without_vllm_it_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "vllm", None)
    with pytest.raises(BadInput, match=r"pip install 'srt-feedback\[vllm\]'"):
        VllmLLM(model="some-org/some-model").load()


class Engine:
    """The part of `vllm.LLM` that is used; it answers with the number of the prompt's tokens."""

    def __init__(self, **arguments):
        self.arguments, self.asked = arguments, []
        self.tokenizer = tiny_tokenizer(THINKING)
        self.llm_engine = SimpleNamespace(model_config=SimpleNamespace(max_model_len=100))

    def get_tokenizer(self):
        return self.tokenizer

    def generate(self, prompts, sampling, use_tqdm):
        assert not use_tqdm
        self.asked.append((prompts, sampling))
        return [self._output(prompt["prompt_token_ids"]) for prompt in prompts]

    def _output(self, ids):
        sample = SimpleNamespace(text=str(len(ids)), token_ids=[1, 2], finish_reason="stop")
        return SimpleNamespace(outputs=[sample], prompt_token_ids=ids)


@pytest.fixture
def engine(monkeypatch):
    """The engine that is loaded, whichever it is."""
    loaded = []

    def load(**arguments):
        loaded.append(Engine(**arguments))
        return loaded[-1]

    vllm, sampling = ModuleType("vllm"), ModuleType("vllm.sampling_params")
    vllm.LLM = load
    sampling.SamplingParams = sampling.StructuredOutputsParams = SimpleNamespace
    monkeypatch.setitem(sys.modules, "vllm", vllm)
    monkeypatch.setitem(sys.modules, "vllm.sampling_params", sampling)
    return lambda: loaded[-1]


@pytest.mark.parametrize("thinks", [True, False])
def test_it_sends_the_tokens_of_the_template_with_its_values(engine, thinks):
    values = {"enable_thinking": thinks}
    llm = VllmLLM(model="m", max_new_tokens=8, chat_template_kwargs=values)
    llm.complete([Request(ASKED, seed=7)])
    ((prompt,), (sampling,)) = engine().asked[0]
    tokenizer = engine().tokenizer
    ids = prompt["prompt_token_ids"]
    assert ids == token_ids(tokenizer, chat_text(tokenizer, ASKED, values=values))
    assert ids.count(tokenizer.convert_tokens_to_ids("<|pad|>")) == (not thinks)
    # The user's `<|end|>` is text.
    assert ids.count(tokenizer.eos_token_id) == 1
    assert (sampling.seed, sampling.max_tokens) == (7, 8)
    assert engine().arguments == {"model": "m", "generation_config": "vllm"}


def test_it_stops_at_what_the_template_writes_after_an_answer(engine):
    llm = VllmLLM(model="m", max_new_tokens=8)
    llm.load()
    tokenizer = engine().tokenizer
    tokenizer.eos_token = "<|pad|>"
    llm.complete([Request(ASKED, seed=7)])
    ((_, (sampling,)),) = engine().asked
    ends = tokenizer.convert_tokens_to_ids(["<|pad|>", "<|end|>"])
    assert sorted(sampling.stop_token_ids) == sorted(ends)
    # What marks thinking stays in the text.
    assert sampling.skip_special_tokens is False


def test_answers_keep_their_order_and_a_long_prompt_is_left_out(engine):
    llm = VllmLLM(model="m", max_new_tokens=8)
    texts = ["a", "b" * 100, "cc"]
    completions = llm.complete(
        [Request([{"role": "user", "content": text}], seed=0) for text in texts]
    )
    assert [one.reason for one in completions] == [None, "context_exceeded", None]
    assert [one.text for one in completions] == ["5", None, "6"]
    assert [one.tokens_in for one in completions] == [5, 0, 6]
    assert len(engine().asked) == 1


def test_a_schema_constrains_the_answer(engine):
    schema = {"type": "object"}
    VllmLLM(model="m", max_new_tokens=8).complete([Request(ASKED, 0, schema), Request(ASKED, 0)])
    ((_, (first, second)),) = engine().asked
    assert (first.structured_outputs.json, second.structured_outputs) == (schema, None)
