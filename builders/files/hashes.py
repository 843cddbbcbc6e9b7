"""SHA-256 of files, as manifests have them."""

import hashlib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path


def sha256_of_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_of_files(paths: Iterable[Path], root: Path) -> dict[str, str]:
    """SHA-256 of each file by its path relative to `root`, with a thread for each core."""
    paths = list(paths)
    names = [path.relative_to(root).as_posix() for path in paths]
    with ThreadPoolExecutor() as pool:
        return dict(zip(names, pool.map(sha256_of_file, paths), strict=True))


def sha256_of_dataset(folder: Path) -> str:
    """The hash of the rows in a folder from `save_to_disk`, wherever the folder is.

    Its state has a fingerprint that differs from save to save; caches are no part of it.
    """
    files = (path for path in folder.rglob("*.arrow") if not path.name.startswith("cache-"))
    lines = (
        f"{sha256}  {name}\n" for name, sha256 in sorted(sha256_of_files(files, folder).items())
    )
    return hashlib.sha256("".join(lines).encode()).hexdigest()
