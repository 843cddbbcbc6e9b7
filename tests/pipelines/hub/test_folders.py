"""Release folders with more, or something else, in them than the release."""

import os
import shutil
import subprocess
import sys

import pytest

from builders.errors import BadInput
from builders.gate.gate import recheck
from builders.manifest import read_manifest
from builders.release.previous import open_release
from pipelines.hub.package import read_package
from srt_feedback import load
from tests.pipelines.hub.conftest import ROOT

PARQUET = "preferences/train-00000-of-00001.parquet"
POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 9\n"
READERS = {
    "publish": read_package,
    "check": recheck,
    "load": load,
    "next version": open_release,
    "manifest": read_manifest,
}


@pytest.fixture
def release(releases, tmp_path):
    return shutil.copytree(releases["1.0.0"], tmp_path / "tiny@v1.0.0")


def test_what_a_desktop_leaves_behind_is_nobodys(release, remote, tmp_path):
    for name in (".DS_Store", "preferences/.DS_Store", "preferences/._train.parquet"):
        (release / name).write_bytes(b"x")
    checkpoints = release / "preferences/.ipynb_checkpoints"
    checkpoints.mkdir()
    shutil.copy(release / PARQUET, checkpoints / "train-00000-of-00001.parquet")
    recheck(release).refuse()
    assert load(release, split="train").num_rows == 20
    remote.publish(release)
    assert remote.contents("v1.0.0", tmp_path / "there") == remote.as_sent(release)
    assert not [name for name in remote.as_sent(release) if "/." in name]


@pytest.mark.parametrize("reader", READERS)
def test_a_pointer_of_git_lfs_is_named(release, reader):
    (release / PARQUET).write_text(POINTER)
    with pytest.raises(BadInput, match=rf"{PARQUET}: a pointer of Git LFS.*git lfs pull"):
        READERS[reader](release)


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("name", [PARQUET, "CHANGELOG.md", "manifest.json"])
def test_a_pipe_is_refused_and_not_waited_for(release, reader, name):
    (release / name).unlink()
    os.mkfifo(release / name)
    with pytest.raises(BadInput, match=f"{name}: not a file but a pipe"):
        READERS[reader](release)


def test_a_pipe_beside_the_files_is_refused(release):
    os.mkfifo(release / "preferences/train-00001-of-00002.parquet")
    for reader in (read_package, recheck):
        with pytest.raises(BadInput, match="not a file but a pipe"):
            reader(release)


def test_a_link_is_not_published(release, tmp_path):
    (release / PARQUET).rename(tmp_path / "rows.parquet")
    (release / PARQUET).symlink_to(tmp_path / "rows.parquet")
    # As a snapshot in the Hub client's cache is.
    recheck(release).refuse()
    with pytest.raises(BadInput, match="a link to a file; copy the folder with `cp -rL`"):
        read_package(release)


@pytest.mark.parametrize("name", ["manifest.json", PARQUET, "README.md"])
@pytest.mark.parametrize("damage", ["cut", "flipped", "empty"])
def test_damage_is_one_line_with_the_files_name(release, name, damage, tmp_path):
    content = (release / name).read_bytes()
    damaged = {
        "cut": content[: len(content) // 2],
        "flipped": content[:40] + bytes([content[40] ^ 255]) + content[41:],
        "empty": b"",
    }
    (release / name).write_bytes(damaged[damage])
    command = [sys.executable, "-m", "pipelines", "publish", str(release), "--repo", "o/n"]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "HF_ENDPOINT": "http://127.0.0.1:9"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (2, 3), done.stderr
    assert "Traceback" not in done.stderr
    assert name in done.stderr + done.stdout
