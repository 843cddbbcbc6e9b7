"""Keys and tokens in the text files of a checkpoint, by the gate's own patterns."""

from collections.abc import Iterator

from builders.errors import GateRefused
from builders.gate.sensitive.secrets import find_secrets
from pipelines.hub.package import LocalFile, Package

# Of a tokenizer's files, whose texts are tokens, only those with settings are looked at.
_TEXTS = (".md", ".json", ".jsonl", ".jinja", ".yaml", ".txt")
_TOKENS = ("tokenizer.json", "vocab.json", "vocab.txt", "merges.txt", "added_tokens.json")
_INDEX = ".safetensors.index.json"
_MAX_BYTES = 64 * 2**20


def refuse_secrets(package: Package) -> None:
    """GateRefused, with the file's name and not the key, if a text file of a checkpoint has one."""
    if found := list(_files_with_secrets(package)):
        more = f", and in {len(found) - 1} more files" if len(found) > 1 else ""
        raise GateRefused(
            f"{package.folder}: a key or token is in {found[0]}{more}; take it out, and revoke it"
        )


def _files_with_secrets(package: Package) -> Iterator[str]:
    for name, file in package.files.items():
        if _is_text(name, file) and any(find_secrets(package.text(name))):
            yield name


def _is_text(name: str, file: LocalFile) -> bool:
    return (
        name.endswith(_TEXTS)
        and name not in _TOKENS
        and not name.endswith(_INDEX)
        and file.size <= _MAX_BYTES
    )
