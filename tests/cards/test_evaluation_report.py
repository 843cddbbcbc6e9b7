"""An evaluation in words, in a picture, on a card, and as the Hub reads it."""

import json

import pytest
import yaml

from builders.evaluation.existing import evaluate_files
from builders.evaluation.result import Benchmark
from cards.eval_results import eval_results
from cards.evaluation_plot import plot_evaluation
from cards.evaluation_report import evaluation_facts, points, share
from cards.model_card import render_model_card
from tests.builders.evaluation.planted import annotations
from tests.cards.test_model_card import FACTS


@pytest.fixture(scope="module")
def evaluation(tmp_path_factory):
    """Refinements beside drafts, with people."""
    folder = tmp_path_factory.mktemp("evaluation")
    said = [
        {"instruction": f"Instruction {n}: say it.", "part": part, "preference": float(n % 3 > 0)}
        for n in range(40)
        for part in ("draft", "refinement")
    ]
    (folder / "people.json").write_text(json.dumps(said))
    found = evaluate_files(
        annotations(folder / "after.json", preference=1.75),
        folder / "out",
        draft_annotations=annotations(folder / "before.json"),
        people=folder / "people.json",
        benchmark=Benchmark(dataset="org/bench", task="default", revision="ab" * 20),
    )
    return found.model_dump(mode="json")


def test_shares_and_points_have_intervals_and_signs():
    assert share({"value": 0.258, "low": 0.221, "high": 0.298}) == "25.8% (22.1 to 29.8)"
    assert points({"value": -0.051, "low": -0.08, "high": 0.02}) == "−5.1 (−8.0 to +2.0)"
    assert share({"value": None, "low": None}) == points({"value": None}) == "–"


def test_the_table_has_a_row_for_each_figure(evaluation):
    lines = {line.name: line for line in evaluation_facts(evaluation)["lines"]}
    assert list(lines)[:4] == [
        "raw",
        "at equal length",
        "balanced by length",
        "corrected by people",
    ]
    assert lines["raw"].cells[1].startswith("75.0% (")
    assert all(line.difference[0] in "+−" for line in list(lines.values())[:2])
    assert lines["balanced by length"].difference == "–"


def test_sentences_say_what_was_fitted_and_what_people_add(evaluation):
    text = " ".join(evaluation_facts(evaluation)["sentences"])
    assert "Refining changes the win rate over reference model by +" in text
    assert "minimal: without difficulties and anchors" in text
    assert "of people on the 40 pairs that both judged" in text


def test_the_checker_is_not_called_people(evaluation):
    people = {**evaluation["people"], "judged_by": "checker"}
    names = [line.name for line in evaluation_facts({**evaluation, "people": people})["lines"]]
    assert "corrected by the checker" in names


def test_the_picture_is_the_same_for_the_same_figures(evaluation, tmp_path):
    for name in ("a.png", "b.png"):
        plot_evaluation(evaluation, tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_a_card_has_the_win_rates(evaluation):
    text = render_model_card(FACTS, None, evaluation)
    assert "## Win rates" in text
    assert "| raw |" in text
    assert "(assets/evaluate.png)" in text
    assert "## Win rates" not in render_model_card(FACTS)


def test_a_registered_benchmark_has_an_entry_for_the_hub(evaluation):
    name, content = eval_results(evaluation)
    assert name == ".eval_results/default.yaml"
    (entry,) = yaml.safe_load(content)
    assert entry["dataset"] == {"id": "org/bench", "task_id": "default", "revision": "ab" * 20}
    controlled = evaluation["parts"]["refinement"]["length_controlled"]["value"]["value"]
    assert entry["value"] == round(100 * controlled, 2)
    assert "refinement over reference model, at equal length (minimal)" in entry["notes"]


def test_other_instructions_have_none(evaluation):
    assert eval_results({**evaluation, "benchmark": None}) is None
