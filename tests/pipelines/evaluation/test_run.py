"""Evaluations from end to end: scripted models and judges, files, runs, and what goes wrong."""

import json
import subprocess
import sys

import pytest

from builders.errors import BadInput, RunFailed
from builders.evaluation.folder import PICTURE, REPORT
from builders.evaluation.pairs import read_pairs
from builders.evaluation.result import read_evaluation
from pipelines.evaluation.estimate import estimate_evaluation
from pipelines.evaluation.run import EvaluationRequest, run_evaluation


@pytest.fixture
def evaluated(tmp_path, model, instructions, reference):
    """A function that evaluates the scripted trained model."""

    def made(judge="pair_judge", out="out", writer="trained", **options):
        values = {"reference": reference, "instructions": instructions, **options}
        writer_block = model(writer, trained=True) if writer else values.pop("model")
        request = EvaluationRequest(writer_block, judge=model(judge), **values)
        return run_evaluation(request, tmp_path / out)

    return made


def test_draft_and_refinement_are_judged_in_both_orders(evaluated, tmp_path):
    found = evaluated()
    # The reference says “Better” 0, 1 or 2 times, the draft never, the refinement once.
    assert found.parts["draft"].raw["value"] == pytest.approx((0.5 + 0 + 0) / 3)
    assert found.parts["refinement"].raw["value"] == pytest.approx((1 + 0.5 + 0) / 3)
    assert found.difference.raw["value"] == pytest.approx(1 / 3)
    assert found.parts["draft"].consistency["same"]["value"] == 1
    assert (found.reference.name, found.model.name) == ("the reference model", "scripted")
    assert read_evaluation(tmp_path / "out") == found
    report = (tmp_path / "out" / REPORT).read_text()
    assert "| raw | 16.7%" in report
    assert (tmp_path / "out" / PICTURE).stat().st_size > 10_000
    assert len(list(read_pairs(tmp_path / "out"))) == 60


def test_a_judge_that_always_says_a(evaluated):
    found = evaluated("always_a")
    part = found.parts["refinement"]
    assert part.raw["value"] == 0.5
    assert (part.consistency["same"]["value"], part.consistency["first"]["value"]) == (0, 1)
    assert any("depends on the order" in note for note in found.notes)


def test_a_judge_of_length_alone(evaluated):
    found = evaluated("length_judge").parts["refinement"]
    assert found.length_controlled["longer_wins"]["value"] > 0.7


def test_unreadable_verdicts_count_for_nothing_and_are_counted(evaluated):
    found = evaluated("undecided_judge")
    part = found.parts["draft"]
    assert 0 < part.unreadable < 30
    assert part.judged + part.unreadable == 30
    assert found.unreadable["more than one verdict"] >= part.unreadable


def test_rubbish_leaves_no_figure_and_no_crash(evaluated):
    found = evaluated("rubbish_judge")
    assert found.parts["draft"].raw["value"] is None
    assert found.unreadable == {"no verdict": 120}


def test_a_trained_judge_scores_each_answer_alone(evaluated, model, tmp_path, reference):
    instructions = tmp_path / "instructions.jsonl"
    request = EvaluationRequest(
        model("trained", trained=True), reference, model("trained", trained=True), instructions
    )
    found = run_evaluation(request, tmp_path / "own")
    assert found.parts["refinement"].raw["value"] == pytest.approx(0.5, abs=0.1)
    assert found.parts["refinement"].consistency is None
    assert "scores each answer alone" in found.judge.name


def test_a_reference_that_is_asked(evaluated, model):
    found = evaluated(reference=model("draft"))
    assert found.parts["draft"].judged == 30


def test_a_file_of_answers_in_place_of_a_model(evaluated, reference, table):
    rows = [
        {"instruction": f"Say something about topic {n}.", "output": "Better. Better. Better."}
        for n in range(30)
    ]
    found = evaluated(writer=None, model=str(table(rows, "model.jsonl")), instructions=None)
    assert list(found.parts) == ["answer"]
    assert found.parts["answer"].raw["value"] == 1


def test_the_same_answers_tie_and_empty_ones_lose_without_a_judge(evaluated, reference, table):
    rows = [
        {
            "instruction": f"Say something about topic {n}.",
            "output": "" if n % 2 else "An answer." + " Better." * (n % 3),
        }
        for n in range(30)
    ]
    found = evaluated("rubbish_judge", writer=None, model=str(table(rows, "model.jsonl")))
    assert found.parts["answer"].raw["value"] == 0.25
    assert (found.parts["answer"].empty, found.unreadable) == (15, {})


def test_histories_and_systems_are_part_of_the_instruction(evaluated, table):
    turns = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]
    rows = [
        {"instruction": "Go on.", "history": turns, "output": "No."},
        {"instruction": "Go on.", "history": [], "output": "No.", "system": "Be kind."},
        {"instruction": "Go on.", "history": [], "output": "No."},
    ]
    path = table(rows, "chats.jsonl")
    found = evaluated(instructions=path, reference=str(path))
    assert (found.instructions.count, found.parts["draft"].judged) == (3, 3)


