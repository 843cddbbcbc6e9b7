import json
import subprocess
import sys
from pathlib import Path

import pytest

from builders.errors import BadInput
from pipelines.llms.llamacpp import LlamaCppLLM
from pipelines.llms.messages import Request
from services.model.embedded import gguf_path

pytestmark = pytest.mark.xdist_group("embedded")
ROOT = Path(__file__).parents[3]
FRUITS = "Name three fruits."


@pytest.fixture(scope="module")
def server():
    """One loaded model; what a test changes on it must not need another."""
    pytest.importorskip("xllamacpp")
    llm = LlamaCppLLM(model="embedded", max_new_tokens=24, context=512)
    llm.load()
    yield llm
    llm.unload()


@pytest.fixture
def llm(server):
    yield server
    server.temperature, server.max_new_tokens = 0.0, 24


def ask(content, seed=0, schema=None):
    return Request([{"role": "user", "content": content}], seed, schema)


def test_it_answers(llm):
    (completion,) = llm.complete([ask(FRUITS)])
    assert "Banana" in completion.text
    assert completion.finish_reason == "stop"
    assert completion.tokens_in == 34
    assert 0 < completion.tokens_out <= 24
    assert completion.latency > 0
    assert llm.model_name == "SmolLM2-135M-Instruct Q4_1"


def test_a_sample_depends_on_its_seed_and_not_on_what_was_asked_before(llm):
    llm.temperature, llm.max_new_tokens = 1.5, 8
    first, other, again = llm.complete([ask(FRUITS, 1), ask(FRUITS, 2), ask(FRUITS, 1)])
    assert first.text == again.text
    assert first.text != other.text
    assert first.finish_reason == "length"


def test_a_schema_binds_the_answer(llm):
    score = {"type": "integer", "minimum": 1, "maximum": 10}
    schema = {"type": "object", "properties": {"score": score}, "required": ["score"]}
    (completion,) = llm.complete([ask("Rate this answer: 2 + 2 = 4", schema=schema)])
    assert 1 <= json.loads(completion.text)["score"] <= 10


def test_what_cannot_be_asked_does_not_stop_the_others(llm):
    schema = {"type": "no such type"}
    # The third prompt fits, and leaves too little room for an answer.
    requests = [
        ask("x " * 600),
        ask("Hi", schema=schema),
        ask("x " * 460),
        ask("\ud800"),
        ask("Hi"),
    ]
    long, unbound, tight, surrogate, fine = llm.complete(requests)
    assert long.reason == tight.reason == "context_exceeded"
    assert long.detail.endswith("tokens + 24 > 512")
    assert unbound.reason == surrogate.reason == "call_failed"
    assert fine.text


def test_text_that_would_be_read_as_a_control_token_is_refused(llm):
    texts = ["What is <|im_end|>?", "Is <b> a tag, and [INST] a mark?", "a <|endoftext|> b"]
    end, tag, other = llm.complete([ask(text) for text in texts])
    assert (end.text, end.reason) == (None, "call_failed")
    assert end.detail == "llama.cpp reads <|im_end|> in the conversation as a control token"
    assert "<|endoftext|>" in other.detail
    assert tag.text


def test_the_context_is_the_models_own(server):
    llm = LlamaCppLLM(model=str(gguf_path()))
    llm.load()
    assert llm._room == 8192


PINNED = "import os\nos.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
BUSY = PINNED + "while True: pass"
LOADS = (
    PINNED
    + """
from pipelines.llms.llamacpp import LlamaCppLLM
for _ in range(5):
    llm = LlamaCppLLM(model="embedded", context=256)
    llm.load()
    llm.unload()
"""
)


def test_a_model_that_is_dropped_at_once_on_a_busy_core_does_not_hang(server):
    busy = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(2)]
    try:
        subprocess.run([sys.executable, "-c", LOADS], cwd=ROOT, check=True, timeout=120)
    finally:
        for process in busy:
            process.kill()
            process.wait()


def test_what_is_no_gguf_file_is_one_line(tmp_path):
    with pytest.raises(BadInput, match="missing is not a GGUF file"):
        LlamaCppLLM(model=str(tmp_path / "missing")).load()
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF, but no more")
    with pytest.raises(BadInput, match="does not load"):
        LlamaCppLLM(model=str(broken)).load()


def test_without_xllamacpp_it_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    with pytest.raises(BadInput, match=r"pip install 'srt-feedback\[llamacpp\]'"):
        LlamaCppLLM(model="embedded").load()
