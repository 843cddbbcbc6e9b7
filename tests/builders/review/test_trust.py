"""The model against people: cases worked out by hand, and scipy's figures of the same data."""

import math
import random
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, kendalltau, spearmanr

from builders.review.candidates import Candidate
from builders.review.intervals import bootstrapped, weighted_mean, wilson
from builders.review.trust import (
    BANDS,
    TIE_RULES,
    asked,
    band,
    by_margin,
    correlations,
    kendall,
    model_against_people,
    pairwise,
    score_calibration,
    spearman,
)
from builders.schema import InvalidRow
from tests.verdict_rows import verdict_row


def row(number, draft_score, refinement_score, *, lengths=(100, 150), source="s"):
    return Candidate(f"row-{number}", source, *lengths, draft_score, refinement_score, 5)


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
            )
            for place, choice in enumerate(choices)
        ]
    return asked(verdicts, rows)


def test_the_answer_that_people_chose_has_to_score_the_higher():
    found = pairwise(
        records(
            (row(0, 4, 8), ["refinement"]),
            (row(1, 8, 4), ["refinement"]),
            (row(2, 8, 4, lengths=(100, 90)), ["draft"]),
            (row(3, 4, 8), ["tie"]),
            (row(4, None, 8), ["draft"]),
        )
    )
    assert (found["value"], found["of"]) == (2 / 3, 3)
    assert found["longer"]["value"] == 1
    assert found["more_than_longer"]["value"] == pytest.approx(-1 / 3)


@pytest.mark.parametrize(
    ("ties", "value", "of"), [("half", 0.75, 2), ("wrong", 0.5, 2), ("left_out", 1.0, 1)]
)
def test_a_tie_of_the_models_is_worth_what_the_rule_says(ties, value, of):
    cases = records((row(0, 4, 8), ["refinement"]), (row(1, 6, 6), ["draft"]))
    found = pairwise(cases, ties)
    assert (found["value"], found["of"], found["longer"]["of"]) == (value, of, of)
    facts = model_against_people(cases, ties)
    assert facts["by_tie_rule"] == {"half": 0.75, "wrong": 0.5, "left_out": 1.0}
    assert (facts["tie_rule"], facts["model_ties"]) == (ties, 1)


def test_an_unknown_tie_rule_is_refused():
    with pytest.raises(ValueError, match="coin"):
        pairwise([], "coin")


def test_a_record_counts_once_however_many_have_answered():
    found = pairwise(
        records(
            (row(0, 4, 8), ["refinement"] * 9 + ["tie"]),
            (row(1, 4, 8), ["draft"]),
            (row(2, 4, 8), ["refinement", "draft"]),
        )
    )
    assert (found["value"], found["of"]) == (0.5, 3)
    interval = wilson(1.5, 3)
    assert found["wilson"] == interval


def test_wilsons_interval_is_scipys():
    for hits, of in ((0, 5), (3, 7), (40, 40), (351, 1000)):
        expected = binomtest(hits, of).proportion_ci(method="wilson")
        assert wilson(hits, of) == pytest.approx({"low": expected.low, "high": expected.high})
    assert wilson(0, 0) == {"low": None, "high": None}


def test_rows_that_were_unlikely_to_be_drawn_weigh_more():
    found = pairwise(records((row(0, 4, 8), ["refinement"], 0.25), (row(1, 4, 8), ["draft"], 1.0)))
    assert found["value"] == 0.5
    assert found["weighted"]["value"] == pytest.approx(4 / 5)


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
        asked_about = records(*cases)
        once = np.array([one.chosen[0] == "refinement" for one in asked_about], float)
        weights = np.array([1 / one.inclusion_probability for one in asked_about])
        estimates.append(weighted_mean(once)(weights))
        plain.append(once.mean())
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
    facts = model_against_people(asked(verdicts, rows))
    assert (facts["verdicts"], facts["pairwise"]["value"]) == (1, 1)
    none = model_against_people(asked(verdicts[1:], rows))
    assert (none["verdicts"], none["pairwise"]["value"], none["pairwise"]["of"]) == (0, None, 0)


def test_a_verdict_on_a_row_that_is_not_there_is_refused():
    with pytest.raises(InvalidRow, match="row-0"):
        asked([verdict_row(0)], {})


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
        assert sum(group["of"] for group in facts[name].values()) == 12


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
    assert first["of"] == second["of"] == first["longer"]["of"]
    if first["of"]:
        assert first["value"] == pytest.approx(second["value"])
        assert first["longer"]["value"] == pytest.approx(second["longer"]["value"])
        for figure in (first, first["weighted"], first["longer"]):
            assert 0 <= figure["low"] <= figure["high"] <= 1


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
    cases = asked(verdicts, rows)
    model, human = [], []
    for one in cases:
        for part in ("draft", "refinement"):
            if one.human_score(part) is not None:
                model.append(one.model_score(part))
                human.append(one.human_score(part))
    found = correlations(cases)
    assert found["spearman"]["value"] == pytest.approx(spearmanr(model, human).statistic, abs=1e-9)
    assert found["kendall"]["value"] == pytest.approx(kendalltau(model, human).statistic, abs=1e-9)
    assert found["kendall"]["of"] == 40
    assert found["spearman"]["low"] < found["spearman"]["value"] < found["spearman"]["high"]


def test_calibration_is_by_the_models_score_over_both_answers():
    rows = {"row-0": row(0, 4, 8), "row-1": row(1, 8, 8)}
    verdicts = [
        verdict_row(0, draft_score=5, refinement_score=10),
        verdict_row(0, annotator="b", draft_score=7, refinement_score=8),
        verdict_row(1, draft_score=8, refinement_score=None),
    ]
    found = {one["score"]: one for one in score_calibration(asked(verdicts, rows))}
    assert list(found) == list(range(1, 11))
    assert (found[4]["human"]["value"], found[4]["within_one"]["value"]) == (6, 0.5)
    assert (found[8]["answers"], found[8]["human"]["value"]) == (2, 8.5)
    assert found[8]["within_one"]["value"] == 0.75
    assert found[1]["answers"] == 0
    assert found[1]["human"]["value"] is None


def test_preference_by_margin_counts_a_persons_tie_half():
    found = by_margin(
        records(
            (row(0, 4, 8), ["refinement", "tie"]),
            (row(1, 5, 9), ["draft"]),
            (row(2, 9, 5), ["draft"]),
        )
    )
    assert [(one["margin"], one["preferred"]["value"]) for one in found] == [(-4, 0), (4, 0.375)]


def test_a_bootstrap_is_the_same_each_time_and_holds_the_mean_of_normal_data():
    values = np.random.default_rng(0).normal(size=400)
    once = np.ones(400)
    found = bootstrapped(weighted_mean(values), once)
    assert found == bootstrapped(weighted_mean(values), once)
    half = 1.96 * values.std() / 20
    assert found["high"] - found["value"] == pytest.approx(half, rel=0.15)
    assert found["value"] - found["low"] == pytest.approx(half, rel=0.15)
