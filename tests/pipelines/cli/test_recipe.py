"""`srt recipe`, and runs that are continued by their own recipe."""

import json

import pytest
import yaml

from builders.errors import BadInput
from pipelines.cli.build import stage1
from pipelines.cli.recipe import recipe
from pipelines.recipe.file import load_recipe, shipped_recipes

SCRIPTED = {
    "name": "scripted",
    "instructions": {"path": "rows.jsonl", "license": "mit"},
    "drafts": {"kind": "scripted", "script": "tests.scripts:draft"},
    "critic": {"kind": "scripted", "script": "tests.scripts:good_critic"},
}


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SRT_STORE", str(tmp_path / "answers.sqlite"))


@pytest.mark.parametrize("path", shipped_recipes(), ids=lambda path: path.stem)
def test_a_copy_of_a_shipped_recipe_is_the_same_recipe(path, tmp_path, capsys):
    recipe(path.stem)
    printed = capsys.readouterr().out
    recipe(path.name)
    assert capsys.readouterr().out == printed == path.read_text()
    (tmp_path / "my.yaml").write_text(printed)
    # Its paths are relative to the working directory, so a copy may lie anywhere.
    assert load_recipe(tmp_path / "my.yaml") == load_recipe(path)


def test_without_a_name_they_are_listed(capsys):
    recipe()
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [path.stem for path in shipped_recipes()]
    assert all("  Stage " in line for line in lines)


@pytest.mark.parametrize("name", ["none", "../recipes/stage1-openai", "", "stage1"])
def test_an_unknown_name_is_refused_in_one_line(name):
    with pytest.raises(BadInput, match=r"no such recipe; the shipped ones are stage1-em") as raised:
        recipe(name)
    assert raised.value.exit_code == 2


def test_a_run_is_continued_by_its_own_recipe(tmp_path, capsys):
    rows = [{"instruction": f"Why does a {thing} float?"} for thing in ("ship", "cork", "balloon")]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "my.yaml").write_text(yaml.safe_dump(SCRIPTED))
    run = tmp_path / "demo" / "runs" / "first"
    stage1(tmp_path / "my.yaml", out=run, limit=2)
    own = run / "recipe.yaml"
    stage1(own)
    assert f"run: {run}\n" in capsys.readouterr().out
    manifest = json.loads((run / "manifest.json").read_text())
    assert manifest["funnel"]["rows"] == 3
    # What a release requires can be changed in place.
    values = yaml.safe_load(own.read_text())
    values["gate"]["min_agreement"] = 0.7
    own.write_text(yaml.safe_dump(values))
    stage1(own)
    after = json.loads((run / "manifest.json").read_text())
    assert after["gate"]["min_agreement"] == 0.7
    assert after["files"] == manifest["files"]
    assert not (tmp_path / "runs").exists()
