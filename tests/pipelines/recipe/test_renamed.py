"""Recipes, overrides and runs of version 1 are read under today's names."""

from pathlib import Path

import pytest
import yaml

from builders.errors import BadInput
from builders.renamed import RECIPE_KEYS, RECIPE_VALUES
from pipelines.recipe.file import load_recipe

OLD = """
name: x
licence: mit
instructions:
- {builtin: stage1}
- {hub: org/name, revision: main, licence: cc0-1.0}
drafts: {kind: openai, model: m, extra_body: {licence: theirs}}
critic: {kind: openai, model: m}
"""
RUNS = Path(__file__).parents[2] / "schema_1" / "runs"


@pytest.fixture
def load(tmp_path):
    def load(text, overrides=()):
        path = tmp_path / "recipe.yaml"
        path.write_text(text)
        load.lines = []
        return load_recipe(path, overrides, notify=load.lines.append)

    load.path = tmp_path / "recipe.yaml"
    return load


def test_an_old_key_is_read_and_named_once(load):
    recipe = load(OLD)
    assert (recipe.license, recipe.instructions[1].license) == ("mit", "cc0-1.0")
    assert load.lines == [f"{load.path}: 'licence' is now 'license'; the old name still works"]
    # What is passed on to an endpoint is not ours to rename.
    assert recipe.drafts.extra_body == {"licence": "theirs"}
    assert recipe == load(
        OLD.replace("licence: m", "license: m").replace("licence: c", "license: c")
    )
    assert load.lines == []


def test_so_is_an_old_value(load):
    stage2 = OLD.replace("name: x", "name: x\nstage: 2\ndisjoint_from: []\nscores: review")
    assert load(stage2).scores == "critique"
    assert load.lines[1:] == [
        f"{load.path}: 'scores: review' is now 'scores: critique'; the old name still works"
    ]


def test_one_source_without_a_list(load):
    text = (
        "name: x\ninstructions: {hub: o/n, revision: a, licence: mit}\ndrafts: {kind: embedded}\n"
    )
    assert load(text + "critic: {kind: embedded}").instructions[0].license == "mit"
    assert len(load.lines) == 1


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (OLD + "license: mit\n", "licence and license are the same key; keep license"),
        (
            OLD.replace("licence: cc0-1.0", "licence: cc0-1.0, license: mit"),
            r"instructions\.1\.licence and instructions\.1\.license are the same key",
        ),
    ],
)
def test_both_names_of_a_key_are_one_error_that_names_the_file(load, text, key):
    with pytest.raises(BadInput, match=rf"recipe\.yaml: {key}") as error:
        load(text)
    assert error.value.exit_code == 2
    assert "\n" not in str(error.value)


def test_overrides_may_use_either_name_of_either_key(load):
    for override in ("license=cc0-1.0", "licence=cc0-1.0"):
        for text in (OLD, OLD.replace("licence: mit", "license: mit")):
            assert load(text, [override]).license == "cc0-1.0"
    assert load.lines[-1] == "'licence' is now 'license'; the old name still works"
    assert load(OLD, {"instructions.1.licence": "mit"}).instructions[1].license == "mit"
    whole = "instructions={hub: o/n, revision: a, licence: mit}"
    assert load(OLD, [whole]).instructions[0].license == "mit"
    stage2 = OLD.replace("name: x", "name: x\nstage: 2\ndisjoint_from: []")
    assert load(stage2, ["scores=review"]).scores == "critique"


def test_both_names_among_the_overrides(load):
    with pytest.raises(BadInput, match="licence and license are the same key"):
        load(OLD, ["licence=a", "license=b"])
    assert load(OLD, ["licence=gpl", "licence=mit"]).license == "mit"


def test_an_old_name_elsewhere_is_as_unknown_as_any(load):
    with pytest.raises(BadInput, match=r"unknown key 'drafts\.licence'; did you mean 'license'"):
        load(OLD, ["drafts.licence=mit"])


@pytest.mark.parametrize("name", ["facts", "pairs", "questions"])
def test_the_recipe_of_a_run_of_version_1_is_the_one_it_was_built_from(name, tmp_path):
    """A run is continued by today's spelling of its recipe: their identities are equal."""
    recorded = load_recipe(RUNS / name / "recipe.yaml", pin=False)
    old = yaml.safe_load((RUNS / name / "recipe.yaml").read_text())
    assert recorded.license == old["licence"]
    path = tmp_path / "today.yaml"
    path.write_text(recorded.to_yaml())
    assert "licence" not in path.read_text()
    again = load_recipe(path, pin=False)
    assert (again, again.sha256) == (recorded, recorded.sha256)


def test_the_table_has_no_new_name_among_the_old_ones():
    assert not RECIPE_KEYS.keys() & RECIPE_KEYS.values()
    for names in RECIPE_VALUES.values():
        assert not names.keys() & names.values()
