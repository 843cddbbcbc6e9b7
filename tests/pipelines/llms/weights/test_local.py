import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

from builders.errors import BadInput
from pipelines.llms.messages import Request
from pipelines.llms.weights.decode import decode
from pipelines.llms.weights.local import EmbeddedLLM, TransformersLLM
from services.model.embedded import checkpoint_path
from tests.tiny_model import CONTEXT, save_tiny_model, tiny_model, tiny_tokenizer

QUESTIONS = ["a", "Why is the sky blue?", "¿Qué? 日本 🙂", "x" * 90, "Name three.", "", "one two"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_tiny_model(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def make(folder):
    def make_llm(model=folder, **settings):
        defaults = {"device": "cpu", "dtype": "float32", "max_new_tokens": 12}
        return TransformersLLM(model=str(model), **defaults | settings)

    return make_llm


def ask(content, seed=0):
    return Request([{"role": "user", "content": content}], seed)


def test_a_sample_does_not_depend_on_its_batch(make):
    llm = make(temperature=1.0, top_p=0.95)
    batch = llm.complete([ask(question, seed) for seed, question in enumerate(QUESTIONS)])
    alone = [llm.complete([ask(question, seed)])[0].text for seed, question in enumerate(QUESTIONS)]
    assert [completion.text for completion in batch] == alone
    in_twos = make(temperature=1.0, top_p=0.95, generation_batch_size=2)
    texts = [
        completion.text
        for completion in in_twos.complete([ask(q, seed) for seed, q in enumerate(QUESTIONS)])
    ]
    assert texts == alone


def test_seeds_differ(make):
    completions = make(temperature=1.0).complete([ask("Hello", seed) for seed in range(8)])
    assert len({completion.text for completion in completions}) == 8


def test_greedy_is_that_of_transformers_in_the_order_asked(make):
    tokenizer, model = tiny_tokenizer(), tiny_model()
    completions = make(generation_batch_size=3).complete([ask(q) for q in QUESTIONS])
    for question, completion in zip(QUESTIONS, completions, strict=True):
        prompt = tokenizer.apply_chat_template(
            [{"role": "user", "content": question}], tokenize=False, add_generation_prompt=True
        )
        ids = tokenizer(prompt, return_tensors="pt", add_special_tokens=False)["input_ids"]
        expected = model.generate(ids, max_new_tokens=12, do_sample=False)[0, ids.shape[1] :]
        shown = expected[:-1] if completion.finish_reason == "stop" else expected
        assert completion.text == tokenizer.decode(shown, skip_special_tokens=False)
        assert completion.tokens_in == ids.shape[1]
        assert completion.tokens_out == len(expected)


def test_an_answer_ends_at_its_end_token_or_at_the_limit(make):
    llm = make(temperature=1.0, max_new_tokens=48, generation_batch_size=64)
    completions = llm.complete([ask("Hello", seed) for seed in range(64)])
    by_reason = {"stop": [], "length": []}
    for completion in completions:
        by_reason[completion.finish_reason].append(completion)
    assert all(completion.tokens_out == 48 for completion in by_reason["length"])
    assert any(completion.tokens_out < 48 for completion in by_reason["stop"])
    end = tiny_tokenizer().eos_token
    assert all(end not in completion.text for completion in completions)
    assert all(completion.latency > 0 for completion in completions)


def test_an_empty_answer_is_an_answer(make, tmp_path):
    model = tiny_model()
    # All tokens score the same, and the first of them ends the answer.
    model.lm_head.weight.data.zero_()
    model.save_pretrained(tmp_path)
    tiny_tokenizer().save_pretrained(tmp_path)
    (completion,) = make(tmp_path).complete([ask("Hi")])
    assert (completion.text, completion.finish_reason, completion.tokens_out) == ("", "stop", 1)


def test_a_prompt_that_leaves_no_room_is_not_cut(make):
    llm = make()
    start = time.perf_counter()
    long, short = llm.complete([ask("é" * 50_000), ask("Hi")])
    assert time.perf_counter() - start < 20
    assert (long.text, long.reason) == (None, "context_exceeded")
    assert long.detail == f"100003 tokens + 12 > {CONTEXT}"
    assert short.finish_reason is not None


def test_long_prompts_are_decoded_in_smaller_numbers(make, monkeypatch):
    # Keys and values of 2 layers with 2 heads of 8 float32 each: 1,000 tokens.
    monkeypatch.setattr("pipelines.llms.weights.local._CACHE_BYTES", 1000 * 2 * 2 * 2 * 8 * 4)
    seen = []

    def watched(model, prompts, choose, **settings):
        seen.append((settings["rows"], [len(ids) for ids in prompts]))
        return decode(model, prompts, choose, **settings)

    monkeypatch.setattr("pipelines.llms.weights.local.decode", watched)
    llm = make(generation_batch_size=4)
    done = llm.complete([ask("x" * length) for length in (1, 447, 109, 109, 109, 1, 1)])
    assert seen == [(4, [4, 112, 112, 112, 4, 4]), (1, [450])]
    assert all(completion.text is not None for completion in done)


def test_the_models_own_generation_settings_do_not_count(folder, make, tmp_path):
    changed = save_tiny_model(tmp_path)
    settings = {"eos_token_id": 0, "pad_token_id": 1, "repetition_penalty": 5.0, "max_length": 8}
    (changed / "generation_config.json").write_text(json.dumps(settings))
    plain, other = (make(model).complete([ask("Hi")])[0] for model in (folder, changed))
    assert other.text == plain.text


def test_two_llms_share_one_copy_until_both_are_unloaded(make):
    first, second = make(), make(temperature=1.0)
    first.load()
    second.load()
    network = first._loaded.model
    assert second._loaded.model is network
    first.unload()
    third = make()
    third.load()
    assert third._loaded.model is network


def test_two_threads_answer_one_after_the_other(make):
    llms = [make(temperature=1.0), make(temperature=1.0)]
    answers = [None, None]

    def run(index):
        answers[index] = [c.text for c in llms[index].complete([ask(q) for q in QUESTIONS])]

    threads = [threading.Thread(target=run, args=[index]) for index in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers[0] == answers[1]


def test_distilabel_can_call_it(make):
    llm = make(temperature=1.0)
    llm.load()
    (output,) = llm.generate([[{"role": "user", "content": "Hi"}]], num_generations=2)
    assert len(set(output["generations"])) == 2
    assert llm.dump()["max_new_tokens"] == 12


@pytest.fixture(scope="module")
def adapter(folder, tmp_path_factory):
    """A LoRA adapter that changes the answers, and the folder it lies in."""
    base = AutoModelForCausalLM.from_pretrained(folder)
    config = LoraConfig(r=4, target_modules=["q_proj", "v_proj", "down_proj"], lora_alpha=8)
    model = get_peft_model(base, config)
    torch.manual_seed(1)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            parameter.data.normal_(0, 0.5)
    path = tmp_path_factory.mktemp("adapter")
    model.save_pretrained(path)
    return path, model.eval()


def test_an_adapter_is_merged_into_its_base(make, adapter):
    path, model = adapter
    llm = make(path)
    (completion,) = llm.complete([ask("Hi")])
    tokenizer = tiny_tokenizer()
    ids = tokenizer("<|user|>Hi<|end|><|assistant|>", return_tensors="pt")["input_ids"]
    expected = model.generate(input_ids=ids, max_new_tokens=12, do_sample=False)
    assert completion.text == tokenizer.decode(expected[0, 4 + 1 :], skip_special_tokens=True)
    assert completion.text != make().complete([ask("Hi")])[0].text
    assert not any("lora" in name for name, _ in llm._loaded.model.named_modules())


def test_an_adapter_without_its_base_is_one_line(make, adapter, tmp_path):
    path, _ = adapter
    for file in path.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    config = json.loads((path / "adapter_config.json").read_text())
    config["base_model_name_or_path"] = "/nowhere/base"
    (tmp_path / "adapter_config.json").write_text(json.dumps(config))
    assert "/nowhere/base" in refusal(make(tmp_path))


def refusal(llm):
    with pytest.raises(BadInput) as caught:
        llm.load()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_wrong_path_is_one_line(make, tmp_path):
    assert refusal(make(tmp_path)) == (
        f"model: {tmp_path} is not a folder with a config.json or adapter_config.json"
    )
    assert "is not a folder" in refusal(make(tmp_path / "missing"))
    gguf = tmp_path / "model.gguf"
    gguf.touch()
    assert refusal(make(gguf)).endswith("a GGUF file is for `kind: llamacpp`")


def test_broken_weights_are_one_line(make, tmp_path):
    save_tiny_model(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"not weights")
    assert "does not load" in refusal(make(tmp_path))
    (tmp_path / "config.json").write_text("{")
    assert "does not load" in refusal(make(tmp_path))


def test_a_base_model_has_no_chat_template(make, tmp_path):
    assert "chat template" in refusal(make(save_tiny_model(tmp_path, template=None)))


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a GPU")
def test_a_gpu_that_is_not_there_is_one_line(make):
    assert refusal(make(device="cuda")).startswith("device: cuda")


def test_a_hub_that_cannot_be_asked_is_one_line(make, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert refusal(make("some-org/some-model")).endswith("and the Hub cannot be reached")


class NoSuchRepo(BaseHTTPRequestHandler):
    def do_HEAD(self):
        self.send_response(404)
        self.send_header("X-Error-Code", "RepoNotFound")
        self.end_headers()

    def log_message(self, *args):
        pass


def test_a_name_the_hub_does_not_know_is_one_line(make, monkeypatch):
    with ThreadingHTTPServer(("127.0.0.1", 0), NoSuchRepo) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", address)
        monkeypatch.setattr(
            "huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE",
            address + "/{repo_id}/resolve/{revision}/{filename}",
        )
        assert "the Hub has no such model" in refusal(make("some-org/some-model"))
        server.shutdown()


@pytest.mark.xdist_group("embedded")
def test_the_embedded_model_knows_the_capital_of_france():
    llm = EmbeddedLLM(device="cpu", max_new_tokens=32)
    assert llm.model_name == "SmolLM2-135M-Instruct"
    (completion,) = llm.complete([ask("What is the capital of France?")])
    assert "Paris" in completion.text
    assert completion.finish_reason == "stop"
    assert completion.tokens_in == 37


@pytest.mark.xdist_group("embedded")
def test_an_adapter_on_the_embedded_model_finds_it_on_any_machine(tmp_path):
    base = AutoModelForCausalLM.from_pretrained(checkpoint_path())
    get_peft_model(base, LoraConfig(r=1, target_modules=["q_proj"])).save_pretrained(tmp_path)
    path = tmp_path / "adapter_config.json"
    config = json.loads(path.read_text())
    config["base_model_name_or_path"] = "/home/somebody/.cache/SmolLM2-135M-Instruct-bf16"
    path.write_text(json.dumps(config))
    tuned = TransformersLLM(model=str(tmp_path), device="cpu", max_new_tokens=32)
    (completion,) = tuned.complete([ask("What is the capital of France?")])
    assert "Paris" in completion.text
