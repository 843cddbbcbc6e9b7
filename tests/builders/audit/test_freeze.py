"""Sets that are frozen from reviews, releases, runs and files, and stay as they were."""

import json
import shutil

import pytest

from builders.audit.freeze import freeze, freeze_file
from builders.audit.frozen import CHECKER, open_set
from builders.audit.judge import control_judges
from builders.errors import BadInput
from tests.builders.release.reviews.reviewed import ROWS, few, reviewed, verdicts_of
from tests.ledger_rows import make_run
from tests.review_folders import make_review

PAIRS = [
    {"instruction": f"What is {n}?", "answer_a": f"{n}.", "answer_b": f"Not {n}.", "better": "a"}
    for n in range(3)
]


@pytest.fixture
def run(tmp_path):
    return make_run(tmp_path / "run", ROWS)[0].folder


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def of_file(tmp_path, rows=PAIRS, name="set"):
    return freeze_file(write(tmp_path / "pairs.jsonl", rows), tmp_path / name, license="mit")


def test_other_scorers_of_its_rows_are_control_judges(tmp_path):
    controls = [
        {"model": "/models/other", "draft_score": 3, "refinement_score": 8, "detail": None},
        {"model": "silent", "draft_score": None, "refinement_score": None, "detail": "no score"},
    ]
    rows = [{**row, "control_scores": controls} if row["draft_score"] else row for row in ROWS]
    run = make_run(tmp_path / "run", rows)[0].folder
    frozen = freeze(reviewed(tmp_path, run).folder, tmp_path / "audits/people")
    (judge,) = control_judges(frozen)
    assert (judge.facts.name, judge.facts.kind) == ("other", "stored")
    assert set(judge.scores.values()) == {(3, 8)}
    assert judge.scores.keys() == {pair["id"] for pair in frozen.pairs}


def test_a_review(tmp_path, run):
    review = reviewed(tmp_path, run)
    frozen = freeze(review.folder, tmp_path / "audits/people")
    by_id = {pair["id"]: pair for pair in frozen.pairs}
    # Row 6 had assisted verdicts only, 7 a discarded one, and 10 was for calibration.
    assert set(by_id) == {ROWS[n]["id"] for n in (*range(6), 8, 9, *range(11, 20))}
    assert frozen.facts.counts.left_out == {"unjudged": 3}
    first = by_id[ROWS[0]["id"]]
    assert [choice["better"] for choice in first["choices"]] == ["a", "a", "b"]
    assert (first["answer_a"], first["answer_b"]) == (ROWS[0]["draft"], ROWS[0]["refinement"])
    assert first["writer_a"] == "example/small-draft-135m"
    assert first["writer_b"] == "example/large-critic-70b"
    assert (first["stratum"], first["stratum_rows"]) == ("all", 400)
    assert first["inclusion_probability"] == 0.5
    assert (first["score_a"], first["score_b"]) == (
        ROWS[0]["draft_score"],
        ROWS[0]["refinement_score"],
    )
    # In row 9 one person was undecided, and one did not say.
    assert [choice["better"] for choice in by_id[ROWS[9]["id"]]["choices"]] == ["b", "tie"]
    facts = frozen.facts
    assert (facts.answers, facts.judged_by) == ("draft and refinement", "people")
    assert facts.counts.people == 3
    assert facts.design[0]["strategy"] == "uniform"
    assert str(tmp_path) not in (frozen.folder / "set.json").read_text()


def test_a_release_with_verdicts(dropped, tmp_path):
    frozen = freeze(dropped.release, tmp_path / "set")
    assert {pair["id"] for pair in frozen.pairs} == {
        ROWS[n]["id"] for n in (*range(6), 8, 9, *range(11, 20))
    }
    assert frozen.facts.source.kind == "release"
    assert frozen.facts.design[0]["strategy"] == "uniform"


def test_a_release_without_verdicts(unasked, tmp_path):
    with pytest.raises(BadInput, match="it has no verdicts"):
        freeze(unasked, tmp_path / "set")


