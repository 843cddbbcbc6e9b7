"""One review in files and on the real server: the same records, the same verdicts."""

import csv
import json

import pytest

from builders.review.folder import open_review
from builders.rows.schema import VERDICTS
from pipelines.cli.review.draw import draw
from pipelines.cli.review.files import export_sample, import_answers
from tests.ledger_rows import kept_rows, make_run
from tests.reviewing import full_answer, page_values, people_file, pulled

pytestmark = [pytest.mark.xdist_group("argilla"), pytest.mark.usefixtures("here")]

NAMES = ("ann-files", "ben-files")
OPTIONS = {"sample": 5, "calibration": 2, "seed": 3}
TIMES = ("annotator", "started_at", "submitted_at", "seconds")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    make_run(folder / "runs" / "reviewed", kept_rows(12))
    people_file(folder, NAMES, "files")
    return folder


def answers(review):
    """An answer to each record, by its key, as columns of a verdict; one with a correction."""
    choices = ("draft", "refinement", "tie")
    found = {
        row["record"]: full_answer(choices[number % 3], 1 + number, 10 - number)
        for number, row in enumerate(review.drawn())
    }
    first = next(iter(found))
    found[first]["corrected_refinement"] = "=A better one\nof two lines."
    return found


def test_a_sample_that_was_drawn_is_pushed_and_answered_in_both_places(begin, folder, capsys):
    out = folder / "reviews" / "both"
    draw(folder / "runs" / "reviewed", out=out, **OPTIONS)
    drawn = (out / "drawn.parquet").read_bytes()
    export_sample(out, out=folder / "sample.csv")
    given = answers(open_review(out))
    orders = {row["record"]: row["order"] for row in open_review(out).drawn()}
    with (folder / "sample.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        record = row["record"].removeprefix("'")
        row |= {"annotator": "cem", **page_values(given[record], orders[record])}
    with (folder / "answers.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    capsys.readouterr()

    reviewing, pushed = begin("both", **OPTIONS)
    assert (out / "drawn.parquet").read_bytes() == drawn
    assert (pushed["records"], pushed["sent"]) == (7, 7)
    for part in ("calibration", "sample"):
        for record, page in reviewing.pages("ann-files", part).items():
            reviewing.answer("ann-files", page, given[record])
    assert pulled(reviewing, capsys)["verdicts"] == 7
    import_answers(out, folder / "answers.csv", as_json=True)
    imported = json.loads(capsys.readouterr().out)
    assert (imported["new"], imported["verdicts"]) == (7, 14)

    verdicts = reviewing.review.verdicts()
    people = sorted({row["annotator"] for row in verdicts})
    one, other = (
        [{**row, **dict.fromkeys(TIMES)} for row in verdicts if row["annotator"] == person]
        for person in people
    )
    assert one == other
    assert one[0].keys() == VERDICTS.keys()
    # A pull leaves what files say, and an import what the server says.
    again = pulled(reviewing, capsys)
    assert (again["verdicts"], again["new"], again["taken_back"]) == (14, 0, 0)
    assert reviewing.review.verdicts() == verdicts
    record, page = next(iter(reviewing.pages("ben-files").items()))
    reviewing.answer("ben-files", page, given[record])
    assert pulled(reviewing, capsys)["verdicts"] == 15
    import_answers(out, folder / "answers.csv", as_json=True)
    assert json.loads(capsys.readouterr().out)["unchanged"] == 7
    assert len(reviewing.review.verdicts()) == 15
