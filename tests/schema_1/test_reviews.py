"""A review of schema 1.1: reported, and taken up by a release."""

import json

from tests.schema_1.rows import NEXT_VERSION, released, same_rows


def test_its_report_has_the_figures_of_the_release_made_then(srt, work):
    said = json.loads(srt("review", "report", "reviews/questions", "--json").out)
    assert said["counts"]["verdicts"] == 33
    assert (work / "reviews/questions/report.md").exists()
    then = json.loads((work / "releases/questions@v1.1.0/manifest.json").read_text())["review"]
    for figure in ("value", "of"):
        assert said["gate"]["agreement"][figure] == then["gate"]["agreement"][figure]


def test_the_review_of_a_run_is_found_by_the_run(srt):
    srt("review", "report", "runs/questions")


def test_a_review_that_was_pushed_and_not_pulled_has_no_verdict(srt, refused):
    told = srt("review", "report", "pushed/questions")
    assert "no verdicts yet" in told.err
    words = ("runs/questions", "--name", "new", "--version", "1.0.0")
    assert "no verdicts yet" in refused("release", *words, "--review", "pushed/questions")


def test_a_release_with_the_review_has_the_rows_of_the_one_made_then(srt, work):
    """Over the same parent, since that decides the order of rows and their splits."""
    then = work / "releases/questions@v1.1.0"
    parent = ("--parent", "releases/questions@v1.0.0", "--out", "new")
    words = ("runs/questions", "--name", "questions", "--version", NEXT_VERSION)
    srt("release", *words, *parent, "--review", "reviews/questions")
    today = work / f"new/questions@v{NEXT_VERSION}"
    before, after = (json.loads((one / "manifest.json").read_text()) for one in (then, today))
    assert before["configs"].keys() <= after["configs"].keys()
    for config, splits in before["configs"].items():
        for split in splits:
            same_rows(released(today, config, split), released(then, config, split))
    assert after["funnel"] == before["funnel"]
    for key in ("wrong", "left_out"):
        assert after["review"][key] == before["review"][key]
    # It was of kept rows, as all reviews were.
    designs = [{**design, "rows": "kept"} for design in before["review"]["reviews"]]
    assert after["review"]["reviews"] == designs
    dropped = after["funnel"]["dropped"]
    assert (dropped["corrected_by_people"], dropped["rejected_by_people"]) == (2, 1)
    srt("check", today)
