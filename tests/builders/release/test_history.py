"""The turns before an instruction, and its criteria, on their way from a source to a release."""

import json
import re

import pytest

from builders.errors import GateRefused
from builders.gate.gate import ReleaseGate
from builders.ledger.run import open_complete_run
from builders.release.make import release_runs
from builders.settings import GateSettings
from pipelines.generate.build import build_run
from pipelines.recipe.file import parse_recipe
from tests.builders.release.releases import all_rows, read, release_of
from tests.ledger_rows import kept_rows
from tests.schema_1 import scripts

TURNS = [
    {"role": "user", "content": "Which museum has the Mona Lisa?"},
    {"role": "assistant", "content": "The Louvre."},
]
OTHER = [{"role": "user", "content": "Where do I live?"}, {"role": "assistant", "content": "Bonn."}]


def draft(messages, seed):
    return f"An answer to {len(messages)} turns."


def critic(messages, seed):
    """A critic whose weakness says whether it was shown the turns before the instruction."""
    shown = re.search(r"\nUser:\n<data-\w+>\nWhich museum", messages[-1]["content"]) is not None
    return scripts.critic(messages, seed).replace("No step of", f"Shown: {shown}. No step of")


@pytest.mark.parametrize("stage", [1, 2])
def test_it_travels_from_the_source_to_the_training_rows(tmp_path, stage):
    before = {"How do I get there?": TURNS, "Name a city.": []}
    lines = [
        json.dumps({"question": question, "before": turns, "rubric": f"It answers: {question}"})
        for question, turns in before.items()
    ]
    (tmp_path / "rows.jsonl").write_text("\n".join(lines))
    names = {
        1: (f"{__name__}:critic", "tests.schema_1.scripts:scorer"),
        2: ("tests.schema_1.scripts:trained", "tests.schema_1.scripts:trained"),
    }[stage]
    critic, scorer = ({"kind": "scripted", "script": name} for name in names)
    columns = {"instruction": "question", "history": "before", "criteria": "rubric"}
    source = {"path": str(tmp_path / "rows.jsonl"), "license": "mit", "columns": columns}
    recipe = {
        "name": "talk",
        "stage": stage,
        "instructions": [source],
        "drafts": {"kind": "scripted", "script": f"{__name__}:draft"},
        "critic": critic,
        "scorer": scorer,
        "license": "mit",
        "language": ["en"],
        **({"disjoint_from": []} if stage == 2 else {}),
    }
    build_run(parse_recipe(recipe, tmp_path), tmp_path / "run")
    run = open_complete_run(tmp_path / "run")
    kept = [row for row in run[0].iter_rows() if row["status"] == "kept"]
    assert {row["instruction"]: row["history"] for row in kept} == before
    assert {row["criteria"] for row in kept} == {f"It answers: {text}" for text in before}
    for row in kept:
        assert row["draft"] == f"An answer to {len(row['history']) + 1} turns."
        if stage == 1:
            assert f"Shown: {bool(row['history'])}." in row["critique"]["weaknesses"][0]
    release = release_runs([run], name="talk", version="1.0.0", out=tmp_path)
    questions = {row["id"]: row["instruction"] for row in kept}
    if stage == 1:
        for row in all_rows(release, "feedback"):
            assert row["history"] == before[row["instruction"]]
            assert row["criteria"] == f"It answers: {row['instruction']}"
    for config in ["sft", "sft-balanced"] if stage == 1 else ["preferences"]:
        rows = all_rows(release, config)
        assert {row["id"] for row in rows} == questions.keys()
        for row in rows:
            question = questions[row["id"]]
            conversation = [*before[question], {"role": "user", "content": question}]
            assert row["prompt"][: len(conversation)] == conversation
            # Who answers does not see the criteria, who is asked for a critique does.
            asked = row["prompt"][len(conversation) :]
            assert bool(asked) == (f"It answers: {question}" in str(row["prompt"]))


def test_an_instruction_after_other_turns_is_no_duplicate(tmp_path):
    def rows(number, history):
        (row,) = kept_rows(1, first=number)
        return [{**row, "instruction": "And where is that?", "history": history}]

    gate = ReleaseGate(GateSettings(benchmarks=False, warn_near_duplicates=1))
    runs = [rows(1, TURNS), rows(2, OTHER), rows(3, []), rows(4, TURNS)]
    release = release_of(tmp_path, *runs, check=gate.check)
    feedback = all_rows(release, "feedback")
    assert len(feedback) == 3
    (dropped,) = (row for row in all_rows(release) if row["status"] == "dropped")
    assert (dropped["history"], dropped["detail"]) == (TURNS, "kept in the run run 0")
    # All in one split: the instruction alone decides.
    same = [{**row, "id": f"{at}"} for at, row in enumerate([*runs[0], *runs[3]])]
    with pytest.raises(GateRefused, match="duplicates"):
        release_of(tmp_path / "other", same, check=gate.check)


def test_conversations_that_resemble_each_other_are_in_one_split(tmp_path):
    """The instruction differs, and the user's turns before it are the same."""
    asked = "Describe how the moon and the sun make the tides of the seas higher and lower."
    follow_ups = [f"And {word}?" for word in ("when", "where", "why", "how often", "since when")]
    rows = [
        {**row, "instruction": instruction, "history": [{**TURNS[0], "content": asked}, TURNS[1]]}
        for row, instruction in zip(kept_rows(5), follow_ups, strict=True)
    ]
    others = [{**row, "history": []} for row in kept_rows(40, first=10)]
    gate = ReleaseGate(GateSettings(benchmarks=False, warn_near_duplicates=1))
    release = release_of(tmp_path, [*rows, *others], check=gate.check, facts={"test_share": 0.4})
    ids = {row["id"] for row in rows}
    split = {
        name: {row["id"] for row in read(release, "feedback", name)} & ids
        for name in ("train", "test")
    }
    assert sorted(map(len, split.values())) == [0, 5]
