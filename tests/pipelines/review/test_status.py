"""Planted people answer on the real server; status and report say who did not read."""

import json
import random
import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from builders.errors import BadInput
from builders.review.people import read_people
from pipelines.cli.review.people import people
from pipelines.cli.review.report import report
from pipelines.cli.review.status import status
from tests.ledger_rows import kept_rows, make_run
from tests.reviewing import full_answer, people_file, pulled

pytestmark = [pytest.mark.xdist_group("argilla"), pytest.mark.usefixtures("here")]

GOOD = ("ann-status", "ben-status", "cem-status")
GUESSER, LINER, BULK = "gil-status", "lou-status", "bea-status"
NAMES = (*GOOD, GUESSER, LINER, BULK)
ROWS = list(kept_rows(50))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("status")
    make_run(folder / "runs" / "reviewed", ROWS)
    people_file(folder, NAMES, "status")
    return folder


def opinion(name, drawn):
    # By the row, whose id is the same in every run: records' keys and the pages' order are not.
    truth = random.Random(drawn["id"]).choice(("refinement", "refinement", "draft", "tie"))
    chance = random.Random(f"{name} {drawn['id']}")
    better = truth if chance.random() < 0.85 else chance.choice(("refinement", "draft", "tie"))
    if name == GUESSER:
        better = chance.choice(("refinement", "draft", "tie"))
    if name == LINER:
        return full_answer(drawn["order"].removesuffix("_first"), 7, 7)
    draft, refinement = {"refinement": (4, 8), "draft": (8, 5), "tie": (6, 6)}[better]
    return full_answer(better, draft + chance.randint(-1, 1), refinement + chance.randint(-1, 1))


def retimed(reviewing):
    """Give everybody the pace of a reader in the server's database, but BULK one of a second."""
    started = datetime.now(UTC).replace(tzinfo=None) - timedelta(hours=3)
    form = "%Y-%m-%d %H:%M:%S.%f"
    database = sqlite3.connect(reviewing.argilla.folder / "argilla.db", timeout=60)
    with closing(database), database:
        for name in NAMES:
            chance, at = random.Random(name), started
            answers = database.execute(
                "SELECT responses.id FROM responses JOIN users ON users.id = user_id"
                " WHERE username = ? ORDER BY responses.updated_at",
                (name,),
            ).fetchall()
            for (response,) in answers:
                at += timedelta(seconds=1 if name == BULK else chance.uniform(15, 90))
                times = (at.strftime(form),) * 2
                database.execute(
                    "UPDATE responses SET inserted_at = ?, updated_at = ? WHERE id = ?",
                    (*times, response),
                )


def test_who_did_not_read_is_named_and_the_rest_is_not(begin, capsys):
    reviewing, _ = begin("planted", sample=50, overlap=6)
    where = reviewing.review.folder
    before = sorted(path.name for path in where.iterdir())
    for name in NAMES:
        for key, page in reviewing.pages(name).items():
            reviewing.answer(name, page, opinion(name, reviewing.drawn[key]))
    retimed(reviewing)
    status(where)
    printed = capsys.readouterr().out
    assert "50 of 50 records complete, 300 of 300 answers" in printed
    assert "people prefer" in printed
    (shares,) = [line for line in printed.splitlines() if line.startswith("all scored rows")]
    assert shares.split()[-1] == "50"
    (length,) = [line for line in printed.splitlines() if line.startswith("length: within 10%")]
    assert " of " in length or "%" in length.removeprefix("length: within 10%")
    warnings = [line for line in printed.splitlines() if line.startswith("warning: ")]
    assert {line.split(": ")[1] for line in warnings} == {BULK, GUESSER, LINER}
    (guess,) = [line for line in warnings if line.startswith(f"warning: {GUESSER}: ")]
    assert "which is what guessing would give" in guess
    assert f"warning: {BULK}: 49 of 49 pages were submitted faster" in printed
    assert f"warning: {LINER}: the same answer on 50 of 50 pages" in printed
    # Nothing was written.
    assert sorted(path.name for path in where.iterdir()) == before
    pulled(reviewing, capsys)
    people(where, exclude=LINER, reason="one answer only")
    capsys.readouterr()
    status(where, offline=True, as_json=True)
    said = json.loads(capsys.readouterr().out)
    assert not any(name in json.dumps(said) for name in NAMES)
    assert [one["excluded"] for one in said["people"] if one["excluded"]] == ["one answer only"]
    report(where, as_json=True)
    facts = json.loads(capsys.readouterr().out)
    agreement = {one["annotator"]: one["agreement"]["value"] for one in facts["annotators"]}
    assert len(agreement) == 5
    # As of the last pull, status and report say the same of what people prefer.
    answers = facts["answers"]
    assert said["preferred"] == {
        "overall": answers["questions"]["better"],
        "by_source": answers["preferred_by_source"],
        "by_length": answers["preferred_by_length"],
    }
    lowest = min(agreement, key=agreement.get)
    assert read_people(where)[lowest].name == GUESSER


def test_drafts_and_what_is_open(begin, capsys):
    reviewing, _ = begin("open", sample=4, overlap=1)
    one, two, three, _ = reviewing.pages(GOOD[0]).values()
    answers = full_answer("draft", 7, 3)
    reviewing.answer(GOOD[0], one, answers)
    time.sleep(0.01)
    reviewing.answer(GOOD[0], two, answers, "draft")
    reviewing.answer(GOOD[1], three, answers, "discarded")
    status(reviewing.review.folder)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("1 of 4 records complete, 1 of 4 answers")
    (shares,) = [line for line in lines if line.startswith("all scored rows")]
    # Of one record, no percentage.
    assert shares.split()[3:] == ["0", "of", "1", "0", "of", "1", "1", "of", "1", "1"]
    found = {line.split()[0]: line.split()[1:5] for line in lines if line[3:10] == "-status"}
    assert found[GOOD[0]] == ["1", "0", "1", "3"]
    assert found[GOOD[1]] == ["0", "1", "0", "2"]
    assert found[GUESSER] == ["0", "0", "0", "3"]


def test_a_wrong_key_is_one_line(begin, monkeypatch):
    reviewing, _ = begin("key", sample=1)
    monkeypatch.setenv("ARGILLA_API_KEY", "wrong.apikey")
    with pytest.raises(BadInput, match="does not accept the API key"):
        status(reviewing.review.folder)
