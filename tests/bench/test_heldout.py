import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, spearmanr

from bench.heldout import judge, measure
from builders.verifiable import check, generate

PROBLEMS = list(generate(3, 40, split="test"))


def row(problem, draft, critique_score=None, refinement=None):
    critique = critique_score and {"weaknesses": [], "suggestions": [], "score": critique_score}
    return {
        "task": problem.task,
        "draft": draft,
        "critique": critique,
        "refinement": refinement,
        "reason": None,
    }


def right(problem):
    return check(problem.task, "I do not know.").refinement


def test_a_row_is_judged_by_the_known_answer():
    problem = PROBLEMS[0]
    judged = judge(row(problem, "I do not know.", 3, right(problem)))
    assert (judged.draft_right, judged.refinement_right) == (False, True)
    assert judged.critique_score == 3
    assert judged.draft_score == check(problem.task, "I do not know.").score


def test_without_a_refinement_the_draft_is_the_answer():
    problem = PROBLEMS[0]
    assert judge(row(problem, right(problem))).refinement_right
    assert not judge(row(problem, None)).refinement_right


def test_shares_count_every_row_and_have_wilsons_interval():
    rows = [row(problem, "No idea.", 2, right(problem)) for problem in PROBLEMS[:30]]
    rows += [row(problem, right(problem), None) for problem in PROBLEMS[30:]]
    figures = measure(rows)
    assert figures["critique_valid"]["value"] == pytest.approx(0.75)
    # A critique that cannot be parsed has no score, which counts as wrong.
    assert figures["score_right"]["value"] == pytest.approx(0.75)
    assert figures["draft_right"]["value"] == pytest.approx(0.25)
    assert figures["refinement_right"]["value"] == 1
    expected = binomtest(30, 40).proportion_ci(method="wilson")
    assert figures["critique_valid"]["low"] == expected.low
    assert figures["critique_valid"]["high"] == expected.high


def test_rows_that_the_model_was_trained_on_are_excluded():
    trained = row(PROBLEMS[1], None) | {"reason": "trained_on"}
    figures = measure([row(PROBLEMS[0], right(PROBLEMS[0]), 9), trained])
    assert figures["draft_right"]["value"] == 1
    assert {figure["of"] for figure in figures.values()} == {1}


def test_the_correlation_is_spearmans_over_the_rows_that_have_a_score():
    answers = ["I do not know.", None]
    rows = [
        row(problem, answers[number % 2] or right(problem), 1 + number % 7)
        for number, problem in enumerate(PROBLEMS)
    ]
    figures = measure([*rows, row(PROBLEMS[0], "?", None)])
    truth = [check(one["task"], one["draft"]).score for one in rows]
    given_scores = [one["critique"]["score"] for one in rows]
    found = figures["score_correlation"]
    assert found["value"] == pytest.approx(spearmanr(given_scores, truth).statistic)
    assert found["low"] <= found["value"] <= found["high"]
    assert found["of"] == 40


def test_the_same_rows_give_the_same_intervals():
    rows = [row(problem, "No.", 2, "Yes.") for problem in PROBLEMS]
    assert measure(rows) == measure(rows)


def test_one_score_for_everything_correlates_with_nothing():
    figures = measure([row(problem, "No.", 3) for problem in PROBLEMS])
    assert figures["score_correlation"]["value"] is None


def test_without_rows_there_are_no_figures():
    assert all(figure["value"] is None for figure in measure([]).values())


@given(st.text(max_size=200), st.integers(1, 10) | st.none(), st.text(max_size=200) | st.none())
def test_any_text_is_judged(draft, score, refinement):
    figures = measure([row(PROBLEMS[1], draft, score, refinement)])
    assert 0 <= figures["refinement_right"]["value"] <= 1
