"""Pushes that are repeated, resumed or refused: nothing that exists is changed."""

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import argilla as rg
import pytest

from builders.errors import BadInput
from builders.files.lock import locked
from builders.review.folder import FACTS, UNFINISHED, open_review, write_facts
from pipelines.cli.review.pull import pull
from pipelines.cli.review.push import push
from pipelines.review.annotators import PASSWORDS
from tests.argilla import ask
from tests.ledger_rows import kept_rows, ledger_row, make_run
from tests.reviewing import Reviewing, full_answer, people_file, pulled

pytestmark = [pytest.mark.xdist_group("argilla"), pytest.mark.usefixtures("here")]

ROOT = Path(__file__).parents[3]
NAMES = ("ann-push", "ben-push")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("push")
    make_run(folder / "runs" / "reviewed", kept_rows(30))
    people_file(folder, NAMES, "push")
    return folder


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != ".lock"}


def test_the_same_push_again_changes_nothing(begin, capsys):
    reviewing, _ = begin("again", sample=4, calibration=1)
    pages = reviewing.pages(NAMES[0])
    reviewing.answer(NAMES[0], next(iter(pages.values())), full_answer("tie", 5, 5))
    records = reviewing.owner("GET", f"datasets/{reviewing.datasets['sample']}/records")
    before = contents(reviewing.review.folder)
    again, result = begin("again", sample=4, calibration=1)
    assert (result["records"], result["sent"], result["made"]) == (5, 0, [])
    assert contents(again.review.folder) == before
    after = again.owner("GET", f"datasets/{again.datasets['sample']}/records")
    assert after == records


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sample": 5}, r"another sample \(4\); begin a new one .*--out"),
        ({"seed": 3, "overlap": 1}, r"another seed \(0\), overlap \(3\)"),
        ({"assisted": True}, r"another assisted \(False\)"),
        ({"dataset": "elsewhere"}, r"another dataset \('arguments'\); begin a new"),
        ({"workspace": "elsewhere"}, r"another workspace \('push'\)"),
    ],
)
def test_other_arguments_for_a_review_are_refused(begin, options, message):
    reviewing, _ = begin("arguments", sample=4)
    before = contents(reviewing.review.folder)
    with pytest.raises(BadInput, match=f"is a review that was pushed with {message}"):
        begin("arguments", **{"sample": 4, **options})
    assert contents(reviewing.review.folder) == before


def test_another_run_of_the_same_name_is_refused(begin, folder, argilla_server, capsys):
    begin("names", sample=4)
    other = make_run(folder / "others" / "names", kept_rows(4, first=100))[0].folder
    with pytest.raises(BadInput, match=r"pushed with another source \('reviewed'\)"):
        push(other, annotators=folder / "people.yaml", sample=4)


def test_a_dataset_with_other_questions_is_left_alone(begin, folder, argilla_server):
    begin("first", sample=1)
    client = rg.Argilla(api_url=argilla_server.url, api_key=argilla_server.api_key)
    settings = rg.Settings(
        fields=[rg.TextField("instruction")],
        questions=[rg.LabelQuestion("better", ["left", "right"])],
    )
    rg.Dataset("taken", workspace="push", settings=settings, client=client).create()
    with pytest.raises(BadInput, match=r"'taken' exists, but its questions are not .*\(better\)"):
        begin("taken", sample=1)
    assert not (folder / "reviews" / "taken").exists()


def test_a_dataset_of_another_review_is_left_alone(begin, folder, capsys):
    reviewing, _ = begin("shared", sample=3)
    before = reviewing.owner("GET", f"datasets/{reviewing.datasets['sample']}/records")
    with pytest.raises(BadInput, match="'shared' exists and has records of another review"):
        begin("shared-2", dataset="shared", sample=3)
    assert not (folder / "reviews" / "shared-2").exists()
    after = reviewing.owner("GET", f"datasets/{reviewing.datasets['sample']}/records")
    assert after == before
    # Whoever has lost the folder gets it back by the same push.
    drawn = reviewing.review.drawn()
    (folder / "reviews" / "shared").rename(folder / "lost")
    again, result = begin("shared", sample=3)
    assert (result["sent"], again.review.drawn()) == (0, drawn)


# The command, and a point at which it ends as a power cut would.
KILLED = """
import os, signal, sys
from pipelines.cli import main
from pipelines.review import fill, push

where = os.environ["KILLED_AT"]

def killed(*_):
    os.kill(os.getpid(), signal.SIGKILL)

if where == "the dataset":
    import argilla
    argilla.Dataset._publish = killed
if where == "the records":
    upload = fill.upload
    def some(server, dataset_id, records, report):
        records = list(records)
        upload(server, dataset_id, records[: len(records) // 2], report)
        killed()
    fill.upload = some
if where == "the facts":
    written = push.write_facts
    push.write_facts = lambda path, facts: (
        killed() if path.name == push.FACTS else written(path, facts)
    )
main()
"""


