"""`srt release --review`, as it is typed: what passes, what is refused, and what is let through."""

import json

import pytest

from builders.errors import BadInput, GateRefused
from pipelines.cli.check import check
from pipelines.cli.release import release
from tests.builders.release.releases import manifest_of
from tests.builders.release.reviewed import ROWS, few_resamples, verdicts_of
from tests.ledger_rows import make_run
from tests.review_folders import make_review

# Rows of a few templates are alike.
GATE = {"benchmarks": False, "warn_near_duplicates": 1.0}


@pytest.fixture(autouse=True)
def _fast(monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    with few_resamples():
        yield


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
    said = capsys.readouterr().out
    assert "human-agreement" in said
    assert "49 verdicts" in said
    made = tmp_path / "releases" / "tiny@v1.0.0"
    assert manifest_of(made)["funnel"]["dropped"] == {"rejected_by_people": 6}
    check(made)


def test_a_review_under_a_limit_is_refused_and_can_be_let_through(tmp_path, capsys):
    run = run_with(tmp_path, min_agreement=0.95, min_alpha=0.3, min_verdicts=1000)
    review = make_review(tmp_path / "people", run, verdicts_of(ROWS)).folder
    asked = r"human-agreement: 49 .* asked for: min_agreement 95\.0%, min_verdicts 1,000;"
    with pytest.raises(GateRefused, match=asked) as error:
        released(run, review=[review], out=tmp_path)
    assert error.value.exit_code == 3
    assert not list(tmp_path.glob("tiny@*"))
    reason = "a first look, with more people to come"
    allow = {"allow": ["human-agreement"], "reason": [reason]}
    released(run, review=[review], out=tmp_path, **allow, as_json=True)
    checked = json.loads(capsys.readouterr().out)["checks"][-1]
    assert (checked["name"], checked["status"]) == ("human-agreement", "fail")
    assert checked["figures"]["min_verdicts"] == 1000
    made = tmp_path / "tiny@v1.0.0"
    assert f"Allowed, because: {reason}" in (made / "README.md").read_text()
    check(made)


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
