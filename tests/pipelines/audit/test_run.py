"""Audits from end to end: scripted judges, endpoints, scores on file, and what goes wrong."""

import json
import subprocess
import sys

import pytest

from builders.audit.freeze import freeze, freeze_file
from builders.audit.measure import recompute
from builders.audit.result import audits_of, read_audit, read_judgments, write_audit
from builders.errors import BadInput, RunFailed
from builders.files.lock import locked
from pipelines.asking.session import Session
from pipelines.audit.ask import judge_of_answers, questions, scores_asked
from pipelines.audit.estimate import estimate_audit
from pipelines.audit.judges import AskedModel
from pipelines.audit.run import AuditRequest, run_audit
from pipelines.llms.store import CompletionStore
from pipelines.recipe.execution import ExecutionSettings
from pipelines.recipe.models import ScriptedModel
from tests.ledger_rows import kept_rows, make_run
from tests.openai_server import OpenAIServer, status
from tests.review_folders import make_review
from tests.scripts import judge as judge_reply
from tests.shared_data import csv_rows, json_rows, needs
from tests.verdict_rows import verdict_rows


def audited(model, folder, **options):
    return run_audit(AuditRequest(model, folder, **options))[1]


def test_a_judge_who_is_always_right(make_set, model):
    folder = make_set()
    audit = audited(model("judge"), folder, repeat=2)
    assert audit.agreement["raw"]["value"] == 1
    assert (audit.pairs.audited, audit.pairs.decided, audit.pairs.answers) == (40, 40, 80)
    assert audit.calibration["discrimination"] == 0.25
    assert audit.flips == {"pairs": 40, "verdicts": 0.0, "scores": 0.0}
    assert audit.people["value"] == 1
    assert audit.look == 1
    assert "is not known" in audit.pairs.contamination
    report = (folder / "audits/scripted/audit.md").read_text()
    assert "# Does the judgment of scripted agree with people?" in report
    assert (folder / "audits/scripted/assets/audit.png").stat().st_size > 5_000


@pytest.mark.parametrize("trained", [False, True])
def test_a_judge_sees_the_criteria_of_a_pair(tmp_path, trained):
    pairs = [
        {"instruction": "Name a lake.", "answer_a": "Geneva", "answer_b": "No.", "better": "a"},
        {"instruction": "Name a sea.", "answer_a": "Baltic", "answer_b": "No.", "better": "a"},
    ]
    pairs[0]["criteria"] = "It is short."
    (tmp_path / "pairs.jsonl").write_text("".join(json.dumps(pair) + "\n" for pair in pairs))
    frozen = freeze_file(tmp_path / "pairs.jsonl", tmp_path / "set", license="mit")
    assert [pair["criteria"] for pair in frozen.pairs] == ["It is short.", None]
    asked = AskedModel(
        ScriptedModel(kind="scripted", script="tests.scripts:rubric_critic"), trained
    )
    asking = scores_asked(asked, questions(frozen.pairs, 1), tmp_path / "parts")
    Session({"model": asking}, ExecutionSettings(), tmp_path).ask()
    judge = judge_of_answers(asked, asking.answers())
    scores = [judge.scores[pair["id"]] for pair in frozen.pairs]
    assert scores == [(3 + len("It is short.") % 7,) * 2, (1, 1)]


def test_a_model_that_became_worse(make_set, model):
    audit = audited(model("coin_judge"), make_set(200), against=model("judge"))
    (found,) = audit.comparisons
    assert (found.role, found.figures["verdict"]) == ("against", "fell")
    assert found.agreement["value"] == 1
    assert found.same_instrument


def test_the_first_audit_of_a_set_is_compared_with_too(make_set, model):
    folder = make_set(200)
    run_audit(AuditRequest(model("judge", model="first"), folder))
    run_audit(AuditRequest(model("noisy_judge", model="second"), folder))
    last = audited(
        model("coin_judge", model="third"), folder, against=str(folder / "audits/second")
    )
    assert [one.role for one in last.comparisons] == ["against", "first audit"]
    assert [one.judge.name for one in last.comparisons] == ["second", "first"]
    assert [audit.look for _, audit in audits_of(folder)] == [1, 2, 3]


