"""Releases that carry evaluations of their checkpoints: config, card, and what is checked."""

import json
from functools import partial

import pytest

from builders.errors import BadInput, GateRefused
from builders.evaluation.pairs import write_pairs
from builders.gate.gate import recheck
from srt_feedback import release
from tests.builders.evaluation.planted import evaluated
from tests.builders.release.releases import all_rows, manifest_of
from tests.builders.release.reviews.reviewed import rewritten
from tests.ledger_rows import kept_rows, make_run

ROWS = list(kept_rows(40))
OWN = "a" * 64
GATE = {"benchmarks": False, "warn_near_duplicates": 1}


@pytest.fixture
def evaluation(tmp_path):
    """A function that makes an evaluation of a model."""
    (tmp_path / "evaluations").mkdir()
    return partial(evaluated, tmp_path / "evaluations/stage2")


@pytest.fixture
def released(tmp_path):
    """A function that releases a run that a checkpoint has drafted, with evaluations."""

    def made(*evaluations, version="1.0.0", **options):
        folder = tmp_path / f"run-{len(list(tmp_path.glob('run-*')))}"
        run, _ = make_run(folder, ROWS, gate=GATE)
        recipe = {"name": "test", "drafts": {"model": "x", "training_sha256": OWN}}
        run.recipe_path.write_text(json.dumps(recipe))
        out = tmp_path / "releases"
        return release(
            [folder], name="tiny", version=version, out=out, evaluations=evaluations, **options
        )

    return made


def figures_check(folder):
    return next(one for one in recheck(folder).checks if one.name == "card-figures")


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        ({"weights": OWN}, "This model made rows of this release."),
        (
            {"weights": "b" * 64, "trained_on": "tiny@0.9.0"},
            "This model was trained on tiny@0.9.0.",
        ),
    ],
    ids=["made", "trained"],
)
def test_the_card_has_the_win_rates_of_the_releases_checkpoints(
    released, evaluation, model, sentence
):
    folder = evaluation(**model)
    made = released(folder)
    card = (made / "README.md").read_text()
    assert "## Win rates" in card
    assert sentence in card
    assert "| raw |" in card
    assert "(assets/evaluate-1.png)" in card
    assert (made / "assets/evaluate-1.png").stat().st_size > 10_000
    rows = all_rows(made, "evaluations")
    assert len(rows) == 60
    assert {row["evaluation"] for row in rows} == {"stage2"}
    (facts,) = manifest_of(made)["evaluations"]
    assert facts["name"] == "stage2"
    assert facts["parts"]["answer"]["raw"]["of"] == 60
    assert "assets/evaluate-1.png" in manifest_of(made)["files"]
    assert figures_check(made).status == "pass"
    assert not recheck(made).refuse()


@pytest.mark.parametrize(
    "model",
    [{}, {"weights": "b" * 64}, {"weights": "b" * 64, "trained_on": "other@1.0.0"}],
    ids=["no checkpoint", "another", "another dataset"],
)
def test_an_evaluation_of_another_model_is_refused(released, evaluation, model):
    with pytest.raises(BadInput, match="an evaluation of our-model, a model that neither made"):
        released(evaluation(**model))


def test_what_is_no_evaluation_or_given_twice(released, evaluation, tmp_path):
    with pytest.raises(BadInput, match="not an evaluation"):
        released(tmp_path)
    folder = evaluation(weights=OWN)
    with pytest.raises(BadInput, match="an evaluation named stage2 is given twice"):
        released(folder, folder)


def test_figures_that_were_changed_are_found(released, evaluation):
    made = released(evaluation(weights=OWN))

    def better(manifest):
        manifest["evaluations"][0]["parts"]["answer"]["raw"]["value"] = 0.99

    rewritten(made, better)
    found = figures_check(made)
    assert (found.status, "evaluations.stage2.answer.raw" in found.sentence) == ("fail", True)


def test_kept_rows_may_not_repeat_what_was_evaluated_on(released, evaluation):
    folder = evaluation(weights=OWN)
    conversation = {"instruction": ROWS[0]["instruction"], "history": [], "system": None}
    write_pairs(
        folder,
        [
            {
                "item": "one",
                "part": "draft",
                "conversation": {**conversation, "task": None, "criteria": None},
                "answer": "Yes.",
                "reference": "No.",
            }
        ],
    )
    with pytest.raises(GateRefused, match=r"evaluation-overlap: .*stage2"):
        released(folder)
    made = released(folder, allow={"evaluation-overlap": "it is a test"})
    assert "## Win rates" in (made / "README.md").read_text()


def test_the_next_version_without_it_is_a_major_one(released, evaluation):
    released(evaluation(weights=OWN))
    with pytest.raises(BadInput, match="the config evaluations is gone"):
        released(version="1.1.0")
    made = released(version="2.0.0")
    assert manifest_of(made).get("evaluations") is None
    assert "## Win rates" not in (made / "README.md").read_text()
