"""Which reviews a release takes up: of its runs or of earlier versions, one or several."""

import shutil

import pyarrow.parquet as pq
import pytest

from builders.errors import BadInput
from builders.release.make import release_runs
from builders.review.folder import write_rows
from builders.rows.schema import VERDICTS
from tests.builders.release.releases import all_rows, manifest_of
from tests.builders.release.reviews.reviewed import (
    ROWS,
    SAID,
    WRONG,
    by_number,
    correction,
    failed,
    few,
    release,
    reviewed,
    verdicts_of,
)
from tests.ledger_rows import kept_rows, make_run
from tests.review_folders import make_review
from tests.verdict_rows import verdict_row


def test_the_same_reviews_give_the_same_bytes(dropped, tmp_path):
    extra = [verdict_row(900, id=ROWS[40]["id"], record="x", annotator="a-9")]
    second = make_review(tmp_path / "second", dropped.out / "run", extra, name="second")
    both = [dropped.review, second]
    made = [
        release(tmp_path / str(number), [dropped.run], reviews)
        for number, reviews in enumerate((both, both[::-1]))
    ]
    contents = [
        {path.relative_to(one).as_posix(): path.read_bytes() for path in one.rglob("*.*")}
        for one in made
    ]
    assert contents[0] == contents[1]
    assert len(all_rows(made[0], "verdicts")) == len(verdicts_of(ROWS)) + 1


def test_what_two_reviews_say_of_a_row_counts_together(dropped, tmp_path):
    """Row 3 had one objection of each kind; row 11 none. The records' keys are the same."""
    said = {3: ({"better": "draft"},) * 2, 11: ({"better": "draft"},) * 4}
    verdicts = [
        {**row, "annotator": f"b-{number}", "inclusion_probability": 0.25}
        for number, row in enumerate(verdicts_of(ROWS, {3: said[3]}) + four(said[11]))
    ]
    second = make_review(tmp_path / "again", dropped.out / "run", verdicts)
    made = release(tmp_path, [dropped.run], [dropped.review, second])
    ledger = {row["id"]: row for row in all_rows(made)}
    assert by_number(ledger, "rejected_by_people") == {
        **WRONG,
        3: "3 of 5 say that the draft is better",
        11: "4 of 7 say that the draft is better",
    }
    released = all_rows(made, "verdicts")
    assert len(released) == len(verdicts_of(ROWS)) + 6
    # Drawn twice, with another probability: two records, of which no two share a key.
    keys = {(row["record"], row["id"], row["inclusion_probability"]) for row in released}
    assert len(keys) == len({key[0] for key in keys}) == len(SAID) + 2


def four(columns):
    """Verdicts of four people on row 11."""
    return [
        verdict_row(number, id=ROWS[11]["id"], record="record-11", annotator=str(number), **one)
        for number, one in enumerate(columns)
    ]


def test_a_review_of_a_release_goes_into_its_next_version(tmp_path):
    """The release has two runs, of which the second repeats a row of the first."""
    rows = [*ROWS[:20], *kept_rows(10, first=100)]
    runs = [make_run(tmp_path / "one", rows)]
    runs.append(make_run(tmp_path / "two", [{**ROWS[0], "refinement": "Another."}], name="two"))
    first = release(tmp_path, runs)
    review = make_review(tmp_path / "reviews" / "first", first, verdicts_of(ROWS))
    second = release(tmp_path, runs, [review], version="1.1.0")
    rejected = {row["id"] for row in all_rows(second) if row["reason"] == "rejected_by_people"}
    assert rejected == {ROWS[number]["id"] for number in WRONG}
    # The second run's row, which nobody was asked about, is no duplicate any more.
    promoted = {row["id"]: row for row in all_rows(second, "feedback")}[ROWS[0]["id"]]
    assert (promoted["refinement"], promoted["human_verdict"]) == ("Another.", None)
    assert manifest_of(second)["review"]["left_out"] == 0
    assert failed(second) == {}
    # Of a version before the parent, too; but not where the rows are others.
    release(tmp_path, runs, [review], version="1.1.1")
    changed = [{**row, "refinement": "Better."} if row is ROWS[9] else row for row in rows]
    other = make_run(tmp_path / "three", changed)
    with pytest.raises(BadInput, match=f"row {ROWS[9]['id']} is not in the runs as people were"):
        release(tmp_path, [other], [review], version="1.2.0")


def test_verdicts_on_what_an_earlier_run_has_kept_are_left_out(tmp_path):
    first = make_run(tmp_path / "first", [{**ROWS[11], "refinement": "Another."}, *ROWS[12:20]])
    second = make_run(tmp_path / "second", ROWS[:12], name="second")
    review = make_review(tmp_path / "people", tmp_path / "second", verdicts_of(ROWS, few(12)))
    made = release(tmp_path, [first, second], [review])
    assert manifest_of(made)["review"]["left_out"] == 3
    assert (
        "on rows that this release takes from another run (omitted) | 3 |"
        in (made / "README.md").read_text()
    )
    assert ROWS[11]["id"] not in {row["id"] for row in all_rows(made, "verdicts")}
    assert failed(made) == {}


