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
from builders.release.configs import public_name
from builders.run import write_json
from cards.model_card import render_model_card
from cards.plots import plot_losses

_VERSIONED = ("srt-feedback", "torch", "transformers", "trl", "peft", "accelerate", "datasets")
# What a run may change when it goes on.
_NOT_IDENTITY = {
    "output_dir",
    "report_to",
    "run_name",
    "logging_steps",
    "save_steps",
    "push_to_hub",
    "hub_model_id",
    "hub_private_repo",
    "hub_tag",
}


def begin(folder: Path, asked: Mapping[str, Any]) -> str | None:
    """Make the folder, or find the checkpoint in it to go on from.

    `asked` is the recipe with the release's commit as revision: a branch may have moved on when
    the run goes on. BadInput where it holds another run's checkpoints, or a finished model.
    """
    if (folder / "training.json").is_file():
        raise BadInput(f"output_dir: {folder} holds a finished model; give another one")
    recipe = folder / "recipe.yaml"
    if recipe.is_file():
        before = yaml.safe_load(recipe.read_text(encoding="utf-8"))
        changed = sorted(
            key for key in {*before, *asked} - _NOT_IDENTITY if before.get(key) != asked.get(key)
        )
        # Without a checkpoint there is nothing to mix up: the run ended before its first.
        if changed and _last_checkpoint(folder):
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


def rows_folder(folder: Path) -> Path:
    """Where the rows lie in the form in which the trainer reads them, while it does."""
    return folder / "rows"


def _last_checkpoint(folder: Path) -> str | None:
    """The newest one that was written to its end: the trainer's state is its last file."""
    whole = [
        path.parent for path in folder.glob("checkpoint-*/trainer_state.json") if _is_json(path)
    ]
    newest = max(whole, key=lambda path: int(path.name.rpartition("-")[2]), default=None)
    return str(newest) if newest else None


def _is_json(path: Path) -> bool:
    try:
        json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return False
    return True


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
    for name in list(getattr(model, "peft_config", {})):
        if name != "default":
            model.delete_adapter(name)  # DPO's reference
    trainer.save_model(str(folder))
    if not trainer.is_world_process_zero():
        return
    _name_base(folder / "adapter_config.json", base_model)
    history = trainer.state.log_history
    facts = {
        "stage": stage,
        "name": folder.resolve().name,
        "base_model": {
            "name": public_name(base_model),
            "on_hub": not Path(base_model).is_absolute(),
        },
        "adapter": (folder / "adapter_config.json").is_file(),
        "release": dict(release),
        "recipe": _public(recipe),
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
    shutil.rmtree(rows_folder(folder), ignore_errors=True)
    write_json(folder / "training.json", facts)


def _name_base(adapter: Path, base_model: str) -> None:
    """Not where a model that has a name lies on this machine.

    Written here, because PEFT asks the Hub for what it is told to save under that name.
    """
    if adapter.is_file():
        config = json.loads(adapter.read_text(encoding="utf-8"))
        write_json(adapter, config | {"base_model_name_or_path": base_model})


def _public(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """The recipe with names in the place of paths, which mean nothing on another machine."""
    return {
        key: public_name(value) if isinstance(value, str) else value
        for key, value in recipe.items()
    }
