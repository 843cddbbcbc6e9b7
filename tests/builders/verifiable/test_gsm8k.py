"""Reading and scoring 5,276 solutions of real models, each known to be right or wrong."""

import json
from collections import Counter
from fractions import Fraction
from pathlib import Path

import pytest

from builders.verifiable.reading.number_text import iter_values
from builders.verifiable.short_answer import AnswerKey, check_number
from builders.verifiable.wording import format_number

SOLUTIONS = Path(__file__).parents[4] / "shared" / "data" / "gsm8k_model_solutions.jsonl"
pytestmark = pytest.mark.skipif(
    not SOLUTIONS.exists(), reason="needs ../shared/data, which we may not publish"
)


def scored(rows, with_marker):
    for place, row in enumerate(rows):
        truth = Fraction(row["ground_truth"].rsplit("A:", 1)[1].strip().replace(",", ""))
        right = format_number(truth)
        key = AnswerKey(
            {"form": "free", "row": place},
            "the answer",
            right,
            right,
            right,
            ["Think."],
            max_words=250,
        )
        givens = list(iter_values(row["question"]))
        for solution in row.values():
            if not isinstance(solution, dict):
                continue
            draft = solution["solution"]
            if not with_marker:
                draft = draft.rsplit("\nA:", 1)[0]
            checked = check_number(key, draft, truth, givens=givens)
            yield checked.score, solution["is_correct"]


def area_under_curve(pairs):
    """The chance that a right solution scores above a wrong one, ties counting half."""
    right = Counter(score for score, is_right in pairs if is_right)
    wrong = Counter(score for score, is_right in pairs if not is_right)
    wins = sum(
        many * few * (1.0 if high > low else 0.5 if high == low else 0.0)
        for high, many in right.items()
        for low, few in wrong.items()
    )
    return wins / (right.total() * wrong.total())


@pytest.mark.parametrize(("with_marker", "least"), [(True, 0.999), (False, 0.99)])
def test_scores_separate_right_from_wrong(with_marker, least):
    rows = [json.loads(line) for line in SOLUTIONS.read_text().splitlines()]
    # Without the closing "A: 18" the answer has to be found in the last sentences.
    pairs = list(scored(rows if with_marker else rows[::4], with_marker))
    assert area_under_curve(pairs) >= least
