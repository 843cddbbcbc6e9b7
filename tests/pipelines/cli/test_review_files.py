"""A review from its first command to the card of a release, without any server."""

import csv
import io
import json

import pytest

from builders.errors import BadInput
from builders.review.folder import open_review
from pipelines.cli.release import release
from pipelines.cli.review.draw import draw
from pipelines.cli.review.files import export_sample, import_answers
from pipelines.cli.review.people import people
from pipelines.cli.review.pull import pull
from pipelines.cli.review.report import report
from pipelines.cli.review.status import status
from srt_feedback import review
from tests.ledger_rows import kept_rows, make_run

ANSWERS = {
    "better": "A",
    "score_a": "10.0",
    "score_b": " 4 ",
    "weaknesses_real": "ALL",
    "suggestions_actionable": "Yes",
    "refinement_introduces_error": "no",
}


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("ARGILLA_API_URL", "ARGILLA_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    gate = {"benchmarks": False, "warn_near_duplicates": 1.0}
    return make_run(tmp_path / "runs" / "mine", kept_rows(20), gate=gate)[0].folder


def fill_in(path, names, **changes):
    """Fill in a CSV as Excel saves it where the decimal comma is used."""
    sample = list(csv.DictReader(io.StringIO(path.read_text("utf-8-sig"), newline="")))
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, sample[0], delimiter=";", lineterminator="\r\n")
    writer.writeheader()
    for name in names:
        writer.writerows({**row, "annotator": name, **ANSWERS, **changes} for row in sample)
    path.write_text(file.getvalue(), encoding="utf-8-sig")


def test_from_the_run_to_the_card(run, tmp_path, capsys):
    draw(run, sample=8, calibration=2)
    printed = capsys.readouterr()
    assert printed.out.splitlines() == [
        "10 records are drawn",
        "review: reviews/mine",
        "next: srt review export reviews/mine",
    ]
    report(run)
    assert "get them with srt review import reviews/mine FILE" in capsys.readouterr().err
    export_sample(run)
    printed = capsys.readouterr().out
    assert printed.startswith("10 records are in reviews/mine/sample.csv\nnext, when")
    assert printed.endswith("srt review import reviews/mine reviews/mine/sample.csv\n")
    answers = tmp_path / "answers of Adalbert.csv"
    answers.write_bytes((tmp_path / "reviews/mine/sample.csv").read_bytes())
    fill_in(answers, ("adalbert", "ben", "cem"))
    import_answers(run, answers)
    assert capsys.readouterr().out.splitlines() == [
        f"{answers}: 30 new, 0 edited, 0 unchanged",
        "30 verdicts in the review",
        "next: srt review report reviews/mine",
    ]
    report(run, as_json=True)
    assert json.loads(capsys.readouterr().out)["counts"]["verdicts"] == 30
    release([run], name="mine", version="1.0.0", review=[run])
    card = (tmp_path / "releases/mine@v1.0.0/README.md").read_text()
    assert "30 verdicts by 3 people" in card
    manifest = json.loads((tmp_path / "releases/mine@v1.0.0/manifest.json").read_text())
    (file,) = manifest["review"]["reviews"][0]["files"]
    assert file["verdicts"] == 30
    assert file["name"].startswith("answers of a-")
    assert f"30 from `{file['name']}` (digest `{file['digest'][:12]}`)" in card
    for path in (tmp_path / "releases").rglob("*"):
        assert path.is_dir() or b"adalbert" not in path.read_bytes().lower()


def test_the_same_draw_changes_nothing_and_another_is_refused(run, capsys):
    draw(run, sample=8)
    before = {path.name: path.read_bytes() for path in open_review(run).folder.iterdir()}
    draw(run, sample=8, as_json=True)
    assert json.loads(capsys.readouterr().out.split("mine\n")[-1])["records"] == 8
    after = {path.name: path.read_bytes() for path in open_review(run).folder.iterdir()}
    assert after == before
    with pytest.raises(BadInput, match=r"was drawn with another sample \(8\); begin a new one"):
        draw(run, sample=9)
    with pytest.raises(BadInput, match="the sample is on no server; `srt review push` puts it"):
        pull(run)


