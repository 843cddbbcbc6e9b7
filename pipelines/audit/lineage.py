"""What a checkpoint was trained from and on, as far as this machine or the Hub has it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from builders.errors import BadInput, SrtError
from builders.files.documents import read_yaml
from builders.manifest import Manifest, read_manifest

TRAINING = "training.json"


@dataclass(frozen=True)
class Trained:
    """A checkpoint of this project: its folder, and what it says of its training."""

    folder: Path

    @cached_property
    def facts(self) -> dict[str, Any]:
        """The contents of training.json; BadInput if it cannot be read."""
        path = self.folder / TRAINING
        try:
            facts = json.loads(path.read_text(encoding="utf-8"))
            if not {"name", "release", "base_model"} <= facts.keys():
                raise BadInput(f"{path}: it does not name the release and the base model")
        except (ValueError, AttributeError) as error:
            raise BadInput(f"{path}: not the facts of a checkpoint ({error})") from None
        return facts

    @cached_property
    def recipe(self) -> dict[str, Any]:
        """The recipe with the paths of this machine; empty for a checkpoint that was published."""
        path = self.folder / "recipe.yaml"
        return read_yaml(path) if path.is_file() else {}

    @property
    def title(self) -> str:
        """Name and version of the release that it was trained on."""
        return f"{self.facts['release']['name']} {self.facts['release']['version']}"

    @property
    def started_at(self) -> datetime | None:
        """When the training began; None if training.json, which may be older, does not say."""
        try:
            started = datetime.fromisoformat(self.facts["trained"]["started_at"])
        except (KeyError, TypeError, ValueError):
            return None
        return started if started.tzinfo else started.replace(tzinfo=UTC)


def lineage(folder: Path, *, published: bool = False) -> Iterator[Trained]:
    """Each checkpoint that the one in `folder` was trained from, itself first.

    A base model on the Hub is looked for there if the checkpoint was `published` too, and else
    among what was downloaded before.
    """
    seen: set[Path] = set()
    at: Path | None = folder
    while at is not None and at.resolve() not in seen and (at / TRAINING).is_file():
        seen.add(at.resolve())
        trained = Trained(at)
        yield trained
        at = _base_of(trained, published)


def _base_of(trained: Trained, published: bool) -> Path | None:
    named = trained.recipe.get("model_name_or_path")
    if isinstance(named, str | Path) and Path(named).expanduser().is_dir():
        return Path(named).expanduser()
    base = trained.facts["base_model"]
    if not base.get("on_hub"):
        return None
    revision = trained.facts.get("recipe", {}).get("model_revision")
    return _downloaded(base["name"], "model", revision, [TRAINING], online=published)


def release_of(trained: Trained) -> Path | None:
    """The folder of the release that it was trained on, with its ledger; None if it is not found.

    On this machine if it still is the one that was trained on, else from the Hub at its commit.
    """
    release, named = trained.facts["release"], trained.recipe.get("release")
    folder = Path(named).expanduser() if isinstance(named, str | Path) else None
    if folder is None or not _is_release(folder, release):
        if not release.get("repo") or not release.get("commit"):
            return None
        files = ["manifest.json", "ledger/*"]
        folder = _downloaded(release["repo"], "dataset", release["commit"], files, online=True)
    return folder if folder is not None and _is_release(folder, release) else None


def _is_release(folder: Path, release: dict[str, Any]) -> bool:
    try:
        manifest = read_manifest(folder)
    except BadInput:
        return False
    is_same = (manifest.name, manifest.version) == (release["name"], release["version"])
    return is_same and all(path.is_file() for path in ledger_files(folder, manifest))


def ledger_files(folder: Path, manifest: Manifest | None = None) -> list[Path]:
    """The files of the ledger's train split."""
    manifest = manifest or read_manifest(folder)
    splits = manifest.configs.get("ledger", {})
    return [folder / name for name in splits["train"].files] if "train" in splits else []


def _downloaded(
    repo: str, repo_type: str, revision: str | None, files: list[str], *, online: bool
) -> Path | None:
    """A snapshot with some files of a repository; None if the Hub does not give it."""
    from huggingface_hub.errors import LocalEntryNotFoundError

    from pipelines.hub.client import connect
    from pipelines.hub.errors import hub_errors

    api = connect()
    try:
        with hub_errors(api, repo):
            snapshot = api.snapshot_download(
                repo,
                repo_type=repo_type,
                revision=revision,
                allow_patterns=files,
                local_files_only=not online,
            )
    except (SrtError, LocalEntryNotFoundError):
        return None
    return Path(snapshot)