def test_other_sampling_is_another_instrument(make_set, model):
    audit = audited(model("judge"), make_set(), against=model("judge", temperature=0.7))
    assert not audit.comparisons[0].same_instrument


def test_a_trained_checkpoint_is_asked_in_the_words_of_its_training(make_set, model, monkeypatch):
    asked = []

    def listening(messages, seed):
        asked.append(messages)
        return judge_reply(messages, seed)

    monkeypatch.setattr("tests.scripts.judge", listening)
    folder = make_set(3)
    audited(model("judge", trained=True), folder)
    assert {len(messages) for messages in asked} == {3}
    assert all(messages[-1]["content"].startswith("Critique your last") for messages in asked)
    asked.clear()
    run_audit(AuditRequest(model("judge"), folder), folder / "audits/other")
    assert {len(messages) for messages in asked} == {1}


def test_the_scores_on_file_need_no_model(make_set):
    audit = audited("stored", make_set())
    assert (audit.model.kind, audit.cost) == ("stored", {})
    # The stored scores prefer B in every pair.
    assert audit.agreement["balanced"]["longer"] is not None
    assert audit.agreement["ties"] == 0


def test_a_planted_taste_is_found_beside_a_control_judge(make_set, tmp_path):
    folder = make_set(600)
    pairs = {row["id"]: row for row in _pairs(folder)}

    def scores(name, favor):
        lines = []
        for number, (pair, row) in enumerate(sorted(pairs.items())):
            better_b = row["choices"][0]["better"] == "b"
            says_b = better_b != (number % 10 < 2) or number % 10 in favor
            lines.append({"id": pair, "score_a": 5, "score_b": 6 if says_b else 4})
        path = tmp_path / f"{name}.jsonl"
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        return str(path)

    # The writer of B is `scripted`; a file's judge writes under the file's name.
    biased, fair = scores("scripted", (2, 3)), scores("fair", ())
    audit = audited(biased, folder, judges=[fair])
    assert audit.bias["own text"]["found"] is True
    assert 0.1 < audit.bias["own text"]["beside_controls"]["value"] < 0.4
    report = (folder / "audits/scripted/audit.md").read_text()
    assert "a taste of its own" in report
    alone, _ = run_audit(AuditRequest(biased, folder), folder / "audits/alone")
    assert "other judges were not asked; this may be quality" in (alone / "audit.md").read_text()


def _pairs(folder):
    from builders.audit.frozen import open_set

    return open_set(folder).pairs


def test_rubbish_counts_half_and_is_counted(make_set, model):
    audit = audited(model("rubbish_judge"), make_set())
    assert audit.agreement["raw"]["value"] == 0.5
    assert audit.pairs.unreadable_share == 1
    assert audit.pairs.unreadable == {"score_missing": 80}
    assert audit.calibration["pairs"] == 0


@pytest.mark.parametrize(
    ("pairs", "change"),
    [
        (3, lambda row, n: row),
        (30, lambda row, n: {**row, "choices": dict.fromkeys(("ada", "ben"), "tie")}),
        (30, lambda row, n: {**row, "choices": {"ada": "a"}}),
    ],
    ids=["three pairs", "all ties", "one annotator"],
)
def test_sets_that_say_little(make_set, model, pairs, change):
    folder = make_set(pairs, change=change)
    audit = audited(model("coin_judge"), folder, against=model("judge"))
    report = (folder / "audits/scripted/audit.md").read_text()
    if pairs == 3:
        assert audit.comparisons[0].figures["verdict"] == "inconclusive"
    elif audit.set.people == 2:
        assert (audit.pairs.decided, audit.comparisons[0].figures["pairs"]) == (0, 0)
        assert audit.comparisons[0].figures["verdict"] == "inconclusive"
    else:
        assert "One person judged" in report
        assert audit.people["value"] is None


def test_a_limit_takes_the_same_pairs_each_time(make_set, model):
    folder = make_set()
    _, few = run_audit(AuditRequest(model("judge"), folder, limit=10), folder / "audits/few")
    run_audit(AuditRequest(model("judge"), folder, limit=10), folder / "audits/again")
    assert few.pairs.audited == 10
    ids = [
        {row["id"] for row in read_judgments(folder / "audits" / name)} for name in ("few", "again")
    ]
    assert ids[0] == ids[1]


