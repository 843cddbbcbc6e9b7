"""Criteria, of the recipe or of a row, on their way into prompts, hashes, ledger and training."""

import json

import pytest

from builders.critique.prompts import critique_prompt, request_prompt, score_prompt
from builders.errors import BadInput
from builders.gate.redact import redactor
from builders.manifest import read_manifest
from builders.release.make import release_runs
from builders.rows.schema import new_ledger_row
from builders.settings import GateSettings
from builders.training.sft import SFT_FORMS, review_turns, to_sft
from pipelines.generate.build import build_run
from pipelines.generate.estimate import estimate
from pipelines.generate.instructions import make_sources
from pipelines.generate.self_critique import SelfCritiqueTask, SelfScoreTask
from pipelines.generate.steps import VerifiableCritique, VerifiableScore
from pipelines.llms.scripted import ScriptedLLM
from pipelines.recipe.file import load_recipe, parse_recipe

OWN, COMMON = "It names {{ one }} lake.", "### Requirements\nIt is polite."
CRITIC = {"kind": "scripted", "script": "tests.scripts:rubric_critic"}


@pytest.fixture
def values(tmp_path):
    """A recipe for two rows, of which the first has criteria of its own."""
    path = tmp_path / "rows.jsonl"
    rows = [{"question": "Name a lake.", "rubric": OWN}, {"question": "Say hello.", "rubric": None}]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    columns = {"instruction": "question", "criteria": "rubric"}
    return {
        "name": "criteria",
        "instructions": {"path": str(path), "license": "mit", "columns": columns},
        "drafts": {"kind": "scripted", "script": "tests.scripts:draft"},
        "critic": CRITIC,
    }


def built(values, folder):
    return list(build_run(parse_recipe(values, "recipe"), folder).iter_rows())


def points(row):
    assessed = (row["critique"], row["draft_assessment"], row["refinement_assessment"])
    return [critique["weaknesses"][0] for critique in assessed]


def test_critic_and_scorer_see_the_criteria_of_the_row_or_else_of_the_recipe(values, tmp_path):
    own, common = built({**values, "criteria": COMMON}, tmp_path / "run")
    assert (own["criteria"], common["criteria"]) == (OWN, COMMON)
    assert points(own) == [f"By {OWN}: no."] * 3
    # The first line of the text, which is a heading of the prompt, stays part of the text.
    assert points(common) == ["By ### Requirements: no."] * 3
    (bare,) = [row for row in built(values, tmp_path / "bare") if row["criteria"] is None]
    assert points(bare) == ["By none: no."] * 3


def test_the_recipes_criteria_are_in_the_hash_of_the_prompts(values, tmp_path):
    for number, criteria in enumerate([COMMON, "It is short.", None]):
        for row in built({**values, "criteria": criteria}, tmp_path / f"run{number}"):
            templates = {call["step"]: call["template"] for call in row["calls"]}
            assert templates["critique"] == critique_prompt(criteria=criteria).sha256
            assert templates["score_draft"] == score_prompt(criteria=criteria).sha256
    prompts = [
        make(criteria=criteria).sha256
        for make in (critique_prompt, score_prompt, request_prompt)
        for criteria in (COMMON, "It is short.", None)
    ]
    assert len(set(prompts)) == len(prompts)


def test_the_card_states_the_recipes_criteria_and_counts_the_others(values, tmp_path):
    run = build_run(parse_recipe({**values, "criteria": COMMON}, "recipe"), tmp_path / "run")
    manifest = run.read_manifest()
    assert manifest.criteria == COMMON
    assert manifest.funnel.model_dump()["criteria"] == {"recipe": 1, "own": 1}
    release = release_runs([(run, manifest)], name="one", version="1.0.0", out=tmp_path)
    assert read_manifest(release).criteria == [COMMON]
    card = (release / "README.md").read_text()
    assert (
        "In 1 candidate, answers were judged by these criteria, which critic and scorer were "
        f"shown:\n\n```text\n{COMMON}\n```\n\n1 candidate was judged by criteria of its own.\n"
    ) in card

    run = build_run(parse_recipe(values, "recipe"), tmp_path / "bare")
    release = release_runs([(run, run.read_manifest())], name="two", version="1.0.0", out=tmp_path)
    assert "criteria" not in read_manifest(release).facts
    card = (release / "README.md").read_text()
    assert "these criteria" not in card
    assert "1 candidate was judged by criteria of its own." in card


