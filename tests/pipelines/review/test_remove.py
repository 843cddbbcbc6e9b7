"""A trial taken out of the real server, and pushed again."""

import json
import shlex

import pytest
import typer

from builders.errors import BadInput
from builders.review.people import read_people
from builders.rows.schema import VERDICTS
from pipelines.cli import app
from pipelines.cli.review.people import people
from pipelines.cli.review.pull import pull
from pipelines.cli.review.remove import remove
from pipelines.cli.review.report import report
from pipelines.cli.review.status import status
from pipelines.review.annotators import read_passwords
from pipelines.review.server import Server
from tests.argilla import ask
from tests.ledger_rows import kept_rows, make_run
from tests.reviewing import Reviewing, full_answer, people_file, pulled

pytestmark = [pytest.mark.xdist_group("argilla"), pytest.mark.usefixtures("here")]

ROWS = list(kept_rows(5))
ANSWERS = {row["id"]: full_answer("refinement", 3, 8) for row in ROWS}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("remove")
    make_run(folder / "runs" / "reviewed", ROWS)
    return folder


@pytest.fixture
def trial(begin, folder):
    """A review in a workspace of its own, whose accounts are its own too."""

    def trial(name, who=("ann", "ben"), workspace=None, **options):
        names = [f"{one}-{workspace or name}" for one in who]
        file = people_file(folder / "people" / name, names, workspace or name)
        return begin(name, annotators=file, **options)[0], names

    return trial


def removed(reviewing, capsys, **options):
    remove(reviewing.review.folder, yes=True, as_json=True, **options)
    return json.loads(capsys.readouterr().out)


def names_of(reviewing, path):
    key = "username" if path == "users" else "name"
    return {one[key] for one in reviewing.owner("GET", path)["items"]}


def test_a_trial_leaves_nothing_and_can_be_pushed_again(trial, capsys, folder):
    reviewing, (ann, ben) = trial("whole", sample=3, calibration=1, seed=4, overlap=2)
    where = reviewing.review.folder
    for name in (ann, ben):
        reviewing.answer_all(name, ANSWERS)
    with pytest.raises(
        BadInput, match=r"6 verdicts are not in .*whole; `srt review pull "
    ) as error:
        remove(where, yes=True)
    assert "\n" not in str(error.value)
    assert pulled(reviewing, capsys)["new"] == 6
    people(where, exclude=ben, reason="guessed")
    facts, verdicts = (where / "review.json").read_bytes(), reviewing.review.verdicts()
    capsys.readouterr()
    remove(where, yes=True)
    printed = capsys.readouterr().out
    assert "dataset 'whole'\n" in printed
    assert f"2 accounts: {ann}, {ben}\n" in printed
    assert "workspace 'whole'\n" in printed
    assert "(6 verdicts kept)" in printed
    assert not {ann, ben} & names_of(reviewing, "users")
    assert "whole" not in names_of(reviewing, "me/workspaces")
    assert not {"whole", "whole-calibration"} & names_of(reviewing, "me/datasets")
    assert (where / "review.json").read_bytes() == facts
    assert reviewing.review.verdicts() == verdicts
    assert not (where / "passwords.yaml").exists()
    with pytest.raises(BadInput, match=r"nothing of .*whole is left to remove") as error:
        remove(where, yes=True)
    assert "\n" not in str(error.value)
    with pytest.raises(BadInput, match=r"cannot see a workspace 'whole'"):
        pull(where)
    report(where)
    status(where, offline=True)

    (line,) = [line for line in printed.splitlines() if line.startswith("to push it again: ")]
    words = shlex.split(line.removeprefix("to push it again: srt "))
    words[words.index("people.yaml")] = str(folder / "people" / "whole" / "people.yaml")
    app([*words, "--json"], standalone_mode=False)
    capsys.readouterr()
    again = Reviewing(reviewing.argilla, reviewing.review)
    assert set(read_passwords(where)) == {ann, ben}
    status(where)
    assert "6 of " in capsys.readouterr().out
    result = pulled(again, capsys)
    assert (result["verdicts"], result["new"], result["taken_back"]) == (6, 0, 0)
    assert by_content(again.review.verdicts()) == by_content(verdicts)
    assert result["again"] == 2
    # The person has another account now, and is still left out.
    (known,) = [one for one in read_people(where).values() if one.name == ben]
    assert (known.excluded, known.on_server, len(known.accounts)) == ("guessed", True, 1)
    page = next(iter(again.pages(ann).values()))
    answer = again.answer(ann, page, full_answer("draft", 8, 3))
    expected = {"verdicts": 6, "new": 0, "edited": 1, "taken_back": 0, "again": 0}
    # Another answer of hers, which is gone again when she takes it back.
    for take_back in (False, True):
        if take_back:
            assert ask(again.argilla.url, again.keys[ann], "DELETE", f"responses/{answer}").ok
        result = pulled(again, capsys)
        assert {name: result[name] for name in expected} == expected
    assert by_content(again.review.verdicts()) == by_content(verdicts)
    # A third time, of what was read at the first.
    assert removed(again, capsys)["accounts"] == [ann, ben]
    app([*words, "--json"], standalone_mode=False)
    capsys.readouterr()
    result = pulled(Reviewing(again.argilla, again.review), capsys)
    assert (result["verdicts"], result["taken_back"]) == (6, 0)


