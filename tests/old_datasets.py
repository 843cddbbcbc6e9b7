"""Versions of `datasets` that readers of a release may have, each in a folder beside its needs."""

from pathlib import Path

import pytest

from tests.environments import environment, run_apart

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
    versions = (
        ["--no-deps", "--target", str(folder / one), f"datasets=={one}"] for one in VERSIONS
    )
    python = environment(folder / "env", _NEEDS, *versions)

    def run(version: str, script: Path, *arguments: str) -> str:
        home = folder / "home" / version
        return run_apart(python, home, script, *arguments, PYTHONPATH=str(folder / version))

    return run
