"""Agreement between annotators: published examples, and what must hold of any ratings."""

import math
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.review.statistics.annotator_agreement import (
    between_annotators,
    cohen,
    fleiss,
    observed_agreement,
    question_agreement,
)
from builders.review.statistics.design import Draw
from builders.review.statistics.krippendorff import coincidences, krippendorff_alpha
from tests.verdict_rows import verdict_row

WEIGHTS = (None, "linear", "quadratic")
LEVELS = ("nominal", "ordinal", "interval")
EXACT = {"rel": 0, "abs": 1e-9}
FOUR = ("a", "b", "c", "d")


def ratings_of(lines):
    """One line for each annotator, `*` where there is no rating."""
    return {
        str(record): {str(name): int(value) for name, value in enumerate(column) if value != "*"}
        for record, column in enumerate(zip(*lines, strict=True))
    }


# Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011), section C; to the last digit,
# the values of the package `krippendorff` 0.9.0.
KRIPPENDORFF = ratings_of(("123321412***", "1233224125*3", "*3332342251*", "12332441251*"))


@pytest.mark.parametrize(
    ("level", "published", "exact"),
    [
        ("nominal", 0.743, 0.743421052631579),
        ("ordinal", 0.815, 0.8153875037548814),
        ("interval", 0.849, 0.8491071428571428),
    ],
)
def test_alpha_of_krippendorffs_own_example(level, published, exact):
    result = krippendorff_alpha(KRIPPENDORFF, (1, 2, 3, 4, 5), level)
    assert result == pytest.approx(published, abs=5e-4)
    assert result == pytest.approx(exact, **EXACT)


def test_cohens_kappa_of_the_widely_printed_example():
    # Fifty proposals, two readers: 20 and 15 agreed on, 5 and 10 not; kappa is printed as 0.40.
    cells = {("yes", "yes"): 20, ("yes", "no"): 5, ("no", "yes"): 10, ("no", "no"): 15}
    pairs = [pair for pair, times in cells.items() for _ in range(times)]
    assert cohen(pairs, ("no", "yes")) == pytest.approx(0.4, **EXACT)


@pytest.mark.parametrize(
    ("weights", "sklearn"),
    [(None, 0.5514018691588785), ("linear", 0.6470588235294117), ("quadratic", 0.7407407407407407)],
)
def test_weighted_kappa_is_that_of_scikit_learn(weights, sklearn):
    pairs = list(
        zip((0, 0, 0, 1, 1, 2, 2, 2, 3, 3, 1, 0), (0, 1, 0, 1, 2, 2, 2, 3, 3, 1, 1, 0), strict=True)
    )
    assert cohen(pairs, (0, 1, 2, 3), weights) == pytest.approx(sklearn, **EXACT)


def test_fleiss_kappa_of_the_widely_printed_example():
    # Fourteen raters, ten subjects, five categories; kappa is printed as 0.210.
    rows = ["0 0 0 0 14", "0 2 6 4 2", "0 0 3 5 6", "0 3 9 2 0", "2 2 8 1 1"]
    rows += ["7 7 0 0 0", "3 2 6 3 0", "2 5 3 2 2", "6 5 2 1 0", "0 2 2 3 7"]
    ratings = {}
    for number, row in enumerate(rows):
        counts = map(int, row.split())
        answers = [value for value, times in enumerate(counts) for _ in range(times)]
        ratings[str(number)] = dict(enumerate(answers))
    result = fleiss(ratings, range(5))
    assert (result["records"], result["raters"]) == (10, 14)
    assert result["value"] == pytest.approx(0.20993070442195522, **EXACT)


# Fleiss, "Measuring nominal scale agreement among many raters" (1971), table 1: six diagnoses of
# each of thirty patients. Kappa is printed there as .430.
DIAGNOSES = """
444444 222555 233335 555555 222444 113333 333355 113334 114444 555555 144444 124444 222333 144444
224445 333335 111455 111112 224444 133555 555555 244444 224555 114444 144445 222224 111155 224444
133333 555555
"""


def test_fleiss_kappa_of_his_own_example():
    result = fleiss(ratings_of(zip(*DIAGNOSES.split(), strict=True)), range(1, 6))
    assert (result["records"], result["raters"]) == (30, 6)
    assert result["value"] == pytest.approx(0.430, abs=5e-4)


def same(result, expected):
    """Equal to the ninth digit; None equals None."""
    if isinstance(expected, list):
        return all(map(same, result, expected))
    if result is None or expected is None:
        return result is expected
    return math.isclose(result, expected, rel_tol=0, abs_tol=1e-9)


@st.composite
def rated(draw):
    """Up to twelve records of up to four annotators, any of whom may have passed one over."""
    records = draw(st.integers(1, 12))
    answers = st.dictionaries(st.sampled_from(FOUR), st.integers(1, 5))
    return {str(number): draw(answers) for number in range(records)}


def figures(ratings, values=(1, 2, 3, 4, 5)):
    percent = observed_agreement(coincidences(ratings, values).sum(axis=0))
    return [
        None if math.isnan(percent) else percent,
        *(krippendorff_alpha(ratings, values, level) for level in LEVELS),
        fleiss(ratings, values)["value"],
    ]


