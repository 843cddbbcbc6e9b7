"""The model against people: cases worked out by hand, and scipy's figures of the same data."""

import math
import random
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, kendalltau, spearmanr

from builders.review.reviewable import ReviewableRow
from builders.review.statistics.calibration import by_margin, correlations, score_calibration
from builders.review.statistics.correlation import kendall, spearman
from builders.review.statistics.intervals import bootstrapped, weighted_mean, wilson
from builders.review.statistics.model_agreement import BANDS, band, model_against_people
from builders.review.statistics.pairs import TIE_RULES, pairwise
from builders.review.statistics.reviewed import reviewed_records, sample_of
from builders.review.statistics.tables import crossed
from builders.rows import InvalidRow
from tests.verdict_rows import verdict_row


def row(number, draft_score, refinement_score, *, lengths=(100, 150), source="s"):
    return ReviewableRow(f"row-{number}", source, *lengths, draft_score, refinement_score, 5)


def records(*cases):
    """One record for each (row, [choices], probability or 1.0)."""
    verdicts, rows = [], {}
    for number, (one, choices, *chance) in enumerate(cases):
        rows[one.id] = one
        verdicts += [
            verdict_row(
                number,
                id=one.id,
                annotator=f"a{place}",
                better=choice,
                inclusion_probability=chance[0] if chance else 1.0,
                stratum_rows=None,
            )
            for place, choice in enumerate(choices)
        ]
    return reviewed_records(verdicts, rows)


def test_the_answer_that_people_chose_has_to_score_the_higher():
    result = pairwise(
        records(
            (row(0, 4, 8), ["refinement"]),
            (row(1, 8, 4), ["refinement"]),
            (row(2, 8, 4, lengths=(100, 90)), ["draft"]),
            (row(3, 4, 8), ["tie"]),
            (row(4, None, 8), ["draft"]),
        )
    )
    assert result["checked"] == {"value": 2 / 3, "hits": 2, "of": 3}
    assert result["weighted"]["value"] == pytest.approx(2 / 3)
    assert result["longer"]["value"] == 1
    assert result["over_longer"]["value"] == pytest.approx(-1 / 3)
    assert result["always_refinement"]["value"] == pytest.approx(2 / 3)
    assert result["over_always_refinement"]["value"] == pytest.approx(0)
    # Right about one of two who chose the refinement, and about the one who chose the draft.
    assert result["balanced"]["value"] == pytest.approx(0.75)


@pytest.mark.parametrize(
    ("ties", "value", "of"), [("half", 0.75, 2), ("wrong", 0.5, 2), ("left_out", 1.0, 1)]
)
def test_a_tie_of_the_models_is_worth_what_the_rule_says(ties, value, of):
    cases = records((row(0, 4, 8), ["refinement"]), (row(1, 6, 6), ["draft"]))
    result = pairwise(cases, ties)
    checked = result["checked"]
    assert (checked["value"], checked["of"], result["longer"]["of"]) == (value, of, of)
    facts = model_against_people(cases, ties)
    assert facts["by_tie_rule"] == {"half": 0.75, "wrong": 0.5, "left_out": 1.0}
    assert (facts["tie_rule"], facts["model_ties"]) == (ties, 1)


def test_an_unknown_tie_rule_is_refused():
    with pytest.raises(ValueError, match="coin"):
        pairwise([], "coin")


def test_a_record_counts_once_however_many_have_answered():
    result = pairwise(
        records(
            (row(0, 4, 8), ["refinement"] * 9 + ["tie"]),
            (row(1, 4, 8), ["draft"]),
            (row(2, 4, 8), ["refinement", "draft"]),
        )
    )
    assert result["checked"] == {"value": 0.5, "hits": 1.5, "of": 3}
    # A record of ten choices of the refinement and half of another's two, of three in all: 2/3.
    assert result["always_refinement"]["value"] == pytest.approx(0.5)
    # Right about all who chose the refinement, and about none who chose the draft.
    assert result["balanced"]["value"] == pytest.approx(0.5)


def test_wilsons_interval_is_scipys():
    for hits, of in ((0, 5), (3, 7), (40, 40), (351, 1000)):
        expected = binomtest(hits, of).proportion_ci(method="wilson")
        assert wilson(hits, of) == pytest.approx({"low": expected.low, "high": expected.high})
    assert wilson(0, 0) == {"low": None, "high": None}


def test_rows_that_were_unlikely_to_be_drawn_weigh_more():
    result = pairwise(records((row(0, 4, 8), ["refinement"], 0.25), (row(1, 4, 8), ["draft"], 1.0)))
    assert result["checked"]["value"] == 0.5
    assert result["weighted"]["value"] == pytest.approx(4 / 5)
    # Kish: (4 + 1)² / (4² + 1²).
    assert result["effective"] == pytest.approx(25 / 17)


