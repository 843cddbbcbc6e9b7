"""The people of a review and their accounts; no server is asked."""

import pytest

from builders.review.people import read_people, updated, write_people
from builders.review.pseudonyms import pseudonym
from pipelines.review.annotators import Account
from pipelines.review.team import Team
from tests.ledger_rows import kept_rows, make_run
from tests.review_folders import make_review
from tests.verdict_rows import verdict_row

KEY = b"0" * 64
ANN = pseudonym(KEY, "u1")


@pytest.fixture
def review(tmp_path):
    run = make_run(tmp_path / "runs" / "mine", list(kept_rows(3)))[0].folder
    review = make_review(tmp_path / "reviews" / "mine", run, [verdict_row(0, annotator=ANN)])
    write_people(review.folder, updated({}, {"u1": "ann"}, KEY, [ANN]))
    return review


def team_of(review, *accounts, again):
    return Team(review, read_people(review.folder), list(accounts), KEY, KEY, again)


def test_a_new_account_is_told_once(review):
    account = Account("u2", "ann", "annotator", is_member=True)
    team = team_of(review, account, again={"u2": "u1"})
    assert (team.is_renamed, team.deleted) == (True, {ANN})
    assert team.annotator("u2") == ANN
    assert team.translated({"annotator": pseudonym(KEY, "u2")}) == {"annotator": ANN}
    team.save([ANN])
    assert read_people(review.folder)[ANN].user_ids == ("u1", "u2")
    team = team_of(review, account, again={"u2": "u1"})
    assert (team.is_renamed, team.deleted, team.annotator("u2")) == (False, set(), ANN)


def test_an_account_of_another_review_changes_nothing_here(review):
    """A review beside this one knows that somebody there has another account."""
    again = {"u8": "u7"}
    for is_member, role in ((False, "annotator"), (True, "admin")):
        team = team_of(review, Account("u8", "eve", role, is_member=is_member), again=again)
        assert (team.is_renamed, team.new_again, team.deleted) == (False, {}, set())
        assert pseudonym(KEY, "u7") not in team.now([ANN])