def test_an_earlier_audit_of_fewer_pairs_is_compared_on_those(make_set, model):
    folder = make_set()
    few, _ = run_audit(
        AuditRequest(model("judge", model="few"), folder, limit=10), folder / "audits/few"
    )
    place, audit = run_audit(AuditRequest(model("judge"), folder, against=str(few)))
    (found,) = audit.comparisons
    assert (found.figures["pairs"], found.figures["difference"]) == (10, 0)
    assert found.agreement["value"] == 1
    again = recompute(read_judgments(place), audit.settings)
    assert again.comparisons == {"against": found.figures}
    with pytest.raises(BadInput, match="few has no scores of 30 of these 40 pairs"):
        run_audit(AuditRequest(model("judge"), folder, judges=[str(few)]), folder / "audits/beside")


def test_the_same_command_returns_the_audit_and_another_is_refused(make_set, model):
    folder = make_set()
    first = audited(model("judge"), folder)
    assert audited(model("judge"), folder) == first
    with pytest.raises(BadInput, match="holds another audit"):
        audited(model("judge"), folder, limit=5)


def test_two_audits_in_one_folder_at_once(make_set, model):
    folder = make_set()
    out = folder / "audits/busy"
    out.mkdir(parents=True)
    with locked(out), pytest.raises(BadInput, match="another process"):
        run_audit(AuditRequest(model("judge"), folder), out)


def test_the_verdict_can_be_computed_again_from_the_judgments(make_set, model):
    folder = make_set(150)
    audit = audited(model("noisy_judge"), folder, against=model("judge"))
    rows = read_judgments(folder / "audits/scripted")
    again = recompute(rows, audit.settings)
    assert again.comparisons == {"against": audit.comparisons[0].figures}
    assert again.agreement == pytest.approx(audit.agreement["raw"]["value"])
    assert read_audit(folder / "audits/scripted") == audit


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("nothing/here/at/all", "no such model"),
        ("gpt-9", "no such model"),
        (".", "not a checkpoint"),
    ],
)
def test_what_is_no_model(make_set, text, problem):
    with pytest.raises(BadInput, match=problem):
        audited(text, make_set(3))


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("- a\n", "a mapping"),
        ("kind: [", "not YAML"),
        ("kind: abacus\nmodel: x\n", "'abacus' is not one of"),
        ("kind: openai\nmodel: x\ncolour: red\n", "colour"),
        ("kind: openai\nmodel: x\ntrained: maybe\n", "not true or false"),
    ],
)
def test_a_model_block_that_is_wrong(make_set, tmp_path, content, problem):
    path = tmp_path / "model.yaml"
    path.write_text(content)
    with pytest.raises(BadInput, match=problem):
        audited(str(path), make_set(3))


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ([{"id": "pair-0", "score_a": 1, "score_b": 2}], "2 pairs have no scores"),
        ([{"id": "other", "score_a": 1, "score_b": 2}], "no pair 'other'"),
        ([{"id": "pair-0", "score_a": 1}], "no column 'score_b'"),
        ([{"id": "pair-0", "score_a": "good", "score_b": 2}], "not a number"),
        ([{"id": "pair-0", "score_a": "nan", "score_b": 2}], "not a finite number"),
        ([{"id": "pair-0", "score_a": 1, "score_b": 2}] * 2, "has scores already"),
    ],
)
def test_scores_that_do_not_fit_the_set(make_set, tmp_path, rows, problem):
    path = tmp_path / "scores.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(BadInput, match=problem):
        audited(str(path), make_set(3))


def test_an_audit_of_another_set(make_set, model):
    one, other = make_set(), make_set(name="other", pairs=20)
    run_audit(AuditRequest(model("judge"), one))
    with pytest.raises(BadInput, match="an audit of the set set, not of other"):
        audited("stored", other, against=str(one / "audits/scripted"))


