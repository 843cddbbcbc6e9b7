"""The people of a review on the real server: renamed, deleted, left out, and in two reviews."""

import json

import pytest
import requests

from builders.errors import BadInput
from builders.files.lock import locked
from builders.review.people import read_people
from builders.review.pseudonyms import KEY, project_key, pseudonym, read_key, write_key
from builders.rows.schema import CALL
from pipelines.cli.release import release
from pipelines.cli.review.people import people
from pipelines.cli.review.pull import pull
from pipelines.cli.review.report import report
from pipelines.cli.review.status import status
from pipelines.review.annotators import read_passwords
from tests.argilla import ask
from tests.ledger_rows import kept_rows, make_run
from tests.reviewing import full_answer, people_file, pulled

pytestmark = [pytest.mark.xdist_group("argilla"), pytest.mark.usefixtures("here")]

NAMES = ("ann-people", "ben-people", "cem-people")
ROWS = list(kept_rows(6))
ANSWERS = {row["id"]: full_answer("refinement", 3, 8) for row in ROWS}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("people")
    make_run(folder / "runs" / "reviewed", ROWS, gate={"benchmarks": False})
    people_file(folder, NAMES, "people")
    return folder


def user(reviewing, name):
    (found,) = [one for one in reviewing.owner("GET", "users")["items"] if one["username"] == name]
    return found


def test_who_is_who_and_a_person_left_out_who_answers_on(begin, capsys):
    reviewing, _ = begin("excluded", sample=5)
    folder = reviewing.review.folder
    pages = {name: list(reviewing.pages(name).values()) for name in NAMES}
    for name in NAMES:
        for page in pages[name][:3]:
            words = {"corrected_refinement": f"By {name}."} if name == NAMES[2] else {}
            reviewing.answer(name, page, full_answer("draft", 8, 3, **words))
    assert pulled(reviewing, capsys)["corrections"] == 3
    people(folder)
    printed = capsys.readouterr().out
    known = read_people(folder)
    assert {one.name for one in known.values()} == set(NAMES)
    for one in known.values():
        (line,) = [line for line in printed.splitlines() if one.annotator in line]
        assert line.split() == [one.name, one.annotator, "3"]
    assert (folder / "people.json").stat().st_mode & 0o777 == 0o600

    people(folder, exclude=NAMES[2], reason="guessed", offline=True)
    assert f"{NAMES[2]} is left out (3 verdicts)" in capsys.readouterr().out
    reviewing.answer(NAMES[2], pages[NAMES[2]][3], full_answer("draft", 9, 2))
    pull(folder)
    told = capsys.readouterr()
    assert "10 verdicts (1 new" in told.out
    assert "note: 4 of the verdicts are of people who are left out" in told.err
    assert reviewing.review.corrections() == []
    people(folder)
    assert "left out: guessed" in capsys.readouterr().out
    report(folder, as_json=True)
    facts = json.loads(capsys.readouterr().out)
    assert (facts["counts"]["verdicts"], facts["counts"]["annotators"]) == (6, 2)
    assert facts["excluded"] == [{"verdicts": 4, "reason": "guessed"}]
    # Nothing of who they are.
    assert not any(name in json.dumps(facts) for name in NAMES)
    # Without a server, too.
    people(folder, include=next(one.annotator for one in known.values() if one.name == NAMES[2]))
    assert "counts again (4 verdicts)" in capsys.readouterr().out
    assert len(reviewing.review.corrections()) == 3
    with pytest.raises(BadInput, match="'bob' is none of its people"):
        people(folder, exclude="bob", reason="x")


def test_a_renamed_and_a_deleted_person_keep_their_verdicts(begin, capsys):
    reviewing, _ = begin("gone", sample=4, annotators=None, workspace="people")
    folder = reviewing.review.folder
    for name in ("old-people", "lost-people"):
        account = {"username": name, "first_name": name, "role": "annotator", "password": "p" * 9}
        made = reviewing.owner("POST", "users", json=account)
        spaces = reviewing.owner("GET", "me/workspaces")["items"]
        (space,) = [one["id"] for one in spaces if one["name"] == "people"]
        reviewing.owner("POST", f"workspaces/{space}/users", json={"user_id": made["id"]})
        reviewing.keys[name] = made["api_key"]
        reviewing.answer_all(name, ANSWERS)
    assert pulled(reviewing, capsys)["new"] == 8
    path = f"users/{user(reviewing, 'old-people')['id']}"
    reviewing.owner("PATCH", path, json={"username": "new-people"})
    reviewing.owner("DELETE", f"users/{user(reviewing, 'lost-people')['id']}")
    pull(folder)
    told = capsys.readouterr()
    assert "8 verdicts (0 new, 0 edited, 0 taken back)" in told.out
    assert "warning: 1 annotator is no longer on the server; their earlier verdicts" in told.err
    people(folder)
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line.startswith("new-people")]
    (line,) = [line for line in lines if line.startswith("lost-people")]
    assert line.endswith("no longer on the server")
    # Whoever is gone can still be left out, and stays so.
    people(folder, exclude="lost-people", reason="guessed")
    capsys.readouterr()
    again = pulled(reviewing, capsys)
    assert (again["verdicts"], again["gone"], again["excluded"]) == (8, 1, 4)
    with pytest.raises(BadInput, match="lost-people is no longer on the server"):
        people(folder, reset="lost-people")


