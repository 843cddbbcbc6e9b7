"""The PEP 723 headers of the training scripts, by which `uv run` installs what they need."""

import re
import shlex
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import grimp
import pytest
from click.testing import CliRunner
from huggingface_hub.cli.hf import app

ROOT = Path(__file__).parents[2]
SCRIPTS = ("stage1", "stage2")
OURS = ("builders", "cards", "services", "train")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def header(script):
    """The metadata of a script, read as PEP 723 says."""
    text = (ROOT / f"train/{script}.py").read_text()
    (block,) = re.findall(r"(?m)^# /// script$\n((?:^#(?:| .*)$\n)+)^# ///$", text)
    return tomllib.loads("".join(line[2:] for line in block.splitlines(keepends=True)))


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_header_has_the_versions_of_the_project(script):
    found = header(script)
    assert found["requires-python"] == PROJECT["requires-python"]
    assert set(found["dependencies"]) <= set(PROJECT["dependencies"])
    assert found["dependencies"] == header("stage1")["dependencies"]


def test_a_header_has_all_that_its_script_can_import():
    graph = grimp.build_graph(*OURS, include_external_packages=True, cache_dir=None)
    imported = set().union(*(graph.find_upstream_modules(f"train.{script}") for script in SCRIPTS))
    packages = {name.partition(".")[0] for name in imported} - {*OURS, *sys.stdlib_module_names}
    # These come with pydantic and transformers, which need an exact version of them.
    packages -= {"pydantic_core", "tokenizers"}
    distributions = packages_distributions()
    needed = {distributions[name][0].lower() for name in packages}
    listed = {re.split("[><=]", one)[0].lower() for one in header("stage1")["dependencies"]}
    # TRL and transformers import it only when it is used.
    assert listed - needed == {"accelerate"}
    assert needed <= listed


def test_the_documented_job_is_one_that_the_client_takes(monkeypatch):
    page = (ROOT / "docs/training.md").read_text()
    (line,) = re.findall(r"hf (jobs uv run (?:.*\\\n)*.*)\n", page)
    words = shlex.split(line.replace("\\\n", " "))
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("HF_TOKEN", "hf_none")
    shown = CliRunner().invoke(app, [*words[:3], "--dry-run", *words[3:]])
    assert shown.exit_code == 0, shown.output
    assert "train/stage1.py" in shown.output