def test_pairs_that_the_earlier_model_was_trained_on_are_left_out_too(make_set, model):
    folder = make_set()
    earlier, audit = run_audit(AuditRequest(model("judge", model="earlier"), folder))
    rows = read_judgments(earlier)
    for row in rows[:2]:
        row["leaked"] = True
    write_audit(earlier, audit, rows)
    later = audited(model("judge", model="later"), folder, against=str(earlier))
    assert (later.pairs.leaked, later.comparisons[0].figures["pairs"]) == (2, 38)


def test_an_endpoint_that_goes_down_in_the_middle(make_set, tmp_path):
    folder, store = make_set(), CompletionStore(tmp_path / "store.sqlite")
    down = True

    def reply(body, number):
        if down and number >= 40:
            return status(500)
        return judge_reply(body["messages"], 0)

    with OpenAIServer(reply) as server:
        block = {
            "kind": "openai",
            "model": "test-model",
            "base_url": server.url,
            "api_key_env": None,
            "max_attempts": 1,
            "in_flight": 4,
        }
        path = tmp_path / "endpoint.yaml"
        path.write_text(json.dumps(block))
        with pytest.raises(RunFailed, match="the same command"):
            run_audit(AuditRequest(str(path), folder), store=store)
        assert not list(folder.glob("audits/*/audit.json"))
        down = False
        before = len(server.requests)
        _, audit = run_audit(AuditRequest(str(path), folder), store=store)
        # Forty answers were paid for and are not asked for again.
        assert len(server.requests) - before == 40
    assert audit.agreement["raw"]["value"] == 1


def test_kill_9_loses_nothing(make_set, model, tmp_path):
    folder = make_set(200)
    command = [
        sys.executable,
        "-m",
        "pipelines",
        "audit",
        "run",
        model("judge_killed_after_300"),
        "--set",
        str(folder),
        "--store",
        str(tmp_path / "store.sqlite"),
    ]
    assert subprocess.run(command, check=False, capture_output=True).returncode == -9
    parts = list(folder.glob("audits/scripted/answers/model/part-*.parquet"))
    # At most five batches of 32 were in progress.
    assert 5 <= len(parts) < 13
    again = subprocess.run(command, check=False, capture_output=True)
    assert again.returncode == 0, again.stderr
    whole, _ = run_audit(AuditRequest(model("judge"), folder), folder / "audits/whole")
    rows = [read_judgments(place) for place in (whole, folder / "audits/scripted")]
    assert rows[0] == rows[1]


def test_an_estimate_sends_nothing(make_set, model):
    folder = make_set()
    steps, _ = estimate_audit(AuditRequest(model("failing"), folder, repeat=2, limit=30))
    (step,) = steps
    assert (step.calls, step.cost) == (120, None)
    assert step.tokens_in > 1_000
    assert not (folder / "audits").exists()


