"""The loop's frozen set and its audits: what is made, in which order, and that it is made once."""

import signal
from pathlib import Path

import pytest
import typer
import yaml

from builders.audit.frozen import open_set
from builders.audit.result import read_audit
from builders.errors import BadInput
from builders.ledger.rows import ledger_rows
from builders.ledger.run import Run
from pipelines.cli import app
from pipelines.cli.audit import print_audits
from pipelines.cli.build import stop_on_interrupt
from pipelines.cli.loop import Loop, ensure_audit, ensure_run, in_this_process

ROOT = Path(__file__).parents[3]
# Only what the embedded model would draft is scripted: these are never the right answers.
DRAFTS = {"drafts": "{kind: scripted, script: 'tests.scripts:draft'}"}


@pytest.fixture
def loop(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("SRT_STORE", str(tmp_path / "answers.sqlite"))
    monkeypatch.setenv("COLUMNS", "300")
    return Loop(
        tmp_path / "loop",
        stage1={"instructions.verifiable": 6, **DRAFTS},
        audited={"instructions.verifiable": 3, **DRAFTS},
        audit_tokens=8,
    )


@pytest.mark.xdist_group("embedded")
def test_the_set_is_frozen_and_reserved_before_anything_is_built(loop, capfd):
    said = []
    ensure_audit(loop, 0, said.append)
    ensure_run(loop, 1, said.append)
    assert [command.split()[1:3] for command in said] == [
        ["build", "stage1"],
        ["audit", "freeze"],
        ["audit", "run"],
        ["build", "stage1"],
    ]
    frozen = open_set(loop.audit_set)
    assert (frozen.facts.judged_by, frozen.facts.counts.pairs) == ("checker", 3)
    recipe = yaml.safe_load((loop.run(1) / "recipe.yaml").read_text())
    assert recipe["reserve"] == [str(loop.audit_set.resolve())]
    trained = {row["task"] for row in ledger_rows(loop.run(1), ["task"])}
    assert not trained & {pair["task"] for pair in frozen.pairs}
    assert not Run(loop.run(1)).read_manifest().funnel.dropped.get("reserved_for_audit")

    audit = read_audit(loop.audit(0))
    assert audit.model.sampling["max_new_tokens"] == 8
    # Nobody can write a critique in eight tokens.
    assert audit.pairs.unreadable_share == 1
    report = (loop.audit(0) / "audit.md").read_text()
    assert "agree with the checker?" in report
    assert report.count("people") == report.count("stands for people")
    print_audits(loop.audit_set)
    printed = capfd.readouterr().out
    assert "3 pairs on 3 instructions, judged by the checker" in printed
    assert "SmolLM2-135M-Instruct  50.0% (" in printed
    assert str(loop.audit(0) / "audit.md") in printed

    said.clear()
    ensure_audit(loop, 0, said.append)
    ensure_run(loop, 1, said.append)
    assert said == []


def test_without_problems_to_audit_nothing_is_audited(tmp_path):
    said = []
    ensure_audit(Loop(tmp_path), 0, said.append)
    assert said == []


def test_a_command_in_this_process_writes_no_results_and_fails_with_its_own_error(tmp_path, capfd):
    run = in_this_process(app)
    run(["recipe", "stage1-embedded"])
    printed = capfd.readouterr()
    assert not printed.out
    assert "name: stage1-embedded" in printed.err
    with pytest.raises(BadInput, match="not a run"):
        run(["status", str(tmp_path)])


def test_ctrl_c_in_a_command_in_this_process_stops_the_caller():
    interrupted = typer.Typer()

    @interrupted.command()
    def at_once() -> None:
        raise KeyboardInterrupt

    @interrupted.command()
    def in_the_last_batch() -> None:
        with stop_on_interrupt() as stop:
            signal.raise_signal(signal.SIGINT)
            assert stop.is_set()

    @interrupted.command()
    def never() -> None: ...

    run = in_this_process(interrupted)
    for command in ("at-once", "in-the-last-batch"):
        with pytest.raises(KeyboardInterrupt):
            run([command])
    run(["never"])


def test_an_audit_by_expected_scores_asks_for_no_reply(tmp_path):
    commands = []
    loop = Loop(
        tmp_path,
        audited={"instructions.verifiable": 3},
        audit_scores="expected",
        show=2,
        run_srt=commands.append,
    )
    ensure_audit(loop, 1, lambda _: None)
    build, freeze, audit = map(list, commands)
    assert build[-2:] == ["--show", "2"]
    assert freeze[:2] == ["audit", "freeze"]
    assert audit[:3] == ["audit", "run", str(loop.checkpoint(1))]
    assert audit[audit.index("--against") + 1] == str(loop.audit(0))
    assert audit[-2:] == ["--scores", "expected"]
    assert "--max-new-tokens" not in audit
