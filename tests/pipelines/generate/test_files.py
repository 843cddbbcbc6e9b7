"""Files with faults, from a recipe to the ledger."""

import json

import pytest

from builders.errors import BadInput
from builders.ledger.run import open_complete_run
from builders.release.make import release_runs
from pipelines.generate.build import build_run
from pipelines.recipe.file import load_recipe
from tests.builders.release.releases import all_rows

ROWS = [
    '{"instruction": "Why do we rest bread dough?", "input": "N/A"}',
    '{"instruction": "Why do we rest',
    '{"instruction": "One", "instruction": "Two"}',
    '{"instruction": "Add them.", "input": 7}',
    '{"messages": [{"role": "user", "content": "Hi"}, {"role": "tool", "content": "{}"}]}',
    '{"messages": [{"role": "user", "content": "<image> What is it?"}]}',
    '{"conversations": [["Hi.", "Hello!"], ["My tomato leaves are yellow. Why?", "Sun."]]}',
]
REASONS = [
    (None, None),
    ("row_unreadable", "line 2: not JSON"),
    ("row_unreadable", "line 3: the key 'instruction' appears twice"),
    ("wrong_type", "line 4: input is int, not text"),
    ("tool_turns", "line 5: messages: turn 2 is one of a tool"),
    ("has_media", "line 6: messages: turn 1 has a placeholder for a picture"),
    (None, None),
]
RECIPE = """
name: faults
license: mit
language: [en]
instructions: {path: rows.json, license: mit}
drafts: {kind: scripted, script: "tests.schema_1.scripts:draft"}
critic: {kind: scripted, script: "tests.schema_1.scripts:critic"}
scorer: {kind: scripted, script: "tests.schema_1.scripts:scorer"}
"""


@pytest.fixture
def recipe(tmp_path):
    (tmp_path / "rows.json").write_text("\n".join(ROWS))
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    return tmp_path / "recipe.yaml"


def test_a_row_that_cannot_be_used_ends_the_run_before_anything_is_written(recipe, tmp_path):
    with pytest.raises(BadInput, match=r"rows.json:2: not JSON .*`bad_rows: drop`"):
        build_run(load_recipe(recipe), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_dropped_rows_are_in_the_ledger_with_reason_and_line(recipe, tmp_path):
    dropping = load_recipe(recipe, ["instructions.bad_rows=drop"])
    build_run(dropping, tmp_path / "run")
    run = open_complete_run(tmp_path / "run")
    rows = list(run[0].iter_rows())
    assert len(rows) == len(REASONS)
    for row, (reason, detail) in zip(rows, REASONS, strict=True):
        assert row["reason"] == reason
        assert (row["detail"] or "").startswith(detail or "")
        assert not row["calls"] or reason is None
    assert rows[0]["instruction"] == "Why do we rest bread dough?"
    assert [turn["content"] for turn in rows[-1]["history"]] == ["Hi.", "Hello!"]
    release = release_runs([run], name="faults", version="1.0.0", out=tmp_path)
    assert len(all_rows(release, "feedback")) == 2
    card = (release / "README.md").read_text(encoding="utf-8")
    assert "the conversation has turns of a tool" in card


def test_text_that_is_not_read_ends_the_run_until_the_recipe_says_what_it_is(recipe, tmp_path):
    row = {"instruction": "Why do we rest bread dough?", "style": "In one sentence."}
    (tmp_path / "rows.json").write_text(json.dumps([row]))
    with pytest.raises(BadInput, match="row 1: the text in style is not read"):
        build_run(load_recipe(recipe), tmp_path / "run")
    for key, expected in {
        "ignore=[style]": row["instruction"],
        "columns={input: style}": f"{row['instruction']}\n\n{row['style']}",
    }.items():
        said = load_recipe(recipe, [f"instructions.{key}"])
        (ledger_row,) = build_run(said, tmp_path / key).iter_rows()
        assert ledger_row["instruction"] == expected
