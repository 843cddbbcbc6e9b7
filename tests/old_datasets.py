"""Versions of `datasets` that readers of a release may have, each in a folder beside its needs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

# The oldest that reads `configs:` on a card, and the last ones of 2 and 3. From 4 on, a list is of
# the type "List", which none of these knows.
VERSIONS = ("2.14.7", "2.21.0", "3.6.0")
_NEEDS = (
    *("pyarrow==17.0.0", "pandas==2.2.3", "numpy==1.26.4", "fsspec[http]==2023.10.0"),
    *("huggingface_hub==0.24.7", "dill==0.3.7", "multiprocess==0.70.15", "xxhash", "tqdm"),
    *("pyarrow_hotfix", "pyyaml", "requests", "packaging", "filelock", "aiohttp"),
)


@pytest.fixture(scope="session")
def old_datasets(tmp_path_factory):
    """Run a script with a version of `datasets`; skips the test if they cannot be installed."""
    folder = tmp_path_factory.mktemp("old-datasets")
    python = folder / "env" / "bin" / "python"
    install = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    commands = [
        [sys.executable, "-m", "venv", str(folder / "env")],
        [str(python), *install, *_NEEDS],
        *(
            [str(python), *install, "--no-deps", "--target", str(folder / one), f"datasets=={one}"]
            for one in VERSIONS
        ),
    ]
    for command in commands:
        done = subprocess.run(command, capture_output=True, text=True, timeout=540)
        if done.returncode:
            pytest.skip(f"older datasets cannot be installed: {done.stderr[-500:]}")

    def run(version: str, script: Path, *arguments: str) -> str:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
        own = {"PYTHONPATH": str(folder / version), "HF_HOME": str(folder / "home" / version)}
        done = subprocess.run(
            [str(python), str(script), *arguments],
            env={**kept, **own, "HF_DATASETS_OFFLINE": "1", "HF_HUB_OFFLINE": "1"},
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout

    return run