def test_more_rows_than_there_are_is_said(run, capsys):
    draw(run, sample=30)
    assert "--sample 30: only 20 rows can be reviewed" in capsys.readouterr().err


def test_bad_rows_are_lines_and_status_2(run, tmp_path):
    draw(run, sample=3)
    export_sample(run, out=tmp_path / "a.csv")
    fill_in(tmp_path / "a.csv", ("ada",), score_a="0")
    with pytest.raises(BadInput) as raised:
        import_answers(run, tmp_path / "a.csv")
    assert raised.value.exit_code == 2
    assert "nothing was imported, 3 of 3 rows cannot be:\n  line " in str(raised.value)


def test_one_persons_file_needs_no_column_of_names(run, tmp_path, capsys):
    draw(run, sample=3)
    export_sample(run, form="jsonl", out=tmp_path / "a.jsonl", as_json=True)
    lines = (tmp_path / "a.jsonl").read_text().splitlines()
    rows = [{"record": json.loads(line)["record"], **ANSWERS} for line in lines]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    import_answers(run, tmp_path / "a.jsonl", annotator="ada", as_json=True)
    printed = capsys.readouterr().out
    assert json.loads(printed[printed.rindex('{\n  "review"') :])["new"] == 3


def test_the_python_interface_does_the_same(run, tmp_path):
    drawn = review.draw(run, sample=3, out=tmp_path / "reviews" / "python")
    path = review.export(drawn, tmp_path / "a.csv", form="csv")
    fill_in(path, ("ada",))
    assert review.import_file(drawn, path)["new"] == 3
    assert review.report(drawn)["counts"]["verdicts"] == 3


def test_people_of_files_are_shown_and_left_out_without_a_server(run, tmp_path, capsys):
    draw(run, sample=3)
    export_sample(run, out=tmp_path / "a.csv")
    fill_in(tmp_path / "a.csv", ("ada", "ben"))
    import_answers(run, tmp_path / "a.csv")
    capsys.readouterr()
    people(run)
    lines = capsys.readouterr().out.splitlines()[1:]
    assert [line.split()[0] for line in lines] == ["ada", "ben"]
    assert all(line.rstrip().endswith("3  from a file") for line in lines)
    people(run, exclude="ben", reason="answered without reading")
    assert "ben is left out (3 verdicts)" in capsys.readouterr().out
    import_answers(run, tmp_path / "a.csv")
    report(run, as_json=True)
    printed = capsys.readouterr().out
    assert json.loads(printed[printed.index('{\n  "review"') :])["counts"]["verdicts"] == 3
    with pytest.raises(BadInput, match="the sample is on no server"):
        people(run, reset="ada")


def test_the_status_of_a_review_in_files_needs_no_server(run, tmp_path, capsys):
    draw(run, sample=18, overlap=2)
    export_sample(run, out=tmp_path / "a.csv")
    fill_in(tmp_path / "a.csv", ("ada", "ben"))
    import_answers(run, tmp_path / "a.csv")
    capsys.readouterr()
    status(run, as_json=True)
    facts = json.loads(capsys.readouterr().out)
    assert (facts["complete"], facts["answers"]) == (18, 36)
    # All were imported at one time, which says nothing of how fast people were.
    warned = {each["kind"] for one in facts["people"] for each in one["warnings"]}
    assert [one["per_hour"] for one in facts["people"]] == [None, None]
    assert "bulk" not in warned
    assert facts["expected_end"] is None
    assert facts["preferred"]["overall"]["records"] == 18


def test_the_status_is_shown_where_the_reviewed_run_is_gone(run, tmp_path, capsys):
    draw(run, sample=3)
    export_sample(run, out=tmp_path / "a.csv")
    fill_in(tmp_path / "a.csv", ("ada",))
    import_answers(run, tmp_path / "a.csv")
    run.rename(tmp_path / "runs" / "moved")
    capsys.readouterr()
    status(tmp_path / "reviews" / "mine")
    printed = capsys.readouterr()
    assert "0 of 3 records complete, 3 of 9 answers" in printed.out
    assert "people prefer" not in printed.out
    assert printed.err.startswith("note: what people prefer is not known: ")
    assert "runs/mine" in printed.err
    status(tmp_path / "reviews" / "mine", as_json=True)
    assert json.loads(capsys.readouterr().out)["preferred"] is None
