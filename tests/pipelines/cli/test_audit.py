"""What `srt audit` prints, and what it refuses."""

import json

import pytest

from builders.audit.frozen import open_set
from builders.errors import BadInput
from pipelines.cli.audit import freeze, print_audits, run, show

PAIR = {"instruction": "Why?", "answer_a": "So.", "answer_b": "Because.", "better": "b"}


@pytest.fixture
def pairs(tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    path = tmp_path / "pairs.jsonl"
    rows = [PAIR, {**PAIR, "answer_a": "Therefore."}, {**PAIR, "answer_b": ""}]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_freeze_says_what_is_in_the_set(tmp_path, pairs, capsys):
    freeze(pairs=pairs, out=tmp_path / "set", license="mit")
    printed = capsys.readouterr().out
    assert "2 pairs on 1 instruction, judged by 1 person (2 choices, 0 of them ties)" in printed
    assert "1  left out: empty_answer (an answer is empty)" in printed
    assert f"`reserve: [{tmp_path / 'set'}]`" in printed


def test_freeze_as_json(tmp_path, pairs, capsys):
    freeze(pairs=pairs, out=tmp_path / "set", as_json=True)
    facts = json.loads(capsys.readouterr().out)
    assert (facts["counts"]["pairs"], facts["license"]) == (2, "unknown")
    assert len(facts["digest"]) == 64


def test_freeze_takes_one_source(tmp_path, pairs):
    with pytest.raises(BadInput, match="either a SOURCE or --pairs"):
        freeze(out=tmp_path / "set")
    with pytest.raises(BadInput, match="either a SOURCE or --pairs"):
        freeze(tmp_path, pairs=pairs, out=tmp_path / "set")
    with pytest.raises(BadInput, match="--format: 'csv' is not one of pairs, hh, auto"):
        freeze(pairs=pairs, form="csv", out=tmp_path / "set")


@pytest.fixture
def frozen(tmp_path, pairs):
    freeze(pairs=pairs, out=tmp_path / "set", license="mit")
    rows = _ids(tmp_path / "set")
    for name, scores in (("good", (1, 2)), ("bad", (2, 1))):
        lines = [{"id": row, "score_a": scores[0], "score_b": scores[1]} for row in rows]
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return tmp_path / "set"


def _ids(folder):
    return [pair["id"] for pair in open_set(folder).pairs]


def test_run_prints_the_table_and_the_verdict(tmp_path, frozen, capsys):
    capsys.readouterr()
    run(
        str(tmp_path / "bad.jsonl"),
        frozen,
        against=str(tmp_path / "good.jsonl"),
        store=tmp_path / "store.sqlite",
    )
    printed = capsys.readouterr().out
    assert "0.0%" in printed
    assert "bad against good (the model it is compared with): inconclusive." in printed
    assert "bad agrees with people 100.0 points less often than good" in printed
    assert f"audit: {frozen / 'audits/bad'}" in printed


def test_show_lists_the_audits_of_a_set(tmp_path, frozen, capsys):
    for number in range(10):
        run(
            str(tmp_path / "good.jsonl"),
            frozen,
            out=frozen / f"audits/{number}",
            store=tmp_path / "store.sqlite",
        )
    capsys.readouterr()
    show(frozen)
    printed = capsys.readouterr().out
    assert "look 10  good  100.0%" in printed
    assert "10 looks: whoever chooses a model by this set now trains on it" in printed
    show(frozen, as_json=True)
    assert len(json.loads(capsys.readouterr().out)["audits"]) == 10
    show(frozen / "audits/3")
    assert "100.0%" in capsys.readouterr().out
    eleventh = frozen / "audits/eleventh"
    run(str(tmp_path / "bad.jsonl"), frozen, out=eleventh, store=tmp_path / "store.sqlite")
    assert "This is look 11 at the set" in (eleventh / "audit.md").read_text()


def test_run_as_json(tmp_path, frozen, capsys):
    capsys.readouterr()
    run(str(tmp_path / "good.jsonl"), frozen, store=tmp_path / "store.sqlite", as_json=True)
    facts = json.loads(capsys.readouterr().out)
    assert (facts["audit"], facts["look"]) == (str(frozen / "audits/good"), 1)


def test_estimate_of_scores_on_file(tmp_path, frozen, capsys):
    capsys.readouterr()
    run(str(tmp_path / "good.jsonl"), frozen, estimate=True, as_json=True)
    assert json.loads(capsys.readouterr().out)["judges"] == []


def test_audits_are_printed_with_the_number_of_pairs_that_would_decide(tmp_path, frozen, capsys):
    store = tmp_path / "store.sqlite"
    run(str(tmp_path / "good.jsonl"), frozen, store=store)
    run(str(tmp_path / "bad.jsonl"), frozen, against=str(frozen / "audits/good"), store=store)
    capsys.readouterr()
    print_audits(frozen)
    printed = " ".join(capsys.readouterr().out.split())
    assert "look 1 good 100.0%" in printed
    assert "bad agrees with people 100.0 points less often than good" in printed
    assert "pairs would decide" in printed
    for name in ("good", "bad"):
        assert str(frozen / "audits" / name / "audit.md") in printed
