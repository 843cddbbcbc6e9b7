"""The output folder of a training run: started, resumed, finished.

During training, `output_dir` contains the recipe and the trainer's checkpoints. At the end it also
contains the model (adapter or weights, tokenizer), the loss curves, a model card and
`training.json`, which is written last: a folder with this file is complete.
"""

import json
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import yaml
from huggingface_hub import try_to_load_from_cache

from builders.errors import BadInput
from builders.files.atomic import atomic_file, write_json
from builders.files.documents import read_yaml
from builders.files.folder import has_files
from builders.ledger.models import public_name
from cards.front_matter import read_front_matter
from cards.model_card import render_model_card
from cards.plots import plot_losses
from services.model.embedded import MODEL_LICENSE, MODEL_SOURCE

_VERSIONED = ("srt-feedback", "torch", "transformers", "trl", "peft", "accelerate", "datasets")
# When the training began; hidden files are not published.
_STARTED = ".started.json"
# Keys that may change when a run is resumed.
_MAY_CHANGE = {
    "output_dir",
    "report_to",
    "run_name",
    "logging_steps",
    "save_steps",
    "resume_from_checkpoint",
    "push_to_hub",
    "hub_model_id",
    "hub_private_repo",
    "hub_tag",
}


def begin(folder: Path, values: Mapping[str, Any]) -> str | None:
    """Create the folder; returns the checkpoint to resume from, if there is one.

    `values` are the recipe's, with the release's commit as revision, because a branch may move
    before the run is resumed. BadInput if the folder has another run's checkpoints or a finished
    model.
    """
    if (folder / "training.json").is_file():
        raise BadInput(f"output_dir: {folder} contains a finished model; choose another folder")
    recipe = folder / "recipe.yaml"
    if recipe.is_file():
        before = read_yaml(recipe)
        changed = sorted(
            key for key in {*before, *values} - _MAY_CHANGE if before.get(key) != values.get(key)
        )
        # Without a checkpoint nothing would be resumed with other values.
        if changed and _last_checkpoint(folder):
            raise BadInput(
                f"output_dir: {folder} was started with another recipe (different: "
                f"{', '.join(changed)}); choose another folder"
            )
    elif folder.is_dir() and has_files(folder):
        raise BadInput(f"output_dir: {folder} is not a training run; choose another folder")
    elif folder.exists() and not folder.is_dir():
        raise BadInput(f"output_dir: {folder} is not a folder")
    resumed = _chosen_checkpoint(folder, values.get("resume_from_checkpoint"))
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise BadInput(f"output_dir: {folder}: {error.strerror}") from None
    with atomic_file(recipe) as temporary:
        temporary.write_text(yaml.safe_dump(dict(values), sort_keys=False), encoding="utf-8")
    if resumed is None:
        write_json(folder / _STARTED, {"started_at": _now()})
    return resumed


def _chosen_checkpoint(folder: Path, choice: Any) -> str | None:
    """The checkpoint that `resume_from_checkpoint` names, by default the last one."""
    last = _last_checkpoint(folder)
    if choice in (None, True, "true", "True"):
        return last
    if choice in (False, "false", "False"):
        if last:
            raise BadInput(
                f"resume_from_checkpoint: {folder} has checkpoints; choose another output_dir to "
                "train from the beginning"
            )
        return None
    path = Path(str(choice)).expanduser()
    if path.resolve().parent != folder.resolve():
        raise BadInput(
            f"resume_from_checkpoint: {choice} is not in output_dir, {folder}; to train another "
            "run's model further, set model_name_or_path"
        )
    state = path / "trainer_state.json"
    if not (state.is_file() and _is_json(state)):
        raise BadInput(f"resume_from_checkpoint: {choice} is not a complete checkpoint")
    return str(path)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _times(folder: Path) -> dict[str, str | None]:
    """When the training began and ended; the beginning is None if nobody wrote it down."""
    started = folder / _STARTED
    known = json.loads(started.read_text(encoding="utf-8")) if started.is_file() else {}
    return {"started_at": known.get("started_at"), "ended_at": _now()}


def rows_folder(folder: Path) -> Path:
    """Where the tokenized rows are stored during training."""
    return folder / "rows"


def _last_checkpoint(folder: Path) -> str | None:
    """The newest complete checkpoint; the trainer writes `trainer_state.json` last."""
    complete = [
        path.parent for path in folder.glob("checkpoint-*/trainer_state.json") if _is_json(path)
    ]
    newest = max(complete, key=lambda path: int(path.name.rpartition("-")[2]), default=None)
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
    """Save the trained model with its provenance; `training.json` is written last."""
    model = trainer.accelerator.unwrap_model(trainer.model)
    for name in list(getattr(model, "peft_config", {})):
        if name != "default":
            model.delete_adapter(name)  # DPO's reference adapter
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
            **license_of(base_model),
        },
        "adapter": (folder / "adapter_config.json").is_file(),
        "release": dict(release),
        "trained": _times(folder),
        "recipe": _public(recipe),
        "rows": dict(rows),
        "steps": trainer.state.global_step,
        "metrics": dict(metrics),
        "device": str(trainer.args.device),
        "dtype": str(next(trainer.model.parameters()).dtype).removeprefix("torch."),
        "versions": {name: _version(name) for name in _VERSIONED},
        "history": history,
    }
    plot_losses(history, folder / "assets" / "loss.png")
    (folder / "README.md").write_text(render_model_card(facts), encoding="utf-8")
    shutil.rmtree(rows_folder(folder), ignore_errors=True)
    write_json(folder / "training.json", facts)


def _version(package: str) -> str | None:
    """None if it is not installed: `uv run` takes this package from its folder."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def license_of(model: str) -> dict[str, str]:
    """The license on a model's card, with the terms that it names; nothing if it is not here.

    `model` is a folder, or a name on the Hub whose card may be in the client's cache.
    """
    if model == MODEL_SOURCE.removeprefix("https://huggingface.co/"):
        return {"license": MODEL_LICENSE}
    try:
        if Path(model).is_absolute():
            card = Path(model) / "README.md"
        else:
            card = Path(str(try_to_load_from_cache(model, "README.md") or ""))
        data = read_front_matter(card) if card.is_file() else {}
    except (OSError, ValueError):
        data = {}
    keys = ("license", "license_name", "license_link")
    found = {key: data.get(key) for key in keys}
    return {key: value for key, value in found.items() if isinstance(value, str)}


def _name_base(adapter: Path, base_model: str) -> None:
    """Write the base model's name, instead of its path on this machine, into the adapter's config.

    Edited after saving, because PEFT looks up on the Hub any name that it saves.
    """
    if adapter.is_file():
        config = json.loads(adapter.read_text(encoding="utf-8"))
        write_json(adapter, config | {"base_model_name_or_path": base_model})


def _public(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """The recipe with file names instead of paths, which mean nothing on another machine."""
    return {
        key: public_name(value) if isinstance(value, str) else value
        for key, value in recipe.items()
    }
