import errno
import os
import resource
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from safetensors import SafetensorError

from builders.errors import BadInput
from train.environment import check_packages, disk_reason

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("values", "package", "reason"),
    [
        ({"report_to": ["swanlab"]}, "swanlab", "report_to: swanlab needs pip install swanlab"),
        ({"report_to": "flyte"}, "flytekit", "report_to: flyte needs pip install flytekit"),
        ({"load_in_4bit": True}, "bitsandbytes", "load_in_4bit: true needs pip install bitsand"),
        ({"optim": "paged_adamw_8bit"}, "bitsandbytes", "optim: paged_adamw_8bit needs pip inst"),
        (
            {"attn_implementation": "flash_attention_2"},
            "flash_attn",
            "attn_implementation: flash_attention_2 needs pip install flash-attn",
        ),
        ({"deepspeed": "a.json"}, "deepspeed", "deepspeed: a.json needs pip install deepspeed"),
    ],
)
def test_a_package_that_is_missing_is_named_with_its_key(values, package, reason):
    if find_spec(package):
        pytest.skip(f"{package} is installed")
    with pytest.raises(BadInput, match=rf"^r\.yaml: {reason}"):
        check_packages(Path("r.yaml"), values)


def test_what_needs_no_package_passes():
    check_packages(Path("r.yaml"), {"report_to": ["none"], "optim": "adamw_torch"})
    with pytest.raises(BadInput, match="report_to: 'wandbb' is not one of azure_ml, "):
        check_packages(Path("r.yaml"), {"report_to": ["wandbb"]})


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "out/a"), "out/a: No space left on"),
        (OSError(errno.EROFS, "Read-only file system", "out"), "out: Read-only file system"),
        (
            SafetensorError('Error while serializing: IoError(Os { code: 28, kind: "Full" })'),
            "a file could not be written (Error while serializing",
        ),
        (Exception("File too large (os error 27)"), "a file could not be written (File too large"),
        (FileNotFoundError(errno.ENOENT, "No such file", "x"), None),
        (Exception("No such file or directory (os error 2)"), None),
        (ValueError("no"), None),
    ],
)
def test_a_disk_that_cannot_be_written_is_one_line(error, reason):
    found = disk_reason(error)
    assert found is None if reason is None else found.startswith(reason)
    outer = RuntimeError("while saving")
    outer.__context__ = error
    assert disk_reason(outer) == found


def test_a_training_run_that_cannot_write_ends_in_one_line(command, tmp_path):
    def small_files():
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))

    words = command("stage1-embedded.yaml", tmp_path / "out", max_steps=1)
    done = subprocess.run(
        [sys.executable, ROOT / "train/stage1.py", *words],
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"},
        preexec_fn=small_files,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("stage1: ")
    assert last.endswith("the same command continues from the last checkpoint")
