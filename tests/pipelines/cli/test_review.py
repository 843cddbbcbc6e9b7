"""`srt review report`, and what the commands say without a server."""

import json

import pytest

from builders.errors import BadInput
from builders.review.folder import review_folder
from pipelines.cli.review.pull import pull
from pipelines.cli.review.push import push
from pipelines.cli.review.report import report
from tests.ledger_rows import kept_rows, make_run
from tests.review_folders import make_review
from tests.verdict_rows import verdict_row, verdict_rows

ROWS = list(kept_rows(20))


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "160")
    for name in ("ARGILLA_API_URL", "ARGILLA_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    return make_run(tmp_path / "runs" / "mine", ROWS)[0].folder


def test_a_report_is_printed_and_written(run, tmp_path, capsys):
    review = make_review(tmp_path / "reviews" / "mine", run, verdict_rows(ROWS, ("a-1", "a-2")))
    report(run)
    printed = capsys.readouterr().out.splitlines()
    facts = json.loads((review.folder / "report.json").read_text())
    assert printed[0] == ("40 verdicts on 20 records by 2 annotators; 40 count for the model")
    value = facts["gate"]["agreement"]["value"]
    assert printed[1] == "estimates for all scored rows of the run mine:"
    (line,) = [line for line in printed if line.startswith("model agrees with people ")]
    assert f"{value:.3f}" in line
    (line,) = [line for line in printed if line.startswith("people prefer: refinement ")]
    shares = facts["answers"]["questions"]["better"]["shares"]
    assert f"{shares['refinement']['value']:.3f}" in line
    disputed = facts["notable"]["disputed"]["of"]
    assert disputed
    (line,) = [line for line in printed if line.startswith("rows to look at: ")]
    assert f"{disputed} people disagree on" in line
    assert f"one row: srt show {run} ID" in printed
    assert "report: reviews/mine/report.md" in printed
    assert printed[-1].startswith(f"next: srt release {run} --review reviews/mine")
    report(review_folder(run), as_json=True, ties="wrong")
    again = json.loads(capsys.readouterr().out)
    assert again["trust"]["tie_rule"] == "wrong"
    assert again["counts"] == facts["counts"]


def test_before_the_first_pull_the_report_says_so(run, tmp_path, capsys):
    make_review(tmp_path / "reviews" / "mine", run, [])
    report(run)
    printed = capsys.readouterr()
    assert printed.err == "note: no verdicts yet; get them with srt review pull reviews/mine\n"
    assert printed.out.startswith("0 verdicts on 0 records by 0 annotators")
    assert "next:" not in printed.out


def test_an_older_review_says_that_it_is_of_kept_rows(run, tmp_path, capsys):
    said = verdict_rows(ROWS, ("a-1",))
    contradiction = {**said[0], "better": "draft", "draft_score": 2, "refinement_score": 9}
    said[0] = contradiction
    make_review(tmp_path / "reviews" / "mine", run, said, schema="1.1", rows="kept")
    report(run)
    printed = capsys.readouterr()
    assert "estimates for all kept rows of the run mine:" in printed.out
    assert "note: on kept rows the model has by construction" in printed.err
    assert "a-1: in 1 of " in printed.out


def test_corrections_are_no_figures_to_warn_of(run, tmp_path, capsys):
    """They are of kept rows, too."""
    said = [{**row, "assisted": True} for row in verdict_rows(ROWS, ("a-1",))]
    make_review(tmp_path / "reviews" / "mine", run, said, assisted=True, rows="kept")
    report(run)
    assert capsys.readouterr().err == ""


def test_what_a_report_cannot_be_made_of_says_so(run, tmp_path):
    stray = make_review(tmp_path / "stray", run, [verdict_row(id="nowhere")])
    with pytest.raises(BadInput, match="stray: record record-0 is about row nowhere, which is not"):
        report(stray.folder)
    with pytest.raises(BadInput, match="--ties: 'best' is not one of half, wrong, left_out"):
        report(stray.folder, ties="best")
    manifest = run / "manifest.json"
    manifest.write_text(manifest.read_text().replace("ledger/", "ledger/other-"))
    with pytest.raises(BadInput, match=r"runs/mine has changed since .*stray was pushed"):
        report(stray.folder)
    manifest.unlink()
    with pytest.raises(BadInput, match="runs/mine: the run is not complete"):
        report(stray.folder)


def test_without_a_server_or_a_key_the_way_to_one_is_shown(run, tmp_path, monkeypatch):
    with pytest.raises(BadInput, match="`srt serve argilla --dir my-argilla`"):
        push(run)
    monkeypatch.setenv("ARGILLA_API_URL", "http://127.0.0.1:9")
    with pytest.raises(BadInput, match="ARGILLA_API_KEY is not set"):
        push(run)
    monkeypatch.setenv("ARGILLA_API_KEY", "key")
    review = make_review(tmp_path / "reviews" / "mine", run, [], url="http://127.0.0.1:9")
    with pytest.raises(BadInput, match=r"no Argilla responds at http://127\.0\.0\.1:9"):
        pull(review.folder)
    with pytest.raises(BadInput, match="not a run"):
        push(tmp_path)
