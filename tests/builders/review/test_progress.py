"""The status of a review, from its verdicts."""

from datetime import UTC, datetime, timedelta

import pytest

from builders.review.folder import ReviewFacts
from builders.review.progress import review_status
from builders.review.reviewable import ReviewableRow
from builders.rows import InvalidRow
from tests.ledger_rows import kept_rows, make_run
from tests.review_folders import review_json
from tests.verdict_rows import verdict_row


@pytest.fixture
def facts(tmp_path):
    source = make_run(tmp_path / "run", kept_rows(1))[0].folder
    return ReviewFacts.model_validate(review_json(source, tmp_path / "mine", overlap=2))


def drawn(number, calibration=False):
    return {"record": f"record-{number}", "calibration": calibration}


def said(number, name, **columns):
    row = verdict_row(number, **{"annotator": name, "seconds": 36.0, **columns})
    return {**row, "submitted_at": row["submitted_at"] + timedelta(hours=len(name))}


def test_done_and_open_by_person(facts):
    records = [drawn(0, calibration=True), drawn(1), drawn(2)]
    verdicts = [
        said(0, "a", calibration=True),
        said(1, "a"),
        said(1, "bb", better="draft"),
        said(2, "bb", status="discarded"),
    ]
    status = review_status(facts, records, verdicts, {"a": 1}, ["a", "bb", "ccc"], {})
    assert (status["records"], status["complete"]) == (3, 1)
    # All three people on the calibration record, and two on each of the others.
    assert (status["answers"], status["needed"]) == (3, 7)
    assert status["hours_left"] == pytest.approx(4 * 36 / 3600)
    assert status["preferred"] is None
    people = {one["annotator"]: one for one in status["people"]}
    counts = {
        name: (one["submitted"], one["discarded"], one["drafts"], one["open"])
        for name, one in people.items()
    }
    assert counts == {"a": (2, 0, 1, 1), "bb": (1, 1, 0, 1), "ccc": (0, 0, 0, 2)}
    assert (people["a"]["per_hour"], people["ccc"]["per_hour"]) == (100.0, None)
    assert (people["a"]["agreement"], people["a"]["shared"]) == (0.0, 1)


def test_who_is_left_out_is_needed_nowhere(facts):
    verdicts = [said(0, "a", calibration=True), said(0, "bb", calibration=True)]
    status = review_status(
        facts, [drawn(0, calibration=True)], verdicts, {}, ["a", "bb"], {"bb": "guessed"}
    )
    assert (status["complete"], status["needed"]) == (1, 1)
    people = {one["annotator"]: one for one in status["people"]}
    assert people["bb"]["excluded"] == "guessed"
    assert (people["a"]["shared"], people["bb"]["shared"]) == (0, 1)


def test_before_anybody_has_answered(facts):
    status = review_status(facts, [drawn(1)], [], {}, ["a"], {})
    assert (status["answers"], status["needed"], status["hours_left"]) == (0, 2, None)
    assert status["expected_end"] is None
    assert status["people"][0]["warnings"] == []


def test_what_people_prefer_is_estimated_for_all_rows(facts):
    """20 records of a large stratum prefer the draft, 20 of a small one the refinement."""
    verdicts = [
        said(n, "a", better="draft", stratum="big", stratum_rows=300, inclusion_probability=1 / 15)
        for n in range(20)
    ]
    verdicts += [
        said(n, "a", stratum="small", stratum_rows=30, inclusion_probability=2 / 3)
        for n in range(20, 40)
    ]
    verdicts.append(said(1, "bb", better="draft", stratum="big", stratum_rows=300))
    verdicts[-1]["inclusion_probability"] = 1 / 15
    rows = {
        row["id"]: ReviewableRow(row["id"], "rare" if n < 3 else "common", 100, 100, 5, 7, 5)
        for n, row in enumerate(verdicts[:40])
    }
    records = [drawn(number) for number in range(40)]
    status = review_status(facts, records, verdicts, {}, ["a"], {"bb": "guessed"}, rows=rows)
    preferred = status["preferred"]
    # Whoever is left out counts in no figure.
    assert preferred["overall"]["verdicts"] == {"refinement": 20, "tie": 0, "draft": 20}
    draft = preferred["overall"]["shares"]["draft"]
    assert draft["value"] == pytest.approx(300 / 330)
    assert 0.7 < draft["low"] < draft["value"] < draft["high"] < 1
    # Too few for a share.
    assert preferred["by_source"]["rare"]["verdicts"]["draft"] == 3
    assert preferred["by_source"]["rare"]["shares"]["draft"]["value"] is None
    assert preferred["by_length"]["within 10%"]["records"] == 40
    with pytest.raises(InvalidRow, match="which is not in the ledger"):
        review_status(facts, records, verdicts, {}, ["a"], {}, rows={})


def test_the_end_is_expected_at_the_pace_of_the_last_days(facts):
    start = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
    records = [drawn(number) for number in range(20)]

    def end(times, now, **columns):
        verdicts = [
            said(n, "a", **columns) | {"submitted_at": start + timedelta(days=days)}
            for n, days in enumerate(times)
        ]
        now = start + timedelta(days=now) if now is not None else None
        return review_status(facts, records, verdicts, {}, ["a"], {}, now=now)["expected_end"]

    # 4 of 40 in four days: 36 days for the rest.
    assert end([0, 1, 2, 3], 4) == "2026-04-10"
    # Six in an hour: as many in a day.
    assert end([hour / 144 for hour in range(6)], 0.04) == "2026-03-07"
    # Of the last week only: two of them.
    assert end([0, 0, 0, 0, 20, 21], 21) == (start + timedelta(days=21 + 17 * 7)).date().isoformat()
    # Nobody goes on, or the times are of an import.
    assert end([0, 1], 30) is None
    assert end([0, 0], 1, seconds=None) is None
    # Of the last pull: its last answer is the present.
    assert end([0, 1], None) == (start + timedelta(days=1 + 19)).date().isoformat()
    assert end([], 3) is None


def test_a_review_that_is_complete_has_no_end_to_expect(facts):
    verdicts = [said(1, "a"), said(1, "bb")]
    status = review_status(facts, [drawn(1)], verdicts, {}, ["a", "bb"], {})
    assert (status["complete"], status["hours_left"], status["expected_end"]) == (1, 0, None)
