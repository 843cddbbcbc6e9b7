"""The files of a release or a checkpoint, with the hashes that the Hub gives them."""

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from builders.errors import BadInput, reason_of
from builders.files.atomic import json_text
from builders.files.folder import files_in
from builders.manifest import FILE as MANIFEST
from builders.manifest import Manifest, read_manifest
from builders.release.withdrawn import FILE as WITHDRAWN
from builders.release.withdrawn import (
    Withdrawals,
    withdrawals_text,
    withdrawn_card,
    withdrawn_changelog,
)
from builders.versions import version_of_tag
from cards.dataset_card import published_card
from cards.eval_results import FOLDER as EVAL_RESULTS
from cards.model_card import published_model_card

_BLOCK = 2**20
CARD, _CHANGELOG = "README.md", "CHANGELOG.md"
# Written by the Hub when it creates a repository: which files go into LFS.
LFS_RULES = ".gitattributes"
# What training leaves beside a checkpoint: states and logs, the recipe with the paths of this
# machine (training.json has it without them), and a pickle of the arguments.
_OF_TRAINING = re.compile(r"(checkpoint-[^/]*|rows|runs)/|recipe\.yaml|training_args\.bin")
# The files that a checkpoint of ours has, by their names: nothing else is published with one.
_CHECKPOINT_FOLDERS = ("assets/", "audit/", "evaluation/", f"{EVAL_RESULTS}/")
_CHECKPOINT = re.compile(
    r"README\.md|(training|config|generation_config|adapter_config|added_tokens|vocab)\.json"
    r"|(tokenizer|tokenizer_config|special_tokens_map)\.json|merges\.txt|vocab\.txt|.+\.jinja"
    r"|(tokenizer|spiece|sentencepiece\.bpe)\.model"
    r"|(adapter_)?model(-\d{5}-of-\d{5})?\.safetensors(\.index\.json)?"
    r"|(assets|audit|evaluation)/.+|\.eval_results/[^/]+\.yaml"
)


@dataclass(frozen=True)
class LocalFile:
    """A file with both hashes: the Hub identifies it by `sha256` in LFS, by `git_sha1` in git.

    `content` is what is uploaded in place of the file at `path`, if it is not None.
    """

    path: Path
    size: int
    sha256: str
    git_sha1: str
    content: bytes | None = None


@dataclass(frozen=True)
class Package:
    """Files by their name in the repository. `manifest` is None for a checkpoint.

    `folder` has the files, and for a release the card before it was published. `left_out` are the
    folder's other files and folders (with a slash), which a checkpoint is not made of.
    """

    folder: Path
    tag: str
    files: dict[str, LocalFile]
    manifest: Manifest | None = None
    left_out: tuple[str, ...] = ()

    @property
    def repo_type(self) -> str:
        return "model" if self.manifest is None else "dataset"

    def text(self, name: str) -> str:
        """A text file's content as it is uploaded."""
        file = self.files[name]
        content = file.path.read_bytes() if file.content is None else file.content
        return content.decode(errors="replace")

    @property
    def hashes(self) -> dict[str, str]:
        return {name: file.sha256 for name, file in self.files.items()}


def read_package(folder: Path, tag: str | None = None) -> Package:
    """The release or checkpoint in `folder`; BadInput if it is neither, or was changed.

    `tag` is for a checkpoint. The tag of a release is its version's.
    """
    if not folder.is_dir():
        raise BadInput(f"{folder}: no such folder")
    if (folder / "training.json").is_file() and not (folder / "manifest.json").exists():
        return _checkpoint(folder, tag)
    return _release(folder, tag)


def _release(folder: Path, tag: str | None) -> Package:
    manifest = read_manifest(folder)
    if version_of_tag(manifest.tag) is None:
        raise BadInput(f"{folder}/manifest.json: version {manifest.version!r} is not X.Y.Z")
    if tag not in (None, manifest.tag):
        raise BadInput(f"--tag: {folder} is a release; its tag is {manifest.tag}")
    files = {name: hashed(path) for name, path in published_files(folder).items()}
    for name, released in manifest.files.items():
        if name not in files:
            raise BadInput(f"{folder}: {name} is missing; it is in the release's manifest")
        if (files[name].sha256, files[name].size) != (released.sha256, released.bytes):
            raise BadInput(f"{folder}: {name} is not the file that was released")
    extra = sorted(files.keys() - manifest.files.keys() - {"manifest.json"})
    if extra:
        raise BadInput(f"{folder}: {extra[0]} is not in the release's manifest; remove it")
    return Package(folder, manifest.tag, files, manifest)


