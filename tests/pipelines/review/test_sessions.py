"""A review from push to report, as its users have it, on the real server."""

import json
from html import unescape
from itertools import combinations
from statistics import mean

import pytest
import requests

from builders.errors import BadInput
from builders.review.folder import open_review
from builders.review.pseudonyms import pseudonym, read_key
from builders.review.record import FIELDS, QUESTIONS, record_of
from builders.review.report import JSON, MARKDOWN, PICTURE
from builders.review.source import SHOWN, open_source
from pipelines.cli.review import pull, push, report
from tests.argilla import ask
from tests.builders.release.releases import release_of
from tests.ledger_rows import ledger_row, make_run
from tests.reviewing import people_file, pulled, pushed, thought

pytestmark = [pytest.mark.xdist_group("argilla"), pytest.mark.usefixtures("here")]

NAMES = ("ann-session", "ben-session", "cem-session")
HOSTILE = "<script>alert('x')</script> <img src=x onerror=alert(1)> **b** [l](http://x) 🦊 مرحبا ‮"
ROWS = [
    *(ledger_row(number, reason=None) for number in range(8)),
    ledger_row(8, reason=None, instruction=HOSTILE, draft=f"{HOSTILE}\n\tdraft", system=HOSTILE),
    ledger_row(9, reason="margin"),
]
KEPT = {row["id"]: row for row in ROWS if row["status"] == "kept"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("session")
    make_run(folder / "runs" / "reviewed", ROWS)
    people_file(folder, NAMES, "session")
    return folder


def opinion(name, row):
    """What somebody thinks of a row, always the same, and not all alike."""
    number = [*KEPT].index(row["id"])
    better = {
        "ann-session": ("refinement", "draft")[number % 4 == 0],
        "ben-session": ("refinement", "draft", "tie")[number % 3],
        "cem-session": ("refinement", "tie")[number % 5 == 1],
    }[name]
    return thought(
        better,
        1 + (number + len(name)) % 9,
        10 - number % 5,
        weaknesses_real=("all", "some", "none")[number % 3],
        suggestions_actionable=number % 2 == 0,
        refinement_introduces_error=name.startswith("ben"),
    )


def test_known_answers_come_out_as_known_figures(begin, capsys, folder):
    reviewing, said = begin("figures", sample=6, calibration=2)
    assert (said["records"], said["sent"], said["annotators"]) == (8, 8, 3)
    assert list(said["pages"]) == ["figures-calibration", "figures"]
    told = {name: {row_id: opinion(name, row) for row_id, row in KEPT.items()} for name in NAMES}
    for name in NAMES:
        for part in ("calibration", "sample"):
            reviewing.answer_all(name, told[name], part)
    assert (
        reviewing.owner("GET", f"datasets/{reviewing.datasets['sample']}/progress")["completed"]
        == 6
    )
    first = pulled(reviewing, capsys)
    assert (first["verdicts"], first["new"], first["corrections"]) == (24, 24, 0)

    verdicts = reviewing.review.verdicts()
    users = {user["username"]: user["id"] for user in reviewing.owner("GET", "users")["items"]}
    names = {pseudonym(read_key(reviewing.review.folder), users[name]): name for name in NAMES}
    for verdict in verdicts:
        row = reviewing.drawn[verdict["record"]]
        expected = told[names[verdict["annotator"]]][verdict["id"]]
        assert {key: verdict[key] for key in expected} == expected
        shared = ("id", "order", "calibration", "inclusion_probability")
        assert {key: verdict[key] for key in shared} == {key: row[key] for key in shared}
        assert verdict["started_at"] is None
        assert not verdict["assisted"]
    # Each annotator's first has none, all others follow within minutes.
    assert sum(verdict["seconds"] is None for verdict in verdicts) == 3

    report(reviewing.review.folder)
    printed = capsys.readouterr().out
    assert "24 verdicts on 8 records by 3 annotators; 18 count for the model" in printed
    assert "next: srt release " in printed
    facts = json.loads((reviewing.review.folder / JSON).read_text())
    assert (reviewing.review.folder / MARKDOWN).exists()
    assert (reviewing.review.folder / PICTURE).exists()
    sampled = [row["id"] for row in reviewing.drawn.values() if not row["calibration"]]
    worth = [credit(row_id, told) for row_id in sampled]
    pairwise = facts["trust"]["pairwise"]
    known = [each for each in worth if each is not None]
    assert pairwise["value"] == pytest.approx(mean(known), abs=1e-12)
    assert pairwise["of"] == len(known)
    asked = [row["id"] for row in reviewing.drawn.values()]
    agreeing = [
        told[one][row_id]["better"] == told[other][row_id]["better"]
        for row_id in asked
        for one, other in combinations(NAMES, 2)
    ]
    percent = facts["agreement"]["better"]["percent"]
    assert percent["value"] == pytest.approx(mean(agreeing), abs=1e-12)


def credit(row_id, told):
    """The share of those who chose that agrees with the model's scores; a tie of its is a half."""
    chosen = [told[name][row_id]["better"] for name in NAMES]
    chosen = [answer for answer in chosen if answer != "tie"]
    margin = KEPT[row_id]["refinement_score"] - KEPT[row_id]["draft_score"]
    if not chosen:
        return None
    if margin == 0:
        return 0.5
    return chosen.count("refinement" if margin > 0 else "draft") / len(chosen)


def test_drafts_discards_edits_and_what_is_taken_back(begin, capsys):
    reviewing, _ = begin("states", sample=5, overlap=1)
    ann, ben, cem = NAMES
    one, two, three, four, five = reviewing.pages(ann).values()
    said = thought("draft", 7, 3)
    draft = reviewing.answer(ann, one, said, "draft")
    reviewing.answer(ann, two, said)
    edited = reviewing.answer(ann, three, said)
    reviewing.answer(ben, two, {}, "discarded")
    reviewing.answer(ben, three, thought("tie", 5, 5), "discarded")
    taken = reviewing.answer(cem, four, said)
    empty = {"status": "discarded", "values": None}
    answer = ask(
        reviewing.argilla.url, reviewing.keys[cem], "POST", f"records/{five['id']}/responses",
        json=empty,
    )  # fmt: skip
    assert answer.status_code == 201
    first = pulled(reviewing, capsys)
    assert (first["verdicts"], first["unchanged"]) == (6, False)
    verdicts = {(row["record"], row["status"]): row for row in reviewing.review.verdicts()}
    assert not [row for row in verdicts.values() if row["record"] == one["external_id"]]
    assert verdicts[five["external_id"], "discarded"]["better"] is None
    assert verdicts[three["external_id"], "discarded"]["better"] == "tie"
    # Nothing is new, and nothing is written.
    before = {path: path.stat().st_mtime_ns for path in reviewing.review.folder.iterdir()}
    again = pulled(reviewing, capsys)
    assert (again["verdicts"], again["new"], again["unchanged"]) == (6, 0, True)
    del before[reviewing.review.folder / ".lock"]
    assert all(path.stat().st_mtime_ns == then for path, then in before.items())

    def change(method, response, name, **body):
        path = f"responses/{response}"
        answer = ask(reviewing.argilla.url, reviewing.keys[name], method, path, **body)
        assert answer.status_code == 200, answer.text

    order = reviewing.drawn[three["external_id"]]["order"]
    values = {"better": {"value": "tie"}}
    full = {**as_response(said, order), **values}
    change("PUT", edited, ann, json={"status": "submitted", "values": full})
    change("DELETE", taken, cem)
    first_order = reviewing.drawn[one["external_id"]]["order"]
    change(
        "PUT", draft, ann,
        json={"status": "submitted", "values": as_response(said, first_order)},
    )  # fmt: skip
    later = pulled(reviewing, capsys)
    counts = {key: later[key] for key in ("verdicts", "new", "edited", "taken_back")}
    assert counts == {"verdicts": 6, "new": 1, "edited": 1, "taken_back": 1}
    verdicts = {
        row["record"]: row for row in reviewing.review.verdicts() if row["status"] == "submitted"
    }
    assert four["external_id"] not in verdicts
    changed, begun = verdicts[three["external_id"]], verdicts[one["external_id"]]
    assert (changed["better"], changed["started_at"]) == ("tie", None)
    assert begun["started_at"] < begun["submitted_at"]
    assert begun["better"] == "draft"
    # Without the verdicts, the state says nothing.
    (reviewing.review.folder / "verdicts.parquet").unlink()
    assert pulled(reviewing, capsys)["new"] == 6


def as_response(said, order):
    from tests.reviewing import as_shown

    return {name: {"value": value} for name, value in as_shown(said, order).items()}


def test_a_page_is_blind_and_any_text_is_on_it_as_it_is(begin, folder):
    reviewing, said = begin("blind", sample=100)
    assert said["notes"] == ["--sample 100: there are 9 rows to draw, and all are"]
    pages = reviewing.pages(NAMES[0])
    rows = {row["id"]: row for row in open_source(folder / "runs" / "reviewed").rows(SHOWN)}
    for key, page in pages.items():
        drawn = reviewing.drawn[key]
        record = record_of(rows[drawn["id"]], drawn)
        assert {name: unescape(text) for name, text in page["fields"].items()} == record["fields"]
        assert tuple(page["fields"]) == FIELDS
        assert page["suggestions"] == page["responses"] == []
        assert page["metadata"] == {}
        assert "example/" not in json.dumps(page)
    shown = "".join(page["fields"]["instruction"] for page in pages.values())
    # No element of it reaches the page's HTML.
    assert HOSTILE in unescape(shown)
    assert "<script" not in shown
    assert "<img" not in shown
    of_page = f"datasets/{reviewing.datasets['sample']}"
    key = reviewing.keys[NAMES[0]]
    fields = ask(reviewing.argilla.url, key, "GET", f"{of_page}/fields").json()["items"]
    assert not any(field["settings"]["use_markdown"] for field in fields)
    questions = ask(reviewing.argilla.url, key, "GET", f"{of_page}/questions").json()["items"]
    assert tuple(question["name"] for question in questions) == QUESTIONS
    hidden = ask(reviewing.argilla.url, key, "GET", f"me/{of_page}/metadata-properties").json()[
        "items"
    ]
    assert hidden == []
    # The owner has them to filter by.
    listed = reviewing.owner("GET", f"{of_page}/records")["items"]
    assert all(record["metadata"]["draft_model"].startswith("example/") for record in listed)


def test_assisted_answers_never_count_and_their_corrections_do(begin, capsys):
    reviewing, _ = begin("assisted", sample=4, assisted=True)
    critique = "Weaknesses:\n1. It is wrong.\n\nSuggestions:\n1. Say why."
    for number, page in enumerate(reviewing.pages(NAMES[0]).values()):
        offered = {
            suggestion["question_id"]: suggestion["value"] for suggestion in page["suggestions"]
        }
        assert len(offered) == 5
        texts = [value for value in offered.values() if len(str(value)) > 20]
        critique_offered, refinement = sorted(texts, key=lambda text: "Weaknesses:" not in text)
        corrected = {"corrected_critique": critique_offered, "corrected_refinement": refinement}
        if number == 0:
            corrected["corrected_critique"] = critique
        if number == 1:
            corrected["corrected_refinement"] = "Another answer 🦊."
        if number == 2:
            corrected["corrected_critique"] = "It is fine as it is."
        reviewing.answer(NAMES[0], page, thought("refinement", 2, 9, **corrected))
    first = pulled(reviewing, capsys)
    assert (first["verdicts"], first["corrections"]) == (4, 3)
    found = reviewing.review.corrections()
    assert sorted((row["status"], row["reason"]) for row in found if row["reason"]) == [
        ("dropped", "headings_missing")
    ]
    kept = [row for row in found if row["status"] == "kept"]
    assert len(kept) == 2
    for row in kept:
        original = KEPT[row["corrects"]]
        assert (row["instruction"], row["draft"]) == (original["instruction"], original["draft"])
        assert (row["draft_score"], row["refinement_score"]) == (2, 9)
        changed = row["refinement"] != original["refinement"]
        assert row["critique"]["weaknesses"] == (
            original["critique"]["weaknesses"] if changed else ["It is wrong."]
        )
    report(reviewing.review.folder, as_json=True)
    facts = json.loads(capsys.readouterr().out)
    assert facts["counts"]["assisted"] == 4
    assert facts["counts"]["counted"] == facts["gate"]["verdicts"] == 0
    assert facts["gate"]["agreement"]["value"] is None
    assert facts["counts"]["corrected"] == 3


def test_a_release_is_reviewed_by_its_own_path(folder, argilla_server, capsys):
    release = release_of(folder / "made", ROWS)
    reviewing, said = pushed(
        argilla_server, release, capsys, annotators=folder / "people.yaml", sample=3
    )
    assert said["review"] == "reviews/tiny@v1.0.0"
    assert (said["datasets"]["sample"], said["workspace"]) == ("tiny@v1.0.0", "session")
    assert reviewing.review.facts["source"]["version"] == "1.0.0"
    said = {row_id: thought("refinement", 3, 8, corrected_refinement="x") for row_id in KEPT}
    reviewing.answer_all(NAMES[0], said)
    pull(release)
    told = capsys.readouterr().out
    assert "3 verdicts (3 new, 0 edited, 0 taken back)\n3 rows are corrected\n" in told
    assert {row["status"] for row in reviewing.review.corrections()} == {"kept"}
    report(release)
    assert "3 verdicts on 3 records by 1 annotators; 3 count" in capsys.readouterr().out


def test_a_record_deleted_on_the_server_keeps_its_verdicts(begin, capsys, folder):
    reviewing, _ = begin("deleted", sample=3)
    said = {row_id: thought("refinement", 3, 8) for row_id in KEPT}
    reviewing.answer_all(NAMES[0], said)
    pulled(reviewing, capsys)
    page = next(iter(reviewing.pages(NAMES[1]).values()))
    path = f"datasets/{reviewing.datasets['sample']}/records"
    reviewing.owner("DELETE", path, params={"ids": page["id"]})
    other = {"fields": dict.fromkeys(FIELDS, "x"), "external_id": "somebody-elses"}
    reviewing.owner("POST", f"{path}/bulk", json={"items": [other]})
    pull(reviewing.review.folder)
    told = capsys.readouterr()
    assert "3 verdicts (0 new, 0 edited, 0 taken back)" in told.out
    assert "warning: 1 records are not on the server any more" in told.err
    assert "warning: 1 records there are none of this review's" in told.err
    # Nothing is new, and it is still so.
    pull(reviewing.review.folder)
    assert "warning: 1 records are not on the server any more" in capsys.readouterr().err
    _, said = begin("deleted", sample=3)
    assert said["sent"] == 1
    assert pulled(reviewing, capsys)["deleted"] == 0


def test_accounts_are_told_once_and_can_sign_in(folder, argilla_server, capsys):
    people = people_file(folder / "runs", ["dan-session", NAMES[0]], "session")
    run = folder / "runs" / "reviewed"
    push(run, out=folder / "reviews" / "told", annotators=people, sample=1)
    told = capsys.readouterr()
    (line,) = [line for line in told.out.splitlines() if line.startswith("  dan-session")]
    name, password = line.split()
    assert len(password) >= 12
    assert "ann-session " not in told.out
    token = requests.post(
        f"{argilla_server.url}/api/v1/token",
        data={"username": name, "password": password},
        timeout=60,
    )
    assert token.status_code in (200, 201), token.text
    kept = folder / "reviews" / "told" / "passwords.yaml"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert password in kept.read_text()
    for path in kept.parent.iterdir():
        assert argilla_server.api_key.encode() not in path.read_bytes()
    push(run, out=folder / "reviews" / "told", annotators=people, sample=1)
    again = capsys.readouterr().out
    assert password not in again
    assert "1 records are on " in again
    assert "(0 of them new)" in again


def test_an_annotator_may_not_pull(begin, folder, monkeypatch):
    reviewing, _ = begin("role", sample=1)
    monkeypatch.setenv("ARGILLA_API_KEY", reviewing.keys[NAMES[0]])
    with pytest.raises(BadInput, match="ann-session, an annotator"):
        pull(reviewing.review.folder)
    assert open_review(reviewing.review.folder).verdicts() == []