def by_content(verdicts):
    """In the file's order, without how long each took."""
    return [{name: row[name] for name in VERDICTS if name != "seconds"} for row in verdicts]


def test_a_dataset_deleted_in_argilla_and_pushed_again_takes_nothing_back(trial, capsys, begin):
    reviewing, (ann, ben) = trial("again", sample=3)
    reviewing.answer_all(ann, ANSWERS)
    pulled(reviewing, capsys)
    reviewing.owner("DELETE", f"datasets/{reviewing.datasets['sample']}")
    with pytest.raises(BadInput, match="the same `srt review push` puts it there"):
        pull(reviewing.review.folder)
    again, _ = trial("again", sample=3)
    again.answer_all(ben, ANSWERS)
    # The same person, who has changed their mind.
    page = next(iter(again.pages(ann).values()))
    again.answer(ann, page, full_answer("draft", 8, 3))
    result = pulled(again, capsys)
    expected = {"verdicts": 6, "new": 3, "edited": 1, "taken_back": 0}
    assert {key: result[key] for key in expected} == expected
    mine = {row["record"]: row for row in again.review.verdicts() if row["better"] == "draft"}
    assert list(mine) == [page["external_id"]]
    assert pulled(again, capsys)["unchanged"]


def test_what_others_use_stays_and_goes_when_they_are_done(trial, capsys):
    first, (ann, ben, cem) = trial("shared", ("ann", "ben", "cem"), sample=2)
    second, _ = trial("second", ("ann", "ben", "cem"), workspace="shared", sample=2, seed=1)
    where = first.review.folder
    before = read_passwords(where)
    second.answer_all(ann, ANSWERS)
    said = removed(first, capsys)
    assert (said["datasets"], said["accounts"], said["workspace"]) == (["shared"], [], None)
    assert said["kept"] == dict.fromkeys(
        (ann, ben, cem), "the workspace 'shared' has another dataset"
    )
    assert read_passwords(where) == before
    assert pulled(second, capsys)["new"] == 2
    said = removed(second, capsys)
    assert (said["datasets"], said["accounts"], said["workspace"]) == (["second"], [], None)
    # Ben is asked elsewhere now, and Cem's account may be another's.
    users = {one["username"]: one["id"] for one in first.owner("GET", "users")["items"]}
    other = first.owner("POST", "workspaces", json={"name": "shared-other"})["id"]
    path = f"workspaces/{other}/users"
    first.owner("POST", path, json={"user_id": users[ben]})
    first.owner("PATCH", f"users/{users[cem]}", json={"password": "another password"})
    said = removed(first, capsys)
    assert (said["datasets"], said["accounts"], said["workspace"]) == ([], [ann], None)
    assert said["kept"][ben] == "is in the workspace 'shared-other' too"
    assert said["kept"][cem].startswith("has another password now")
    assert read_passwords(where) == {ben: before[ben], cem: before[cem]}
    assert {ben, cem} <= names_of(first, "users")
    first.owner("DELETE", f"{path}/{users[ben]}")
    first.owner("PATCH", f"users/{users[cem]}", json={"password": before[cem]})
    said = removed(first, capsys)
    assert (said["accounts"], said["workspace"]) == ([ben, cem], "shared")
    assert "shared" not in names_of(first, "me/workspaces")