def test_a_correction_can_be_corrected_in_its_turn(tmp_path):
    """The second correction has the id of the first one, whose instruction it answers too."""
    run = make_run(tmp_path / "run", ROWS, review={"wrong": "correct", "wrong_votes": 1})
    review = reviewed(tmp_path, tmp_path / "run")
    first = release(tmp_path, [run], [review])
    once = next(row for row in all_rows(first) if row["id"] == f"human-{ROWS[4]['id']}")
    verdict = verdict_row(0, id=once["id"], better="draft", annotator="b", record="again")
    twice = {**correction(once), "id": once["id"], "refinement": "Corrected again."}
    again = make_review(tmp_path / "again", first, [verdict], [twice])
    second = release(tmp_path, [run], [review, again], version="1.1.0")
    rows = {row["refinement"]: row for row in all_rows(second) if row["id"] == once["id"]}
    assert rows[once["refinement"]]["reason"] == "corrected_by_people"
    assert rows["Corrected again."]["status"] == "kept"
    feedback = {row["id"]: row for row in all_rows(second, "feedback")}
    assert feedback[once["id"]]["refinement"] == "Corrected again."
    # What was said was said of the row before.
    assert feedback[once["id"]]["human_verdict"] is None
    assert failed(second) == {}


def wrong_reviews(tmp_path, run):
    """What a review can be wrong in, and what is said of it."""
    source = run[0].folder
    few_said = verdicts_of(ROWS, few(4))
    other = make_run(tmp_path / "other", ledger_rows_like(ROWS))[0].folder
    whole = make_review(tmp_path / "whole", source, few_said)
    shutil.copytree(whole.folder, tmp_path / "twin")
    strange = [{**few_said[0], "id": "somebody else's"}, *few_said[1:]]
    strange = [{**row, "record": f"s{number}"} for number, row in enumerate(strange)]
    bad_score = [{**few_said[0], "draft_score": 11}, *few_said[1:]]
    twice = [*few_said, few_said[0]]
    undrawn = make_review(tmp_path / "undrawn", source, few_said)
    pq.write_table(
        pq.read_table(undrawn.folder / "drawn.parquet").slice(1), undrawn.folder / "drawn.parquet"
    )
    resized = make_review(tmp_path / "resized", source, few_said)
    write_rows(
        resized.folder / "verdicts.parquet",
        [{**row, "stratum_rows": 4} for row in few_said],
        VERDICTS,
    )
    release_of_it = make_run(tmp_path / "r", ROWS)
    another = release_runs([release_of_it], name="another", version="0.1.0", out=tmp_path)
    other_texts = [correction(ROWS[30])]
    bad_correction = [correction(ROWS[0], draft_score=99)]
    return {
        "another run": ([make_review(tmp_path / "a", other, few_said)], "none of the runs given$"),
        "another release": (
            [make_review(tmp_path / "b", another, few_said)],
            "which is no earlier version of tiny in ",
        ),
        "ids that nobody has": (
            [make_review(tmp_path / "c", source, strange)],
            "row somebody else's is in none of the runs given$",
        ),
        "a row that cannot be": (
            [make_review(tmp_path / "d", source, bad_score)],
            "d/verdicts.parquet: draft_score is 11, outside 1 to 10$",
        ),
        "a verdict given twice": (
            [make_review(tmp_path / "e", source, twice)],
            "e/verdicts.parquet: annotator a-0000000001 has two verdicts on record record-00$",
        ),
        "nothing pulled": (
            [make_review(tmp_path / "f", source, [])],
            "f: no verdicts yet; get them with `srt review pull .*f`$",
        ),
        "the same review twice": ([whole, whole], "whole: this review is given twice$"),
        "a copy of a review": (
            [whole, type(whole)(tmp_path / "twin", whole.facts)],
            "has a verdict on record record-00 in .* too; the two are copies of one review$",
        ),
        "what was never drawn": ([undrawn], "record record-00 is not as this review drew it$"),
        "strata of another size": ([resized], "record record-00 is not as this review drew it$"),
        "a correction of nothing": (
            [make_review(tmp_path / "g", source, few_said, other_texts)],
            f"g/corrections.parquet: row {ROWS[30]['id']} has a correction and no verdict$",
        ),
        "a correction that cannot be": (
            [make_review(tmp_path / "h", source, few_said, bad_correction)],
            "h/corrections.parquet: row human-.*: draft_score is 99",
        ),
    }


def ledger_rows_like(rows):
    return [{**row, "detail": "another"} for row in rows]


WRONG_REVIEWS = (
    "another run",
    "another release",
    "ids that nobody has",
    "a row that cannot be",
    "a verdict given twice",
    "nothing pulled",
    "the same review twice",
    "a copy of a review",
    "what was never drawn",
    "strata of another size",
    "a correction of nothing",
    "a correction that cannot be",
)


@pytest.fixture(scope="module")
def wrong(tmp_path_factory):
    out = tmp_path_factory.mktemp("wrong")
    run = make_run(out / "run", ROWS)
    return out, run, wrong_reviews(out, run)


@pytest.mark.parametrize("what", WRONG_REVIEWS)
def test_a_review_that_does_not_fit_is_one_line(wrong, what):
    out, run, reviews = wrong
    assert reviews.keys() == set(WRONG_REVIEWS)
    given, said = reviews[what]
    with pytest.raises(BadInput, match=said) as error:
        release(out, [run], given)
    assert "\n" not in str(error.value)
    assert list((out / "releases").iterdir()) == []


def test_a_run_that_was_built_anew_since_is_told(tmp_path):
    run = make_run(tmp_path / "run", ROWS)
    review = make_review(tmp_path / "people", tmp_path / "run", verdicts_of(ROWS))
    shutil.rmtree(tmp_path / "run")
    run = make_run(tmp_path / "run", ledger_rows_like(ROWS))
    with pytest.raises(BadInput, match=r"none of the runs given as it is now$"):
        release(tmp_path, [run], [review])