def test_a_person_is_one_person_in_two_reviews_and_in_a_release(begin, capsys, folder):
    first, _ = begin("one", sample=3, seed=1)
    # Reviews had a key each, and did not say who their people are.
    second, _ = begin("two", sample=3, seed=2)
    for reviewing in (first, second):
        for name in NAMES[:2]:
            reviewing.answer_all(name, ANSWERS)
    corrected = {"corrected_refinement": "Better."}
    page = next(iter(second.pages(NAMES[2]).values()))
    second.answer(NAMES[2], page, full_answer("draft", 8, 3, **corrected))
    write_key(second.review.folder, b"0" * 64)
    for reviewing in (first, second):
        pulled(reviewing, capsys)
    users = [user(first, name)["id"] for name in NAMES]
    key = project_key(first.review.folder)
    assert read_key(first.review.folder) == read_key(second.review.folder) == key
    expected = {pseudonym(key, one) for one in users}
    assert {row["annotator"] for row in second.review.verdicts()} == expected
    (correction,) = second.review.corrections()
    assert [call["model"] for call in correction["calls"]] == [pseudonym(key, users[2])]
    assert set(correction["calls"][0]) == set(CALL)
    reviews = [first.review.folder, second.review.folder]
    release(
        [folder / "runs" / "reviewed"],
        name="people",
        version="1.0.0",
        review=reviews,
    )
    manifest = json.loads((folder / "releases" / "people@v1.0.0" / "manifest.json").read_text())
    assert manifest["review"]["counts"]["annotators"] == 3
    assert (folder / "reviews" / KEY).stat().st_mode & 0o777 == 0o600


def test_verdicts_under_an_earlier_key_are_translated_even_on_deleted_records(
    begin, capsys, folder
):
    reviewing, _ = begin("older", sample=3, out=folder / "elsewhere" / "older")
    folder = reviewing.review.folder
    reviewing.answer_all(NAMES[0], ANSWERS)
    # As a version that knew no project left it.
    write_key(folder.parent, b"3" * 64)
    (folder / KEY).unlink(missing_ok=True)
    pulled(reviewing, capsys)
    (folder / "people.json").unlink()
    write_key(folder.parent, b"4" * 64)
    page = next(iter(reviewing.pages(NAMES[1]).values()))
    dataset = reviewing.datasets["sample"]
    reviewing.owner("DELETE", f"datasets/{dataset}/records", params={"ids": page["id"]})
    result = pulled(reviewing, capsys)
    assert (result["verdicts"], result["new"], result["deleted"]) == (3, 0, 1)
    assert result["unmatched"] == 0
    annotator = pseudonym(b"4" * 64, user(reviewing, NAMES[0])["id"])
    assert {row["annotator"] for row in reviewing.review.verdicts()} == {annotator}
    assert read_key(folder) == b"4" * 64
    assert pulled(reviewing, capsys)["unchanged"]


def test_verdicts_of_a_dataset_that_is_gone_are_translated_too(begin, capsys, folder):
    where = folder / "apart" / "vanished"
    reviewing, _ = begin("vanished", sample=3, out=where)
    reviewing.answer_all(NAMES[0], ANSWERS)
    pulled(reviewing, capsys)
    reviewing.owner("DELETE", f"datasets/{reviewing.datasets['sample']}")
    again, _ = begin("vanished", sample=3, out=where)
    assert pulled(again, capsys)["verdicts"] == len(again.review.earlier()) == 3
    write_key(where.parent, b"5" * 64)
    expected = {"verdicts": 3, "new": 0, "edited": 0, "taken_back": 0, "unmatched": 0}
    result = pulled(again, capsys)
    assert {name: result[name] for name in expected} == expected
    annotator = pseudonym(b"5" * 64, user(again, NAMES[0])["id"])
    for rows in (again.review.verdicts(), again.review.earlier()):
        assert {row["annotator"] for row in rows} == {annotator}
    assert pulled(again, capsys)["unchanged"]


