"""A review from push to report, as its users have it, on the real server."""

import json
from itertools import combinations
from statistics import mean

import pytest
import requests

from builders.errors import BadInput
from builders.review.folder import open_review
from builders.review.pseudonyms import pseudonym, read_key
from builders.review.record import QUESTIONS, record_of
from builders.review.report import JSON, MARKDOWN, PICTURE
from builders.review.responses import DRAWN_COLUMNS
from builders.review.source import SHOWN, open_source
from pipelines.cli.review.pull import pull
from pipelines.cli.review.push import push
from pipelines.cli.review.report import report
from pipelines.review.escape import unguarded
from pipelines.review.fill import as_sent
from tests.argilla import ask
from tests.builders.release.releases import release_of
from tests.ledger_rows import ledger_row, make_run
from tests.reviewing import full_answer, page_values, people_file, pulled, pushed

pytestmark = [pytest.mark.xdist_group("argilla"), pytest.mark.usefixtures("here")]

NAMES = ("ann-session", "ben-session", "cem-session")
HOSTILE = "<script>alert('x')</script> <img src=x onerror=alert(1)> **b** [l](http://x) 🦊 مرحبا ‮"
ROWS = [
    *(ledger_row(number, reason=None) for number in range(8)),
    ledger_row(8, reason=None, instruction=HOSTILE, draft=f"{HOSTILE}\n\tdraft", system=HOSTILE),
    ledger_row(9, reason="margin"),
]
BY_ID = {row["id"]: row for row in ROWS}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("session")
    make_run(folder / "runs" / "reviewed", ROWS)
    people_file(folder, NAMES, "session")
    return folder


def opinion(name, row):
    """An annotator's answers on a row: always the same, and different between annotators."""
    number = [*BY_ID].index(row["id"])
    better = {
        "ann-session": ("refinement", "draft")[number % 4 == 0],
        "ben-session": ("refinement", "draft", "tie")[number % 3],
        "cem-session": ("refinement", "tie")[number % 5 == 1],
    }[name]
    return full_answer(
        better,
        1 + (number + len(name)) % 9,
        10 - number % 5,
        weaknesses_real=("all", "some", "none")[number % 3],
        suggestions_actionable=number % 2 == 0,
        refinement_introduces_error=name.startswith("ben"),
    )


def test_known_answers_come_out_as_known_figures(begin, capsys, folder):
    reviewing, result = begin("figures", sample=6, calibration=2, strategy="uniform")
    assert (result["records"], result["sent"], result["annotators"]) == (8, 8, 3)
    assert list(result["pages"]) == ["figures-calibration", "figures"]
    answers = {
        name: {row_id: opinion(name, row) for row_id, row in BY_ID.items()} for name in NAMES
    }
    for name in NAMES:
        for part in ("calibration", "sample"):
            reviewing.answer_all(name, answers[name], part)
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
        expected = answers[names[verdict["annotator"]]][verdict["id"]]
        assert {key: verdict[key] for key in expected} == expected
        assert {key: verdict[key] for key in DRAWN_COLUMNS} == {
            key: row[key] for key in DRAWN_COLUMNS
        }
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
    worth = [credit(row_id, answers) for row_id in sampled]
    checked = facts["trust"]["pairwise"]["checked"]
    known = [each for each in worth if each is not None]
    assert checked["value"] == pytest.approx(mean(known), abs=1e-12)
    assert checked["of"] == len(known)
    reviewed = [row["id"] for row in reviewing.drawn.values()]
    agreeing = [
        answers[one][row_id]["better"] == answers[other][row_id]["better"]
        for row_id in reviewed
        for one, other in combinations(NAMES, 2)
    ]
    percent = facts["agreement"]["better"]["percent"]
    assert percent["value"] == pytest.approx(mean(agreeing), abs=1e-12)


def credit(row_id, answers):
    """The share of those who chose that agrees with the model's scores; a tie of its is a half."""
    chosen = [answers[name][row_id]["better"] for name in NAMES]
    chosen = [answer for answer in chosen if answer != "tie"]
    margin = BY_ID[row_id]["refinement_score"] - BY_ID[row_id]["draft_score"]
    if not chosen:
        return None
    if margin == 0:
        return 0.5
    return chosen.count("refinement" if margin > 0 else "draft") / len(chosen)


