"""Releases that people's verdicts went into, made once for all tests."""

import pytest

from tests.builders.release.reviews.reviewed import ROWS, Made, release
from tests.ledger_rows import make_run


def _made(tmp_path_factory, wrong):
    return Made(tmp_path_factory.mktemp(wrong), wrong)


@pytest.fixture(scope="session")
def dropped(tmp_path_factory):
    return _made(tmp_path_factory, "drop")


@pytest.fixture(scope="session")
def corrected(tmp_path_factory):
    return _made(tmp_path_factory, "correct")


@pytest.fixture(scope="session")
def kept(tmp_path_factory):
    return _made(tmp_path_factory, "keep")


@pytest.fixture(scope="session")
def unasked(tmp_path_factory):
    """The release of the same rows, of which nobody was asked."""
    out = tmp_path_factory.mktemp("unasked")
    return release(out, [make_run(out / "run", ROWS)])
