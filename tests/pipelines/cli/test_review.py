"""`srt review report`, and what the commands say without a server."""

import json

import pytest

from builders.errors import BadInput
from builders.review.folder import review_folder
from pipelines.cli.review import pull, push, report
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
    (line,) = [line for line in printed if line.startswith("model agrees with people, of all")]
    assert f"{value:.3f}" in line
    assert "report: reviews/mine/report.md" in printed
    assert printed[-1].startswith(f"next: srt release {run} --review reviews/mine")
    report(review_folder(run), as_json=True, ties="wrong")
    again = json.loads(capsys.readouterr().out)
    assert again["trust"]["tie_rule"] == "wrong"
    assert again["counts"] == facts["counts"]


def test_before_the_first_pull_the_report_says_so(run, tmp_path, capsys):
    make_review(tmp_path / "reviews" / "mine", run, [])
    report(run)
    told = capsys.readouterr()
    assert told.err == "note: no verdict yet; srt review pull reviews/mine\n"
    assert told.out.startswith("0 verdicts on 0 records by 0 annotators")


def test_what_a_report_cannot_be_made_of_says_so(run, tmp_path):
    stray = make_review(tmp_path / "stray", run, [verdict_row(id="nowhere")])
    with pytest.raises(
        BadInput, match="stray: record record-0 is of row nowhere, which the ledger"
    ):
        report(stray.folder)
    with pytest.raises(BadInput, match="--ties: 'best' is not one of half, wrong, left_out"):
        report(stray.folder, ties="best")
    manifest = run / "manifest.json"
    manifest.write_text(manifest.read_text().replace("ledger/", "ledger/other-"))
    with pytest.raises(BadInput, match=r"runs/mine is not as it was when .*stray was pushed"):
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
    with pytest.raises(BadInput, match=r"no Argilla answers at http://127\.0\.0\.1:9"):
        pull(review.folder)
    with pytest.raises(BadInput, match="not a run"):
        push(tmp_path)