def test_an_interrupted_removal_is_completed(trial, capsys, monkeypatch):
    reviewing, (ann, ben) = trial("broken", sample=2)
    where, request = reviewing.review.folder, Server.request
    before = read_passwords(where)

    def killed(self, method, path, **rest):
        if method == "DELETE" and path.startswith("users/") and read_passwords(where) != before:
            raise KeyboardInterrupt
        return request(self, method, path, **rest)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(Server, "request", killed)
        remove(where, yes=True)
    assert list(read_passwords(where)) == [ben]
    said = removed(reviewing, capsys)
    assert (said["datasets"], said["accounts"], said["workspace"]) == ([], [ben], "broken")
    assert not {ann, ben} & names_of(reviewing, "users")


def test_nothing_is_removed_where_that_is_not_sure(trial, capsys, monkeypatch):
    reviewing, (ann, _) = trial("unsure", sample=2)
    where = reviewing.review.folder
    with pytest.raises(BadInput, match="takes --yes here"):
        remove(where)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)

    def no(question, **_):
        assert reviewing.argilla.url in question
        raise typer.Abort

    monkeypatch.setattr(typer, "confirm", no)
    with pytest.raises(typer.Abort):
        remove(where)
    assert f"2 accounts: {ann}, " in capsys.readouterr().err
    path = f"datasets/{reviewing.datasets['sample']}/records/bulk"
    other = {"fields": {"page": {}}, "external_id": "somebody-elses"}
    with monkeypatch.context() as patched:
        patched.setenv("ARGILLA_API_KEY", "wrong.apikey")
        with pytest.raises(BadInput, match="does not accept the API key"):
            remove(where, yes=True)
    with pytest.raises(BadInput, match="no Argilla responds at"):
        remove(where, yes=True, url="http://127.0.0.1:9")
    reviewing.owner("POST", path, json={"items": [other]})
    with pytest.raises(BadInput, match="has 1 record that this review does not have"):
        remove(where, yes=True, discard=True)
    assert {"unsure"} <= names_of(reviewing, "me/datasets")
    assert set(read_passwords(where)) <= names_of(reviewing, "users")


def test_verdicts_can_be_given_up_and_one_that_comes_meanwhile_stops_it(trial, capsys, monkeypatch):
    from pipelines.review import remove as module

    reviewing, (ann, ben) = trial("late", sample=2)
    where = reviewing.review.folder
    reviewing.answer_all(ann, ANSWERS)
    pulled(reviewing, capsys)
    check = module.check_pulled

    def late(*args, **options):
        check(*args, **options)
        if not any(page["responses"] for page in reviewing.pages(ben).values()):
            reviewing.answer_all(ben, ANSWERS)

    with monkeypatch.context() as patched:
        patched.setattr(module, "check_pulled", late)
        with pytest.raises(BadInput, match="somebody has just answered 'late'"):
            remove(where, yes=True)
    said = removed(reviewing, capsys, discard=True)
    assert (said["datasets"], said["discarded"]) == (["late"], 2)
    assert len(reviewing.review.verdicts()) == 2


def test_who_is_no_owner_removes_no_account_and_an_annotator_nothing(trial, capsys, monkeypatch):
    reviewing, (ann, ben) = trial("admin", sample=2)
    where = reviewing.review.folder
    account = {"username": "lead-admin", "first_name": "lead", "role": "admin", "password": "p" * 9}
    lead = reviewing.owner("POST", "users", json=account)
    spaces = reviewing.owner("GET", "me/workspaces")["items"]
    (space,) = [one["id"] for one in spaces if one["name"] == "admin"]
    with monkeypatch.context() as patched:
        patched.setenv("ARGILLA_API_KEY", reviewing.keys[ann])
        with pytest.raises(BadInput, match=f"the key of {ann}, an annotator"):
            remove(where, yes=True)
        # An admin of no workspace of the review sees nothing of it.
        patched.setenv("ARGILLA_API_KEY", lead["api_key"])
        with pytest.raises(BadInput, match=r"nothing of .* is left to remove"):
            remove(where, yes=True)
        assert "admin" in names_of(reviewing, "me/datasets")
        reviewing.owner("POST", f"workspaces/{space}/users", json={"user_id": lead["id"]})
        said = removed(reviewing, capsys)
    assert (said["datasets"], said["accounts"], said["workspace"]) == (["admin"], [], None)
    reason = "deleting an account takes an owner; lead-admin is an admin"
    assert said["kept"] == {ann: reason, ben: reason}
    assert {ann, ben} <= names_of(reviewing, "users")
    assert set(read_passwords(where)) == {ann, ben}
    # An owner does the rest; the workspace has somebody else in it now.
    said = removed(reviewing, capsys)
    assert (said["accounts"], said["workspace"]) == ([ann, ben], None)
