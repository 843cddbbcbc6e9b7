"""What belongs to a folder that is released."""

import os
import socket

import pytest

from builders.errors import BadInput
from builders.files.folder import check_no_pointer, check_regular, files_in

NOBODYS = (".DS_Store", "._a.txt", ".ipynb_checkpoints/a-checkpoint.txt", ".cache/x/y", ".git/HEAD")


def write(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def names_of(folder, **options):
    return [name for name, _ in files_in(folder, **options)]


def test_files_by_name(tmp_path):
    write(tmp_path, "b/c/d.txt", "a.txt", "b/a.txt")
    assert names_of(tmp_path) == ["a.txt", "b/a.txt", "b/c/d.txt"]
    assert dict(files_in(tmp_path))["b/c/d.txt"] == tmp_path / "b/c/d.txt"


@pytest.mark.parametrize("place", ["", "deep/in/it/"])
def test_what_is_hidden_is_nobodys_in_any_folder(tmp_path, place):
    write(tmp_path, "deep/in/it/a.txt", *(place + name for name in NOBODYS))
    assert names_of(tmp_path) == ["deep/in/it/a.txt"]


def test_hidden_folders_that_belong_to_it(tmp_path):
    write(tmp_path, ".eval_results/a.yaml", ".eval_results/.DS_Store", "b/.eval_results/a.yaml")
    assert names_of(tmp_path, also=(".eval_results",)) == [".eval_results/a.yaml"]


def test_what_is_skipped_is_not_looked_at(tmp_path):
    write(tmp_path, "a.txt", "mine.txt", "rows/b.txt")
    (tmp_path / "rows/latest").symlink_to("nothing")
    skipped = ("rows/", "mine.txt")
    assert names_of(tmp_path, skip=lambda name: name in skipped, links=False) == ["a.txt"]


def test_a_link_to_a_file(tmp_path):
    write(tmp_path, "blobs/a", "release/a.txt")
    (tmp_path / "release/b.txt").symlink_to("../blobs/a")
    assert names_of(tmp_path / "release") == ["a.txt", "b.txt"]
    with pytest.raises(BadInput, match=r"b\.txt: a link to a file; copy .*`cp -rL`"):
        files_in(tmp_path / "release", links=False)


def test_a_link_to_a_folder_or_to_nothing(tmp_path):
    write(tmp_path, "other/a.txt", "release/a.txt")
    (tmp_path / "release/sft").symlink_to("../other")
    with pytest.raises(BadInput, match=r"sft: a link to a folder; copy"):
        files_in(tmp_path / "release")
    (tmp_path / "release/sft").unlink()
    (tmp_path / "release/sft").symlink_to("nothing")
    with pytest.raises(BadInput, match="sft: a link to nothing; remove it"):
        files_in(tmp_path / "release")


def test_what_is_no_file_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "train.parquet")
    with pytest.raises(BadInput, match=r"train\.parquet: not a file but a pipe; remove it"):
        files_in(tmp_path)
    (tmp_path / "train.parquet").unlink()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(os.path.relpath(tmp_path / "s"))
        with pytest.raises(BadInput, match="not a file but a socket"):
            files_in(tmp_path)
    (tmp_path / "s").unlink()
    (tmp_path / "null").symlink_to("/dev/null")
    with pytest.raises(BadInput, match="not a file but a device"):
        files_in(tmp_path)


def test_what_is_not_there_is_not_looked_at(tmp_path):
    for name in ("none", "a\0b", "n" * 1000):
        check_regular(tmp_path / name)
        check_no_pointer(tmp_path / name)


def test_a_pointer_of_git_lfs_is_named_with_the_remedy(tmp_path):
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 9\n"
    path = tmp_path / "train.parquet"
    path.write_text(pointer)
    with pytest.raises(BadInput, match=r"train\.parquet: a pointer of Git LFS.*`git lfs pull`"):
        check_no_pointer(path)
    path.write_bytes(pointer.encode() + bytes(2000))
    check_no_pointer(path)
    path.write_bytes(b"PAR1")
    check_no_pointer(path)
