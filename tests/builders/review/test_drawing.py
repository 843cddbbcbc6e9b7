"""What is said of a sample when it is drawn."""

import re

import pytest

from builders.review.drawing import DrawOptions, draw_review, sample_notes
from builders.review.source import open_source
from tests.ledger_rows import ledger_rows, make_run


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    run, _ = make_run(tmp_path_factory.mktemp("drawn") / "run", ledger_rows(400))
    return open_source(run.folder)


def notes(source, out, **options):
    review = draw_review(source, DrawOptions(out=out, **options))
    return list(sample_notes(review.facts, review.drawn()))


@pytest.mark.parametrize(
    ("strategy", "least", "most"),
    [("uniform", 100, 100), ("stratified", 97, 100), ("informative", 60, 95)],
)
def test_what_a_strategys_sample_is_worth_is_said(source, tmp_path, strategy, least, most):
    (note,) = notes(source, tmp_path / strategy, sample=100, strategy=strategy, calibration=5)
    said = re.fullmatch(rf"{strategy}: 100 rows count as about (\d+) for figures of all rows", note)
    assert least <= int(said[1]) <= most


def test_corrections_are_worth_no_figure(source, tmp_path):
    assert notes(source, tmp_path / "assisted", sample=20, assisted=True) == []


def test_fewer_rows_than_the_sample_are_all_of_them(source, tmp_path):
    scored = sum(1 for _ in source.rows("scored"))
    assert notes(source, tmp_path / "all", sample=5000) == [
        f"--sample 5000: only {scored} rows can be reviewed, and all were drawn"
    ]