@needs("llmbar/items.jsonl.gz", "llmbar/scores.csv.gz")
@pytest.mark.parametrize(
    ("subset", "new", "expected"),
    [
        (None, "GPT-4 Rating_NoRules", (76.6, -7.3, 70, 14, 0.0, -9.3, -5.2, "fell")),
        (None, "GPT-4 Rating_Metrics", (85.4, 1.6, 25, 34, 0.94, -0.3, 3.4, "not worse")),
        (None, "GPT-4 Rating_Reference", (84.7, 0.8, 32, 34, 0.80, -1.1, 2.8, "not worse")),
        (None, "GPT-4 Rating_Metrics_Reference", (86.3, 2.4, 33, 45, 0.98, 0.3, 4.5, "not worse")),
        (None, "ChatGPT Rating", (48.8, -35.1, 245, 22, 0.0, -38.2, -31.6, "fell")),
        (
            "LLMBar/Adversarial/Manual",
            "GPT-4 Rating_NoRules",
            (None, -5.4, 6, 1, 0.06, -11.7, 1.3, "inconclusive"),
        ),
        (
            "LLMBar/Natural",
            "GPT-4 Rating_NoRules",
            (None, -2.0, 7, 3, 0.17, -5.4, 1.4, "inconclusive"),
        ),
    ],
)
def test_llmbar_through_files(tmp_path, subset, new, expected):
    scores = {}
    for row in csv_rows("llmbar/scores.csv.gz"):
        if subset in (None, row["set"]):
            judge = scores.setdefault(f"{row['judge']} {row['prompt']}", [])
            judge.append(
                {
                    "id": f"{row['set']} {row['index']}",
                    "score_a": row["score_1"],
                    "score_b": row["score_2"],
                }
            )
    known = {row["id"] for row in scores[new]}
    pairs = [
        {
            "id": f"{row['set']} {row['index']}",
            "instruction": row["input"],
            "answer_a": row["output_1"],
            "answer_b": row["output_2"],
            "better": "ab"[row["label"] - 1],
            "source": row["set"],
        }
        for row in json_rows("llmbar/items.jsonl.gz")
        if f"{row['set']} {row['index']}" in known
    ]
    files = {"pairs": pairs, "old": scores["GPT-4 Rating"], "new": scores[new]}
    for name, rows in files.items():
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (tmp_path / f"{name}.jsonl").write_text(text)
    frozen = freeze_file(tmp_path / "pairs.jsonl", tmp_path / "set", license="mit")
    # The old scores as an audit that was stored before.
    old, _ = run_audit(AuditRequest(str(tmp_path / "old.jsonl"), frozen.folder))
    audit = audited(str(tmp_path / "new.jsonl"), frozen.folder, against=str(old))
    agreement, difference, worse, better, p, low, high, verdict = expected
    figures = audit.comparisons[0].figures
    if agreement is not None:
        assert 100 * audit.agreement["raw"]["value"] == pytest.approx(agreement, abs=0.05)
        assert 100 * audit.comparisons[0].agreement["value"] == pytest.approx(83.9, abs=0.05)
    assert 100 * figures["difference"] == pytest.approx(difference, abs=0.06)
    assert (figures["worse"], figures["better"], figures["verdict"]) == (worse, better, verdict)
    assert figures["p"] == pytest.approx(p, abs=0.011 if p else 0.0001)
    assert (100 * figures["low"], 100 * figures["high"]) == pytest.approx((low, high), abs=0.06)


def test_a_table_of_the_same_shape(tmp_path, make_set):
    """The shape of LLMBar's table, for machines without it: 419 pairs, 70 worse, 14 better."""
    folder = make_set(419)
    pairs = _pairs(folder)
    right = {"a": (7, 5), "b": (5, 7)}
    lines = {"old": [], "new": []}
    for number, pair in enumerate(pairs):
        better = right[pair["choices"][0]["better"]]
        old = new = better
        if number < 70:
            new = (6, 6) if number < 63 else better[::-1]
        elif number < 84:
            old = (6, 6) if number < 82 else better[::-1]
        elif number < 140:
            old = new = better[::-1]
        for name, score in (("old", old), ("new", new)):
            lines[name].append({"id": pair["id"], "score_a": score[0], "score_b": score[1]})
    for name, rows in lines.items():
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    audit = audited(str(tmp_path / "new.jsonl"), folder, against=str(tmp_path / "old.jsonl"))
    figures = audit.comparisons[0].figures
    assert (figures["worse"], figures["better"]) == (70, 14)
    assert (figures["verdict"], figures["test"]) == ("fell", "sign flips")
    assert (100 * figures["low"], 100 * figures["high"]) == pytest.approx((-9.3, -5.2), abs=0.06)


def test_the_set_brings_control_judges_along(tmp_path):
    control = {"model": "other", "draft_score": 4, "refinement_score": 6, "detail": None}
    rows = [{**row, "control_scores": [control]} for row in kept_rows(30)]
    run = make_run(tmp_path / "run", rows)[0].folder
    review = make_review(tmp_path / "review", run, verdict_rows(rows, ["ada", "ben"]))
    folder = freeze(review.folder, tmp_path / "audits/people").folder
    audit = audited("stored", folder)
    assert [one.name for one in audit.controls] == ["other"]
    assert {row["judge"] for row in read_judgments(folder / "audits/stored")} == {"stored", "other"}
    other = audited("stored:other", folder)
    assert other.model.name == "other"
    assert other.controls == []
    with pytest.raises(BadInput, match="stored:nobody: the set people has other scorers: other"):
        audited("stored:nobody", folder)