def test_criteria_are_shown_as_they_are_in_redacted_rows(values, tmp_path):
    secret = f"{COMMON} Ask ada@lovelace.org."
    run = build_run(parse_recipe({**values, "criteria": secret}, "recipe"), tmp_path / "run")
    release = release_runs(
        [(run, run.read_manifest())],
        name="one",
        version="1.0.0",
        out=tmp_path,
        redact=redactor(GateSettings(personal_data="redact")),
    )
    manifest = read_manifest(release)
    assert manifest.criteria == [f"{COMMON} Ask [EMAIL]."]
    assert manifest.funnel["criteria"] == {"recipe": 1, "own": 1}
    assert "lovelace" not in (release / "README.md").read_text()


def test_a_recipe_without_criteria_is_the_one_that_it_was_before_there_was_the_key(values):
    without, with_ = (
        parse_recipe({**values, **more}, "recipe") for more in ({}, {"criteria": COMMON})
    )
    assert "criteria" not in without.identity()
    assert with_.identity()["criteria"] == COMMON
    assert without.sha256 != with_.sha256


def test_the_same_criteria_from_a_file_are_the_same_recipe(values, tmp_path):
    (tmp_path / "rubric.md").write_text(f"\ufeff{COMMON}\n", encoding="utf-8")
    recipe = tmp_path / "recipe.yaml"
    found = []
    for criteria in ("rubric.md", COMMON):
        recipe.write_text(json.dumps({**values, "criteria": criteria}))
        found.append(load_recipe(recipe))
    assert found[0].criteria == found[1].criteria == COMMON
    assert found[0].sha256 == found[1].sha256


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("empty.md", b" \n", "criteria: .*empty.md: is empty"),
        ("latin.txt", "zähle".encode("latin-1"), "criteria: .*latin.txt: not UTF-8"),
        ("long.md", b"x" * 100_000, "criteria: .*long.md: has 100,000 characters"),
        ("huge.md", b"x" * 1_000_001, "criteria: .*huge.md is too large"),
        ("missing.md", None, "criteria: .*missing.md: No such file"),
    ],
)
def test_a_file_that_is_no_rubric(values, tmp_path, name, content, problem):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(json.dumps({**values, "criteria": name}))
    with pytest.raises(BadInput, match=problem):
        load_recipe(recipe)


@pytest.mark.parametrize("criteria", ["", " \n", "x" * 20_001, ["polite"], 3])
def test_a_text_that_is_no_rubric(values, criteria):
    with pytest.raises(BadInput, match="recipe: criteria: ") as error:
        parse_recipe({**values, "criteria": criteria}, "recipe")
    assert len(str(error.value)) < 300


@pytest.mark.parametrize("role", ["critic", "scorer"])
def test_the_teacher_that_computes_refuses_criteria(values, role):
    teacher = {role: {"kind": "verifiable"}, "instructions": {"verifiable": 2}}
    with pytest.raises(BadInput, match=rf"criteria: {role}.kind verifiable"):
        parse_recipe({**values, **teacher, "criteria": COMMON}, "recipe")


@pytest.mark.parametrize("step", [VerifiableCritique, VerifiableScore])
def test_and_those_of_a_row(step):
    row = new_ledger_row(id="a", source="web", task="{}", criteria=OWN, draft="3", refinement="4")
    with pytest.raises(BadInput, match="judges by no criteria, and row a of web"):
        step(name="step").fill_in(row)


@pytest.mark.parametrize("task", [SelfCritiqueTask, SelfScoreTask])
def test_a_trained_model_is_asked_what_it_was_trained_on(task):
    critique = {"weaknesses": ["a"], "suggestions": ["b"], "score": 4}
    row = new_ledger_row(instruction="Why?", criteria=OWN, draft="So.", refinement="Since.")
    row |= {"id": "a", "critique": critique, "answer": "So."}
    asked = task(llm=ScriptedLLM(script="tests.scripts:trained"), seed=0).format_input(row)
    draft, feedback = to_sft(row, SFT_FORMS["sft"])
    assert asked == feedback["prompt"] == review_turns("Why?", "So.", criteria=OWN)
    assert OWN in asked[-1]["content"]
    # Who answers has not seen the criteria.
    assert OWN not in json.dumps(draft)


def test_an_estimate_counts_the_criteria(values):
    def tokens(**more):
        recipe = parse_recipe({**values, **more}, "recipe")
        steps = estimate(recipe, make_sources(recipe.instructions), len)
        return {step.step: step.tokens_in for step in steps}

    bare, judged = tokens(), tokens(criteria=COMMON)
    assert judged["draft"] == bare["draft"]
    # Only one row takes the recipe's.
    for step in ("critique", "score_draft", "score_refinement"):
        assert judged[step] > bare[step] + len(COMMON)
