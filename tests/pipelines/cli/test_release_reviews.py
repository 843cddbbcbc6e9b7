"""`srt release --review`, as it is typed: what passes, what is refused, and what is let through."""

import json

import pytest

from builders.errors import BadInput, GateRefused
from pipelines.cli.check import check
from pipelines.cli.release import release
from tests.builders.release.releases import manifest_of
from tests.builders.release.reviews.reviewed import DRAFT, FINE, ROWS, verdicts_of
from tests.ledger_rows import ledger_row, make_run
from tests.review_folders import make_review

# Rows of a few templates are alike.
GATE = {"benchmarks": False, "warn_near_duplicates": 1.0}


@pytest.fixture(autouse=True)
def _wide(monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")


def run_with(folder, **limits):
    """A run whose recipe asks for `limits`, in `runs/mine`."""
    return make_run(folder / "runs" / "mine", ROWS, gate={**GATE, **limits})[0].folder


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return run_with(tmp_path, min_agreement=0.6, min_alpha=0.3, min_verdicts=40)


@pytest.fixture
def review(run, tmp_path):
    return make_review(tmp_path / "reviews" / "mine", run, verdicts_of(ROWS)).folder


def released(run, **options):
    release([run], name="tiny", version="1.0.0", **options)


def test_a_review_within_the_limits_passes(run, review, tmp_path, capsys):
    """The run that was reviewed leads to its review."""
    released(run, review=[run])
    printed = capsys.readouterr().out
    assert "human-agreement" in printed
    assert "49 verdicts" in printed
    release_folder = tmp_path / "releases" / "tiny@v1.0.0"
    assert manifest_of(release_folder)["funnel"]["dropped"] == {"rejected_by_people": 6}
    check(release_folder)


def test_a_review_under_a_limit_is_refused_and_can_be_let_through(tmp_path, capsys):
    run = run_with(tmp_path, min_agreement=0.95, min_alpha=0.3, min_verdicts=1000)
    review = make_review(tmp_path / "people", run, verdicts_of(ROWS)).folder
    pattern = r"human-agreement: 49 .* asked for: min_agreement 95\.0%, min_verdicts 1,000;"
    with pytest.raises(GateRefused, match=pattern) as error:
        released(run, review=[review], out=tmp_path)
    assert error.value.exit_code == 3
    assert not list(tmp_path.glob("tiny@*"))
    reason = "a first look, with more people to come"
    allow = {"allow": ["human-agreement"], "reason": [reason]}
    released(run, review=[review], out=tmp_path, **allow, as_json=True)
    checked = json.loads(capsys.readouterr().out)["checks"][-1]
    assert (checked["name"], checked["status"]) == ("human-agreement", "fail")
    assert checked["figures"]["min_verdicts"] == 1000
    release_folder = tmp_path / "tiny@v1.0.0"
    assert f"Allowed because: {reason}" in (release_folder / "README.md").read_text()
    check(release_folder)


def test_a_recipe_that_asks_for_people_is_refused_without_a_review(run):
    with pytest.raises(
        GateRefused,
        match=r"human-agreement: No person .* min_agreement 60\.0%, min_alpha 0\.30, min_verdicts",
    ):
        released(run)


def test_what_is_no_review_is_one_line(run, tmp_path):
    with pytest.raises(BadInput, match="nowhere: not a review"):
        released(run, review=[tmp_path / "nowhere"])
    with pytest.raises(BadInput, match=r"reviews/mine: not a review .*`srt review push"):
        released(run, review=[run])


def same_rows_scored(critic, folder, **limits):
    """A run of 90 rows, of which a third have a refinement that is worse than the draft.

    The critic scores every refinement 1 higher ("constant"), or sees which one is better in nine of
    ten rows ("good"); rows in which it prefers the draft are dropped for their margin.
    """
    rows = []
    for number in range(90):
        is_better = number % 3 > 0
        sees = critic == "constant" or is_better == (number % 10 > 0)
        row = ledger_row(number, reason=None if sees else "margin")
        for answer, score in (("draft", 6), ("refinement", 7 if sees else 5)):
            row[f"{answer}_score"] = score
            row[f"{answer}_assessment"] = {**row[f"{answer}_assessment"], "score": score}
        rows.append(row)
    run = make_run(folder / critic, rows, gate={**GATE, **limits})[0].folder
    said = {
        number: (FINE if number % 3 else DRAFT, FINE if (number + 1) % 3 else DRAFT)
        if number % 9 == 8
        else (FINE if number % 3 else DRAFT,) * 2
        for number in range(90)
    }
    return run, make_review(folder / f"of-{critic}", run, verdicts_of(rows, said)).folder


def test_a_critic_without_judgment_is_told_from_a_good_one(tmp_path, monkeypatch):
    """On the same people: of every refinement scored higher, agreement alone says nothing."""
    monkeypatch.chdir(tmp_path)
    limits = {"min_agreement": 0.6, "min_balanced": 0.6, "min_over_always_refinement": 0.02}
    constant, review = same_rows_scored("constant", tmp_path, **limits)
    missed = r"asked for: min_balanced 60\.0%, min_over_always_refinement \+2\.0 points;"
    with pytest.raises(GateRefused, match=missed) as error:
        released(constant, review=[review])
    assert "which makes a difference of +0.0 (" in str(error.value)
    assert "balanced, the model's is 50.0%" in str(error.value)
    good, review = same_rows_scored("good", tmp_path, **limits)
    released(good, review=[review])
    (check,) = (
        check
        for check in manifest_of(tmp_path / "releases" / "tiny@v1.0.0")["gate"]["checks"]
        if check["name"] == "human-agreement"
    )
    assert check["status"] == "pass"
    assert check["figures"]["over_always_refinement"]["low"] > 0.02
    assert check["figures"]["agreement"]["value"] > 0.8