def test_a_killed_push_is_continued_by_the_same_command(begin, folder, argilla_server, capsys):
    people = people_file(folder / "runs", ["eve-push"], "push-killed")
    words = ["review", "push", "runs/reviewed", "--out", "reviews/killed", "--sample", "10"]
    words += ["--calibration", "2", "--annotators", str(people)]
    for where in ("the dataset", "the records", "the facts"):
        ended = subprocess.run(
            [sys.executable, "-c", KILLED, *words],
            env=os.environ | {"PYTHONPATH": str(ROOT), "KILLED_AT": where},
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == -signal.SIGKILL, ended.stderr
        review = folder / "reviews" / "killed"
        assert (review / UNFINISHED).exists()
        assert not (review / FACTS).exists()
        with pytest.raises(BadInput, match="the push was interrupted"):
            pull(review)
    drawn = (review / "drawn.parquet").read_bytes()
    password = (review / PASSWORDS).read_text()
    reviewing, result = begin("killed", annotators=people, sample=10, calibration=2)
    assert (result["records"], result["made"]) == (12, ["eve-push"])
    assert (review / "drawn.parquet").read_bytes() == drawn
    assert (review / PASSWORDS).read_text() == password
    assert not (review / UNFINISHED).exists()
    assert len(reviewing.pages("eve-push")) == 10
    assert len(reviewing.pages("eve-push", "calibration")) == 2
    listed = [dataset["name"] for dataset in reviewing.owner("GET", "me/datasets")["items"]]
    assert listed.count("killed") == listed.count("killed-calibration") == 1


def test_many_annotators_at_once(begin, folder, capsys):
    """Everybody answers the calibration set, those who came later too."""
    reviewing, result = begin("many", sample=3, calibration=2, overlap=4)
    worth = "stratified: 3 rows count as about 3 for figures of all rows"
    assert result["notes"] == [
        worth,
        "--overlap 4: no record can be completed until the workspace has that many annotators; it "
        "has 2",
    ]
    names = [f"many-{number:02}" for number in range(22)]
    people = people_file(folder / "reviews" / "many", names, "push")
    _, result = begin("many", annotators=people, sample=3, calibration=2, overlap=4)
    assert (result["made"], result["annotators"], result["notes"]) == (names, 24, [worth])
    reviewing = Reviewing(reviewing.argilla, reviewing.review)
    dataset = reviewing.owner("GET", f"datasets/{reviewing.datasets['calibration']}")
    assert dataset["distribution"]["min_submitted"] == 24

    def work(number):
        name = names[number]
        for part in ("calibration", "sample"):
            for page in reviewing.pages(name, part).values():
                answers = full_answer(("draft", "refinement")[number % 2], 1 + number % 10, 7)
                reviewing.answer(name, page, answers)

    with ThreadPoolExecutor(22) as pool:
        for done in [pool.submit(work, number) for number in range(22)]:
            done.result()
    assert pulled(reviewing, capsys)["verdicts"] == 22 * 5
    verdicts = reviewing.review.verdicts()
    assert len({row["annotator"] for row in verdicts}) == 22
    assert sum(row["calibration"] for row in verdicts) == 22 * 2
    assert sum(row["better"] == "draft" for row in verdicts) == 11 * 5


def test_one_push_or_pull_at_a_time(begin):
    reviewing, _ = begin("locked", sample=1)
    with locked(reviewing.review.folder):
        for again in (lambda: begin("locked", sample=1), lambda: pull(reviewing.review.folder)):
            with pytest.raises(BadInput, match=r"reviews/locked: another process \(pid \d+\)"):
                again()


def test_an_admin_pushes_where_an_owner_made_room(begin, folder, argilla_server, monkeypatch):
    begin("roles", sample=1)
    client = rg.Argilla(api_url=argilla_server.url, api_key=argilla_server.api_key)
    admin = rg.User(username="adm-push", password="adm-password", role="admin", client=client)
    admin.create().add_to_workspace(client.workspaces("push"))
    key = ask(argilla_server.url, argilla_server.api_key, "GET", f"users/{admin.id}").json()
    monkeypatch.setenv("ARGILLA_API_KEY", key["api_key"])
    run = folder / "runs" / "reviewed"
    with pytest.raises(BadInput, match=r"adm-push is an admin without a workspace 'elsewhere'"):
        push(run, out=folder / "reviews" / "adm", workspace="elsewhere", sample=2)
    strangers = people_file(folder / "others", ["fay-push"], "push")
    with pytest.raises(BadInput, match=r"fay-push must be added to the workspace"):
        push(run, out=folder / "reviews" / "adm", annotators=strangers, sample=2)
    assert not (folder / "reviews" / "adm").exists()
    push(run, out=folder / "reviews" / "adm", annotators=folder / "people.yaml", sample=2)
    pull(folder / "reviews" / "adm")
    assert open_review(folder / "reviews" / "adm").facts.workspace == "push"


def test_a_dataset_or_workspace_that_is_gone_says_so(begin, argilla_server):
    reviewing, _ = begin("gone", sample=1)
    reviewing.owner("DELETE", f"datasets/{reviewing.datasets['sample']}")
    with pytest.raises(BadInput, match="workspace 'push' has no dataset 'gone'"):
        pull(reviewing.review.folder)


def test_the_dataset_of_another_review_is_not_pulled(begin):
    one, two = (begin(name, sample=1)[0].review for name in ("mine", "yours"))
    write_facts(two.folder / FACTS, two.facts.model_copy(update={"datasets": one.facts.datasets}))
    with pytest.raises(BadInput, match="the dataset has 1 record, none of them from this review"):
        pull(two.folder)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "nothing to review: none of the 0 scored rows"),
        ([ledger_row(1, reason="duplicate")], "nothing to review: none of the 0 scored rows"),
        (
            [ledger_row(1, reason=None, refinement=ledger_row(1, reason=None)["draft"])],
            "nothing to review: none of the 1 scored rows",
        ),
    ],
)
def test_a_run_with_nothing_to_compare_leaves_nothing(tmp_path, monkeypatch, rows, message):
    make_run(tmp_path / "bare", rows)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadInput, match=message):
        push(tmp_path / "bare")
    assert not (tmp_path / "reviews").exists()
