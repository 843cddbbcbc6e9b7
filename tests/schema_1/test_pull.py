"""Reviews of schema 1.1 on a real Argilla server: pulled, and pushed anew."""

import json
from collections import Counter
from pathlib import Path

import pytest

from pipelines.review.escape import unguarded
from tests.argilla import ask
from tests.schema_1.rows import as_before, ledger, released, rows_in
from tests.schema_1.server import Left

pytestmark = pytest.mark.xdist_group("argilla")

# What another server, another day and another key to the pseudonyms make different.
_CHANCE = ("annotator", "started_at", "submitted_at", "seconds")


@pytest.fixture
def argilla(argilla_server, work, monkeypatch):
    for name, value in argilla_server.env.items():
        monkeypatch.setenv(name, value)
    return argilla_server


def verdicts_in(review: Path) -> list[dict]:
    return rows_in([review / "verdicts.parquet"])


def answers(verdicts: list[dict], before: dict) -> Counter:
    """How often each verdict was given, whoever gave it."""
    names = {name: value for name, value in before.items() if name not in _CHANCE}
    return Counter(str(as_before(row, names)) for row in verdicts)


def test_a_review_pushed_then_is_pulled_today(srt, argilla, work):
    left = Left(argilla)
    said = json.loads(srt("review", "pull", "pushed/questions", "--json").out)
    assert (said["verdicts"], said["unknown"], said["deleted"]) == (0, 0, 0)
    left.answer()
    said = json.loads(srt("review", "pull", "pushed/questions", "--json").out)
    assert (said["verdicts"], said["new"], said["corrections"]) == (33, 33, 3)
    before, today = (
        verdicts_in(work / place) for place in ("reviews/questions", "pushed/questions")
    )
    assert answers(today, before[0]) == answers(before, before[0])
    assert len({row["annotator"] for row in today}) == 3
    for counts in (before, today):
        assert sorted(Counter(row["annotator"] for row in counts).values()) == [9, 12, 12]
    corrections = [
        rows_in([work / place / "questions/corrections.parquet"]) for place in ("reviews", "pushed")
    ]
    for old, new in zip(*corrections, strict=True):
        shown = {name: value for name, value in old.items() if name != "calls"}
        assert as_before(new, shown) == shown
        assert new["calls"][0]["model"] in {row["annotator"] for row in today}
    assert "new" in srt("review", "pull", "pushed/questions").out
    srt("review", "report", "pushed/questions")
    words = ("runs/questions", "--name", "new", "--version", "1.0.0")
    srt("release", *words, "--review", "pushed/questions")
    dropped = json.loads((work / "releases/new@v1.0.0/manifest.json").read_text())["funnel"][
        "dropped"
    ]
    assert (dropped["corrected_by_people"], dropped["rejected_by_people"]) == (2, 1)


def test_verdicts_pulled_then_are_kept_where_their_record_is_deleted(srt, argilla, work):
    before = verdicts_in(work / "reviews/questions")
    gone = next(row["record"] for row in before if row["corrected_refinement"])
    Left(argilla, without={gone}).answer()
    said = json.loads(srt("review", "pull", "reviews/questions", "--json").out)
    # Nobody on this server has the accounts of those days: verdicts stay, and others are new.
    assert (said["verdicts"], said["new"], said["deleted"]) == (63, 30, 1)
    assert said["corrections"] == 3
    today = verdicts_in(work / "reviews/questions")
    people = {row["annotator"] for row in before}
    stayed = [row for row in today if row["annotator"] in people]
    assert answers(stayed, before[0]) == answers(before, before[0])
    new = [row for row in today if row["annotator"] not in people]
    left = [row for row in before if row["record"] != gone]
    assert answers(new, before[0]) == answers(left, before[0])
    kept, old = ([row for row in rows if row["record"] == gone] for rows in (today, before))
    assert len(old) == 3
    # `seconds` are since the verdict before, and the others are of another day.
    same = [{name: value for name, value in row.items() if name != "seconds"} for row in old]
    assert [as_before(*pair) for pair in zip(kept, same, strict=True)] == same


@pytest.mark.parametrize("source", ["runs/questions", "releases/questions@v1.0.0"])
def test_a_new_review_of_what_was_made_then(srt, argilla, work, source):
    options = ("--annotators", "people.yaml", "--out", "reviews/new", "--dataset", "new")
    Left(argilla)
    said = json.loads(srt("review", "push", source, *options, "--sample", "5", "--json").out)
    assert (said["records"], said["sent"], said["annotators"]) == (5, 5, 3)
    # The release's texts are redacted.
    release = work / "releases/questions@v1.0.0"
    rows = ledger(work / "runs/questions")
    rows += [row for split in ("train", "test") for row in released(release, "ledger", split)]
    texts = {text for row in rows for text in (row["draft"], row["refinement"])}
    drawn = rows_in([work / "reviews/new/drawn.parquet"])
    assert len({row["id"] for row in drawn}) == 5
    found = ask(argilla.url, argilla.api_key, "GET", "me/datasets").json()["items"]
    (dataset,) = [one["id"] for one in found if one["name"] == "new"]
    records = ask(argilla.url, argilla.api_key, "GET", f"datasets/{dataset}/records").json()
    for record in records["items"]:
        page = record["fields"]["page"]
        assert {unguarded(page["answer_a"]), unguarded(page["answer_b"])} <= texts


def test_a_push_of_then_is_repeated_today_or_refused_in_one_line(srt, refused, argilla, work):
    """A page of then cannot be added to."""
    path = work / "pushed/questions/review.json"
    facts = {**json.loads(path.read_text()), "url": argilla.url}
    path.write_text(json.dumps(facts))
    options = [f"--{name}={facts[name]}" for name in ("sample", "seed", "overlap", "calibration")]
    options += [f"--strategy={facts['strategy']}", f"--dataset={facts['datasets']['sample']}"]
    push = ("review", "push", "runs/questions", "--out", "pushed/questions", *options)
    push = (*push, "--annotators", "people.yaml", "--json")
    Left(argilla)
    before = {path: path.read_bytes() for path in (work / "pushed/questions").glob("*.parquet")}
    said = json.loads(srt(*push).out)
    assert (said["sent"], said["made"]) == (0, [])
    assert {path: path.read_bytes() for path in before} == before
    missing = rows_in([work / "pushed/questions/drawn.parquet"])[0]["record"]
    left = Left(argilla, without={missing})
    assert "was pushed by an earlier version, with other pages, and lacks 1 of " in refused(*push)
    # As the line says.
    left.delete()
    assert json.loads(srt(*push).out)["sent"] == said["records"]
