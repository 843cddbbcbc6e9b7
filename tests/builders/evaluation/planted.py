"""Planted judgments: files in AlpacaEval's layout with a known judge."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import expit

from builders.evaluation.existing import evaluate_files
from builders.evaluation.folder import write_folder
from builders.evaluation.result import Benchmark, read_judgments


def annotations(path: Path, n: int = 60, **changes: Any) -> Path:
    """An annotations.json of `n` rows; `changes` are keys of every row."""
    chance = np.random.default_rng(0)
    rows = []
    for number in range(n):
        reference, answer = (chance.integers(50, 400, 2)).tolist()
        p = float(expit(np.tanh((answer - reference) / 100)))
        row = {
            "dataset": "planted",
            "instruction": f"Instruction {number}: say it.",
            "output_1": "r" * reference,
            "output_2": "a" * answer,
            "generator_1": "reference model",
            "generator_2": "our model",
            "annotator": "a judge",
            "preference": 1.0 + float(chance.random() < p),
        }
        rows.append({**row, **changes})
    path.write_text(json.dumps(rows), encoding="utf-8")
    return path


def difficulties(path: Path, n: int = 60, *, shuffled: bool = True) -> Path:
    """A difficulty for each instruction, in another order than the annotations."""
    chance = np.random.default_rng(1)
    values = chance.normal(size=n)
    order = chance.permutation(n) if shuffled else np.arange(n)
    lines = [f'"Instruction {number}: say it.",{values[number]:.4f}' for number in order]
    path.write_text("\n".join(["instruction,difficulty", *lines]) + "\n", encoding="utf-8")
    return path


def evaluated(folder: Path, benchmark: Benchmark | None = None, **model: Any) -> Path:
    """An evaluation in `folder`, made of annotations; `model` says whose answers they are."""
    file = annotations(folder.with_suffix(".json"))
    found = evaluate_files(file, folder, benchmark=benchmark)
    named = found.model.model_copy(update={"name": "our-model", **model})
    write_folder(folder, found.model_copy(update={"model": named}), read_judgments(folder))
    return folder
