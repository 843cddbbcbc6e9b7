"""The folder that a training run leaves: begun, resumed, complete.

While it trains, `output_dir` holds the recipe and the trainer's own checkpoints. When it is done
it also holds the model (adapter or weights, tokenizer), the loss curves, a model card and, last,
`training.json`: where that is, the folder is complete.
"""

import json
import shutil
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml

from builders.atomic import atomic_file
from builders.errors import BadInput
from builders.run import write_json
from cards.model_card import render_model_card
from cards.plots import plot_losses

_VERSIONED = ("srt-feedback", "torch", "transformers", "trl", "peft", "accelerate", "datasets")
# What a run may change when it goes on.
_NOT_IDENTITY = {"output_dir", "report_to", "run_name", "logging_steps", "save_steps"}


def base_model_of(model: str) -> str:
    """The model under an adapter, or `model` itself where it is none."""
    path = Path(model).expanduser() / "adapter_config.json"
    if not path.is_file():
        return model
    return json.loads(path.read_text(encoding="utf-8"))["base_model_name_or_path"]


def begin(folder: Path, asked: Mapping[str, Any]) -> str | None:
    """Make the folder, or find the checkpoint in it to go on from.

    BadInput where it holds another run's checkpoints, or a finished model.
    """
    if (folder / "training.json").is_file():
        raise BadInput(f"output_dir: {folder} holds a finished model; give another one")
    recipe = folder / "recipe.yaml"
    if recipe.is_file():
        before = yaml.safe_load(recipe.read_text(encoding="utf-8"))
        changed = sorted(
            key for key in {*before, *asked} - _NOT_IDENTITY if before.get(key) != asked.get(key)
        )
        if changed:
            raise BadInput(
                f"output_dir: {folder} was begun with another recipe (it differs in "
                f"{', '.join(changed)}); give another one"
            )
    elif folder.is_dir() and any(folder.iterdir()):
        raise BadInput(f"output_dir: {folder} exists and is not a training run; give another one")
    folder.mkdir(parents=True, exist_ok=True)
    with atomic_file(recipe) as temporary:
        temporary.write_text(yaml.safe_dump(dict(asked), sort_keys=False), encoding="utf-8")
    return _last_checkpoint(folder)


def _last_checkpoint(folder: Path) -> str | None:
    """The newest one that was written to its end: the trainer's state is its last file."""
    whole = [path.parent for path in folder.glob("checkpoint-*/trainer_state.json")]
    newest = max(whole, key=lambda path: int(path.name.rpartition("-")[2]), default=None)
    return str(newest) if newest else None


def finish(
    folder: Path,
    trainer: Any,
    *,
    stage: int,
    base_model: str,
    release: Mapping[str, Any],
    recipe: Mapping[str, Any],
    rows: Mapping[str, Any],
    metrics: Mapping[str, float],
) -> None:
    """Save the trained model with all that says where it came from; `training.json` last."""
    model = trainer.accelerator.unwrap_model(trainer.model)
    for name, config in getattr(model, "peft_config", {}).copy().items():
        # An adapter names its base model: by its name, not by where it lies on this machine.
        config.base_model_name_or_path = base_model
        if name != "default":
            model.delete_adapter(name)  # DPO's reference
    trainer.save_model(str(folder))
    if not trainer.is_world_process_zero():
        return
    history = trainer.state.log_history
    facts = {
        "stage": stage,
        "name": folder.resolve().name,
        "base_model": base_model,
        "adapter": (folder / "adapter_config.json").is_file(),
        "release": dict(release),
        # Where a folder lay on this machine means nothing elsewhere; `release` has its hashes.
        "recipe": {key: value for key, value in recipe.items() if key != "release"},
        "rows": dict(rows),
        "steps": trainer.state.global_step,
        "metrics": dict(metrics),
        "device": str(trainer.args.device),
        "dtype": str(next(trainer.model.parameters()).dtype).removeprefix("torch."),
        "versions": {name: version(name) for name in _VERSIONED},
        "history": history,
    }
    plot_losses(history, folder / "assets" / "loss.png")
    (folder / "README.md").write_text(render_model_card(facts), encoding="utf-8")
    for leftover in ("tokens", "pairs"):
        shutil.rmtree(folder / leftover, ignore_errors=True)
    write_json(folder / "training.json", facts)


def read_training(folder: Path) -> dict[str, Any] | None:
    """A checkpoint's `training.json`; None where the folder was made by somebody else."""
    path = folder / "training.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
