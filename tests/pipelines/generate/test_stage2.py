from collections import Counter

import pytest

from builders.critique.prompts import request_prompt
from builders.errors import BadInput
from builders.release.make import release_runs
from builders.rows.schema import new_ledger_row
from builders.training.sft import review_turns
from pipelines.generate.build import build_run
from pipelines.generate.estimate import estimate
from pipelines.generate.instructions import make_sources
from pipelines.generate.rounds import build_rounds, mean_gain
from pipelines.generate.self_critique import SelfCritiqueTask
from pipelines.llms.scripted import ScriptedLLM
from pipelines.recipe.file import parse_recipe
from tests.ledger_rows import kept_rows, make_run

TRAINED = {"kind": "scripted", "script": "tests.scripts:trained"}
BASE = {
    "name": "pairs",
    "stage": 2,
    "instructions": {"builtin": "stage2", "limit": 60},
    "drafts": {**TRAINED, "temperature": 0.7},
    "critic": TRAINED,
    "disjoint_from": [],
    "batch_size": 16,
}


def recipe(**changes):
    return parse_recipe({**BASE, **changes}, "recipe")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return build_run(recipe(), tmp_path_factory.mktemp("stage2") / "run")


def test_a_model_makes_pairs_of_its_own_answers(run):
    rows = list(run.iter_rows())
    kept = [row for row in rows if row["status"] == "kept"]
    assert {row["reason"] for row in rows} == {None, "margin"}
    assert all(row["refinement_score"] > row["draft_score"] for row in kept)
    for row in kept:
        assert [call["step"] for call in row["calls"]] == ["draft", "critique", "score_refinement"]
        assert row["draft_assessment"] == row["critique"]
        assert row["calls"][1]["template"] == request_prompt().sha256
    manifest = run.read_manifest()
    assert manifest.stage == 2
    assert manifest.funnel.kept == len(kept)


def test_it_is_asked_in_the_words_that_it_was_trained_on():
    task = SelfCritiqueTask(llm=ScriptedLLM(script="tests.scripts:trained"), seed=0)
    row = new_ledger_row(instruction="Why?", draft="Because.")
    assert task.format_input(row) == review_turns("Why?", "Because.")


def test_both_answers_can_be_assessed_by_a_request_of_their_own(tmp_path):
    run = build_run(recipe(scores="assessment"), tmp_path / "run")
    row = next(row for row in run.iter_rows() if row["status"] == "kept")
    templates = {call["step"]: call["template"] for call in row["calls"]}
    assert templates["score_draft"] == templates["score_refinement"]
    assert templates["score_draft"] == request_prompt(refined=False).sha256


def test_what_the_model_was_trained_on_is_left_out_and_kept_in_the_ledger(run, tmp_path):
    trained = list(run.iter_rows())[:5]
    earlier, _ = make_run(tmp_path / "earlier", [*kept_rows(5), *trained])
    run = build_run(recipe(disjoint_from=[earlier.folder]), tmp_path / "run")
    rows = list(run.iter_rows())
    assert len(rows) == 60
    assert [row["id"] for row in rows if row["reason"] == "trained_on"] == [
        row["id"] for row in trained
    ]
    assert not any(row["calls"] for row in rows if row["reason"] == "trained_on")


def test_somebody_has_to_say_what_it_was_trained_on(tmp_path):
    with pytest.raises(BadInput, match="--model CHECKPOINT"):
        build_run(recipe(disjoint_from=None), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_the_run_becomes_a_release_of_pairs(run, tmp_path):
    release = release_runs(
        [(run, run.read_manifest())], name="pairs", version="1.0.0", out=tmp_path
    )
    assert (release / "preferences").is_dir()
    assert "scored by the model that wrote them" in (release / "README.md").read_text()


def test_rounds_refine_refinements_until_that_no_longer_helps(tmp_path):
    runs = list(build_rounds(recipe(rounds=5), tmp_path / "pairs", build_run))
    assert [run.folder.name for run in runs] == ["pairs", "pairs-round2", "pairs-round3"]
    first, second, last = runs
    refinements = {
        row["id"]: row["refinement"] for row in first.iter_rows() if row["status"] == "kept"
    }
    drafts = {row["id"]: row["draft"] for row in second.iter_rows()}
    assert drafts == refinements
    assert mean_gain(second) > 0
    assert mean_gain(last) <= 0


def test_an_estimate_counts_the_calls_that_are_made(run):
    given = recipe()
    steps = {
        step.step: step
        for step in estimate(given, make_sources(given.instructions), lambda text: len(text))
    }
    made = Counter(call["step"] for row in run.iter_rows() for call in row["calls"])
    assert {name: step.calls for name, step in steps.items()} == made


def test_one_round_is_one_run(tmp_path):
    (only,) = build_rounds(recipe(), tmp_path / "pairs", build_run)
    assert only.read_manifest() is not None
    assert not (tmp_path / "pairs-round2").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"critic": {"kind": "verifiable"}}, "critic.kind"),
        ({"filters": {"min_margin": 0}}, "filters.min_margin"),
        ({"stage": 3}, "stage: 3 is neither 1 nor 2"),
        ({"scores": "both"}, "scores"),
    ],
)
def test_a_wrong_recipe_is_one_line(changes, message):
    with pytest.raises(BadInput, match=message):
        recipe(**changes)


def test_a_checkpoint_in_this_process_after_torch_was_used(tmp_path):
    """distilabel's own runner forks, and hangs for ever where torch's threads have run."""
    import torch

    from tests.tiny_model import save_tiny_model, tiny_model

    tiny_model().generate(torch.tensor([[5, 6, 7]]), max_new_tokens=4, do_sample=False)
    model = {
        "kind": "transformers",
        "model": str(save_tiny_model(tmp_path / "tiny")),
        "device": "cpu",
        "max_new_tokens": 8,
    }
    instructions = {"verifiable": 12}
    run = build_run(recipe(drafts=model, critic=model, instructions=instructions), tmp_path / "run")
    rows = list(run.iter_rows())
    assert len(rows) == 12
    assert {call["endpoint"] for row in rows for call in row["calls"]} == {"transformers"}
