"""The tables of the loop: audits, and win rates."""

import json

import pytest

from bench.loop import audit_table, win_rate_table
from builders.audit.freeze import freeze_file
from builders.evaluation.existing import evaluate_files
from pipelines.audit.run import AuditRequest, run_audit
from tests.builders.evaluation.planted import annotations


@pytest.fixture
def audits(tmp_path):
    """Two audits of eight pairs that the checker judged; the second judge cannot be read."""
    ids = [f"pair-{number}" for number in range(8)]
    pairs = [
        {
            "id": one,
            "instruction": f"What is {number} times {number + 90}?",
            "answer_a": "I do not know.",
            "answer_b": f"{number * (number + 90)}",
            "choices": {"checker": "b"},
        }
        for number, one in enumerate(ids)
    ]
    (tmp_path / "pairs.jsonl").write_text("\n".join(map(json.dumps, pairs)))
    folder = freeze_file(tmp_path / "pairs.jsonl", tmp_path / "set", license="mit").folder
    for name, scores in {"base": (3, 9), "stage1": (None, None)}.items():
        rows = [{"id": one, "score_a": scores[0], "score_b": scores[1]} for one in ids]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    base = run_audit(AuditRequest(str(tmp_path / "base.jsonl"), folder))
    stage1 = run_audit(AuditRequest(str(tmp_path / "stage1.jsonl"), folder, str(base[0])))
    return {"base": base[1].model_dump(mode="json"), "stage 1": stage1[1].model_dump(mode="json")}


def test_the_table_names_the_checker_and_says_what_would_decide(audits):
    table = audit_table(audits)
    assert "| | agreement with the checker | replies with a score |" in table
    assert "| base | 100.0% (68%–100%) | 16 of 16 |" in table
    assert "| stage 1 | 50.0% (" in table
    assert "| 0 of 16 |" in table
    assert "| rule: the longer answer | 0.0% (0%–32%) | – |" in table
    assert (
        "- stage1 against base (the model it is compared with): fell. stage1 agrees with" in table
    )
    assert "the checker 50.0 points less often than base" in table
    assert "people" not in table


def test_win_rates_of_both_judges_are_in_one_table(tmp_path):
    after = annotations(tmp_path / "after.json", preference=2)
    before = annotations(tmp_path / "before.json")
    found = evaluate_files(after, tmp_path / "out", draft_annotations=before)
    facts = found.model_dump(mode="json")
    lines = win_rate_table({"the checker": facts, "stage 1": facts}).splitlines()
    assert len(lines) == 6
    assert lines[2].startswith("| the checker | raw | ")
    assert lines[5].startswith("| stage 1 | at equal length | ")
    assert len({line.count("|") for line in lines}) == 1
