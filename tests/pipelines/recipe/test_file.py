from pathlib import Path

import pytest
from datasets import Dataset

from builders.errors import BadInput
from pipelines.recipe.file import RECIPES_FOLDER, load_recipe
from pipelines.recipe.recipe import differing_keys

GOOD = """
name: x
instructions: {builtin: stage1}
drafts: {kind: embedded}
critic: {kind: openai, model: m}
"""


@pytest.fixture
def write(tmp_path):
    def write(text: str) -> Path:
        path = tmp_path / "recipe.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.mark.parametrize("path", sorted(RECIPES_FOLDER.glob("*.yaml")), ids=lambda path: path.name)
def test_shipped_recipes_are_valid_and_found_by_name(path):
    assert load_recipe(Path(path.name)) == load_recipe(path)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("name: x", "name: x\nfiltres: {}", "unknown key 'filtres'; did you mean 'filters'?"),
        ("kind: embedded", "kind: embedded, temprature: 1", "did you mean 'temperature'?"),
        ("kind: embedded", "kind: embeded", "drafts.kind: 'embeded' is not one of 'embedded'"),
        ("kind: embedded", "temperature: 1", "key 'drafts.kind' is missing"),
        ("kind: embedded", "kind: embedded, base_url: x", "unknown key 'drafts.base_url'"),
        ("kind: embedded", "kind: verifiable", "drafts.kind"),
        ("builtin: stage1", "builtin: stage3", "instructions.0.builtin"),
        ("builtin: stage1", "file: x", "needs one of the keys builtin, path, hub, verifiable"),
        ("builtin: stage1", "path: x.jsonl", "key 'instructions.0.license' is missing"),
        ("builtin: stage1", "path: x.jsonl, license: mit", "no such file"),
        ("builtin: stage1", "hub: no-slash, revision: a, license: mit", "instructions.0.hub"),
        ("model: m", "model: m, temperature: hot", "critic.temperature"),
        ("model: m", "temperature: 0", "key 'critic.model' is missing"),
        ("name: x", "name: ../x", "name: "),
        ("name: x", "", "key 'name' is missing"),
        ("name: x", "name: [", "not YAML"),
    ],
)
def test_a_bad_recipe_is_one_line_that_names_file_and_key(write, old, new, says):
    path = write(GOOD.replace(old, new))
    with pytest.raises(BadInput) as error:
        load_recipe(path)
    assert says in str(error.value)
    assert "\n" not in str(error.value)
    assert "recipe.yaml" in str(error.value) or "no such file" in says


def test_files_that_are_no_recipe(write, tmp_path):
    with pytest.raises(BadInput, match="a recipe is a mapping"):
        load_recipe(write("- a list"))
    with pytest.raises(BadInput, match="no such recipe; the shipped ones are"):
        load_recipe(tmp_path / "none.yaml")
    (tmp_path / "latin.yaml").write_bytes("name: é".encode("latin-1"))
    with pytest.raises(BadInput, match="not UTF-8"):
        load_recipe(tmp_path / "latin.yaml")


def test_overrides_replace_values(write):
    recipe = load_recipe(write(GOOD), ["drafts.temperature=0.5", "seed=7", "language=[de, fr]"])
    assert (recipe.drafts.temperature, recipe.seed, recipe.language) == (0.5, 7, ["de", "fr"])
    assert load_recipe(write(GOOD), ["filters.min_margin=2"]).filters.min_margin == 2
    listed = GOOD.replace("{builtin: stage1}", "[{builtin: stage1}, {builtin: stage2}]")
    recipe = load_recipe(write(listed), ["instructions.1.limit=3"])
    assert [block.limit for block in recipe.instructions] == [None, 3]
    with pytest.raises(BadInput, match=r"no 'instructions\.7' to set this in"):
        load_recipe(write(listed), ["instructions.7.limit=3"])
    for override, says in {
        "seed": "write an override as key=value",
        "name.x=1": "no 'name' to set this in",
        "seed=[": "not a YAML value",
    }.items():
        with pytest.raises(BadInput, match=says):
            load_recipe(write(GOOD), [override])