def test_criteria_reach_the_judge(evaluated, table, monkeypatch):
    from tests import scripts

    seen = []

    def watched(messages, seed):
        seen.append(messages[-1]["content"])
        return good(messages, seed)

    good = scripts.pair_judge
    monkeypatch.setattr(scripts, "pair_judge", watched)
    rows = [{"instruction": "Sing.", "output": "La la.", "criteria": "It has to rhyme."}]
    path = table(rows, "criteria.jsonl")
    evaluated(instructions=path, reference=str(path))
    assert len(seen) == 4
    assert all("### Criteria" in text and "It has to rhyme." in text for text in seen)


def test_an_instruction_that_comes_twice_counts_once(evaluated, table):
    path = table([{"instruction": "Sing.", "output": "La."}] * 3, "twice.jsonl")
    assert evaluated(instructions=path, reference=str(path)).instructions.count == 1


def test_answers_are_written_for_other_harnesses(evaluated, tmp_path):
    evaluated(answers_out=tmp_path / "answers.json")
    for name, generator in (("answers", "scripted"), ("answers-draft", "scripted (draft)")):
        rows = json.loads((tmp_path / f"{name}.json").read_text())
        assert len(rows) == 30
        assert set(rows[0]) == {"dataset", "instruction", "output", "generator"}
        assert rows[0]["generator"] == generator
    assert rows[0]["output"].startswith("An answer")


def test_a_critique_that_cannot_be_read_leaves_the_draft(evaluated, model, tmp_path, reference):
    found = evaluated(writer=None, model=model("draft"))
    assert found.difference.raw["value"] == 0
    assert any("the draft stands for the refinement" in note for note in found.notes)


def test_a_complete_evaluation_asks_nothing_again(evaluated, monkeypatch):
    first = evaluated()
    monkeypatch.setattr("tests.scripts.pair_judge", None)
    monkeypatch.setattr("tests.scripts.trained", None)
    assert evaluated().parts == first.parts


def test_another_evaluation_is_not_written_over(evaluated):
    evaluated()
    with pytest.raises(BadInput, match="holds another evaluation"):
        evaluated(limit=3)


def test_a_reference_without_some_answers(evaluated, table):
    path = table([{"instruction": "Say something about topic 0.", "output": "x"}], "few.jsonl")
    with pytest.raises(BadInput, match="no answer to 29 of 30 instructions, “Say something about"):
        evaluated(reference=str(path))


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"instructions": None}, "--instructions: name the file"),
        ({"reference": "no/such/model"}, "no/such/model: no such model"),
        ({"reference": "stored"}, "stored: no such model"),
        ({"reference": "stored:gpt"}, "stored:gpt: no such model"),
    ],
)
def test_what_is_refused_before_anything_is_sent(evaluated, tmp_path, change, problem):
    with pytest.raises(BadInput, match=problem):
        evaluated(**change)
    assert not (tmp_path / "out").exists()


def test_the_checker_knows_verifiable_problems_only(model, tmp_path, instructions, reference):
    request = EvaluationRequest(model("draft"), reference, "verifiable", instructions)
    with pytest.raises(BadInput, match="verifiable problems only"):
        run_evaluation(request, tmp_path / "out")


def test_an_endpoint_that_fails_stops_and_the_same_call_continues(evaluated, monkeypatch):
    from tests import scripts

    good = scripts.pair_judge
    monkeypatch.setattr(scripts, "pair_judge", scripts.failing)
    with pytest.raises(RunFailed, match="got no answer"):
        evaluated()
    monkeypatch.setattr(scripts, "pair_judge", good)
    assert evaluated().parts["draft"].judged == 30


def test_killed_in_the_middle(tmp_path, model, instructions, reference, monkeypatch):
    command = [
        *(sys.executable, "-m", "pipelines", "evaluate", model("trained", trained=True)),
        *("--instructions", str(instructions), "--reference", reference),
        *("--judge", str(tmp_path / "judge.yaml"), "--out", str(tmp_path / "out")),
        *("--store", str(tmp_path / "store.sqlite"), "--json"),
    ]
    block = {"kind": "scripted", "model": "judge"}
    for script, status in (("pair_judge_killed_after_50", -9), ("pair_judge", 0)):
        block["script"] = f"tests.scripts:{script}"
        (tmp_path / "judge.yaml").write_text(json.dumps(block))
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        assert done.returncode == status, done.stderr
    assert len(list((tmp_path / "out" / "replies").glob("part-*"))) == 4
    facts = json.loads(done.stdout)
    assert facts["parts"]["refinement"]["raw"]["value"] == pytest.approx(0.5)


def test_the_estimate_is_what_is_sent(model, instructions, reference):
    request = EvaluationRequest(
        model("trained", trained=True), reference, model("pair_judge"), instructions
    )
    steps, _ = estimate_evaluation(request)
    assert [(step.step, step.calls) for step in steps] == [
        ("model: draft", 30),
        ("model: critique", 30),
        ("judge", 120),
    ]
    assert all(step.tokens_in > 0 for step in steps)
