"""The system prompts of a recipe, in the rows and calls that they shaped."""

import json

import pyarrow as pa

from builders.gate.checks.card_figures import CardFigures
from builders.ledger.funnel import Funnel
from builders.ledger.run import open_complete_run
from builders.manifest import read_manifest
from builders.release.make import release_runs
from builders.rows.schema import LEDGER_ROWS
from pipelines.generate.build import build_run
from pipelines.recipe.file import parse_recipe
from tests.builders.release.releases import all_rows

PIRATE, OWN = "You are a pirate.", "Be brief."
STRICT, FAIR = "You are strict.\nNever flatter.", "You are fair."
SCRIPTED = {"kind": "scripted", "script": "tests.scripts:trained"}


def test_the_system_prompt_of_drafts_is_in_rows_and_pairs(tmp_path):
    rows = [
        {"instruction": "Name a city."},
        {"instruction": "What is rain made of?", "system": OWN},
    ]
    path = tmp_path / "rows.json"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    recipe = {
        "stage": 2,
        "name": "pirates",
        "license": "mit",
        "language": ["en"],
        "instructions": {"path": str(path), "license": "mit"},
        "drafts": {**SCRIPTED, "system": PIRATE},
        "critic": SCRIPTED,
        "disjoint_from": [],
    }
    build_run(parse_recipe(recipe, "recipe"), tmp_path / "run")
    run = open_complete_run(tmp_path / "run")
    # A row's own system prompt comes first.
    systems = {row["instruction"]: row["system"] for row in run[0].iter_rows()}
    assert systems == {"Name a city.": PIRATE, "What is rain made of?": OWN}
    release = release_runs([run], name="pirates", version="1.0.0", out=tmp_path / "releases")
    prompts = [row["prompt"] for row in all_rows(release, "preferences")]
    assert prompts
    for prompt in prompts:
        question = prompt[-1]["content"]
        assert prompt[0] == {"role": "system", "content": systems[question]}
    # The critic is asked with the row's system prompt, and has none of its own.
    for row in run[0].iter_rows():
        sent = {call["step"]: call["system"] for call in row["calls"]}
        assert sent.pop("draft") == (PIRATE if row["system"] == PIRATE else None)
        assert set(sent.values()) == {None}


def test_the_system_prompts_of_critic_and_scorers_are_in_calls_manifests_and_the_card(tmp_path):
    path = tmp_path / "rows.jsonl"
    rows = [{"instruction": f"Name city {number}."} for number in range(3)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    critic = {"kind": "scripted", "script": "tests.scripts:critic"}
    recipe = {
        "name": "strict",
        "license": "mit",
        "instructions": {"path": str(path), "license": "mit"},
        "drafts": {"kind": "scripted", "script": "tests.scripts:draft"},
        "critic": {**critic, "system": STRICT},
        "scorer": [{**critic, "system": STRICT}, {**critic, "model": "other", "system": FAIR}],
    }
    build_run(parse_recipe(recipe, "recipe"), tmp_path / "run")
    run, manifest = open_complete_run(tmp_path / "run")
    expected = {"draft": None, "critique": STRICT}
    for number, system in (("", STRICT), ("_2", FAIR)):
        expected |= dict.fromkeys((f"score_draft{number}", f"score_refinement{number}"), system)
    for row in run.iter_rows():
        assert row["system"] is None
        assert {call["step"]: call["system"] for call in row["calls"]} == expected
    sent = {one["step"]: one["system"] for one in manifest.funnel.model_dump()["systems"]}
    assert sent == {step: system for step, system in expected.items() if system}

    release = release_runs([(run, manifest)], name="strict", version="1.0.0", out=tmp_path)
    released = read_manifest(release)
    assert released.funnel["systems"] == manifest.funnel.model_dump()["systems"]
    card = (release / "README.md").read_text()
    steps = "`critique`, `score_draft`, `score_refinement`"
    assert f"The recipe's system prompt for {steps}:\n\n```text\n{STRICT}\n```" in card
    steps = "`score_draft_2`, `score_refinement_2`"
    assert f"The recipe's system prompt for {steps}:\n\n```text\n{FAIR}\n```" in card
    rows = pa.Table.from_pylist(all_rows(release, "ledger"), LEDGER_ROWS.schema)
    funnel = Funnel(recipe_criteria=frozenset(released.criteria))
    funnel.add_table(rows)
    figures = CardFigures(release, released, funnel)
    assert not figures.result({}, None).sentence.startswith("funnel")
