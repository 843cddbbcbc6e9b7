"""What belongs to a folder that is released: one rule for everybody who lists its files.

Hidden files are nobody's, in any folder: `.DS_Store`, `._name`, `.ipynb_checkpoints` and what the
Hub's client notes. What is neither a file nor a folder is refused, as reading it may never end.
"""

import os
import stat
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from builders.errors import BadInput

# The first line of a file that Git LFS keeps in place of a large one, and the longest such file.
_POINTER, _POINTER_BYTES = b"version https://git-lfs.github.com/spec/", 1024


def files_in(
    folder: Path,
    *,
    also: Collection[str] = (),
    skip: Callable[[str], bool] | None = None,
    links: bool = True,
) -> list[tuple[str, Path]]:
    """(name, path) of every file of `folder`, by name. Names have slashes.

    `also` are hidden folders at its top that belong to it; files and folders (with a slash at the
    end) whose names are to be skipped are not looked at. BadInput for a pipe, a socket or a device,
    for a link to a folder or to nothing, and unless `links`, for any other link.
    """
    return sorted(_walk(folder, "", also, skip or (lambda _: False), links))


def has_files(folder: Path) -> bool:
    """Whether something is in a folder that is not hidden: locks and what a killed process had not
    finished are."""
    return any(one.name[0] != "." for one in folder.iterdir())


def _walk(
    folder: Path, prefix: str, also: Collection[str], skip: Callable[[str], bool], links: bool
) -> Iterator[tuple[str, Path]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            hidden = entry.name.startswith(".") and (prefix or entry.name not in also)
            name, path = prefix + entry.name, Path(entry.path)
            is_folder = entry.is_dir(follow_symlinks=False)
            if hidden or skip(f"{name}/" if is_folder else name):
                continue
            if is_folder:
                yield from _walk(path, f"{name}/", (), skip, links)
                continue
            if entry.is_symlink():
                _check_link(path, links=links)
            check_regular(path)
            yield name, path


def _check_link(path: Path, *, links: bool) -> None:
    remedy = "copy the folder with `cp -rL`, which puts files in the place of links"
    if path.is_dir():
        raise BadInput(f"{path}: a link to a folder; {remedy}")
    if not path.exists():
        raise BadInput(f"{path}: a link to nothing; remove it")
    if not links:
        raise BadInput(f"{path}: a link to a file; {remedy}")


def check_regular(path: Path) -> None:
    """BadInput if something is at `path` that is no file: a pipe, a socket, a device, a folder."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return
    if not stat.S_ISREG(mode):
        raise BadInput(f"{path}: not a file but {_kind(mode)}; remove it")


def check_no_pointer(path: Path) -> None:
    """BadInput if the file at `path` is a pointer of Git LFS, in place of the file itself."""
    try:
        if path.stat().st_size > _POINTER_BYTES or not path.read_bytes().startswith(_POINTER):
            return
    except (OSError, ValueError):
        return
    raise BadInput(
        f"{path}: a pointer of Git LFS, not the file itself; `git lfs pull` in its folder gets it"
    )


def _kind(mode: int) -> str:
    kinds = {
        stat.S_IFIFO: "a pipe",
        stat.S_IFSOCK: "a socket",
        stat.S_IFDIR: "a folder",
        stat.S_IFCHR: "a device",
        stat.S_IFBLK: "a device",
    }
    return kinds.get(stat.S_IFMT(mode), "something else")
