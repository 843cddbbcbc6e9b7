"""A recipe's files, found and pinned by their hashes."""

from pathlib import Path
from typing import Any

from builders.errors import BadInput
from builders.files.hashes import sha256_of_dataset, sha256_of_file
from pipelines.recipe.instructions import FileInstructions, RefinementInstructions
from pipelines.recipe.models import TransformersModel
from pipelines.recipe.recipe import Recipe, rubric

# Bytes: more than the longest rubric in any script.
_LARGEST_CRITERIA = 1_000_000


def with_pinned_files(recipe: Recipe, folder: Path) -> Recipe:
    """The recipe with absolute paths, with the hashes of its files, and with the text of criteria.

    Its files are relative to `folder`, where the recipe is. Checkpoints, runs and frozen sets
    are made by commands, and are relative to the working directory. BadInput if a file is missing
    or is not the one that the recipe pins.
    """
    update: dict[str, Any] = {
        "instructions": [_pinned_source(block, folder) for block in recipe.instructions]
    }
    for role in ("drafts", "critic", "scorer"):
        block = getattr(recipe, role)
        is_list = isinstance(block, list)
        update[role] = [*map(_pinned_model, block)] if is_list else _pinned_model(block)
    update["criteria"] = _criteria(recipe.criteria, folder)
    # FILE and FILE:FIELD alike.
    evaluation = tuple(
        str(folder.resolve() / Path(name).expanduser()) for name in recipe.gate.evaluation
    )
    update["reserve"] = [str(Path(name).expanduser().resolve()) for name in recipe.reserve]
    update["gate"] = recipe.gate.model_copy(update={"evaluation": evaluation})
    return recipe.model_copy(update=update)


def _criteria(text: str | None, folder: Path) -> str | None:
    """The text of criteria; one line that ends as a file's name does is one."""
    if text is None or "\n" in text or not text.lower().endswith((".md", ".txt")):
        return text
    path = folder / Path(text).expanduser()
    try:
        if path.stat().st_size > _LARGEST_CRITERIA:
            raise BadInput(f"criteria: {path} is too large to be a rubric")
        return rubric(path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError as error:
        raise BadInput(f"criteria: {path}: not UTF-8 ({error.reason})") from None
    except OSError as error:
        raise BadInput(f"criteria: {path}: {error.strerror}") from None
    except ValueError as error:
        raise BadInput(f"criteria: {path}: {error}") from None


def _pinned_source(block: Any, folder: Path) -> Any:
    if isinstance(block, RefinementInstructions):
        return block.model_copy(update={"refinements": block.refinements.expanduser().resolve()})
    if not isinstance(block, FileInstructions):
        return block
    path = (folder / block.path.expanduser()).resolve()
    if not path.exists():
        raise BadInput(f"instructions.path: {path}: no such file")
    sha256 = sha256_of_dataset(path) if path.is_dir() else sha256_of_file(path)
    if block.sha256 not in (None, sha256):
        raise BadInput(f"instructions.sha256: {path} has the SHA-256 {sha256}")
    return block.model_copy(
        update={"path": path, "sha256": sha256, "name": block.name or path.name}
    )


def _pinned_model(model: Any) -> Any:
    if not isinstance(model, TransformersModel):
        return model
    training = Path(model.model).expanduser().resolve() / "training.json"
    if not training.is_file():
        return model
    sha256 = sha256_of_file(training)
    if model.training_sha256 not in (None, sha256):
        raise BadInput(f"training_sha256: {training} has the SHA-256 {sha256}")
    return model.model_copy(update={"model": str(training.parent), "training_sha256": sha256})
