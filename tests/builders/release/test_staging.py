"""A release is there whole or not at all, whatever happens while it is made."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from builders.errors import BadInput, RunFailed
from builders.release.make import release_runs
from builders.release.staging import staging
from tests.builders.release.releases import manifest_of
from tests.ledger_rows import kept_rows, make_run

ROOT = Path(__file__).parents[3]

# Makes a release and stops for ever in the middle of writing it.
HELD = """
import sys, time
from pathlib import Path
from builders.release.make import release_runs
from builders.ledger.run import open_complete_run

def progress(stage, rows):
    if stage == "writing":
        print("writing", flush=True)
        time.sleep(600)

release_runs(
    [open_complete_run(Path(sys.argv[1]))],
    name="tiny", version="1.0.0", out=Path(sys.argv[2]), progress=progress,
)
"""
# The largest file that may be written; what is longer fails as on a full disk.
LIMITED = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
sys.argv = ["srt", *sys.argv[1:]]
from pipelines.cli import main
main()
"""


@pytest.fixture
def run(tmp_path):
    return make_run(tmp_path / "run", kept_rows(40))


def python(code, *words):
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, words)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def held(run, tmp_path):
    process = python(HELD, run[0].folder, tmp_path / "out")
    assert process.stdout.readline() == "writing\n"
    yield process
    process.kill()
    process.communicate()


def test_while_one_makes_a_release_another_is_told(run, held, tmp_path):
    busy = rf"another process .pid {held.pid}. is making a release of this name"
    with pytest.raises(BadInput, match=busy):
        release_runs([run], name="tiny", version="1.1.0", out=tmp_path / "out")
    other = release_runs([run], name="other", version="1.0.0", out=tmp_path / "out")
    assert other.is_dir()
    assert held.poll() is None


def test_a_killed_one_leaves_a_hidden_folder_that_the_next_one_removes(run, held, tmp_path):
    held.send_signal(signal.SIGKILL)
    held.wait()
    out = tmp_path / "out"
    left = {path.name for path in out.iterdir()}
    assert left == {".tiny.lock", ".tiny.lock.pid", ".tiny.staging"}
    assert (out / ".tiny.staging" / "release").is_dir()
    release = release_runs([run], name="tiny", version="1.0.0", out=out)
    assert [path.name for path in out.iterdir()] == ["tiny@v1.0.0"]
    assert manifest_of(release)["funnel"]["kept"] == 40


def test_a_disk_that_is_full_is_one_line(run, tmp_path):
    process = python(
        LIMITED, "release", run[0].folder, "--name=tiny", "--version=1.0.0", "--out", tmp_path / "o"
    )
    _, said = process.communicate()
    assert process.returncode == 1
    assert said.count("\n") == 1
    assert "tiny@v1.0.0: nothing was released" in said
    assert list((tmp_path / "o").iterdir()) == []


def test_a_full_disk_is_called_so(tmp_path):
    target = tmp_path / "tiny@v1.0.0"
    with (
        pytest.raises(RunFailed, match="the disk is full"),
        staging(tmp_path, "tiny", target),
    ):
        raise OSError(28, "No space left on device", "x.parquet")
    assert list(tmp_path.iterdir()) == []


def test_what_appears_meanwhile_is_not_replaced(tmp_path):
    target = tmp_path / "tiny@v1.0.0"
    with (
        pytest.raises(BadInput, match="this release exists"),
        staging(tmp_path, "tiny", target) as (folder, _),
    ):
        (folder / "new").touch()
        target.mkdir()
    assert list(target.iterdir()) == []


def test_of_two_at_once_one_has_the_folder(run, tmp_path):
    command = [sys.executable, "-m", "pipelines", "release", str(run[0].folder)]
    command += ["--name=tiny", "--version=1.0.0", "--out", str(tmp_path / "out")]
    racing = [
        subprocess.Popen(
            command, cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    said = [process.communicate()[1] for process in racing]
    assert sorted(process.returncode for process in racing) == [0, 2]
    assert all(text.count("\n") == 1 for text in said if text)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["tiny@v1.0.0"]
