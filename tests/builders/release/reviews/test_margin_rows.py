"""Verdicts on rows that were dropped for their margin: counted and released, and no row changes."""

from collections import Counter

import pytest

from builders.errors import BadInput
from builders.gate.gate import recheck
from builders.review.source import open_source
from tests.builders.release.releases import all_rows, manifest_of
from tests.builders.release.reviews.reviewed import (
    DRAFT,
    FINE,
    ROWS,
    correction,
    release,
    verdicts_of,
)
from tests.ledger_rows import ledger_row, make_run
from tests.review_folders import make_review

LOW = [ledger_row(number, reason="margin") for number in range(100, 112)]
MIXED = [*ROWS, *LOW]
# Two thirds find the draft better, and one row's correction is usable.
SAID = {
    **dict.fromkeys(range(50, 58), (DRAFT, DRAFT, FINE)),
    58: ({**DRAFT, "corrected_refinement": "By hand."}, DRAFT, DRAFT),
    59: (FINE, FINE, FINE),
    **dict.fromkeys(range(0, 10), (FINE, FINE, FINE)),
    10: (DRAFT, DRAFT, DRAFT),
}


@pytest.fixture(scope="module", params=["drop", "correct", "keep"])
def made(tmp_path_factory, request):
    out = tmp_path_factory.mktemp(request.param)
    run = make_run(out / "run", MIXED, review={"wrong": request.param})
    review = make_review(
        out / "reviews" / "people", out / "run", verdicts_of(MIXED, SAID), [correction(MIXED[58])]
    )
    return release(out, [run], [review])


def test_their_status_is_as_before(made):
    fates = {row["id"]: (row["status"], row["reason"]) for row in all_rows(made)}
    assert all(fates[row["id"]] == ("dropped", "margin") for row in LOW)
    assert len(fates) == len(MIXED)
    wrong = manifest_of(made)["review"]["wrong"]
    assert (
        fates[ROWS[10]["id"]]
        == {
            "drop": ("dropped", "rejected_by_people"),
            "correct": ("dropped", "rejected_by_people"),
            "keep": ("kept", None),
        }[wrong]
    )


def test_their_verdicts_are_released_and_counted(made):
    verdicts = all_rows(made, "verdicts")
    assert len(verdicts) == 3 * len(SAID)
    assert {row["id"] for row in verdicts} >= {row["id"] for row in LOW[:10]}
    review = manifest_of(made)["review"]
    assert review["left_out"] == 0
    assert review["trust"]["records"] == len(SAID)
    dropped = review["wrong"] != "keep"
    assert review["rows"] == {
        "asked": 21,
        "margin": 10,
        "judged": 10 if dropped else 11,
        "wrong": 1,
        "wrong_by_fewer": 0,
        "rejected": int(dropped),
        "corrected": 0,
        "kept": int(not dropped),
    }
    assert {row["id"] for row in all_rows(made, "feedback") if row["human_verdict"]} == {
        row["id"] for row in ROWS[: 10 if dropped else 11]
    }
    assert not [check for check in recheck(made).checks if check.status == "fail"]


def test_a_review_of_the_release_is_of_its_scored_rows(made, tmp_path):
    """A later release takes up verdicts on rows that the earlier one dropped for their margin."""
    scored = {row["id"] for row in open_source(made).rows("scored")}
    dropped = manifest_of(made)["review"]["wrong"] != "keep"
    assert scored == {row["id"] for row in MIXED} - ({ROWS[10]["id"]} if dropped else set())
    said = {number: SAID[number] for number in (0, 1, 50, 51)}
    review = make_review(tmp_path / "later", made, verdicts_of(MIXED, said, "later"))
    out = made.parent.parent
    wrong = manifest_of(made)["review"]["wrong"]
    run = make_run(tmp_path / "again", MIXED, review={"wrong": wrong})
    second = release(out, [run], [review], version="1.1.0")
    assert len(all_rows(second, "verdicts")) == 12
    assert manifest_of(second)["review"]["rows"]["margin"] == 2
    assert manifest_of(second)["review"]["reviews"][0]["rows"] == "scored"


def test_a_row_that_was_dropped_otherwise_was_not_shown(tmp_path):
    rows = [*ROWS[:9], ledger_row(200, reason="score_missing")]
    run = make_run(tmp_path / "run", rows)
    first = release(tmp_path, [run])
    review = make_review(tmp_path / "later", first, verdicts_of(rows, {9: (FINE,)}))
    with pytest.raises(BadInput, match=rf"row {rows[9]['id']} is not one of"):
        release(tmp_path, [run], [review], version="1.1.0")


def test_a_row_that_two_runs_dropped_for_their_margin_is_counted_once(tmp_path):
    """The second run's drafts are others. People were asked about one row of the first run, three
    of the second and one of both, and found a kept row of both runs wrong."""
    theirs = [{**row, "draft": f"{row['draft']} Too."} for row in LOW[:5]]
    both = {**ROWS[9], "draft": f"{ROWS[9]['draft']} Too."}
    first = make_run(tmp_path / "first", [*ROWS[:10], *LOW[:5]])
    second = make_run(tmp_path / "second", [*theirs, both])
    of_first = verdicts_of(
        [*ROWS[:10], *LOW[:5]], {0: (FINE,), 9: (DRAFT,) * 3, 10: (FINE,), 14: (FINE,)}, "first"
    )
    of_second = verdicts_of(
        [*theirs, both],
        {**dict.fromkeys((1, 2, 3), (DRAFT, FINE)), 4: (DRAFT, FINE), 5: (DRAFT, DRAFT)},
        "second",
    )
    reviews = [
        make_review(tmp_path / "reviews" / "a", first[0].folder, of_first),
        make_review(tmp_path / "reviews" / "b", second[0].folder, of_second),
    ]
    made = release(tmp_path, [first, second], reviews)
    rows = all_rows(made)
    assert len(rows) == 21
    fates = {(row["id"], row["draft"]): (row["reason"], row["detail"]) for row in rows}
    for number, (ours, other) in enumerate(zip(LOW[:5], theirs, strict=True)):
        stands, beside = (ours, other) if number == 0 else (other, ours)
        assert fates[stands["id"], stands["draft"]][0] == "margin"
        assert fates[beside["id"], beside["draft"]] == (
            "duplicate",
            "people were asked about another row with this id",
        )
    assert fates[ROWS[9]["id"], ROWS[9]["draft"]][0] == "rejected_by_people"
    assert fates[both["id"], both["draft"]][0] == "duplicate"
    counts = Counter(row["id"] for row in all_rows(made, "verdicts"))
    # Of the first run's row 14, and of the second's row 5, which no longer stand for their ids.
    expected = {ROWS[0]["id"]: 1, ROWS[9]["id"]: 3, LOW[0]["id"]: 1}
    assert counts == expected | {row["id"]: 2 for row in LOW[1:5]}
    review = manifest_of(made)["review"]
    assert review["left_out"] == 3
    assert (review["rows"]["asked"], review["rows"]["margin"]) == (7, 5)
    assert not [check for check in recheck(made).checks if check.status == "fail"]
    # Whoever reviews this release is asked about the rows that stand.
    scored = {row["id"]: row["draft"] for row in open_source(made).rows("scored")}
    assert scored[LOW[0]["id"]] == LOW[0]["draft"]
    assert scored[LOW[1]["id"]] == theirs[1]["draft"]
    # In the other order of runs and reviews it is the same.
    again = release(tmp_path / "again", [second, first], reviews[::-1])
    assert Counter(row["id"] for row in all_rows(again, "verdicts")) == counts
