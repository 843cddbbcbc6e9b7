"""Audits, evaluations and releases on the Hub, as their own commands make them."""

import json
import shutil
from urllib.request import urlopen

import pytest

from builders.audit.frozen import FACTS, PAIRS
from builders.audit.result import RESULT
from builders.errors import BadInput
from builders.release.make import release_runs
from builders.view.filters import read_filters
from builders.view.opening import AUDIT, FROZEN_SET
from pipelines.audit.run import AuditRequest, run_audit
from pipelines.evaluation.run import EvaluationRequest, run_evaluation
from pipelines.view.opening import open_view
from tests.frozen_sets import quality_set
from tests.hub import published
from tests.ledger_rows import ledger_rows, make_run
from tests.viewing import viewing


@pytest.fixture
def scripted(tmp_path):
    """A function that writes a model block of a scripted model, and returns the file."""

    def made(script, **block):
        path = tmp_path / f"{script}.yaml"
        values = {"kind": "scripted", "script": f"tests.scripts:{script}", **block}
        path.write_text(json.dumps(values))
        return str(path)

    return made


def outcomes(view):
    return dict(view.summary(read_filters([]))["options"]["status"])


def first_row(view, **query):
    return view.row(view.listed(read_filters(query.items()), 0, 1)["rows"][0]["n"])


def test_an_audit(tmp_path, scripted):
    assert (AUDIT, FROZEN_SET) == (RESULT, FACTS)
    frozen = quality_set(tmp_path)
    folder, audit = run_audit(AuditRequest(scripted("noisy_judge"), frozen))
    view = open_view(str(folder))
    summary = view.summary(read_filters([]))
    assert summary["title"] == f"{audit.model.name} on set"
    assert not summary["staged"]
    found = outcomes(view)
    assert sum(found.values()) == 40
    ties = found.get("model undecided", 0)
    assert found["agrees"] + ties / 2 == audit.agreement["raw"]["value"] * 40
    shown = first_row(view, status="disagrees")
    assert shown["row"]["draft"].startswith("About ")
    assert any(note.startswith("scripted (model): A ") for note in shown["notes"])
    assert "ada: " in " ".join(shown["notes"])
    scores = shown["row"]["draft_score"], shown["row"]["refinement_score"]
    chosen = "draft" if scores[0] > scores[1] else "refinement"
    assert shown["facts"]["verdict"] != chosen


def test_an_audit_without_its_set(tmp_path, scripted):
    frozen = quality_set(tmp_path)
    folder, _ = run_audit(AuditRequest(scripted("judge"), frozen))
    with pytest.raises(BadInput, match="a frozen set; name one of its audits"):
        open_view(str(frozen))
    (frozen / PAIRS).unlink()
    with pytest.raises(BadInput, match="is shown with its frozen set"):
        open_view(str(folder))


def test_an_evaluation(tmp_path, scripted):
    instructions = tmp_path / "instructions.jsonl"
    questions = [f"Say something about topic {number}." for number in range(12)]
    instructions.write_text("".join(json.dumps({"instruction": q}) + "\n" for q in questions))
    reference = tmp_path / "reference.jsonl"
    answers = [
        {"instruction": q, "output": "An answer." + " Better." * (number % 3), "generator": "ref"}
        for number, q in enumerate(questions)
    ]
    reference.write_text("".join(json.dumps(answer) + "\n" for answer in answers))
    request = EvaluationRequest(
        scripted("trained", trained=True), str(reference), scripted("pair_judge"), instructions
    )
    run_evaluation(request, tmp_path / "evaluation")
    view = open_view(str(tmp_path / "evaluation"))
    assert outcomes(view) == {"loses": 12, "tie": 8, "wins": 4}
    assert view.summary(read_filters([]))["labels"]["draft"] == "reference's answer"
    shown = first_row(view, status="wins", source="refinement")
    assert "Better." in shown["row"]["refinement"]
    assert shown["notes"][0].startswith("the judge's preference for the model's answer: 1.00")
    (tmp_path / "evaluation/pairs.parquet").unlink()
    with pytest.raises(BadInput, match="no texts to show"):
        open_view(str(tmp_path / "evaluation"))


def test_a_release_on_the_hub(tmp_path):
    run = make_run(tmp_path / "run", ledger_rows(60))
    release = release_runs([run], name="tiny", version="1.0.0", out=tmp_path)
    files = {
        path.relative_to(release).as_posix(): path.read_bytes()
        for path in release.rglob("*")
        if path.is_file()
    }
    with published(tmp_path / "hub", "org/tiny", "v1.0.0", files) as (hub, _):
        environment = {**hub.env, "HF_HOME": str(tmp_path / "home")}
        with (
            viewing("org/tiny@v1.0.0", **environment) as address,
            urlopen(f"{address}api/summary") as answer,
        ):
            summary = json.load(answer)
        assert (summary["title"], summary["rows"]) == ("tiny v1.0.0", 60)
        # No more of it was downloaded than is shown.
        downloaded = {path.parent.name for path in (tmp_path / "home").rglob("*.parquet")}
        assert downloaded == {"ledger"}


@pytest.mark.parametrize("address", ["org/name@1.0", "a/b/c@v1.0.0", "@", "name@v1.0.0"])
def test_what_is_no_address(address):
    with pytest.raises(BadInput):
        open_view(address)


def test_two_of_one(tmp_path):
    run = make_run(tmp_path / "run", ledger_rows(30))[0].folder
    same = shutil.copytree(run, tmp_path / "same")
    view = open_view(str(run), str(same))
    assert dict(view.summary(read_filters([]))["options"]["change"]) == {"same": 30}
