"""Rows per second of `train/stage1.py`, compared with a bare TRL script with defaults.

    python -m bench.train [--release FOLDER] [--model NAME] [--rows 64]

Both train the same LoRA adapter for one epoch on the same rows of config `sft`, each in its own
process, one after another. TRL processes each row by itself with its defaults: batches of 8 and
gradient checkpointing. Ours processes each conversation once, which is two rows (draft; critique
and refinement), in batches of similar length and without gradient checkpointing if memory
suffices. On a CPU it keeps the frozen weights in bfloat16 if that is faster, and computes the loss
only at labeled tokens. So fewer tokens go through the model for the same loss. The bench therefore
compares rows/s; tokens are those that went through the model, without padding.

Without --release: verifiable problems with synthetic weak drafts, critiqued by the program that
knows the answers. On a GPU, model FLOPs utilization (MFU) and peak memory are shown, too.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.common import ROOT, in_child, options, prose, show, verdict
from services.model.embedded import MODEL_NAME, checkpoint_path

_RECIPE = ROOT / "train/recipes/stage1-embedded.yaml"
_LORA = {"r": 16, "lora_alpha": 32, "lora_dropout": 0.0, "target_modules": "all-linear"}
# Dense bfloat16 FLOP/s of GPUs, from the vendors' data sheets.
_PEAK = {"A100": 312e12, "H100": 989e12, "H200": 989e12, "L40S": 362e12, "L4": 121e12}


def weak_draft(messages: list[dict[str, str]], seed: int) -> str:  # noqa: ARG001
    """The scripted model of the recipe below: wordy drafts that are wrong."""
    return f"{prose(seed, 240)}\nSo the answer is {seed % 97}, I would say."


_STAGE_1 = """\
stage: 1
drafts: {kind: scripted, script: 'bench.train:weak_draft'}
critic: {kind: verifiable}
"""


def make_release(folder: Path, problems: int, name: str = "bench", blocks: str = _STAGE_1) -> Path:
    """Make a release of that many verifiable problems, all kept; `blocks` says by which models."""
    recipe = folder / f"{name}.yaml"
    recipe.write_text(f"name: {name}\nseed: 1\ninstructions: {{verifiable: {problems}}}\n{blocks}")
    stage = "stage2" if "stage: 2" in blocks else "stage1"
    env = {**os.environ, "PYTHONPATH": str(ROOT), "SRT_SCRIPTED_MODELS": "1"}
    for words in (
        ["build", stage, recipe, "--out", folder / f"run-{name}"],
        ["release", folder / f"run-{name}", f"--name={name}", "--version=1.0.0", "--out", folder],
    ):
        command = [sys.executable, "-m", "pipelines", *map(str, words)]
        done = subprocess.run(command, env=env, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(done.stdout + done.stderr)
    return folder / f"{name}@v1.0.0"


def ours(folder: Path, release: str, model: str) -> dict[str, Any]:
    from train.stage1 import main

    keys = {
        "release": release,
        "model_name_or_path": model,
        "output_dir": folder / "out",
        "num_train_epochs": 1,
        "max_length": "null",
        "save_strategy": "no",
        "logging_steps": 1,
    }
    main([str(_RECIPE), *(f"--{key}={value}" for key, value in keys.items())])
    facts = json.loads((folder / "out/training.json").read_text())
    rows = facts["rows"]["train"]
    return {
        "rows": rows["rows"],
        "tokens": rows["tokens"],
        "seconds": facts["metrics"]["train_runtime"],
        "loss": facts["metrics"]["train_loss"],
    }


def plain(folder: Path, release: str, model: str) -> dict[str, Any]:
    import services.model.resources  # noqa: F401  (before torch, as ours)

    # isort: split
    import torch
    from datasets import load_dataset
    from peft import LoraConfig
    from trl import SFTConfig, SFTTrainer

    files = sorted(map(str, Path(release).glob("sft/train-*.parquet")))
    rows = load_dataset("parquet", data_files=files, split="train", cache_dir=str(folder / "cache"))
    gpu = torch.cuda.is_available()
    trainer = SFTTrainer(
        str(checkpoint_path()) if model == MODEL_NAME else model,
        args=SFTConfig(
            str(folder / "out"),
            num_train_epochs=1,
            learning_rate=1e-3,
            max_length=None,
            save_strategy="no",
            report_to="none",
            logging_steps=1,
            # TRL's defaults need a GPU.
            **({} if gpu else {"use_cpu": True, "bf16": False}),
        ),
        train_dataset=rows.select_columns(["prompt", "completion"]),
        peft_config=LoraConfig(task_type="CAUSAL_LM", **_LORA),
    )
    result = trainer.train()
    token_counts = [
        entry["num_tokens"] for entry in trainer.state.log_history if "num_tokens" in entry
    ]
    return {
        "rows": len(rows),
        "tokens": int(token_counts[-1]),
        "seconds": result.metrics["train_runtime"],
        "loss": result.metrics["train_loss"],
    }


def _one(how: str, release: str, model: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        facts = {"ours": ours, "plain": plain}[how](Path(folder), release, model)
        return facts | {"whole": time.perf_counter() - start, **_gpu(model, facts)}


def _gpu(model: str, facts: dict[str, Any]) -> dict[str, Any]:
    """Peak GPU memory in bytes, and model FLOPs utilization."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    if not torch.cuda.is_available():
        return {}
    config = AutoConfig.from_pretrained(str(checkpoint_path()) if model == MODEL_NAME else model)
    with torch.device("meta"):
        weights = AutoModelForCausalLM.from_config(config).num_parameters()
    name = torch.cuda.get_device_name()
    peak = peak_flops(name)
    # Forward, and backward only to the activations, since frozen weights need no gradients.
    flops = 4 * weights * facts["tokens"] / facts["seconds"]
    return {
        "memory": torch.cuda.max_memory_allocated(),
        "mfu": flops / peak if peak else None,
        "device": name,
    }


