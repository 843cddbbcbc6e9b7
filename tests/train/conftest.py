from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from builders.release.make import release_runs
from tests.ledger_rows import make_run
from tests.tiny_model import save_tiny_model
from tests.train.conversations import short_rows

RECIPES = Path(__file__).parents[2] / "train/recipes"
# Enough for a conversation in bytes, which are the tiny model's tokens.
LENGTH = 2048


@pytest.fixture(scope="session")
def releases(tmp_path_factory):
    """A release of each stage with the same 24 conversations."""
    folder = tmp_path_factory.mktemp("released")
    folders = {}
    for stage in (1, 2):
        run, manifest = make_run(
            folder / f"run{stage}", short_rows(24), stage=stage, test_share=0.2
        )
        folders[f"stage{stage}"] = release_runs(
            [(run, manifest)], name=f"stage{stage}", version="1.0.0", out=folder / "releases"
        )
    return SimpleNamespace(**folders)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """The folder of the tiny model."""
    return save_tiny_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="session")
def command(releases, tiny):
    """A function that returns the command line of a recipe for two steps of the tiny model.

    Keyword arguments add or override keys.
    """

    def words(recipe, output_dir, **keys):
        stage = yaml.safe_load((RECIPES / recipe).read_text())
        stage = "stage2" if "beta" in stage else "stage1"
        keys = {
            "release": releases.__dict__[stage],
            "revision": "null",
            "model_name_or_path": tiny,
            "output_dir": output_dir,
            "max_steps": 2,
            "max_length": LENGTH,
            "logging_steps": 1,
            **keys,
        }
        options = [f"--{key}={value}" for key, value in keys.items()]
        return [str(RECIPES / recipe), *options]

    return words


@pytest.fixture(scope="session")
def stage1(command, tmp_path_factory):
    """The folder of an adapter that stage 1 trained for the tiny model."""
    from train.stage1 import main

    folder = tmp_path_factory.mktemp("trained") / "stage1"
    main(command("stage1-embedded.yaml", folder, save_steps=1))
    return folder


@pytest.fixture(scope="session")
def stage1_full(command, tmp_path_factory):
    """The folder of a tiny model that stage 1 trained fully."""
    from train.stage1 import main

    folder = tmp_path_factory.mktemp("trained") / "stage1-full"
    main(command("stage1-70b-zero3.yaml", folder, save_steps=2))
    return folder


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    """More threads only slow down a model this small."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
