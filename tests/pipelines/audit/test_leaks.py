"""Pairs that a checkpoint was trained on are found, left out and counted."""

import json
from pathlib import Path

import pytest

from builders.audit.freeze import freeze_file
from builders.audit.frozen import open_set
from builders.audit.judge import Judge, JudgeFacts
from builders.audit.measure import Leaks, Panel, measure
from builders.errors import BadInput
from builders.gate.checks.audits import CheckedAudit, audit_checks
from builders.settings import GateSettings
from cards.audit_plot import plot_audit
from cards.audit_report import render_audit_report
from pipelines.audit.judges import AskedModel, judge_of
from pipelines.audit.leaks import leaks_of, own_names
from tests.builders.release.releases import ids, release_of
from tests.ledger_rows import kept_rows

ROWS = list(kept_rows(30))


@pytest.fixture
def release(tmp_path):
    return release_of(tmp_path, ROWS)


def checkpoint(folder: Path, release: Path, base: str = "SmolLM2", started_at=None):
    """The files of a checkpoint that say what it was trained on; it has no weights."""
    folder.mkdir(parents=True)
    facts = {
        "name": folder.name,
        "stage": 1,
        "release": {"name": "tiny", "version": "1.0.0"},
        "base_model": {"name": Path(base).name, "on_hub": False},
    }
    if started_at is not None:
        facts["trained"] = {"started_at": started_at, "ended_at": None}
    (folder / "training.json").write_text(json.dumps(facts))
    recipe = {"release": str(release), "model_name_or_path": base}
    (folder / "recipe.yaml").write_text(json.dumps(recipe))
    (folder / "config.json").write_text("{}")
    return folder


def frozen_of(tmp_path, instructions):
    lines = [
        json.dumps(
            {"id": str(n), "instruction": text, "answer_a": "x", "answer_b": "y", "better": "a"}
        )
        for n, text in enumerate(instructions)
    ]
    (tmp_path / "pairs.jsonl").write_text("\n".join(lines))
    return freeze_file(tmp_path / "pairs.jsonl", tmp_path / "set", license="mit")


def instructions_of(release, split):
    names = set(ids(release, "feedback", split))
    return [row["instruction"] for row in ROWS if row["id"] in names]


def test_what_a_checkpoint_was_trained_on_is_left_out(tmp_path, release):
    trained, held_out = (instructions_of(release, split) for split in ("train", "test"))
    new = "How do you tie a bowline with one hand while standing in a small boat?"
    frozen = frozen_of(tmp_path, [trained[0], f"{trained[1].upper()}!", held_out[0], new])
    model = judge_of(str(checkpoint(tmp_path / "stage1", release)), frozen)
    assert isinstance(model, AskedModel)
    assert model.trained
    leaks = leaks_of([model], frozen)
    assert {"0"} <= leaks.ids <= {"0", "1"}
    assert "tiny 1.0.0, which has" in leaks.sentence


@pytest.mark.parametrize(
    ("started_at", "says"),
    [
        ("2020-01-01T00:00:00+00:00", "the set was frozen after that training had begun"),
        ("2020-01-01T00:00:00", "the set was frozen after that training had begun"),
        ("2099-01-01T02:00:00+02:00", None),
        (None, "whether the set was frozen before that training is not known"),
        ("last week", "whether the set was frozen before that training is not known"),
        (20200101, "whether the set was frozen before that training is not known"),
    ],
)
def test_the_times_in_the_files_say_what_came_first(tmp_path, release, started_at, says):
    frozen = frozen_of(tmp_path, ["Anything at all?"])
    model = judge_of(str(checkpoint(tmp_path / "stage1", release, started_at=started_at)), frozen)
    sentence = leaks_of([model], frozen).sentence
    assert ("frozen" in sentence) == (says is not None)
    assert says is None or says in sentence