def peak_flops(device: str) -> float | None:
    """Dense bfloat16 FLOP/s of a GPU by its name; None if unknown."""
    return next((_PEAK[known] for known in _PEAK if re.search(rf"\b{known}\b", device)), None)


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--release", help="a stage-1 release folder")
    parser.add_argument("--model", default=MODEL_NAME, help="a folder or a name on the Hub")
    parser.add_argument("--rows", type=int, default=64, help="conversations, without --release")
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(_one(**json.loads(arguments.one))), flush=True)
        return
    with tempfile.TemporaryDirectory() as folder:
        rows = 6 if arguments.smoke else arguments.rows
        release = arguments.release or make_release(Path(folder), rows)
        what = {"release": str(Path(release).resolve()), "model": arguments.model}
        measured = {
            name: in_child("bench.train", {"how": name, **what}, timeout=4 * 3600)
            for name in ("plain", "ours")
        }
    table = []
    for name, measurement in measured.items():
        facts = measurement.facts
        rates = [facts[key] / facts["seconds"] for key in ("rows", "tokens")]
        memory = facts.get("memory", measurement.peak) / 1e9
        figures = [facts["rows"], facts["tokens"], facts["seconds"], facts["whole"], *rates]
        table.append([name, *figures, memory, facts.get("mfu"), facts["loss"]])
    header = ["", "rows", "tokens", "training s", "whole s", "rows/s", "tokens/s", "peak GB"]
    device = measured["ours"].facts.get("device", "CPU")
    show(f"One epoch of LoRA, {arguments.model}, {device}", [*header, "MFU", "loss"], table)
    print()
    rows_per_second = [facts[5] for facts in table]
    ratio = rows_per_second[1] / rows_per_second[0]
    verdict("rows/s: ours / bare TRL", ratio, ">= 1", ratio >= 1)


if __name__ == "__main__":
    main()
