import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from huggingface_hub import CommitOperationAdd

SCRIPT = Path(__file__).with_name("client_script.py")


# One worker makes what they share.
pytestmark = pytest.mark.xdist_group("clients")


def run(hub, home, arguments, **changes):
    env = {**os.environ, **hub.env, "HF_HOME": str(home)} | changes
    return subprocess.run(
        [sys.executable, *arguments], env=env, capture_output=True, text=True, timeout=300
    )


@pytest.fixture(scope="module")
def results(hub, tmp_path_factory):
    folder = tmp_path_factory.mktemp("client")
    done = run(hub, folder / "home", [SCRIPT, folder])
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        ("v1.0.0", [1, 2, 3]),
        ("by sha", [1, 2, 3]),
        ("main", [1, 2, 3, 4]),
        ("sft", [1, 2]),
        ("configs", ["feedback", "sft"]),
        ("streamed", [1, 2, 3]),
        ("snapshot", [True, [".gitattributes", "README.md", "feedback", "sft"]]),
        (
            "listed",
            [
                "datasets/org/made/feedback/test-00000-of-00001.parquet",
                "datasets/org/made/feedback/train-00000-of-00001.parquet",
            ],
        ),
        ("globbed", 3),
        ("pushed", ["a", "b"]),
        ("private", True),
        ("pushed configs", ["one", "two"]),
        ("card", ["mit", "# By the card"]),
        ("model", [32, 984]),
        (
            "model info",
            [
                "transformers",
                [".gitattributes", "README.md", "config.json", "generation_config.json",
                 "model.safetensors"],
            ],
        ),
    ],
)  # fmt: skip
def test_the_unmodified_clients_work(results, what, expected):
    assert results[what] == expected


def test_with_xet_enabled_the_error_says_how_to_disable_it(hub, tmp_path):
    code = (
        "from huggingface_hub import HfApi, CommitOperationAdd as Add\n"
        "api = HfApi()\n"
        "api.create_repo('org/xet')\n"
        "api.create_commit('org/xet', [Add('a.bin', b'x')], commit_message='x')\n"
    )
    done = run(hub, tmp_path, ["-c", code], HF_HUB_DISABLE_XET="0")
    assert done.returncode == 1
    assert "the-embedded-hub-needs/HF_HUB_DISABLE_XET=1" in done.stderr


def test_large_files_are_streamed(hub, api, dataset, tmp_path):
    size = 200_000_000
    large = tmp_path / "large.parquet"
    with large.open("wb") as file:
        file.truncate(size)
    before = peak(hub)
    operation = CommitOperationAdd("large.parquet", large)
    api.create_commit(**dataset.named, operations=[operation], commit_message="large")
    got = api.hf_hub_download(**dataset.named, filename="large.parquet", cache_dir=tmp_path)
    assert Path(got).stat().st_size == size
    assert peak(hub) - before < 60_000_000


def peak(hub):
    """The peak memory of the server, in bytes."""
    status = Path(f"/proc/{hub.pid}/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024