def test_a_recipe_survives_its_own_yaml(write, tmp_path):
    recipe = load_recipe(write(GOOD))
    (tmp_path / "again.yaml").write_text(recipe.to_yaml())
    assert load_recipe(tmp_path / "again.yaml") == recipe


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ("license: CC-BY-4.0", "license: 'CC-BY-4.0' is written 'cc-by-4.0' on the Hub"),
        ("license: proprietary", "license: 'proprietary' is no license of the Hub's list"),
        ("license: other", "license: `other` needs `license_name` and `license_link`"),
        ("license_name: mine", "license: `license_name` and `license_link` are for"),
        ("language: [en, english]", "language: 'english' is no ISO 639 code"),
    ],
)
def test_a_card_that_the_hub_would_refuse(write, lines, says):
    path = write(f"{GOOD}{lines}\n")
    with pytest.raises(BadInput) as error:
        load_recipe(path)
    assert str(error.value).startswith(f"{path}: {says}")
    # The recipe of a run that an older version built can be read.
    assert load_recipe(path, pin=False).name == "x"


def test_what_is_of_the_card_alone_is_no_part_of_the_identity(write):
    base = load_recipe(write(GOOD))
    terms = "license: other\nlicense_name: mine\nlicense_link: https://example.org/terms\n"
    other = load_recipe(write(f"{GOOD}language: [de]\nabout: Where it is from.\n{terms}"))
    assert (other.sha256, differing_keys(base, other)) == (base.sha256, [])


def test_identity_is_what_the_rows_depend_on(write):
    base = load_recipe(write(GOOD))
    for override in ("critic.in_flight=4", "critic.base_url=http://127.0.0.1:1/v1"):
        assert load_recipe(write(GOOD), [override]).sha256 == base.sha256
    other = load_recipe(write(GOOD), ["critic.temperature=1", "seed=3"])
    assert other.sha256 != base.sha256
    assert differing_keys(base, other) == ["critic.temperature", "seed"]


def test_files_are_pinned_by_content_not_by_place(write, tmp_path):
    text = GOOD.replace("builtin: stage1", "path: {}, license: mit, name: rows")
    hashes = []
    for folder, content in (("one", "{}"), ("two", "{}"), ("three", "[]")):
        (tmp_path / folder).mkdir()
        file = tmp_path / folder / "rows.jsonl"
        file.write_text(content)
        hashes.append(load_recipe(write(text.replace("{}", str(file), 1))).sha256)
    assert hashes[0] == hashes[1] != hashes[2]


def test_folders_are_pinned_by_their_files(write, tmp_path):
    hashes = []
    for name, rows in (("one", ["a"]), ("two", ["a"]), ("three", ["b"])):
        Dataset.from_dict({"instruction": rows}).save_to_disk(tmp_path / name)
        # What tells the saves apart, and no row depends on.
        (tmp_path / name / "state.json").write_text(name)
        (tmp_path / name / f"cache-{name}.arrow").write_text("")
        text = GOOD.replace("builtin: stage1", f"path: {name}, license: mit, name: rows")
        hashes.append(load_recipe(write(text)).sha256)
    assert hashes[0] == hashes[1] != hashes[2]


def test_a_recipe_from_before_a_key_is_the_same(write, tmp_path):
    (tmp_path / "rows.jsonl").write_text("{}")
    text = GOOD.replace("builtin: stage1", "path: rows.jsonl, license: mit")
    assert "ignore" not in load_recipe(write(text)).identity()["instructions"][0]
    named = load_recipe(write(text.replace("mit", "mit, ignore: [notes]")))
    assert named.identity()["instructions"][0]["ignore"] == ["notes"]


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ("{instruction: [a, b]}", "instruction is one column; only input and system can be"),
        ("{title: a}", "columns"),
    ],
)
def test_wrong_columns(write, tmp_path, columns, says):
    (tmp_path / "rows.jsonl").write_text("{}")
    text = f"path: rows.jsonl, license: mit, columns: {columns}"
    with pytest.raises(BadInput, match=says):
        load_recipe(write(GOOD.replace("builtin: stage1", text)))


def test_paths_are_relative_to_the_recipe(write, tmp_path, monkeypatch):
    (tmp_path / "rows.jsonl").write_text("{}")
    path = write(GOOD.replace("builtin: stage1", "path: rows.jsonl, license: mit"))
    monkeypatch.chdir("/")
    assert load_recipe(path).instructions[0].path == tmp_path / "rows.jsonl"
