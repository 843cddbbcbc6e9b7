"""Who is who in a review, and who is left out of it."""

import json

import pytest

from builders.errors import BadInput
from builders.files.lock import locked
from builders.review.exclusion import exclude, include
from builders.review.people import (
    PEOPLE,
    Person,
    checked_reason,
    created_again,
    find_person,
    known_again,
    read_people,
    translations,
    updated,
    with_imported,
    write_people,
)
from builders.review.pseudonyms import pseudonym
from builders.review.report import report_review
from tests.ledger_rows import kept_rows, make_run
from tests.review_folders import make_review
from tests.verdict_rows import verdict_row, verdict_rows

OLD, NEW = b"0" * 64, b"1" * 64
ROWS = list(kept_rows(6))


def person(number, **facts):
    return Person(annotator=f"a-{number}", name=f"name-{number}", **facts)


@pytest.fixture
def review(tmp_path):
    make_run(tmp_path / "runs" / "mine", ROWS)
    verdicts = verdict_rows(ROWS, ("a-1", "a-2", "a-3"))
    verdicts[2] |= {"corrected_refinement": "By the third.", "status": "submitted"}
    review = make_review(tmp_path / "reviews" / "mine", tmp_path / "runs" / "mine", verdicts)
    write_people(review.folder, {f"a-{number}": person(number) for number in (1, 2, 3)})
    return review


def test_what_is_written_is_read_and_only_the_owner_can(tmp_path):
    assert read_people(tmp_path) == {}
    people = {"a-1": person(1, identity="id-1"), "a-2": person(2, excluded="guessed")}
    write_people(tmp_path, people)
    path = tmp_path / PEOPLE
    assert read_people(tmp_path) == people
    assert path.stat().st_mode & 0o777 == 0o600
    before = path.stat().st_mtime_ns
    write_people(tmp_path, people)
    assert path.stat().st_mtime_ns == before


@pytest.mark.parametrize(
    "content",
    ["", "[]", '{"schema": "9.0", "people": []}', '{"schema": "1.0", "people": [{"name": "a"}]}'],
)
def test_another_shape_is_one_line(tmp_path, content):
    (tmp_path / PEOPLE).write_text(content)
    with pytest.raises(BadInput, match="people") as error:
        read_people(tmp_path)
    assert "\n" not in str(error.value)


def test_a_renamed_and_a_deleted_person_stay_who_they_were():
    annotators = [pseudonym(OLD, user) for user in ("one", "two")]
    first = updated({}, {"one": "ann", "two": "ben"}, OLD, annotators)
    first[annotators[1]] = first[annotators[1]].model_copy(update={"excluded": "guessed"})
    later = updated(first, {"one": "anna"}, OLD, [*annotators, "a-unknown"])
    assert {one.annotator: (one.shown, one.on_server, one.excluded) for one in later.values()} == {
        annotators[0]: ("anna", True, None),
        annotators[1]: ("ben", False, "guessed"),
        "a-unknown": ("a-unknown", False, None),
    }


def test_another_key_gives_other_pseudonyms_to_the_same_people():
    people = updated({}, {"one": "ann", "two": "ben"}, OLD)
    people[pseudonym(OLD, "two")] = people[pseudonym(OLD, "two")].model_copy(
        update={"excluded": "guessed"}
    )
    people = with_imported(people, {"cem": pseudonym(OLD, "cem")})
    found = translations(people, ["three"], OLD, NEW)
    users = ("one", "two", "three", "cem")
    assert found == {pseudonym(OLD, user): pseudonym(NEW, user) for user in users}
    assert translations(people, ["three"], OLD, OLD) == {}
    renamed = updated(people, {"one": "ann"}, NEW)
    assert renamed[pseudonym(NEW, "two")].excluded == "guessed"
    assert renamed[pseudonym(NEW, "cem")].on_server is None
    assert len(renamed) == 3


def test_a_person_is_found_by_name_or_pseudonym(tmp_path):
    people = {"a-1": person(1), "a-2": person(2), "a-3": Person(annotator="a-3", name="name-1")}
    assert find_person(people, "name-2", tmp_path) == find_person(people, "a-2", tmp_path)
    with pytest.raises(BadInput, match=r"several people; say which: a-1, a-3"):
        find_person(people, "name-1", tmp_path)
    with pytest.raises(BadInput, match=r"'bob' is none of its people \(name-1, name-1, name-2\)"):
        find_person(people, "bob", tmp_path)
    with pytest.raises(BadInput, match="nobody yet"):
        find_person({}, "bob", tmp_path)


@pytest.mark.parametrize("reason", [None, "", "  \n", "x" * 301, "a\x1b[2Jb"])
def test_a_reason_is_a_line_that_can_be_printed(reason):
    with pytest.raises(BadInput, match="--reason: say why"):
        checked_reason(reason)
    assert checked_reason(" two\n lines ") == "two lines"


