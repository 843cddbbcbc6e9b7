"""What kill -9 left behind is removed by the next owner of the folder, and nothing else."""

import subprocess
import sys

from builders.files.atomic import atomic_file
from builders.files.lock import locked
from builders.files.scratch import scratch_folder

# Dies by kill -9 in the middle of writing files, holding a lock, with a scratch folder.
_KILLED = """
import os, signal, sys
from pathlib import Path
from builders.files.atomic import atomic_file
from builders.files.lock import locked
from builders.files.scratch import scratch_folder
folder = Path(sys.argv[1])
with locked(folder), scratch_folder("test", folder) as scratch:
    (scratch / "data").write_text("half")
    with atomic_file(folder / "ledger" / "part.parquet") as temporary:
        temporary.write_text("half")
        with atomic_file(folder / "manifest.json"):
            os.kill(os.getpid(), signal.SIGKILL)
"""


def names(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_the_next_owner_clears_what_a_killed_one_left(tmp_path):
    (tmp_path / "ledger").mkdir()
    kept = {".DS_Store", ".hidden.txt", "ledger/part-0.parquet", "notes.abcdefgh"}
    for name in kept:
        (tmp_path / name).write_text("mine")
    ended = subprocess.run([sys.executable, "-c", _KILLED, str(tmp_path)], check=False)
    assert ended.returncode < 0
    assert len(names(tmp_path) - kept) == 3 + len({".lock", ".lock.pid"})
    with locked(tmp_path), scratch_folder("test", tmp_path) as scratch:
        assert scratch.stat().st_mode & 0o777 == 0o700
        assert names(tmp_path) == kept | {".lock", ".lock.pid"}
    assert names(tmp_path) - {".lock"} == kept


def test_a_folder_of_a_process_that_runs_stays(tmp_path):
    with scratch_folder("test", tmp_path) as first:
        (first / "data").write_text("here")
        with scratch_folder("test", tmp_path) as second:
            assert first != second
            assert (first / "data").read_text() == "here"
    assert list(tmp_path.iterdir()) == []


def test_a_link_in_its_place_is_not_followed(tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "data").write_text("mine")
    # No process has this id: the largest is 2**22.
    (tmp_path / "srt-test-4194305-abcdefgh").symlink_to(other)
    with scratch_folder("test", tmp_path):
        assert (other / "data").read_text() == "mine"


def test_a_file_that_is_being_written_is_kept_without_the_lock(tmp_path):
    with atomic_file(tmp_path / "facts.json") as temporary:
        temporary.write_text("whole")
        with scratch_folder("test", tmp_path):
            assert temporary.exists()
    assert (tmp_path / "facts.json").read_text() == "whole"
