"""Evaluations from files: every figure, the folder, and what goes wrong."""

import json

import numpy as np
import pytest

from builders.errors import BadInput
from builders.evaluation.annotations import read_annotations
from builders.evaluation.existing import Controls, evaluate_files
from builders.evaluation.folder import PICTURE, REPORT
from builders.evaluation.result import read_evaluation, read_judgments
from tests.builders.evaluation.planted import annotations, difficulties


def test_annotations_become_an_evaluation(tmp_path):
    path = annotations(tmp_path / "annotations.json")
    found = evaluate_files(path, tmp_path / "out")
    rows = read_annotations(path).rows
    part = found.parts["answer"]
    assert part.raw["value"] == pytest.approx(np.mean([row["preference"] for row in rows]))
    assert part.length_controlled["variant"] == "minimal"
    assert (part.answers, part.judged, part.consistency, found.difference) == (60, 60, None, None)
    assert read_evaluation(tmp_path / "out") == found
    assert read_judgments(tmp_path / "out") == rows
    assert (tmp_path / "out" / PICTURE).stat().st_size > 10_000
    report = (tmp_path / "out" / REPORT).read_text()
    assert "| raw | " in report
    assert "our model" in report


def test_the_same_files_give_the_same_figures(tmp_path):
    path = annotations(tmp_path / "annotations.json")
    first, second = (evaluate_files(path, tmp_path / name) for name in "ab")
    assert first.parts == second.parts


def test_a_folder_that_holds_what_a_killed_process_left_is_taken(tmp_path):
    path = annotations(tmp_path / "annotations.json")
    (tmp_path / "out").mkdir()
    (tmp_path / "out/.lock").touch()
    assert evaluate_files(path, tmp_path / "out") == read_evaluation(tmp_path / "out")


def test_draft_and_refinement_from_two_files(tmp_path):
    after = annotations(tmp_path / "after.json", preference=2)
    before = annotations(tmp_path / "before.json")
    controls = Controls(difficulties(tmp_path / "difficulty.csv"))
    found = evaluate_files(after, tmp_path / "out", draft_annotations=before, controls=controls)
    assert list(found.parts) == ["draft", "refinement"]
    assert found.parts["refinement"].raw["value"] == 1
    assert found.difference.raw["value"] == pytest.approx(1 - found.parts["draft"].raw["value"])
    assert found.parts["draft"].length_controlled["variant"] == "difficulty"
    assert "refinement − draft" in (tmp_path / "out" / REPORT).read_text()


def test_a_draft_without_refinement_is_in_no_difference(tmp_path):
    after = annotations(tmp_path / "after.json", 30)
    before = annotations(tmp_path / "before.json", 40)
    found = evaluate_files(after, tmp_path / "out", draft_annotations=before)
    assert (found.parts["draft"].answers, found.difference.instructions) == (40, 30)


def people(path, rows):
    path.write_text(json.dumps(rows), encoding="utf-8")
    return path


def test_people_correct_the_judge(tmp_path):
    path = annotations(tmp_path / "annotations.json", 100)
    said = [
        {"instruction": f"Instruction {n}: say it.", "preference": float(n % 4 == 0), "person": who}
        for n in range(40)
        for who in ("ada", "ben")
    ]
    found = evaluate_files(path, tmp_path / "out", people=people(tmp_path / "people.json", said))
    corrected = found.parts["answer"].corrected
    assert (corrected["verdicts"], found.people.people, found.people.verdicts) == (40, 2, 80)
    assert corrected["people"]["value"] == pytest.approx(0.25)
    assert abs(corrected["estimate"]["value"] - 0.25) < 0.15
    assert "corrected by people" in (tmp_path / "out" / REPORT).read_text()


def test_people_who_spoke_of_something_else(tmp_path):
    path = annotations(tmp_path / "annotations.json")
    other = people(tmp_path / "people.json", [{"instruction": "Sing.", "preference": 1}])
    with pytest.raises(BadInput, match="no judgment is about this instruction"):
        evaluate_files(path, tmp_path / "out", people=other)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("n", [1, 3])
def test_a_few_instructions_have_figures_and_a_note(tmp_path, n):
    found = evaluate_files(annotations(tmp_path / "annotations.json", n), tmp_path / "out")
    assert found.parts["answer"].length_controlled["variant"] is None
    assert any("too few to control for length" in note for note in found.notes)


def test_empty_answers_equal_lengths_and_missing_judgments_are_said(tmp_path):
    path = annotations(tmp_path / "annotations.json", output_1="", output_2="", preference=None)
    rows = json.loads(path.read_text())
    for row in rows[:30]:
        row["preference"] = 2
    path.write_text(json.dumps(rows))
    found = evaluate_files(path, tmp_path / "out")
    part = found.parts["answer"]
    assert (part.empty, part.unreadable, part.length_controlled["variant"]) == (60, 30, "no length")
    assert part.balanced["value"] is None
    assert len(found.notes) == 3


def test_a_judge_that_always_says_a_has_a_warning_and_people_stand(tmp_path):
    rows = [
        {
            "instruction": f"Instruction {n}: say it.",
            "answer": "a" * (n + 1),
            "reference": "r",
            "shown": shown,
            "preference": float(shown == "first"),
        }
        for n in range(60)
        for shown in ("first", "second")
    ]
    path = people(tmp_path / "judged.json", rows)
    said = [
        {"instruction": f"Instruction {n}: say it.", "preference": float(n % 5 > 0)}
        for n in range(50)
    ]
    found = evaluate_files(path, tmp_path / "out", people=people(tmp_path / "people.json", said))
    part = found.parts["answer"]
    assert (part.consistency["same"]["value"], part.consistency["first"]["value"]) == (0, 1)
    assert part.raw["value"] == 0.5
    assert part.corrected["estimate"]["value"] == pytest.approx(0.8)
    assert any("depends on the order" in note for note in found.notes)


def test_another_folder_is_not_written_over(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.md").write_text("…")
    with pytest.raises(BadInput, match="has something else"):
        evaluate_files(annotations(tmp_path / "annotations.json"), tmp_path / "out")


def test_by_row_needs_difficulties(tmp_path):
    with pytest.raises(BadInput, match="no --difficulty"):
        evaluate_files(
            annotations(tmp_path / "annotations.json"),
            tmp_path / "out",
            controls=Controls(by_row=True),
        )
