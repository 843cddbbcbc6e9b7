"""Verdicts of datasets that are gone, as a review's folder keeps them; no server is asked."""

from datetime import timedelta

import pytest

from builders.review.folder import EARLIER, IMPORTED, write_rows
from builders.rows.schema import VERDICTS as COLUMNS
from pipelines.review.state import STATE, State, earlier_verdicts, keep_earlier, write_state
from tests.ledger_rows import kept_rows, make_run
from tests.review_folders import make_review
from tests.verdict_rows import verdict_row

VERDICTS = [
    verdict_row(0),
    verdict_row(1),
    verdict_row(2, calibration=True),
    verdict_row(1, annotator="a2"),
]
MARK = {"mark": "m", "deleted": [], "unknown": 0}


@pytest.fixture
def review(tmp_path):
    run = make_run(tmp_path / "runs" / "mine", list(kept_rows(3)))[0].folder
    review = make_review(tmp_path / "reviews" / "mine", run, VERDICTS)
    write_state(review.folder, {"calibration": MARK, "sample": MARK})
    return review


def datasets(review, calibration="calibration", sample="sample"):
    rows = {row["record"]: row for row in review.drawn()}
    return {
        calibration: {key: row for key, row in rows.items() if row["calibration"]},
        sample: {key: row for key, row in rows.items() if not row["calibration"]},
    }


def places(rows):
    return {(row["record"], row["annotator"]) for row in rows}


def test_while_the_datasets_are_the_same_nothing_is_earlier(review):
    state = State.read(review.folder)
    assert state.is_current
    before = (review.folder / STATE).read_bytes()
    assert keep_earlier(review, state, datasets(review)) == (state, {})
    assert not (review.folder / EARLIER).exists()
    assert (review.folder / STATE).read_bytes() == before


def test_verdicts_of_a_replaced_dataset_are_kept_once(review):
    state = State.read(review.folder)
    now = datasets(review, sample="another")
    asked = earlier_verdicts(review, state, now)
    assert not (review.folder / EARLIER).exists()
    state, earlier = keep_earlier(review, state, now)
    expected = {("record-0", "a1"), ("record-1", "a1"), ("record-1", "a2")}
    assert earlier.keys() == asked.keys() == expected == places(review.earlier())
    assert list(state.datasets) == ["calibration", "another"]
    assert state.datasets["calibration"] == MARK
    # What is new in the second dataset is not an earlier verdict, even if this pull was killed.
    later = [*VERDICTS, verdict_row(0, annotator="a3")]
    write_rows(review.folder / "verdicts.parquet", later, COLUMNS)
    again = State.read(review.folder)
    assert not again.is_current
    assert keep_earlier(review, again, now)[1].keys() == expected


def test_the_later_of_two_earlier_verdicts_is_kept(review):
    keep_earlier(review, State.read(review.folder), datasets(review, sample="second"))
    first = VERDICTS[0]
    changed = first["submitted_at"] + timedelta(days=1)
    second = {**first, "better": "draft", "started_at": None, "submitted_at": changed}
    write_rows(review.folder / "verdicts.parquet", [second, *VERDICTS[1:]], COLUMNS)
    _, earlier = keep_earlier(review, State.read(review.folder), datasets(review, sample="third"))
    assert earlier["record-0", "a1"]["better"] == "draft"
    assert len(earlier) == 3


def test_verdicts_of_files_are_not_earlier_ones(review):
    imported = {**VERDICTS[0], "file": "answers.csv", "file_digest": "d"}
    write_rows(review.folder / "imported.parquet", [imported], IMPORTED)
    _, earlier = keep_earlier(review, State.read(review.folder), datasets(review, sample="second"))
    assert ("record-0", "a1") not in earlier
    assert len(earlier) == 2


def test_before_the_first_pull_nothing_is_known_to_be_replaced(review):
    (review.folder / STATE).unlink()
    assert earlier_verdicts(review, State.read(review.folder), datasets(review)) == {}