@given(rated())
def test_no_figure_leaves_its_bounds(ratings):
    percent, *rest = figures(ratings)
    assert percent is None or 0 <= percent <= 1
    for value in rest:
        assert value is None or (math.isfinite(value) and value <= 1 + 1e-9)


@given(rated(), st.permutations(FOUR), st.randoms())
def test_names_and_order_do_not_matter(ratings, names, chance):
    renamed = dict(zip(FOUR, names, strict=True))
    shuffled = [
        (record, {renamed[name]: value for name, value in answers.items()})
        for record, answers in ratings.items()
    ]
    chance.shuffle(shuffled)
    assert same(figures(dict(shuffled)), figures(ratings))


@given(rated())
def test_a_record_that_fewer_than_two_have_rated_changes_nothing(ratings):
    more = {**ratings, "nobody": {}, "one": {"a": 5}}
    assert same(figures(more), figures(ratings))


@given(rated(), st.permutations(range(1, 6)))
def test_nominal_figures_do_not_know_the_order_of_the_values(ratings, values):
    assert same(
        krippendorff_alpha(ratings, values, "nominal"),
        krippendorff_alpha(ratings, (1, 2, 3, 4, 5), "nominal"),
    )


@given(rated(), st.integers(1, 5), st.integers(-9, 9))
def test_interval_alpha_knows_no_unit_and_no_zero(ratings, unit, zero):
    moved = {
        record: {name: value * unit + zero for name, value in answers.items()}
        for record, answers in ratings.items()
    }
    values = [value * unit + zero for value in range(1, 6)]
    assert same(
        krippendorff_alpha(moved, values, "interval"),
        krippendorff_alpha(ratings, range(1, 6), "interval"),
    )


@given(st.lists(st.integers(1, 5), min_size=2).filter(lambda values: len(set(values)) > 1))
def test_perfect_agreement_is_one(values):
    ratings = {str(n): dict.fromkeys(FOUR, value) for n, value in enumerate(values)}
    assert figures(ratings) == pytest.approx([1] * 5, **EXACT)
    for weights in WEIGHTS:
        pairs = list(zip(values, values, strict=True))
        assert cohen(pairs, (1, 2, 3, 4, 5), weights) == pytest.approx(1, **EXACT)


def test_one_value_in_all_ratings_leaves_nothing_to_agree_on():
    ratings = {str(number): {"a": 3, "b": 3} for number in range(5)}
    assert figures(ratings) == [1, None, None, None, None]
    assert cohen([(3, 3)] * 5, (1, 3)) is None


@given(st.lists(st.tuples(st.integers(1, 4), st.integers(1, 4)), max_size=20))
def test_cohens_kappa_does_not_ask_who_is_first(pairs):
    swapped = [(second, first) for first, second in pairs]
    for weights in WEIGHTS:
        result = cohen(pairs, (1, 2, 3, 4), weights)
        assert same(result, cohen(swapped, (1, 2, 3, 4), weights))
        assert result is None or -1 - 1e-9 <= result <= 1 + 1e-9


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=20))
def test_of_two_values_all_weights_are_one(pairs):
    plain = cohen(pairs, (False, True))
    for weights in WEIGHTS[1:]:
        assert same(cohen(pairs, (False, True), weights), plain)


def test_chance_agrees_at_about_zero():
    chance = random.Random(3)
    ratings = {str(record): {name: chance.randint(1, 5) for name in FOUR} for record in range(2000)}
    draws = dict.fromkeys(ratings, Draw(0.1))
    result = question_agreement(ratings, (1, 2, 3, 4, 5), LEVELS, draws)
    beyond_chance = [
        result["fleiss"]["value"],
        *(result["cohen"][name] for name in ("unweighted", "linear", "quadratic")),
    ]
    beyond_chance += [result["alpha"][level]["value"] for level in LEVELS]
    assert np.abs(beyond_chance).max() < 0.03
    assert result["percent"]["value"] == pytest.approx(0.2, abs=0.01)
    assert len(result["cohen"]["pairs"]) == 6
    for level in LEVELS:
        assert result["alpha"][level]["low"] < 0 < result["alpha"][level]["high"]


def test_only_unassisted_submitted_verdicts_count_and_calibration_ones_do():
    same = {"id": "row", "record": "r"}
    rows = [
        verdict_row(annotator="a", **same),
        verdict_row(annotator="b", **same),
        verdict_row(annotator="c", **same, better="draft", assisted=True),
        verdict_row(annotator="d", **same, better="draft", status="discarded"),
        *(
            verdict_row(annotator=name, id="x", record="first", better="draft", calibration=True)
            for name in "ab"
        ),
    ]
    result = between_annotators(rows)["better"]
    assert (result["annotators"], result["ratings"], result["records"]) == (2, 4, 2)
    assert result["percent"]["value"] == result["alpha"]["nominal"]["value"] == 1


def test_no_verdicts_make_no_figure():
    for figures_of in between_annotators([]).values():
        assert figures_of["percent"]["value"] is figures_of["fleiss"]["value"] is None
        assert figures_of["cohen"]["unweighted"] is None


def test_unknown_levels_and_weights_are_refused():
    with pytest.raises(ValueError, match="level"):
        krippendorff_alpha({"r": {"a": 1, "b": 1}}, (1, 2), "ratio")
    with pytest.raises(ValueError, match="weights"):
        cohen([(1, 1)], (1, 2), "cubic")