def test_weighting_undoes_what_the_sample_prefers():
    """The model is right on 9 easy rows of 10 and on 1 doubtful row of 4."""
    chance, estimates, plain = random.Random(1), [], []
    for _ in range(60):
        cases = []
        for number in range(400):
            doubtful = number % 4 == 0
            right = number % 16 == 0 if doubtful else number % 10 != 0
            likely = 0.9 if doubtful else 0.3
            if chance.random() < likely:
                cases.append((row(number, 4, 8), ["refinement" if right else "draft"], likely))
        result = pairwise(records(*cases))
        estimates.append(result["weighted"]["value"])
        plain.append(result["checked"]["value"])
    easy = [number for number in range(400) if number % 4]
    truth = (25 + sum(number % 10 != 0 for number in easy)) / 400
    assert np.mean(estimates) == pytest.approx(truth, abs=0.01)
    assert np.mean(plain) < truth - 0.1


def test_assisted_discarded_and_calibration_verdicts_never_count():
    rows = {"row-0": row(0, 4, 8)}
    verdicts = [
        verdict_row(0),
        verdict_row(0, annotator="b", better="draft", assisted=True),
        verdict_row(0, annotator="c", better="draft", status="discarded"),
        verdict_row(0, annotator="d", better="draft", calibration=True),
    ]
    facts = model_against_people(reviewed_records(verdicts, rows))
    assert (facts["verdicts"], facts["pairwise"]["checked"]["value"]) == (1, 1)
    none = model_against_people(reviewed_records(verdicts[1:], rows))
    assert none["verdicts"] == 0
    assert none["pairwise"]["checked"] == {"value": None, "hits": 0, "of": 0}
    assert none["pairwise"]["weighted"]["why"] == "no record has an answer"


def test_a_verdict_on_a_row_that_is_not_there_is_refused():
    with pytest.raises(InvalidRow, match="row-0"):
        reviewed_records([verdict_row(0)], {})


def test_groups_part_the_pairs():
    cases = records(
        *(
            (row(n, 4, 8, lengths=(100, 50 + 20 * n), source="ab"[n % 2]), ["refinement"])
            for n in range(12)
        )
    )
    facts = model_against_people(cases)
    assert list(facts["by_source"]) == ["a", "b"]
    assert list(facts["by_length"]) == [name for name, _ in BANDS]
    for name in ("by_source", "by_length"):
        assert sum(group["checked"]["of"] for group in facts[name].values()) == 12


@pytest.mark.parametrize(
    ("refinement", "name"),
    [(89, 0), (90, 0), (91, 1), (110, 1), (111, 2), (150, 2), (151, 3), (200, 3), (201, 4)],
)
def test_bands_of_growth(refinement, name):
    assert band(row(0, 4, 8, lengths=(100, refinement))) == BANDS[name][0]


choices = st.lists(st.sampled_from(("draft", "refinement", "tie")), min_size=1, max_size=3)
scores = st.one_of(st.none(), st.integers(1, 10))
cases_of = st.lists(
    st.tuples(scores, scores, choices, st.tuples(st.integers(1, 300), st.integers(1, 300))),
    max_size=8,
)


@settings(max_examples=30)
@given(cases_of, st.sampled_from(TIE_RULES))
def test_mirrored_answers_are_agreed_with_as_much(cases, ties):
    """Draft and refinement exchanged everywhere: the model agrees as often as before."""
    other = {"draft": "refinement", "refinement": "draft", "tie": "tie"}
    plain = records(*((row(n, a, b, lengths=le), ch) for n, (a, b, ch, le) in enumerate(cases)))
    mirrored = records(
        *(
            (row(n, b, a, lengths=le[::-1]), [other[one] for one in ch])
            for n, (a, b, ch, le) in enumerate(cases)
        )
    )
    first, second = pairwise(plain, ties), pairwise(mirrored, ties)
    assert first["checked"]["of"] == second["checked"]["of"] == first["longer"]["of"]
    for name in ("weighted", "longer", "over_longer", "balanced"):
        for end in ("value", "low", "high"):
            assert first[name][end] == pytest.approx(second[name][end], abs=1e-9)


