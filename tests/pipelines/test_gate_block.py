"""The recipe's `gate:` block: checked, in no run's identity, and in every run's manifest."""

from pathlib import Path

import pytest
import yaml

from builders.errors import BadInput
from builders.gate.check import CHECKS
from builders.gate.settings import GateSettings
from builders.run import Run
from pipelines.build import build_run
from pipelines.recipe import GateBlock
from pipelines.recipe_file import load_recipe

RECIPE = """
name: x
instructions: {builtin: stage1, limit: 4}
drafts: {kind: scripted, script: 'tests.scripts:draft'}
critic: {kind: scripted, script: 'tests.scripts:critic'}
"""


def recipe(tmp_path, gate=""):
    path = tmp_path / "recipe.yaml"
    path.write_text(RECIPE + gate)
    return load_recipe(path)


def test_the_block_has_the_settings_and_their_defaults():
    assert GateSettings.of(GateBlock().model_dump()) == GateSettings()
    assert set(GateBlock.model_fields) == set(GateSettings.__dataclass_fields__)


@pytest.mark.parametrize(
    ("gate", "says"),
    [
        ("{secret: refuse}", "unknown key 'gate.secret'; did you mean 'secrets'?"),
        ("{secrets: hide}", "gate.secrets"),
        ("{max_duplicates: 2}", "gate.max_duplicates"),
        ("{phone_regions: [usa]}", "gate.phone_regions.0"),
        ("{overlap: refuse}", "gate.overlap"),
        ("strict", "gate"),
    ],
)
def test_a_bad_block_is_one_line_that_names_the_key(tmp_path, gate, says):
    with pytest.raises(BadInput) as error:
        recipe(tmp_path, f"gate: {gate}\n")
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_evaluation_files_are_found_beside_the_recipe(tmp_path):
    found = recipe(tmp_path, "gate: {evaluation: [a.jsonl, 'b.csv:asked', /c.txt]}\n").gate
    assert found.evaluation == [f"{tmp_path}/a.jsonl", f"{tmp_path}/b.csv:asked", "/c.txt"]


def test_it_is_recorded_and_can_be_changed_when_the_run_is_complete(tmp_path):
    plain = recipe(tmp_path)
    run = build_run(plain, tmp_path / "run")
    before = run.read_manifest()
    assert GateSettings.of(before["gate"]) == GateSettings()
    files = [path.read_bytes() for path in run.parts()]

    changed = recipe(tmp_path, "gate: {personal_data: redact, phone_regions: [DE]}\n")
    assert changed.sha256 == plain.sha256
    run = build_run(changed, tmp_path / "run")
    after = Run(tmp_path / "run").read_manifest()
    assert GateSettings.of(after["gate"]) == GateSettings(
        personal_data="redact", phone_regions=("DE",)
    )
    assert {**after, "gate": before["gate"]} == before
    assert [path.read_bytes() for path in run.parts()] == files
    assert load_recipe(run.recipe_path, pin=False).gate == changed.gate

    mtime = run.manifest_path.stat().st_mtime_ns
    build_run(changed, tmp_path / "run")
    assert Path(run.manifest_path).stat().st_mtime_ns == mtime


def test_the_page_states_the_defaults():
    page = (Path(__file__).parents[2] / "docs" / "gate.md").read_text()
    block = yaml.safe_load(page.split("```yaml\n")[1].split("```")[0])["gate"]
    assert block == GateBlock().model_dump()
    assert [name for name in CHECKS if f"| `{name}` |" in page] == [*CHECKS]
