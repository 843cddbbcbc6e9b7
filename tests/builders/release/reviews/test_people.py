"""A release of several reviews: who is the same person, and who is left out."""

import json

import pytest

from builders.errors import BadInput
from builders.release.reviews.people import notes_on_people
from builders.review.exclusion import exclude
from builders.review.folder import write_rows
from builders.review.people import read_people, updated, write_people
from builders.review.pseudonyms import KEY, pseudonym, write_secret
from builders.rows.schema import VERDICTS
from tests.builders.release.releases import all_rows, manifest_of
from tests.builders.release.reviews.reviewed import (
    DRAFT,
    ROWS,
    WRONG,
    by_number,
    correction,
    failed,
    release,
    verdicts_of,
)
from tests.ledger_rows import make_run
from tests.review_folders import make_review

KEYS = {"first": b"0" * 64, "second": b"1" * 64}
USERS = ("user-1", "user-2", "user-3")
# Two people say of a row in the first review that the draft is better, and the third in another.
SAID = {number: (DRAFT, DRAFT, {}) for number in range(4)}


@pytest.fixture
def run(tmp_path):
    return make_run(tmp_path / "run", ROWS, review={"wrong": "correct"})


def reviewed_under(folder, run, key, rows=SAID, people=USERS, corrections=()):
    """A review in `folder`, whose people answer under this key."""
    names = [pseudonym(key, user) for user in USERS]
    verdicts = verdicts_of(ROWS, rows, prefix=folder.name)
    verdicts = [{**row, "annotator": names[int(row["annotator"][-1]) - 1]} for row in verdicts]
    review = make_review(folder, run[0].folder, verdicts, corrections, name=folder.name)
    write_secret(folder / KEY, key.decode())
    write_people(folder, updated({}, {user: f"name of {user}" for user in people}, key, names))
    return review


def annotators(made):
    return {row["annotator"] for row in all_rows(made, "verdicts")}


def test_one_person_in_reviews_of_two_folders_counts_once(run, tmp_path):
    by_hand = correction(ROWS[0])
    by_hand["calls"][0]["model"] = pseudonym(KEYS["second"], USERS[0])
    reviews = [
        reviewed_under(tmp_path / "a" / "first", run, KEYS["first"]),
        reviewed_under(tmp_path / "b" / "second", run, KEYS["second"], corrections=[by_hand]),
    ]
    assert list(notes_on_people(reviews)) == []
    made = [
        release(tmp_path / str(number), [run], some)
        for number, some in enumerate((reviews, reviews[::-1]))
    ]
    for one in made:
        assert annotators(one) == {pseudonym(KEYS["first"], user) for user in USERS}
        assert manifest_of(one)["review"]["counts"]["annotators"] == 3
        assert failed(one) == {}
        (row,) = [row for row in all_rows(one, "feedback") if row["source"] == "human"]
        assert row["critic_model"] == pseudonym(KEYS["first"], USERS[0])
    assert (made[0] / "manifest.json").read_bytes() == (made[1] / "manifest.json").read_bytes()


def test_the_key_of_the_project_is_the_one_that_counts(run, tmp_path):
    reviews = [reviewed_under(tmp_path / "all" / name, run, KEYS[name]) for name in KEYS]
    write_secret(tmp_path / "all" / KEY, "2" * 64)
    assert annotators(release(tmp_path, [run], reviews)) == {
        pseudonym(b"2" * 64, user) for user in USERS
    }


def test_who_is_not_known_stays_somebody_else_and_a_line_says_so(run, tmp_path):
    reviews = [
        reviewed_under(tmp_path / "all" / "first", run, KEYS["first"]),
        reviewed_under(tmp_path / "all" / "second", run, KEYS["second"], people=USERS[:1]),
    ]
    (note,) = notes_on_people(reviews)
    assert note.startswith(f"{reviews[1].folder}: it is not known who 2 annotators are")
    made = release(tmp_path, [run], reviews)
    assert annotators(made) == {
        *(pseudonym(KEYS["first"], user) for user in USERS),
        *(pseudonym(KEYS["second"], user) for user in USERS[1:]),
    }
    # Reviews of before have a key and no people.
    (reviews[1].folder / "people.json").unlink()
    (note,) = notes_on_people(reviews)
    assert "3 annotators" in note


def test_a_person_has_one_vote_on_a_row(run, tmp_path):
    """Rows 0 to 3 are asked about twice; the second time, nobody finds them wrong but the first."""
    again = {number: (DRAFT, {}, {}) for number in range(4)}
    reviews = [
        reviewed_under(tmp_path / "all" / "first", run, KEYS["first"]),
        reviewed_under(tmp_path / "all" / "second", run, KEYS["first"], rows=again),
    ]
    later = [
        {**row, "submitted_at": row["submitted_at"].replace(year=2027)}
        for row in reviews[1].verdicts()
    ]
    write_rows(reviews[1].folder / "verdicts.parquet", later, VERDICTS)
    made = release(tmp_path, [run], reviews)
    assert by_number({row["id"]: row for row in all_rows(made)}, "rejected_by_people") == {}
    summary = {row["id"]: row for row in all_rows(made, "feedback")}[ROWS[0]["id"]]["human_verdict"]
    assert (summary["verdicts"], summary["better"]) == (3, "refinement")
    assert len(all_rows(made, "verdicts")) == 24
    assert failed(made) == {}