def test_who_is_left_out_is_in_no_figure_and_corrects_nothing(review):
    with locked(review.folder):
        exclude(review, "name-3", "guessed")
    assert {row["annotator"] for row in review.included_verdicts()} == {"a-1", "a-2"}
    assert len(review.verdicts()) == 18
    assert review.exclusions() == [{"verdicts": 6, "reason": "guessed"}]
    assert review.corrections() == []
    figures = report_review(review)
    assert (figures["counts"]["verdicts"], figures["counts"]["annotators"]) == (12, 2)
    assert json.loads((review.folder / "report.json").read_text())["excluded"] == [
        {"verdicts": 6, "reason": "guessed"}
    ]
    assert "guessed" in (review.folder / "report.md").read_text()
    include(review, "a-3")
    assert len(review.included_verdicts()) == 18
    assert [row["refinement"] for row in review.corrections()] == ["By the third."]
    assert report_review(review)["counts"]["annotators"] == 3
    with pytest.raises(BadInput, match="name-3 is not left out"):
        include(review, "name-3")


def test_a_source_that_has_changed_leaves_the_folder_as_it_was(review):
    (review.source / "manifest.json").unlink()
    before = {path: path.read_bytes() for path in review.folder.iterdir() if path.is_file()}
    with pytest.raises(BadInput):
        exclude(review, "name-3", "guessed")
    assert before == {path: path.read_bytes() for path in before}


def test_somebody_without_verdicts_is_not_worth_a_line(review):
    write_people(review.folder, {**read_people(review.folder), "a-4": person(4)})
    exclude(review, "name-4", "never came")
    assert review.exclusions() == []
    assert verdict_row()["annotator"] not in read_people(review.folder)


def test_whoever_is_left_out_stays_so_with_a_new_account_of_the_same_name():
    key = b"k"
    known = updated({}, {"u1": "ben", "u2": "ann"}, key)
    ben, ann = pseudonym(key, "u1"), pseudonym(key, "u2")
    known[ben] = known[ben].model_copy(update={"excluded": "guessed"})
    now = updated(known, {"u3": "ben", "u4": "ann"}, key)
    again = pseudonym(key, "u3")
    assert (now[again].excluded, now[again].on_server) == ("guessed", True)
    assert now[pseudonym(key, "u4")].excluded is None
    # Who is taken back then is not left out anew.
    now[again] = now[again].model_copy(update={"excluded": None})
    assert updated(now, {"u3": "ben"}, key)[again].excluded is None
    # Another person by the name of one who is still there, or of one in a file, is not meant.
    renamed = updated(known, {"u1": "benno", "u5": "ben"}, key)
    assert renamed[pseudonym(key, "u5")].excluded is None
    assert (renamed[ben].name, renamed[ann].on_server) == ("benno", False)
    filed = {"a-f": Person(annotator="a-f", name="cem", on_server=None, excluded="guessed")}
    assert updated(filed, {"u6": "cem"}, key)[pseudonym(key, "u6")].excluded is None


def test_an_account_that_was_created_again_is_the_same_persons():
    key = b"k"
    first = updated({}, {"u1": "ann", "u2": "ben"}, key)
    accounts = {"u3": "ann", "u2": "ben"}
    again = created_again([first], accounts, {})
    assert again == {"u3": "u1"}
    now = updated(first, accounts, key, (), again)
    ann = pseudonym(key, "u1")
    assert now.keys() == first.keys()
    assert (now[ann].on_server, now[ann].user_ids) == (True, ("u1", "u3"))
    # It stays so, whatever the account is called; and a third one is hers, too.
    assert known_again([now]) == again
    renamed = {"u3": "anna", "u2": "ben"}
    assert updated(now, renamed, key, (), again)[ann].name == "anna"
    third = created_again([now], {"u4": "ann", "u2": "ben"}, again)
    assert third == {"u4": "u1"}
    later = updated(now, {"u4": "ann"}, key, (), again | third)
    assert later[ann].user_ids == ("u1", "u3", "u4")


def test_what_was_said_of_either_account_holds_of_the_person():
    """Each was looked at before anybody knew that they are one person's."""
    key = b"k"
    apart = updated(updated({}, {"u1": "ann"}, key), {"u3": "ann"}, key)
    assert len(apart) == 2
    for one in ("u1", "u3"):
        said = {**apart}
        annotator = pseudonym(key, one)
        said[annotator] = said[annotator].model_copy(update={"excluded": "guessed"})
        (person,) = updated(said, {"u3": "ann"}, key, (), {"u3": "u1"}).values()
        assert (person.annotator, person.excluded) == (pseudonym(key, "u1"), "guessed")
        assert person.user_ids == ("u1", "u3")


def test_another_account_of_the_same_name_is_not_taken_for_theirs():
    key = b"k"
    first = updated({}, {"u1": "ann"}, key)
    # She was renamed, and somebody else has her old name.
    assert created_again([first], {"u1": "anna", "u2": "ann"}, {}) == {}
    # The name is one in a file, and nobody's on the server.
    filed = with_imported({}, {"cem": "a-f"})
    assert created_again([filed], {"u3": "cem"}, {}) == {}
    # Two people of two reviews had it.
    other = updated({}, {"u7": "ann"}, key)
    assert created_again([first, other], {"u9": "ann"}, {}) == {}
    # A review beside this one knows who she was.
    assert created_again([{}, first], {"u9": "ann"}, {}) == {"u9": "u1"}


def test_people_of_the_version_before_are_read(tmp_path):
    old = {"annotator": "a-1", "identity": "u1", "name": "ann", "on_server": True, "excluded": None}
    (tmp_path / PEOPLE).write_text(json.dumps({"schema": "1.0", "people": [old]}))
    assert read_people(tmp_path)["a-1"].user_ids == ("u1",)
