"""The system prompt of the model that drafts, in the rows that it shaped."""

import json

from builders.ledger.run import open_complete_run
from builders.release.make import release_runs
from pipelines.generate.build import build_run
from pipelines.recipe.file import parse_recipe
from tests.builders.release.releases import all_rows

PIRATE, OWN = "You are a pirate.", "Be brief."
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