def test_who_is_left_out_is_in_no_row_of_a_release(run, tmp_path):
    review = reviewed_under(tmp_path / "all" / "first", run, KEYS["first"])
    before = release(tmp_path / "before", [run], [review])
    assert len(by_number({row["id"]: row for row in all_rows(before)}, "rejected_by_people")) == 4
    exclude(review, "name of user-2", "answered without reading")
    made = release(tmp_path, [run], [review])
    left_out = pseudonym(KEYS["first"], "user-2")
    assert annotators(made) == {pseudonym(KEYS["first"], user) for user in USERS} - {left_out}
    assert by_number({row["id"]: row for row in all_rows(made)}, "rejected_by_people") == {}
    stated = manifest_of(made)["review"]
    assert stated["reviews"][0]["excluded"] == [
        {"verdicts": 4, "reason": "answered without reading"}
    ]
    assert stated["counts"]["verdicts"] == 8
    assert failed(made) == {}
    card = (made / "README.md").read_text()
    assert "1 person was left out of every figure here: 4 verdicts (answered without" in card
    for path in made.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert left_out.encode() not in content
            assert b"name of user" not in content
    assert "excluded" not in json.dumps(manifest_of(before)["review"]["reviews"])


def test_without_anybody_there_is_no_review(run, tmp_path):
    review = reviewed_under(tmp_path / "all" / "first", run, KEYS["first"])
    for name in USERS:
        exclude(review, f"name of {name}", "x")
    with pytest.raises(BadInput, match="everybody with a verdict is left out"):
        release(tmp_path, [run], [review])


def test_left_out_of_one_review_only_is_said(run, tmp_path):
    reviews = [
        reviewed_under(tmp_path / "a" / "first", run, KEYS["first"]),
        reviewed_under(tmp_path / "b" / "second", run, KEYS["second"]),
    ]
    exclude(reviews[0], "name of user-2", "x")
    (note,) = notes_on_people(reviews)
    assert note.startswith(f"{reviews[1].folder}: {pseudonym(KEYS['first'], 'user-2')} counts here")
    assert read_people(reviews[1].folder)


def test_two_people_of_one_name_are_said(run, tmp_path):
    """Somebody with two accounts, or two people: the name alone does not say."""
    first = reviewed_under(tmp_path / "a" / "first", run, KEYS["first"])
    second = reviewed_under(tmp_path / "a" / "second", run, KEYS["first"])
    people = read_people(second.folder)
    own = pseudonym(KEYS["first"], USERS[0])
    named = {"name": f"name of {USERS[1]}"}
    write_people(second.folder, {**people, own: people[own].model_copy(update=named)})
    (line,) = notes_on_people([first, second])
    assert "has the same name as" in line
    assert line.endswith("and counts as another person")
    assert "name of" not in line


@pytest.mark.parametrize(("overlap", "dropped"), [(3, 0), (1, 4)])
def test_a_single_opinion_drops_a_row_only_where_one_was_asked_for(tmp_path, overlap, dropped):
    run = make_run(tmp_path / "run", ROWS)
    verdicts = verdicts_of(ROWS, dict.fromkeys(range(4), (DRAFT,)))
    review = make_review(tmp_path / "people", run[0].folder, verdicts, overlap=overlap)
    made = release(tmp_path, [run], [review])
    rejected = by_number({row["id"]: row for row in all_rows(made)}, "rejected_by_people")
    assert len(rejected) == dropped
    stated = manifest_of(made)["review"]
    assert stated["wrong_votes"] == (2 if overlap > 1 else 1)
    assert (stated["rows"]["wrong"], stated["rows"]["wrong_by_fewer"]) == (dropped, 4 - dropped)
    assert failed(made) == {}
    card = (made / "README.md").read_text()
    assert ("half of its verdicts, and 2 people at least, say" in card) == (overlap > 1)
    assert ("Of 4 more rows most verdicts say so, but fewer than 2" in card) == (overlap > 1)


def test_a_recipe_can_ask_for_more_votes(tmp_path):
    run = make_run(tmp_path / "run", ROWS, review={"wrong_votes": 3})
    made = release(tmp_path, [run], [make_review(tmp_path / "p", run[0].folder, verdicts_of(ROWS))])
    rejected = by_number({row["id"]: row for row in all_rows(made)}, "rejected_by_people")
    assert rejected == {number: said for number, said in WRONG.items() if said.startswith("3 of 3")}
    assert manifest_of(made)["review"]["wrong_votes"] == 3
    assert failed(made) == {}