def test_an_account_that_was_created_again_is_one_person_in_every_review(begin, capsys):
    """The second review has seen the second account only."""
    name = "twice-people"

    def created(reviewing):
        account = {"username": name, "first_name": name, "role": "annotator", "password": "p" * 9}
        made = reviewing.owner("POST", "users", json=account)
        spaces = reviewing.owner("GET", "me/workspaces")["items"]
        (space,) = [one["id"] for one in spaces if one["name"] == "people"]
        reviewing.owner("POST", f"workspaces/{space}/users", json={"user_id": made["id"]})
        reviewing.keys[name] = made["api_key"]

    first, _ = begin("before", sample=3, seed=3)
    created(first)
    first.answer_all(name, ANSWERS)
    assert pulled(first, capsys)["new"] == 3
    (one,) = {row["annotator"] for row in first.review.verdicts()}
    first.owner("DELETE", f"users/{user(first, name)['id']}")
    created(first)
    where = first.review.folder
    # Whoever only looks changes nothing of that.
    people(where)
    capsys.readouterr()
    second, _ = begin("after", sample=2, seed=4)
    second.keys[name] = first.keys[name]
    second.answer_all(name, ANSWERS)
    assert pulled(second, capsys)["again"] == 1
    page = next(iter(first.pages(name).values()))
    answer = first.answer(name, page, full_answer("draft", 8, 3))
    status(where, as_json=True)
    (shown,) = [
        each for each in json.loads(capsys.readouterr().out)["people"] if each["annotator"] == one
    ]
    assert shown["submitted"] == 3
    pull(where)
    told = capsys.readouterr()
    assert "3 verdicts (0 new, 1 edited, 0 taken back)" in told.out
    assert (
        "note: 1 annotator has a new account by the user name of one that was deleted" in told.err
    )
    assert "no longer on the server" not in told.err
    for reviewing in (first, second):
        assert {row["annotator"] for row in reviewing.review.verdicts()} == {one}
        known = read_people(reviewing.review.folder)
        assert [each.name for each in known.values() if each.annotator == one] == [name]
        assert [each.name for each in known.values()].count(name) == 1
    for reviewing in (first, second):
        result = pulled(reviewing, capsys)
        assert (result["unchanged"], result["again"]) == (True, 0)
    # Their new account gets the new password, under whatever name it goes.
    first.owner("PATCH", f"users/{user(first, name)['id']}", json={"username": "thrice-people"})
    people(where, reset="thrice-people")
    capsys.readouterr()
    assert ask(first.argilla.url, first.keys[name], "DELETE", f"responses/{answer}").ok
    result = pulled(first, capsys)
    assert (result["verdicts"], result["edited"], result["taken_back"]) == (3, 1, 0)
    assert {row["annotator"] for row in first.review.verdicts()} == {one}


def test_a_new_password_works_and_the_old_one_does_not(begin, capsys, argilla_server, folder):
    reviewing, result = begin(
        "reset", sample=1, annotators=people_file(folder / "more", ["dan-people"], "people")
    )
    beside, _ = begin("beside", sample=1)
    where = reviewing.review.folder
    old = read_passwords(where)["dan-people"]
    assert result["made"] == ["dan-people"]

    def signs_in(password):
        data = {"username": "dan-people", "password": password}
        answer = requests.post(f"{argilla_server.url}/api/v1/token", data=data, timeout=60)
        return answer.ok

    assert signs_in(old)
    people(where, reset="dan-people")
    line = capsys.readouterr().out.splitlines()[-1]
    new = line.split()[1]
    assert line.split()[0] == "dan-people"
    assert signs_in(new)
    assert not signs_in(old)
    assert read_passwords(where)["dan-people"] == new
    assert (where / "passwords.yaml").stat().st_mode & 0o777 == 0o600
    assert "dan-people" not in read_passwords(beside.review.folder)
    owner = ask(argilla_server.url, argilla_server.api_key, "GET", "me").json()["username"]
    with pytest.raises(BadInput, match="none of its people"):
        people(where, reset=owner)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"exclude": "ann-people"}, "--reason: say why"),
        ({"exclude": "a", "include": "b", "reason": "x"}, "--exclude and --include: one at a"),
        ({"reason": "x"}, "--reason belongs to --exclude"),
        ({"reset": "a", "offline": True}, "--reset needs the server"),
        ({"include": "ann-people"}, "ann-people is not left out"),
    ],
)
def test_what_cannot_be_asked_is_one_line(begin, options, message):
    reviewing, _ = begin("asked", sample=1)
    with pytest.raises(BadInput, match=message) as error:
        people(reviewing.review.folder, **options)
    assert "\n" not in str(error.value)


def test_a_wrong_key_is_one_line_and_changes_nothing(begin, monkeypatch):
    reviewing, _ = begin("token", sample=1)
    folder = reviewing.review.folder
    before = {path: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    monkeypatch.setenv("ARGILLA_API_KEY", "wrong.apikey")
    for command in (people, pull):
        with pytest.raises(BadInput, match="does not accept the API key in ARGILLA_API_KEY"):
            command(folder)
    assert before == {path: path.read_bytes() for path in before}


def test_two_leads_at_once_do_not_mix(begin, capsys):
    reviewing, _ = begin("leads", sample=2)
    folder = reviewing.review.folder
    reviewing.answer_all(NAMES[0], ANSWERS)
    with locked(folder):
        for command, options in (
            (pull, {}),
            (people, {}),
            (people, {"exclude": NAMES[0], "reason": "x"}),
        ):
            with pytest.raises(BadInput, match=r"another process \(pid \d+\) is working there"):
                command(folder, **options)
    assert not (folder / "verdicts.parquet").exists()
    assert pulled(reviewing, capsys)["new"] == 2