def test_drafts_discards_edits_and_what_is_taken_back(begin, capsys):
    reviewing, _ = begin("states", sample=5, overlap=1)
    ann, ben, cem = NAMES
    one, two, three, four, five = reviewing.pages(ann).values()
    answers = full_answer("draft", 7, 3)
    draft = reviewing.answer(ann, one, answers, "draft")
    reviewing.answer(ann, two, answers)
    edited = reviewing.answer(ann, three, answers)
    reviewing.answer(ben, two, {}, "discarded")
    reviewing.answer(ben, three, full_answer("tie", 5, 5), "discarded")
    taken = reviewing.answer(cem, four, answers)
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
    full = {**as_response(answers, order), **values}
    change("PUT", edited, ann, json={"status": "submitted", "values": full})
    change("DELETE", taken, cem)
    first_order = reviewing.drawn[one["external_id"]]["order"]
    change(
        "PUT", draft, ann,
        json={"status": "submitted", "values": as_response(answers, first_order)},
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


def as_response(answers, order):
    return {name: {"value": value} for name, value in page_values(answers, order).items()}


def test_a_page_is_blind_and_any_text_is_on_it_as_it_is(begin, folder):
    reviewing, result = begin("blind", sample=100)
    assert result["notes"] == ["--sample 100: only 10 rows can be reviewed, and all were drawn"]
    pages = reviewing.pages(NAMES[0])
    rows = {
        row["id"]: row for row in open_source(folder / "runs" / "reviewed").rows("scored", SHOWN)
    }
    for key, page in pages.items():
        drawn = reviewing.drawn[key]
        record = record_of(rows[drawn["id"]], drawn)
        assert page["fields"] == as_sent(record, {}, assisted=False)["fields"]
        assert page["suggestions"] == page["responses"] == []
        texts = page["fields"]["page"]
        for name in ("answer_a", "answer_b", "critique"):
            assert unguarded(texts[name]) == record["fields"][name]
        assert unguarded(texts["instruction"]) == rows[drawn["id"]]["instruction"]
        # In the page, these are in a script.
        assert "</script" not in json.dumps(texts)
    assert HOSTILE in [unguarded(page["fields"]["page"]["system"]) for page in pages.values()]
    of_page = f"datasets/{reviewing.datasets['sample']}"
    key = reviewing.keys[NAMES[0]]
    questions = ask(reviewing.argilla.url, key, "GET", f"{of_page}/questions").json()["items"]
    assert tuple(question["name"] for question in questions) == QUESTIONS


def test_an_annotators_key_reads_nothing_of_what_is_hidden(begin, folder):
    """Over every address from which a page could be filled or filtered."""
    reviewing, _ = begin("hidden", sample=100)
    url, key = reviewing.argilla.url, reviewing.keys[NAMES[0]]
    dataset = f"datasets/{reviewing.datasets['sample']}"
    (page, *_) = reviewing.pages(NAMES[0]).values()
    filters = [
        {"filters": {"type": "and", "and": [{"type": "terms", "scope": scope, "values": ["0"]}]}}
        for scope in (
            {"entity": "metadata", "metadata_property": name}
            for name in ("source", "draft_model", "margin", "stratum", "score_bin")
        )
    ]
    replies = [
        ask(url, key, "GET", path)
        for path in (
            f"me/{dataset}/metadata-properties",
            f"{dataset}",
            f"{dataset}/fields",
            f"{dataset}/questions",
            f"{dataset}/records?include=suggestions,vectors,responses",
            f"records/{page['id']}",
            f"records/{page['id']}/suggestions",
            "me/datasets",
        )
    ] + [
        ask(url, key, "POST", f"me/{dataset}/records/search", json=body) for body in ({}, *filters)
    ]
    allowed = [reply for reply in replies if reply.ok]
    assert len(allowed) >= 7
    rows = open_source(folder / "runs" / "reviewed").rows("scored", SHOWN)
    sources = {row["source"] for row in rows}
    hidden = ("example/", "stratum", '"margin"', "_model", "score_bin", "draft_score", "drawn")
    for reply in allowed:
        assert not [word for word in hidden if word in reply.text], reply.url
        assert not any(f'"{source}"' in reply.text for source in sources), reply.url
    # No filter of the address leads to some of the records.
    for reply in replies[-len(filters) :]:
        assert reply.status_code == 422
        assert "MetadataProperty not found" in reply.text


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
        reviewing.answer(NAMES[0], page, full_answer("refinement", 2, 9, **corrected))
    first = pulled(reviewing, capsys)
    assert (first["verdicts"], first["corrections"]) == (4, 3)
    corrections = reviewing.review.corrections()
    assert sorted((row["status"], row["reason"]) for row in corrections if row["reason"]) == [
        ("dropped", "headings_missing")
    ]
    kept = [row for row in corrections if row["status"] == "kept"]
    assert len(kept) == 2
    for row in kept:
        original = BY_ID[row["corrects"]]
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
    reviewing, result = pushed(
        argilla_server, release, capsys, annotators=folder / "people.yaml", sample=3
    )
    assert result["review"] == "reviews/tiny@v1.0.0"
    assert (result["datasets"]["sample"], result["workspace"]) == ("tiny@v1.0.0", "session")
    assert reviewing.review.facts.source.version == "1.0.0"
    answers = {
        row_id: full_answer("refinement", 3, 8, corrected_refinement="x") for row_id in BY_ID
    }
    reviewing.answer_all(NAMES[0], answers)
    pull(release)
    printed = capsys.readouterr().out
    assert "3 verdicts (3 new, 0 edited, 0 taken back)\n3 rows have corrections\n" in printed
    assert {row["status"] for row in reviewing.review.corrections()} == {"kept"}
    report(release)
    assert "3 verdicts on 3 records by 1 annotator; 3 count" in capsys.readouterr().out


def test_a_record_deleted_on_the_server_keeps_its_verdicts(begin, capsys, folder):
    reviewing, _ = begin("deleted", sample=3)
    answers = {row_id: full_answer("refinement", 3, 8) for row_id in BY_ID}
    reviewing.answer_all(NAMES[0], answers)
    pulled(reviewing, capsys)
    page = next(iter(reviewing.pages(NAMES[1]).values()))
    path = f"datasets/{reviewing.datasets['sample']}/records"
    reviewing.owner("DELETE", path, params={"ids": page["id"]})
    other = {"fields": {"page": {}}, "external_id": "somebody-elses"}
    reviewing.owner("POST", f"{path}/bulk", json={"items": [other]})
    pull(reviewing.review.folder)
    printed = capsys.readouterr()
    assert "3 verdicts (0 new, 0 edited, 0 taken back)" in printed.out
    assert "warning: 1 record is no longer on the server" in printed.err
    assert "warning: ignored 1 record on the server that this review does not have" in printed.err
    # Nothing is new, and it is still so.
    pull(reviewing.review.folder)
    assert "warning: 1 record is no longer on the server" in capsys.readouterr().err
    _, result = begin("deleted", sample=3)
    assert result["sent"] == 1
    assert pulled(reviewing, capsys)["deleted"] == 0


def test_accounts_are_told_once_and_can_sign_in(folder, argilla_server, capsys):
    people = people_file(folder / "runs", ["dan-session", NAMES[0]], "session")
    run = folder / "runs" / "reviewed"
    push(run, out=folder / "reviews" / "accounts", annotators=people, sample=1)
    printed = capsys.readouterr()
    (line,) = [line for line in printed.out.splitlines() if line.startswith("  dan-session")]
    name, password = line.split()
    assert len(password) >= 12
    assert "ann-session " not in printed.out
    token = requests.post(
        f"{argilla_server.url}/api/v1/token",
        data={"username": name, "password": password},
        timeout=60,
    )
    assert token.status_code in (200, 201), token.text
    kept = folder / "reviews" / "accounts" / "passwords.yaml"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert password in kept.read_text()
    for path in kept.parent.iterdir():
        assert argilla_server.api_key.encode() not in path.read_bytes()
    push(run, out=folder / "reviews" / "accounts", annotators=people, sample=1)
    again = capsys.readouterr().out
    assert password not in again
    assert "1 record is on " in again
    assert "(0 of them new)" in again


def test_an_annotator_may_not_pull(begin, folder, monkeypatch):
    reviewing, _ = begin("role", sample=1)
    monkeypatch.setenv("ARGILLA_API_KEY", reviewing.keys[NAMES[0]])
    with pytest.raises(BadInput, match="ann-session, an annotator"):
        pull(reviewing.review.folder)
    assert open_review(reviewing.review.folder).verdicts() == []
