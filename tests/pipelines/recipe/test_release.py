"""The blocks `gate:` and `review:`: checked, in no run's identity, in every run's manifest."""

from pathlib import Path

import pytest
import yaml

from builders.errors import BadInput
from builders.gate.check import CHECKS
from builders.ledger.run import Run
from builders.settings import GateSettings, ReviewSettings
from pipelines.generate.build import build_run
from pipelines.recipe.file import load_recipe

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


@pytest.mark.parametrize(
    ("gate", "says"),
    [
        ("{secret: refuse}", "unknown key 'gate.secret'; did you mean 'secrets'?"),
        ("{secrets: hide}", "gate.secrets"),
        ("{max_duplicates: 2}", "gate.max_duplicates"),
        ("{phone_regions: [usa]}", "gate.phone_regions.0"),
        ("{overlap: refuse}", "gate.overlap"),
        ("strict", "gate"),
        ("{min_agreement: 1.5}", "gate.min_agreement"),
        ("{min_agreement: 80%}", "gate.min_agreement"),
        ("{min_alpha: -2}", "gate.min_alpha"),
        ("{min_verdicts: 0}", "gate.min_verdicts"),
        ("{min_verdicts: 2.5}", "gate.min_verdicts"),
        ("{min_kappa: 0.5}", "unknown key 'gate.min_kappa'; did you mean 'min_alpha'?"),
    ],
)
def test_a_bad_block_is_one_line_that_names_the_key(tmp_path, gate, says):
    with pytest.raises(BadInput) as error:
        recipe(tmp_path, f"gate: {gate}\n")
    assert says in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("review", "says"),
    [
        ("{wrong: delete}", "review.wrong"),
        ("{rong: drop}", "unknown key 'review.rong'; did you mean 'wrong'?"),
        ("[drop]", "review"),
        ("drop", "review"),
    ],
)
def test_so_is_a_bad_rule_for_reviews(tmp_path, review, says):
    with pytest.raises(BadInput) as error:
        recipe(tmp_path, f"review: {review}\n")
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_evaluation_files_are_found_beside_the_recipe(tmp_path):
    found = recipe(tmp_path, "gate: {evaluation: [a.jsonl, 'b.csv:asked', /c.txt]}\n").gate
    assert found.evaluation == (f"{tmp_path}/a.jsonl", f"{tmp_path}/b.csv:asked", "/c.txt")


def test_it_is_recorded_and_can_be_changed_when_the_run_is_complete(tmp_path):
    plain = recipe(tmp_path)
    run = build_run(plain, tmp_path / "run")
    before = run.read_manifest()
    assert before.gate == GateSettings()
    files = [path.read_bytes() for path in run.parts()]

    asked = "gate: {personal_data: redact, phone_regions: [DE], min_alpha: 0.4}\n"
    changed = recipe(tmp_path, f"{asked}review: {{wrong: correct}}\n")
    assert changed.sha256 == plain.sha256
    run = build_run(changed, tmp_path / "run")
    after = Run(tmp_path / "run").read_manifest()
    assert after.gate == GateSettings(personal_data="redact", phone_regions=("DE",), min_alpha=0.4)
    assert (before.review.wrong, after.review.wrong) == ("drop", "correct")
    assert after.model_copy(update={"gate": before.gate, "review": before.review}) == before
    assert [path.read_bytes() for path in run.parts()] == files
    recorded = load_recipe(run.recipe_path, pin=False)
    assert (recorded.gate, recorded.review) == (changed.gate, changed.review)

    mtime = run.manifest_path.stat().st_mtime_ns
    build_run(changed, tmp_path / "run")
    assert Path(run.manifest_path).stat().st_mtime_ns == mtime


def test_what_the_card_says_can_be_changed_when_the_run_is_complete(tmp_path):
    run = build_run(recipe(tmp_path), tmp_path / "run")
    files = [path.read_bytes() for path in run.parts()]
    lines = "license: other\nlicense_name: mine\nlicense_link: TERMS.md\nlanguage: [de, nl]\n"
    run = build_run(recipe(tmp_path, lines + "about: From a book.\n"), tmp_path / "run")
    after = run.read_manifest()
    assert (after.license, after.license_name, after.license_link) == ("other", "mine", "TERMS.md")
    assert (after.language, after.about) == (["de", "nl"], "From a book.")
    assert [path.read_bytes() for path in run.parts()] == files


def test_the_page_states_the_defaults():
    page = (Path(__file__).parents[3] / "docs" / "gate.md").read_text()
    gate, review = (yaml.safe_load(block.split("```")[0]) for block in page.split("```yaml\n")[1:])
    assert gate == {"gate": GateSettings().model_dump(mode="json")}
    assert review == {"review": ReviewSettings().model_dump(mode="json")}
    assert [name for name in CHECKS if f"| `{name}` |" in page] == [*CHECKS]
