"""Who is drawn and how it is shown: seeded, balanced, the same again, streamed."""

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders.errors import BadInput
from builders.review.folder import DRAWN
from builders.review.plan import Design, draw, records
from builders.review.source import CANDIDATE, SHOWN, open_source
from builders.run import Run
from tests.builders.release.releases import release_of
from tests.ledger_rows import kept_rows, ledger_rows, make_run

ROWS = [*kept_rows(80)]


def design(**changes):
    made = {"review": "mine", "source": "abc", "strategy": "stratified", "seed": 0, "sample": 20}
    return Design(**{**made, **changes})


@settings(max_examples=25)
@given(
    st.integers(1, 100),
    st.sampled_from(["uniform", "stratified", "informative"]),
    st.integers(0, 2**31),
    st.integers(0, 30),
)
def test_a_draw_is_balanced_and_the_same_again(size, strategy, seed, calibration):
    chosen = design(sample=size, strategy=strategy, seed=seed, calibration=calibration)
    drawn = draw(lambda: iter(ROWS), chosen)
    assert drawn == draw(lambda: reversed(ROWS), chosen)
    assert all(tuple(row) == tuple(DRAWN) for row in drawn)
    sampled = [row for row in drawn if not row["calibration"]]
    first = [row for row in drawn if row["calibration"]]
    assert (len(first), len(sampled)) == (calibration, min(size, 80 - calibration))
    assert len({row["id"] for row in drawn}) == len({row["record"] for row in drawn}) == len(drawn)
    assert drawn == sorted(drawn, key=lambda row: row["record"])
    assert all(row["inclusion_probability"] == calibration / 80 for row in first)
    for group in (first, sampled):
        orders = Counter(row["order"] for row in group)
        assert abs(orders["draft_first"] - orders["refinement_first"]) <= 1
        for stratum in {row["stratum"] for row in group}:
            within = Counter(row["order"] for row in group if row["stratum"] == stratum)
            assert abs(within["draft_first"] - within["refinement_first"]) <= 1


def test_seeds_and_reviews_differ():
    one, two = (draw(lambda: ROWS, design(seed=seed, sample=80)) for seed in (0, 1))
    order = [{row["id"]: row["order"] for row in drawn} for drawn in (one, two)]
    assert order[0] != order[1]
    other = draw(lambda: ROWS, design(review="yours", sample=80))
    assert not {row["record"] for row in one} & {row["record"] for row in other}


def test_the_order_says_nothing_of_the_key():
    """Whoever sees records in the order of their keys cannot tell the next one's order."""
    drawn = draw(lambda: ROWS, design(sample=80))
    same = sum(one["order"] == two["order"] for one, two in pairwise(drawn))
    assert 20 < same < 60


def test_records_are_of_the_rows_drawn(tmp_path):
    run, _ = make_run(tmp_path / "run", ledger_rows(120))
    source = open_source(run.folder)
    drawn = draw(source.rows, design(source=source.digest, sample=15, calibration=5))
    made = list(records(source.rows(SHOWN), drawn, assisted=False))
    assert {record["id"] for record in made} == {row["record"] for row in drawn}
    rows = {row["id"]: row for row in Run(run.folder).iter_rows()}
    chosen = {row["record"]: row for row in drawn}
    for record in made:
        of = chosen[record["id"]]
        row = rows[of["id"]]
        assert row["status"] == "kept"
        texts = [record["fields"]["answer_a"], record["fields"]["answer_b"]]
        if of["order"] == "refinement_first":
            texts.reverse()
        assert texts == [row["draft"], row["refinement"]]
        assert record["metadata"]["draft_model"] == "example/small-draft-135m"
        assert record["metadata"]["critic_model"] == "example/large-critic-70b"


@pytest.mark.parametrize(
    ("rows", "changes", "said"),
    [
        ([], {}, "nothing to review: of 0 kept rows"),
        ([{**ROWS[0], "refinement": ROWS[0]["draft"]}], {}, "nothing to review: of 1 kept rows"),
        (ROWS, {"calibration": 80}, "calibration takes all 80 rows"),
        (ROWS, {"calibration": 800}, "calibration takes all 80 rows"),
        (ROWS, {"strategy": "best"}, "strategy is 'best', not one of uniform"),
        ([ROWS[0], ROWS[0]], {}, "is that of two rows"),
    ],
)
def test_what_cannot_be_drawn_says_so(rows, changes, said):
    with pytest.raises(BadInput, match=said):
        draw(lambda: rows, design(**changes))


def test_a_run_and_its_release_have_the_same_rows(tmp_path):
    rows = list(ledger_rows(60))
    release = release_of(tmp_path, rows)
    of_run, of_release = open_source(tmp_path / "run-0"), open_source(release)
    assert (of_run.kind, of_run.stage, of_run.version) == ("run", 1, None)
    assert (of_release.kind, of_release.name, of_release.version) == ("release", "tiny", "1.0.0")
    assert of_release.feedback
    for columns in (CANDIDATE, SHOWN):
        one, two = (
            sorted(source.rows(columns), key=lambda row: row["id"])
            for source in (of_run, of_release)
        )
        assert one == two
        assert len(one) == sum(row["status"] == "kept" for row in rows)


def test_a_stage_2_release_is_read_from_its_ledger(tmp_path):
    release = release_of(tmp_path, list(kept_rows(30)), facts={"stage": 2})
    source = open_source(release)
    assert (source.stage, source.feedback) == (2, False)
    run = open_source(tmp_path / "run-0")
    assert sorted(row["id"] for row in source.rows()) == sorted(row["id"] for row in run.rows())


def test_an_unfinished_run_and_no_run_say_so(tmp_path):
    run, _ = make_run(tmp_path / "run", ROWS[:3])
    run.manifest_path.unlink()
    with pytest.raises(BadInput, match="the run is not complete"):
        open_source(run.folder)
    with pytest.raises(BadInput, match="not a run"):
        open_source(tmp_path)
    (tmp_path / "manifest.json").write_text("{}")
    with pytest.raises(BadInput, match="not a release's manifest"):
        open_source(tmp_path)
    for part in run.parts():
        part.write_bytes(b"PAR1")
    run.write_manifest({"stage": 1})
    with pytest.raises(BadInput, match=r"part-000000.parquet: not parquet"):
        list(open_source(run.folder).rows())
