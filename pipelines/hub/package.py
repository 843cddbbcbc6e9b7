"""What is to be published: a release's or a checkpoint's files, hashed as the Hub hashes them."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from builders.errors import BadInput
from builders.release.manifest import Manifest, read_manifest
from pipelines.hub.tags import version_of

_BLOCK = 2**20
# Of a checkpoint's folder, what is the training run's own: its states and logs, the recipe with
# this machine's paths (training.json has it without them), and a pickle of the arguments.
_PRIVATE_FOLDERS = ("checkpoint-", "rows", "runs")
_PRIVATE_FILES = ("recipe.yaml", "training_args.bin")


@dataclass(frozen=True)
class LocalFile:
    """`sha256` names a file's content in LFS, `git_sha1` in git: the Hub tells one of them."""

    path: Path
    size: int
    sha256: str
    git_sha1: str


@dataclass(frozen=True)
class Package:
    """The files by their name in the repository; `manifest` is None for a checkpoint."""

    folder: Path
    tag: str
    files: dict[str, LocalFile]
    manifest: Manifest | None = None

    @property
    def repo_type(self) -> str:
        return "model" if self.manifest is None else "dataset"

    @property
    def hashes(self) -> dict[str, str]:
        return {name: file.sha256 for name, file in self.files.items()}


def read_package(folder: Path, tag: str | None = None) -> Package:
    """The release or checkpoint in `folder`; BadInput where it is neither, or not as it was made.

    `tag` is a checkpoint's; a release has the tag of its version.
    """
    if not folder.is_dir():
        raise BadInput(f"{folder}: no such folder")
    if (folder / "training.json").is_file() and not (folder / "manifest.json").exists():
        return _checkpoint(folder, tag)
    return _release(folder, tag)


def _release(folder: Path, tag: str | None) -> Package:
    manifest = read_manifest(folder)
    if version_of(manifest.tag) is None:
        raise BadInput(f"{folder}/manifest.json: version {manifest.version!r} is not X.Y.Z")
    if tag not in (None, manifest.tag):
        raise BadInput(f"--tag: {folder} is a release; its tag is {manifest.tag}")
    files = {name: hashed(path) for name, path in files_in(folder)}
    for name, released in manifest.files.items():
        if name not in files:
            raise BadInput(f"{folder}: {name} is missing; it is in the release's manifest")
        if (files[name].sha256, files[name].size) != (released.sha256, released.bytes):
            raise BadInput(f"{folder}: {name} is not the file that was released")
    extra = sorted(files.keys() - manifest.files.keys() - {"manifest.json"})
    if extra:
        raise BadInput(f"{folder}: {extra[0]} is not in the release's manifest; take it away")
    return Package(folder, manifest.tag, files, manifest)


def _checkpoint(folder: Path, tag: str | None) -> Package:
    if tag is None:
        raise BadInput(f"--tag: {folder} is a checkpoint; give it one, such as v1.0.0")
    if version_of(tag) is None:
        raise BadInput(f"--tag: {tag!r} is not vX.Y.Z")
    files = {name: hashed(path) for name, path in files_in(folder) if not _is_private(name)}
    return Package(folder, tag, files)


def _is_private(name: str) -> bool:
    top, slash, _ = name.partition("/")
    if slash:
        return top in _PRIVATE_FOLDERS or top.startswith(_PRIVATE_FOLDERS[0])
    return name in _PRIVATE_FILES


def local_base_model(package: Package) -> str | None:
    """The path under an adapter, where its base model has no name that others could load."""
    config = package.files.get("adapter_config.json")
    if package.manifest is not None or config is None:
        return None
    try:
        base = json.loads(config.path.read_text(encoding="utf-8"))["base_model_name_or_path"]
    except (ValueError, KeyError, TypeError):
        return None
    return base if isinstance(base, str) and Path(base).is_absolute() else None


def files_in(folder: Path) -> Iterator[tuple[str, Path]]:
    """Every file under `folder` with its name there, sorted; hidden ones are nobody's release."""
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if path.is_file() and not any(part.startswith(".") for part in relative.parts):
            yield relative.as_posix(), path


def hashed(path: Path) -> LocalFile:
    size = path.stat().st_size
    sha256 = hashlib.sha256()
    git = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            sha256.update(block)
            git.update(block)
    return LocalFile(path, size, sha256.hexdigest(), git.hexdigest())
