"""Which files go into git and which into LFS, by the same rules as on the Hub."""

import io
from collections.abc import Iterator, Mapping
from contextlib import suppress

from dulwich.attrs import AttributeValue, Pattern, match_path, parse_git_attributes
from dulwich.ignore import IgnoreFilter, read_ignore_patterns
from dulwich.wildmatch import MalformedPattern

from services.hub.storage.operations import MAX_REGULAR_BYTES

_LFS = "filter=lfs diff=lfs merge=lfs -text"
# Separated by spaces: as lists of strings these would be fifty lines.
_BOTH_KINDS = """
*.7z *.arrow *.bin *.bz2 *.ckpt *.ftz *.gguf *.gz *.h5 *.joblib *.lz4 *.mlmodel *.model *.msgpack
*.npy *.npz *.onnx *.ot *.parquet *.pb *.pickle *.pkl *.png *.pt *.pth *.rar *.safetensors *.tar
*.tar.* *.tflite *.tgz *.wasm *.xz *.zip *.zst *tfevents* saved_model/**/*
"""
_DATASETS_ONLY = """
*.aac *.bmp *.duckdb *.flac *.gif *.jpeg *.jpg *.mds *.mp3 *.mp4 *.ogg *.pcm *.raw *.sam *.tiff
*.wav *.webm *.webp
"""


def default_gitattributes(kind: str) -> bytes:
    """The `.gitattributes` of a new repository."""
    patterns = _BOTH_KINDS + (_DATASETS_ONLY if kind == "datasets" else "")
    return "".join(f"{pattern} {_LFS}\n" for pattern in patterns.split()).encode()


class UploadRules:
    """A repository's `.gitattributes` and a `.gitignore`, applied to one path at a time."""

    def __init__(self, attributes: bytes, ignore: bytes) -> None:
        self._attributes = list(_attributes(attributes))
        self._ignore = IgnoreFilter(read_ignore_patterns(io.BytesIO(ignore)))

    def mode(self, path: str, size: int, sample: bytes) -> str:
        """`lfs` or `regular`; `size` in bytes, `sample` the file's first bytes."""
        by_name = match_path(self._attributes, path.encode()).get(b"filter") == b"lfs"
        return "lfs" if by_name or size > MAX_REGULAR_BYTES or b"\0" in sample else "regular"

    def is_ignored(self, path: str) -> bool:
        """Whether the `.gitignore` excludes the file."""
        return bool(self._ignore.is_ignored(path))


def _attributes(text: bytes) -> Iterator[tuple[Pattern, Mapping[bytes, AttributeValue]]]:
    """Parsed line by line, so that a malformed line does not block an upload."""
    for line in text.splitlines():
        with suppress(ValueError, MalformedPattern):
            for pattern, settings in parse_git_attributes(io.BytesIO(line + b"\n")):
                yield Pattern(pattern), settings
