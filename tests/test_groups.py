"""The tests of one `xdist_group` run in one worker: they share an Argilla, which takes a minute to
start. pytest 9.2 keeps node ids where xdist 3.8 does not write its groups, and says nothing."""

import subprocess
import sys

_TESTS = """
import os, pathlib, pytest
pytestmark = pytest.mark.xdist_group("one")

@pytest.mark.parametrize("index", range(8))
def test_of_a_group(index):
    pathlib.Path(r"{folder}", str(os.getpid())).touch()
"""


def test_a_group_has_one_worker(tmp_path):
    workers = tmp_path / "workers"
    workers.mkdir()
    (tmp_path / "test_a.py").write_text(_TESTS.format(folder=workers))
    (tmp_path / "test_b.py").write_text(_TESTS.format(folder=workers))
    arguments = ["-n", "2", "--dist", "loadgroup", "-p", "no:cacheprovider", str(tmp_path)]
    subprocess.run([sys.executable, "-m", "pytest", *arguments], cwd=tmp_path, check=True)
    assert len(list(workers.iterdir())) == 1