def test_a_base_that_was_trained_before_the_set_was_frozen(tmp_path, release):
    frozen = frozen_of(tmp_path, ["Anything at all?"])
    base = checkpoint(tmp_path / "stage1", release, started_at="2020-01-01T00:00:00+00:00")
    other = release_of(tmp_path / "other", ROWS[20:], version="1.0.0")
    late = "2099-01-01T00:00:00+00:00"
    model = judge_of(
        str(checkpoint(tmp_path / "stage2", other, str(base), started_at=late)), frozen
    )
    assert "frozen after that training had begun" in leaks_of([model], frozen).sentence


def test_a_model_block_of_a_checkpoint_is_the_checkpoint(tmp_path, release):
    frozen = frozen_of(tmp_path, instructions_of(release, "train")[:1])
    folder = checkpoint(tmp_path / "stage1", release)
    block = tmp_path / "model.yaml"
    block.write_text(json.dumps({"kind": "transformers", "model": str(folder)}))
    model = judge_of(str(block), frozen)
    assert (model.trained, model.folder) == (True, folder)
    assert leaks_of([model], frozen).ids == {"0"}


def test_training_facts_that_are_none(tmp_path, release):
    frozen = frozen_of(tmp_path, ["Anything at all?"])
    folder = checkpoint(tmp_path / "stage1", release)
    for content in ("{}", "[]", "[", "null"):
        (folder / "training.json").write_text(content)
        with pytest.raises(BadInput, match=r"training\.json: "):
            leaks_of([judge_of(str(folder), frozen)], frozen)


def test_what_its_base_was_trained_on_counts_too(tmp_path, release):
    frozen = frozen_of(tmp_path, instructions_of(release, "train")[:1])
    other = release_of(tmp_path / "other", ROWS[20:], version="1.0.0")
    base = checkpoint(tmp_path / "stage1", release)
    model = judge_of(str(checkpoint(tmp_path / "stage2", other, str(base))), frozen)
    assert leaks_of([model], frozen).ids == {"0"}
    assert {"stage1", "stage2", "SmolLM2"} <= own_names(model)


def test_a_release_that_is_gone_is_said_to_be(tmp_path, release):
    frozen = frozen_of(tmp_path, ["Anything at all?"])
    model = judge_of(str(checkpoint(tmp_path / "stage1", tmp_path / "gone")), frozen)
    assert "cannot be read here" in leaks_of([model], frozen).sentence


def test_a_set_without_leaks(tmp_path, release):
    frozen = frozen_of(tmp_path, ["Anything at all?"])
    model = judge_of(str(checkpoint(tmp_path / "stage1", release)), frozen)
    leaks = leaks_of([model], frozen)
    assert not leaks.ids
    assert "has none of these instructions" in leaks.sentence
    assert open_set(frozen.folder).digest == frozen.digest


def test_a_model_that_was_trained_on_all_pairs(tmp_path):
    frozen = frozen_of(tmp_path, ["One?", "Two?"])
    scores = {pair["id"]: (5.0, 7.0) for pair in frozen.pairs}
    panel = Panel(
        Judge(JudgeFacts(name="new", kind="file"), scores),
        [("against", Judge(JudgeFacts(name="old", kind="file"), scores))],
    )
    audit, judgments = measure(
        frozen,
        frozen.pairs,
        panel,
        leaks=Leaks(frozenset(scores), "new was trained on all of it."),
        look=1,
        made_at=frozen.facts.frozen_at,
    )
    assert (audit.pairs.leaked, audit.pairs.audited) == (2, 0)
    assert all(row["leaked"] for row in judgments)
    facts = audit.model_dump(mode="json")
    plot_audit(facts, tmp_path / "audit.png")
    report = render_audit_report(facts, "audit.png")
    assert "inconclusive, because nobody decided any pair" in report
    assert "2 of 2 pairs were left out as trained on" in report
    checked = CheckedAudit(audit, judgments, kept_out=True)
    checks = {one.name: one.status for one in audit_checks([checked], GateSettings())}
    assert checks["audit-set"] == "fail"
