"""Training and decoding on one GPU, beside bare TRL and transformers' `generate`: six minutes.

    python -m bench.gpu

Needs no network: a model of 1.5B random weights is made from a config, with a tokenizer of bytes,
and the rows are verifiable problems with synthetic answers. Stage 1 (LoRA, and all weights) and
stage 2 (LoRA) train one epoch through `train/stage1.py` and `train/stage2.py` with the settings of
the 7B recipes, and through TRL's trainers with its defaults on the same rows. Tokens are those that
went through the model, without padding; model FLOPs utilization (MFU) counts what these tokens
need, nothing that is computed again. Without a GPU only `--smoke` is of use.
"""

import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.common import ROOT, in_child, options, prose, show, verdict
from bench.train import make_release, peak_flops

_RECIPES = ROOT / "train/recipes"
_CHATML = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
# The shape of Qwen2.5-1.5B, and one that a CPU trains.
_LARGE = {"hidden_size": 1536, "intermediate_size": 8960, "num_hidden_layers": 28}
_LARGE |= {"num_attention_heads": 12, "num_key_value_heads": 2, "vocab_size": 151_936}
_SMALL = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2}
_SMALL |= {"num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 512}
_LORA = {"r": 64, "lora_alpha": 128, "lora_dropout": 0.0, "target_modules": "all-linear"}
_LENGTH = 8192
# FLOPs per token and weight: forward 2, backward to activations 2, to weights 2; stage 2 has a
# forward pass of the reference, too.
_FLOPS = {"stage 1, LoRA": 4, "stage 1, all weights": 6, "stage 2, LoRA": 6, "decoding": 2}
_BARE = {"decoding": "generate"}


def self_refiner(messages: list[dict[str, str]], seed: int) -> str:
    """The scripted model of stage 2: a draft, and a review that makes it longer and better."""
    if not messages[-1]["content"].startswith("Critique your last response"):
        return prose(seed, 900)
    score = 4 if "Better" not in messages[-2]["content"] else 8
    return (
        f"### Weaknesses\n1. It is vague.\n\n### Suggestions\n1. Say more.\n\n"
        f"Overall Score: [[{score}]]\n\n### Improved Response\n{prose(seed, 900)} Better."
    )


def make_inputs(folder: Path, rows: int, shape: dict[str, int]) -> None:
    """A model, a release of each stage."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    from train.reference import byte_tokenizer

    torch.manual_seed(1)
    tokenizer = byte_tokenizer(_CHATML)
    config = LlamaConfig(
        **shape, max_position_embeddings=_LENGTH, tie_word_embeddings=True, bos_token_id=None
    )
    with torch.device("cuda" if torch.cuda.is_available() else "cpu"):
        model = LlamaForCausalLM(config).to(torch.bfloat16)
    model.save_pretrained(folder / "model")
    tokenizer.save_pretrained(folder / "model")
    make_release(folder, rows)
    script = "{kind: scripted, script: 'bench.gpu:self_refiner'}"
    make_release(
        folder, rows, "pairs", f"stage: 2\ndisjoint_from: []\ndrafts: {script}\ncritic: {script}\n"
    )


def _ours(folder: Path, what: str) -> dict[str, Any]:
    """One epoch through our script."""
    from train import stage1, stage2

    main, recipe, release = stage1.main, "stage1-7b-lora.yaml", "bench@v1.0.0"
    keys: dict[str, Any] = {}
    if what == "stage 2, LoRA":
        main, recipe, release = stage2.main, "stage2-7b-lora.yaml", "pairs@v1.0.0"
        keys = {"gradient_accumulation_steps": 1}
    elif what == "stage 1, all weights":
        keys = {"use_peft": "false", "lora_target_modules": "null", "learning_rate": 1e-5}
    keys |= {"release": folder / release, "revision": "null", "num_train_epochs": 1}
    keys |= {"model_name_or_path": folder / "model", "save_strategy": "no", "max_length": _LENGTH}
    with tempfile.TemporaryDirectory(dir=folder) as out:
        main([str(_RECIPES / recipe), f"--output_dir={out}/out", *_words(keys)])
        facts = json.loads((Path(out) / "out/training.json").read_text())
    return {
        "tokens": facts["rows"]["train"]["tokens"],
        "seconds": facts["metrics"]["train_runtime"],
    }


def _words(keys: dict[str, Any]) -> list[str]:
    return [f"--{key}={value}" for key, value in keys.items()]


def _bare(folder: Path, what: str) -> dict[str, Any]:
    """One epoch of TRL's trainer with its defaults, but for the length."""
    import torch
    from datasets import load_dataset
    from peft import LoraConfig
    from transformers import AutoTokenizer
    from trl import DPOConfig, DPOTrainer, SFTConfig, SFTTrainer

    is_pairs = what == "stage 2, LoRA"
    release, config = ("pairs", "preferences") if is_pairs else ("bench", "sft")
    columns = ["prompt", "chosen", "rejected"] if is_pairs else ["prompt", "completion"]
    files = sorted(map(str, (folder / f"{release}@v1.0.0" / config).glob("train-*.parquet")))
    rows = load_dataset("parquet", data_files=files, split="train", cache_dir=f"{folder}/cache")
    settings, trainer = (DPOConfig, DPOTrainer) if is_pairs else (SFTConfig, SFTTrainer)
    cpu = {} if torch.cuda.is_available() else {"use_cpu": True, "bf16": False}
    lora = None if "all" in what else LoraConfig(task_type="CAUSAL_LM", **_LORA)
    made = trainer(
        str(folder / "model"),
        args=settings(
            str(folder / "bare"),
            num_train_epochs=1,
            max_length=_LENGTH,
            save_strategy="no",
            report_to="none",
            logging_steps=1,
            **cpu,
        ),
        train_dataset=rows.select_columns(columns),
        processing_class=AutoTokenizer.from_pretrained(folder / "model"),
        peft_config=lora,
    )
    seconds = made.train().metrics["train_runtime"]
    counted = [one["num_tokens"] for one in made.state.log_history if "num_tokens" in one]
    return {"tokens": int(counted[-1]), "seconds": seconds}


def _prompts(count: int) -> list[str]:
    from builders.verifiable import generate

    return [problem.instruction for problem in generate(5, count)]


def _decode(folder: Path, count: int, limit: int) -> dict[str, Any]:
    """Decoding with the pipelines' own loop."""
    from builders.critique.prompts import chat
    from pipelines.llms.messages import Request
    from pipelines.llms.weights.local import TransformersLLM

    llm = TransformersLLM(model=str(folder / "model"), max_new_tokens=limit)
    llm.load()
    requests = [Request(chat(text), seed=0) for text in _prompts(count)]
    start = time.perf_counter()
    completions = llm.complete(requests)
    seconds = time.perf_counter() - start
    return {"tokens": sum(one.tokens_out for one in completions), "seconds": seconds}


def _generate(folder: Path, count: int, limit: int) -> dict[str, Any]:
    """The same with transformers' `generate`, all prompts in one batch."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from builders.critique.prompts import chat
    from builders.training.chat_template import chat_text

    tokenizer = AutoTokenizer.from_pretrained(folder / "model", padding_side="left")
    tokenizer.pad_token = tokenizer.eos_token
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = AutoModelForCausalLM.from_pretrained(folder / "model", dtype=torch.bfloat16)
    model = model.to(device).eval()
    texts = [chat_text(tokenizer, chat(text)) for text in _prompts(count)]
    batch = tokenizer(texts, return_tensors="pt", padding=True, add_special_tokens=False)
    start = time.perf_counter()
    with torch.inference_mode():
        end = tokenizer.convert_tokens_to_ids("<|im_end|>")
        out = model.generate(
            **batch.to(device), max_new_tokens=limit, do_sample=False, eos_token_id=end
        )
    seconds = time.perf_counter() - start
    new = out[:, batch["input_ids"].shape[1] :]
    return {"tokens": int((new != tokenizer.pad_token_id).sum()), "seconds": seconds}


def one(folder: str, what: str, how: str, smoke: bool) -> dict[str, Any]:
    """Tokens, seconds, peak memory in bytes and MFU of one way of doing one thing."""
    import services.model.resources  # noqa: F401  (before torch)

    # isort: split
    import torch

    path = Path(folder)
    if what == "inputs":
        make_inputs(path, *((6, _SMALL) if smoke else (256, _LARGE)))
        return {}
    if what == "decoding":
        ways: dict[str, Callable[..., dict[str, Any]]] = {"ours": _decode, "generate": _generate}
        facts = ways[how](path, *((4, 8) if smoke else (128, 256)))
    else:
        facts = (_ours if how == "ours" else _bare)(path, what)
    if not torch.cuda.is_available():
        return facts
    shape = _SMALL if smoke else _LARGE
    layer = shape["hidden_size"] * (
        2 * shape["hidden_size"]
        + 2 * shape["hidden_size"] * shape["num_key_value_heads"] // shape["num_attention_heads"]
        + 3 * shape["intermediate_size"]
    )
    weights = shape["num_hidden_layers"] * layer + shape["hidden_size"] * shape["vocab_size"]
    name = torch.cuda.get_device_name()
    peak = peak_flops(name)
    done = _FLOPS[what] * weights * facts["tokens"] / facts["seconds"]
    memory = torch.cuda.max_memory_allocated()
    return facts | {"memory": memory, "mfu": done / peak if peak else None, "device": name}


def main() -> None:
    arguments = options(__doc__).parse_args()
    if arguments.one:
        print(json.dumps(one(**json.loads(arguments.one))), flush=True)
        return
    table, rates, device = [], {}, "CPU"
    with tempfile.TemporaryDirectory() as folder:
        what: dict[str, Any] = {"folder": folder, "smoke": arguments.smoke}
        in_child("bench.gpu", what | {"what": "inputs", "how": "ours"})
        for name in _FLOPS:
            for how in (_BARE.get(name, "TRL"), "ours"):
                measured = in_child("bench.gpu", what | {"what": name, "how": how})
                facts = measured.facts
                device = facts.get("device", device)
                rates[name, how] = facts["tokens"] / facts["seconds"]
                memory = facts.get("memory", measured.peak) / 1e9
                row = [
                    facts["tokens"],
                    facts["seconds"],
                    rates[name, how],
                    facts.get("mfu"),
                    memory,
                ]
                table.append([f"{name}: {how}", *row])
    size = "a tiny model" if arguments.smoke else "1.5B random weights"
    show(f"{size}, {device}", ["", "tokens", "s", "tokens/s", "MFU", "peak GB"], table)
    print()
    for name in _FLOPS:
        other = _BARE.get(name, "TRL")
        ratio = rates[name, "ours"] / rates[name, other]
        verdict(f"{name}, tokens/s: ours / {other}", ratio, ">= 1", ratio >= 1)


if __name__ == "__main__":
    main()
