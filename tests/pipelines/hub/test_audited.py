"""A checkpoint's audit: on its card, checked before it is published, and only its own."""

import json

import pytest

from builders.audit.freeze import freeze_file
from builders.audit.judge import JudgeFacts, judge_of_file
from builders.audit.measure import Leaks, Panel, measure
from builders.audit.result import write_audit
from builders.errors import BadInput, GateRefused
from builders.evaluation.result import Benchmark
from builders.files.hashes import sha256_of_file
from pipelines.cli.publish import _check_audit
from pipelines.hub.audited import attach_audit, check_checkpoint
from pipelines.hub.checkpoint_card import attach_evaluation
from pipelines.hub.package import published_files, read_package
from tests.builders.evaluation.planted import evaluated
from tests.cards.test_model_card import FACTS


@pytest.fixture
def checkpoint(tmp_path):
    folder = tmp_path / "stage2"
    folder.mkdir()
    (folder / "training.json").write_text(json.dumps(FACTS))
    (folder / "README.md").write_text("# the card of training")
    return folder


@pytest.fixture
def audit(tmp_path, checkpoint):
    """A function that writes an audit of the checkpoint, which is wrong in `wrong` of 300 pairs."""
    lines = [
        json.dumps(
            {"id": str(n), "instruction": f"{n}?", "answer_a": "x", "answer_b": "y", "better": "b"}
        )
        for n in range(300)
    ]
    (tmp_path / "pairs.jsonl").write_text("\n".join(lines))
    frozen = freeze_file(tmp_path / "pairs.jsonl", tmp_path / "set", license="mit")

    def judge(name, wrong, weights):
        rows = [{"id": str(n), "score_a": 5, "score_b": 7 if n >= wrong else 3} for n in range(300)]
        path = tmp_path / f"{name}.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        found = judge_of_file(path, frozen)
        facts = JudgeFacts(name=name, kind="transformers", weights=weights)
        return type(found)(facts, found.scores)

    def made(wrong, weights=None):
        own = weights or sha256_of_file(checkpoint / "training.json")
        panel = Panel(judge("stage2", wrong, own), [("against", judge("stage1", 30, "stage1"))])
        facts, judgments = measure(
            frozen,
            frozen.pairs,
            panel,
            leaks=Leaks(frozenset(), "stage2 was trained on pairs 1.0.0, which has none of these."),
            look=1,
            made_at=frozen.facts.frozen_at,
        )
        folder = tmp_path / f"audit-{wrong}"
        folder.mkdir()
        write_audit(folder, facts, judgments)
        return folder

    return made


def test_the_card_shows_the_audit(checkpoint, audit):
    folder = audit(30)
    checks = check_checkpoint(checkpoint, folder)
    assert {one.name: one.status for one in checks}["audit-fall"] == "pass"
    attach_audit(checkpoint, folder)
    card = (checkpoint / "README.md").read_text()
    assert "## Does its judgment hold?" in card
    assert "stage2 against stage1 (the model it is compared with): not worse" in card
    files = read_package(checkpoint, "v1.0.0").files
    assert {"audit/audit.json", "audit/judgments.parquet", "assets/audit.png"} <= files.keys()
    # From now on the checkpoint's own copy is checked.
    assert check_checkpoint(checkpoint) == checks


def test_a_fall_is_refused_unless_it_is_allowed(checkpoint, audit):
    folder = audit(80)
    with pytest.raises(GateRefused, match="the gate refuses this checkpoint: audit-fall: stage2"):
        _check_audit(checkpoint, folder, {}, quiet=True)
    assert (checkpoint / "README.md").read_text() == "# the card of training"
    _check_audit(checkpoint, folder, {"audit-fall": "it is a toy"}, quiet=True)
    assert "16.7 points less often than stage1" in (checkpoint / "README.md").read_text()


def test_an_audit_of_another_model(checkpoint, audit):
    with pytest.raises(BadInput, match="an audit of stage2, not of"):
        check_checkpoint(checkpoint, audit(30, weights="0" * 64))


def test_a_checkpoint_that_was_not_audited(checkpoint, capsys):
    _check_audit(checkpoint, None, {}, quiet=False)
    assert "its judgment was not audited" in capsys.readouterr().err


def test_checks_of_releases_are_not_a_checkpoints(checkpoint, audit, tmp_path):
    with pytest.raises(BadInput, match="a checkpoint has the checks audit-fall"):
        check_checkpoint(checkpoint, audit(30), allowed={"secrets": "why not"})
    with pytest.raises(BadInput, match="is no checkpoint"):
        _check_audit(tmp_path, tmp_path, {}, quiet=True)


def test_the_card_shows_audit_and_win_rates_in_either_order(checkpoint, audit, tmp_path):
    weights = sha256_of_file(checkpoint / "training.json")
    benchmark = Benchmark(dataset="org/bench", task="easy/first")
    attach_evaluation(checkpoint, evaluated(tmp_path / "evaluation", benchmark, weights=weights))
    attach_audit(checkpoint, audit(0))
    text = (checkpoint / "README.md").read_text()
    assert "## Does its judgment hold?" in text
    assert "## Win rates" in text
    assert (checkpoint / "assets/evaluate.png").stat().st_size > 10_000
    published = published_files(checkpoint)
    assert ".eval_results/easy-first.yaml" in published
    assert "evaluation/evaluate.json" in published


def test_an_evaluation_of_another_model(checkpoint, tmp_path):
    with pytest.raises(BadInput, match="as it is now"):
        attach_evaluation(checkpoint, evaluated(tmp_path / "evaluation", weights="0" * 64))
    assert not (checkpoint / "evaluation").exists()
