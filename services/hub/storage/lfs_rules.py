"""Which files go into git and which into LFS, by the same rules as on the Hub."""

import io
from collections.abc import Iterator, Sequence

from dulwich.attrs import parse_git_attributes
from dulwich.ignore import read_ignore_patterns

from services.hub.errors import HubError
from services.hub.storage.operations import MAX_REGULAR_BYTES
from services.hub.storage.wildmatch import Wildcards

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
# Each pattern of a file is tried on each path: far more than any repository has.
MAX_PATTERNS, _MAX_PATTERN_BYTES = 1_000, 1_024


def default_gitattributes(kind: str) -> bytes:
    """The `.gitattributes` of a new repository."""
    patterns = _BOTH_KINDS + (_DATASETS_ONLY if kind == "datasets" else "")
    return "".join(f"{pattern} {_LFS}\n" for pattern in patterns.split()).encode()


class UploadRules:
    """A repository's `.gitattributes` and a `.gitignore`, applied to one path at a time.

    422 if one of them has too many patterns.
    """

    def __init__(self, attributes: bytes, ignore: bytes) -> None:
        self._lfs = list(_lfs_rules(attributes))
        self._ignore = list(_ignore_rules(ignore))

    def mode(self, path: str, size: int, sample: bytes) -> str:
        """`lfs` or `regular`; `size` in bytes, `sample` the file's first bytes."""
        names = path.encode().split(b"/")
        # The last rule that says something about the filter counts.
        rule = next((rule for rule in reversed(self._lfs) if rule.match(names)), None)
        by_name = rule is not None and rule.positive
        return "lfs" if by_name or size > MAX_REGULAR_BYTES or b"\0" in sample else "regular"

    def is_ignored(self, path: str) -> bool:
        """Whether the `.gitignore` excludes the file, or a folder that it is in."""
        names = path.encode().split(b"/")
        return any(
            self._excludes(names[:end], end < len(names)) for end in range(1, len(names) + 1)
        )

    def _excludes(self, names: Sequence[bytes], is_folder: bool) -> bool:
        for rule in reversed(self._ignore):
            if (is_folder or not rule.folders_only) and rule.match(names):
                return rule.positive
        return False


class _Rule:
    """A pattern; `positive` is whether its files go into LFS, or are ignored."""

    def __init__(self, pattern: bytes, *, positive: bool, folders_only: bool = False) -> None:
        self.positive, self.folders_only = positive, folders_only
        # Without a slash, it is about names in any folder.
        self._anywhere = b"/" not in pattern
        self._wildcards = Wildcards(pattern.removeprefix(b"/"))

    def match(self, names: Sequence[bytes]) -> bool:
        return self._wildcards.match(names[-1:] if self._anywhere else names)


def _lfs_rules(text: bytes) -> Iterator[_Rule]:
    for line in _bounded(text.splitlines(), ".gitattributes"):
        # Line by line, so that a malformed one does not block an upload.
        try:
            parsed = list(parse_git_attributes(io.BytesIO(line + b"\n")))
        except ValueError:
            continue
        for pattern, settings in parsed:
            # A pattern that ends in a slash is of a folder, and attributes are of files.
            if b"filter" in settings and not pattern.endswith(b"/"):
                yield _Rule(pattern, positive=settings[b"filter"] == b"lfs")


def _ignore_rules(text: bytes) -> Iterator[_Rule]:
    for line in _bounded(read_ignore_patterns(io.BytesIO(text)), ".gitignore"):
        positive = not line.startswith(b"!")
        pattern = line if positive else line[1:]
        if pattern.rstrip(b"/"):
            folders_only = pattern.endswith(b"/")
            yield _Rule(pattern.rstrip(b"/"), positive=positive, folders_only=folders_only)


def _bounded(lines, name: str) -> Iterator[bytes]:
    count = 0
    for line in lines:
        count += bool(line.strip()) and not line.startswith(b"#")
        if count > MAX_PATTERNS or len(line) > _MAX_PATTERN_BYTES:
            raise HubError(
                422,
                f"{name}: over {MAX_PATTERNS:,} patterns, or one of over "
                f"{_MAX_PATTERN_BYTES:,} bytes",
            )
        yield line