def test_a_run_that_nobody_judged(tmp_path, run, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadInput, match="nobody has judged its rows"):
        freeze(run, tmp_path / "set")


def test_a_run_with_a_review(tmp_path, run, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_review(tmp_path / "reviews/run", run, verdicts_of(ROWS, few(4)))
    frozen = freeze(run, tmp_path / "set")
    assert (len(frozen.pairs), frozen.facts.source.kind) == (4, "review")


def test_a_run_that_changed_after_its_review(tmp_path, run):
    review = reviewed(tmp_path, run)
    shutil.rmtree(run)
    make_run(run, ROWS[:30])
    with pytest.raises(BadInput, match="has changed since"):
        freeze(review.folder, tmp_path / "set")


def test_the_checker_stands_for_people(tmp_path, verifiable_run):
    frozen = freeze(verifiable_run, tmp_path / "set")
    assert frozen.facts.judged_by == "checker"
    assert {choice["person"] for pair in frozen.pairs for choice in pair["choices"]} == {CHECKER}
    # The teacher's refinements are right.
    assert {pair["choices"][0]["better"] for pair in frozen.pairs} <= {"b", "tie"}
    assert all(pair["task"] is not None for pair in frozen.pairs)
    assert all(pair["choices"][0]["score_b"] == 10 for pair in frozen.pairs)


def test_a_file(tmp_path):
    frozen = of_file(tmp_path)
    assert (frozen.facts.answers, frozen.facts.license) == ("two answers", "mit")
    assert frozen.facts.counts.model_dump() == {
        "pairs": 3,
        "instructions": 3,
        "people": 1,
        "choices": 3,
        "ties": 0,
        "left_out": {},
    }
    assert open_set(frozen.folder).pairs == frozen.pairs


def test_rows_with_a_license_of_their_own(tmp_path):
    rows = [{**PAIRS[0], "license": "cc-by-4.0"}, PAIRS[1]]
    frozen = of_file(tmp_path, rows)
    assert frozen.facts.license == "mixed"
    assert {pair["license"] for pair in frozen.pairs} == {"mit", "cc-by-4.0"}


def test_a_file_without_pairs(tmp_path):
    with pytest.raises(BadInput, match="no pair to freeze: 1 × there is no instruction"):
        of_file(tmp_path, [{"a": 1}])
    assert not (tmp_path / "set").exists()


def test_a_set_is_never_written_over(tmp_path):
    of_file(tmp_path)
    with pytest.raises(BadInput, match="a set is never changed"):
        of_file(tmp_path)


@pytest.mark.parametrize("change", ["pairs", "facts", "missing"])
def test_a_set_that_was_changed_is_refused(tmp_path, change):
    folder = of_file(tmp_path).folder
    if change == "pairs":
        other = of_file(tmp_path, PAIRS[:2], "other").folder
        (folder / "pairs.parquet").write_bytes((other / "pairs.parquet").read_bytes())
    elif change == "facts":
        facts = json.loads((folder / "set.json").read_text())
        facts["license"] = "cc0-1.0"
        (folder / "set.json").write_text(json.dumps(facts))
    else:
        (folder / "pairs.parquet").unlink()
    with pytest.raises(BadInput, match=r"was changed after it was frozen|is missing"):
        open_set(folder)


@pytest.mark.parametrize(
    ("content", "problem"),
    [("{}", "not the facts of a set"), ("[", "not the facts of a set"), (None, "not a frozen set")],
)
def test_a_folder_that_is_no_set(tmp_path, content, problem):
    if content is not None:
        (tmp_path / "set.json").write_text(content)
    with pytest.raises(BadInput, match=problem):
        open_set(tmp_path)


def test_nothing_to_freeze_from(tmp_path):
    with pytest.raises(BadInput, match="no such folder"):
        freeze(tmp_path / "nothing", tmp_path / "set")
    with pytest.raises(BadInput, match="neither a run"):
        freeze(tmp_path, tmp_path / "set")