def _checkpoint(folder: Path, tag: str | None) -> Package:
    if tag is None:
        raise BadInput(f"--tag: {folder} is a checkpoint and needs one, such as v1.0.0")
    if version_of_tag(tag) is None:
        raise BadInput(f"--tag: {tag!r} is not vX.Y.Z")
    left_out: list[str] = []

    def is_left_out(name: str) -> bool:
        if name in _CHECKPOINT_FOLDERS or is_of_checkpoint(name):
            return False
        in_folder = name.startswith(_CHECKPOINT_FOLDERS) and name.endswith("/")
        if not in_folder and not _OF_TRAINING.fullmatch(name):
            left_out.append(name)
        return not in_folder

    files = {name: hashed(path) for name, path in published_files(folder, is_left_out).items()}
    return Package(folder, tag, files, left_out=tuple(sorted(left_out)))


def addressed(package: Package, repo: str, withdrawals: Withdrawals | None = None) -> Package:
    """A release or a checkpoint as it stands in `repo`: its card says how to load it from there.

    Of a release, card, changelog and a file of their own say which versions there are withdrawn.
    Its manifest has the hashes of these files. Nothing else differs from the folder. BadInput if
    the card cannot be read.
    """
    if CARD not in package.files:
        return package
    address = published_card if package.manifest else published_model_card
    try:
        card = (package.folder / CARD).read_text(encoding="utf-8")
        card = address(card, repo, package.tag.removeprefix("v"))
    except ValueError as error:
        raise BadInput(f"{package.folder / CARD}: cannot be read ({reason_of(error)})") from None
    if package.manifest is None:
        addressed_card = _with_content(package.folder / CARD, card.encode())
        return replace(package, files={**package.files, CARD: addressed_card})
    contents = {CARD: withdrawn_card(card, withdrawals or {})}
    if withdrawals:
        contents[WITHDRAWN] = withdrawals_text(withdrawals)
        if _CHANGELOG in package.files:
            changelog = (package.folder / _CHANGELOG).read_text(encoding="utf-8")
            contents[_CHANGELOG] = withdrawn_changelog(changelog, withdrawals)
    files = dict(package.files)
    manifest = json.loads((package.folder / MANIFEST).read_bytes())
    for name, text in contents.items():
        files[name] = _with_content(package.folder / name, text.encode())
        manifest["files"][name] = {
            **manifest["files"].get(name, {}),
            "sha256": files[name].sha256,
            "bytes": files[name].size,
        }
    files[MANIFEST] = _with_content(package.folder / MANIFEST, json_text(manifest).encode())
    return replace(package, files=files)


def _with_content(path: Path, content: bytes) -> LocalFile:
    git = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False)
    sha256 = hashlib.sha256(content).hexdigest()
    return LocalFile(path, len(content), sha256, git.hexdigest(), content)


def is_of_checkpoint(name: str) -> bool:
    """Whether a file of a repository is named as one that was published with a checkpoint.

    >>> is_of_checkpoint("model-00001-of-00002.safetensors"), is_of_checkpoint("model.gguf")
    (True, False)
    """
    return _CHECKPOINT.fullmatch(name) is not None


def local_base_model(package: Package) -> str | None:
    """The folder of an adapter's base model, if it has no name that others could load."""
    config = package.files.get("adapter_config.json")
    if package.manifest is not None or config is None:
        return None
    try:
        base = json.loads(config.path.read_text(encoding="utf-8"))["base_model_name_or_path"]
    except (ValueError, KeyError, TypeError):
        return None
    return base if isinstance(base, str) and Path(base).is_absolute() else None


def published_files(
    folder: Path, is_left_out: Callable[[str], bool] | None = None
) -> dict[str, Path]:
    """The files of a release or checkpoint by name, without those that are left out.

    Hidden files are not published, except results of evaluations, where the Hub looks for them.
    BadInput if there is a link, or something that is no file.
    """
    return dict(files_in(folder, also=(EVAL_RESULTS,), skip=is_left_out, links=False))


def hashed(path: Path) -> LocalFile:
    size = path.stat().st_size
    sha256 = hashlib.sha256()
    git = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            sha256.update(block)
            git.update(block)
    return LocalFile(path, size, sha256.hexdigest(), git.hexdigest())
