"""A build pays nothing for instructions that a frozen set needs."""

import json

from builders.audit.freeze import freeze_file
from pipelines.generate.build import build_run
from pipelines.recipe.file import load_recipe

INSTRUCTIONS = ["Name a color of the sky at noon.", "Name a color of the grass in June."]


def test_reserved_instructions_are_dropped_before_any_call(tmp_path):
    pair = {"instruction": INSTRUCTIONS[0].lower(), "answer_a": "blue", "answer_b": "red"}
    (tmp_path / "pairs.jsonl").write_text(json.dumps({**pair, "better": "a"}))
    frozen = freeze_file(tmp_path / "pairs.jsonl", tmp_path / "set", license="mit")
    (tmp_path / "rows.jsonl").write_text(
        "".join(json.dumps({"instruction": text}) + "\n" for text in INSTRUCTIONS)
    )
    scripted = {"kind": "scripted", "script": "tests.scripts:critic"}
    recipe = {
        "name": "small",
        "instructions": {"path": "rows.jsonl", "license": "mit"},
        "drafts": {"kind": "scripted", "script": "tests.scripts:critic"},
        "critic": scripted,
        "reserve": [str(frozen.folder)],
    }
    (tmp_path / "recipe.yaml").write_text(json.dumps(recipe))
    run = build_run(load_recipe(tmp_path / "recipe.yaml"), tmp_path / "run")
    reserved, other = run.iter_rows()
    assert (reserved["reason"], reserved["calls"]) == ("reserved_for_audit", [])
    assert reserved["detail"].endswith("of the set set")
    assert other["reason"] != "reserved_for_audit"
    assert run.read_manifest().reserve == [str(frozen.folder)]
