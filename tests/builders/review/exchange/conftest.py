import pytest

from builders.review.drawing import DrawOptions, draw_review
from builders.review.source import open_source
from tests.ledger_rows import kept_rows, make_run


@pytest.fixture
def drawn(tmp_path):
    """`drawn(...)` draws a review of 20 rows, or of `rows`, with these options."""
    run = tmp_path / "runs" / "mine"

    def draw(rows=None, **options):
        make_run(run, rows or kept_rows(20))
        options = {"sample": 6, "calibration": 2, "out": tmp_path / "reviews" / "mine", **options}
        return draw_review(open_source(run), DrawOptions(**options))

    return draw
