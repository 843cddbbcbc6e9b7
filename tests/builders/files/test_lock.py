"""One process at a time holds a lock, whatever happens to its file."""

import subprocess
import sys
from pathlib import Path

import pytest

from builders.errors import BadInput
from builders.files.lock import locked, locked_file

ROOT = Path(__file__).parents[3]
# Counts up in a file that is not safe to share, each time under the lock, which it removes.
COUNTING = """
import sys
from pathlib import Path
from builders.errors import BadInput
from builders.files.lock import locked_file

folder, left = Path(sys.argv[1]), 200
counter = folder / "counter"
while left:
    try:
        with locked_file(folder / "lock", "busy", remove=True):
            counter.write_text(str(int(counter.read_text()) + 1))
            left -= 1
    except BadInput:
        pass
"""


def test_the_second_is_told_who_holds_it(tmp_path):
    with (
        locked(tmp_path),
        pytest.raises(BadInput, match=r"another process \(pid \d+\) is working there") as error,
        locked(tmp_path),
    ):
        pass
    assert str(tmp_path) in str(error.value)
    with locked(tmp_path):
        pass


def test_a_removed_file_is_free_again(tmp_path):
    path = tmp_path / "lock"
    for _ in range(2):
        with locked_file(path, "busy", remove=True):
            assert path.exists()
        assert not path.exists()
    with pytest.raises(RuntimeError), locked_file(path, "busy", remove=True):
        raise RuntimeError
    assert not path.exists()


def test_no_two_hold_a_lock_whose_file_comes_and_goes(tmp_path):
    (tmp_path / "counter").write_text("0")
    command = [sys.executable, "-c", COUNTING, str(tmp_path)]
    running = [subprocess.Popen(command, cwd=ROOT) for _ in range(3)]
    assert [process.wait() for process in running] == [0, 0, 0]
    assert (tmp_path / "counter").read_text() == "600"