@settings(max_examples=50)
@given(cases_of, st.sampled_from(TIE_RULES))
def test_intervals_hold_their_values_and_stay_in_bounds(cases, ties):
    facts = model_against_people(
        records(*((row(n, a, b, lengths=le), ch) for n, (a, b, ch, le) in enumerate(cases))), ties
    )
    for name, part in facts["pairwise"].items():
        if name in ("checked", "effective"):
            continue
        assert (part["value"] is None) == (part["why"] is not None)
        if part["value"] is not None:
            least = -1 if name.startswith("over") else 0
            assert least <= part["low"] <= part["value"] <= part["high"] <= 1
            assert part["low"] < part["high"]


tables = st.lists(st.lists(st.integers(0, 6), min_size=3, max_size=3), min_size=2, max_size=5)


@given(tables)
def test_rank_correlations_of_a_table_are_scipys(table):
    table = np.array(table, float)
    pairs = [
        place for place in product(range(len(table)), range(3)) for _ in range(int(table[place]))
    ]
    first, second = ([pair[side] for pair in pairs] for side in (0, 1))
    if len(set(first)) < 2 or len(set(second)) < 2:
        assert math.isnan(spearman(table))
        assert math.isnan(kendall(table))
    else:
        assert spearman(table) == pytest.approx(spearmanr(first, second).statistic, abs=1e-9)
        counted = crossed(first, second, range(len(first)), len(first)).table(np.ones(len(first)))
        assert kendall(counted) == pytest.approx(kendall(table), abs=1e-9)
        assert kendall(table) == pytest.approx(kendalltau(first, second).statistic, abs=1e-9)


def test_correlation_is_of_the_means_of_peoples_scores():
    rows = {f"row-{n}": row(n, n % 7 + 1, n % 5 + 3) for n in range(40)}
    chance = random.Random(2)
    verdicts = [
        verdict_row(
            n,
            annotator=name,
            draft_score=chance.choice((None, 3, 4, 9)),
            refinement_score=chance.randint(1, 10),
        )
        for n in range(40)
        for name in "ab"
    ]
    cases = reviewed_records(verdicts, rows)
    model, human = [], []
    for one in cases:
        for part in ("draft", "refinement"):
            if scores := one.human_scores(part):
                model.append(one.model_score(part))
                human.append(np.mean(scores))
    result = correlations(cases, sample_of(cases))
    assert result["spearman"]["value"] == pytest.approx(spearmanr(model, human).statistic, abs=1e-9)
    assert result["kendall"]["value"] == pytest.approx(kendalltau(model, human).statistic, abs=1e-9)
    assert result["kendall"]["of"] == 40
    assert result["spearman"]["low"] < result["spearman"]["value"] < result["spearman"]["high"]


def test_calibration_is_by_the_models_score_over_both_answers():
    rows = {f"row-{n}": row(n, 4 if n % 2 == 0 else 8, 8) for n in range(40)}
    verdicts = []
    for n in range(0, 40, 2):
        verdicts += [
            verdict_row(n, draft_score=5, refinement_score=10),
            verdict_row(n, annotator="b", draft_score=7, refinement_score=8),
            verdict_row(n + 1, draft_score=8, refinement_score=None),
        ]
    cases = reviewed_records(verdicts, rows)
    result = {one["score"]: one for one in score_calibration(cases, sample_of(cases))}
    assert list(result) == list(range(1, 11))
    assert (result[4]["human"]["value"], result[4]["within_one"]["value"]) == (6, 0.5)
    assert (result[8]["answers"], result[8]["human"]["value"]) == (40, 8.5)
    assert result[8]["within_one"]["value"] == 0.75
    assert result[1]["answers"] == 0
    assert result[1]["human"]["value"] is None


def test_preference_by_margin_counts_a_persons_tie_half():
    cases = records(
        *((row(n, 4, 8), ["refinement", "tie"] if n % 2 else ["draft"]) for n in range(20)),
        *((row(n, 9, 5), ["draft"]) for n in range(20, 40)),
        *((row(n, 9, 6), ["draft"]) for n in range(40, 59)),
    )
    few, *rest = by_margin(cases, sample_of(cases))[::-1]
    assert (few["margin"], few["preferred"]["value"]) == (4, 0.375)
    margins = [(one["margin"], one["preferred"]["value"], one["preferred"]["of"]) for one in rest]
    # Nineteen records get no share.
    assert margins == [(-3, None, 19), (-4, 0, 20)]


def test_a_bootstrap_is_the_same_each_time_and_holds_the_mean_of_normal_data():
    values = np.random.default_rng(0).normal(size=400)
    once = np.ones(400)
    result = bootstrapped(weighted_mean(values), once)
    assert result == bootstrapped(weighted_mean(values), once)
    half = 1.96 * values.std() / 20
    assert result["high"] - result["value"] == pytest.approx(half, rel=0.15)
    assert result["value"] - result["low"] == pytest.approx(half, rel=0.15)
