import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders.ledger.funnel import Funnel
from builders.rows.schema import HUMAN, LEDGER_ROWS
from tests.ledger_rows import ledger_row

RUBRIC = "It is polite."


def counted_row(number, change):
    """A row with an unusual call, where `change` says so."""
    row = ledger_row(number)
    if change == "another scorer":
        if row["refinement_score"] is not None:
            scores = {"draft_score": 1 + number % 10, "refinement_score": 1 + number % 7}
            row["control_scores"] = [
                {"model": "one", **scores, "detail": None},
                {"model": "two", **scores, "draft_score": None, "detail": "draft: bad_json"},
            ]
    elif change == "another draft":
        row["id"] += "-s2"
    elif change == "criteria":
        row["criteria"] = RUBRIC if number % 2 else f"It names the number {number % 5}."
    elif row["calls"] and change:
        row["calls"][0] |= {
            "unpriced": {"cost": None},
            "no model": {"tokens_in": None, "tokens_out": None, "cost": None},
            "a person": {"endpoint": HUMAN, "model": "a-1"},
            "a system prompt": {"system": f"You are judge {number % 3}."},
        }[change]
    return row


CHANGES = st.sampled_from(
    [
        *(None, None, "unpriced", "no model", "a person", "another scorer", "another draft"),
        *("a system prompt", "criteria"),
    ]
)


@given(st.lists(st.tuples(st.integers(0, 200), CHANGES), max_size=15), st.integers(1, 6))
@settings(max_examples=40)
def test_rows_count_the_same_one_by_one_as_columns_and_in_parts(numbers, cut):
    rows = [counted_row(*number) for number in numbers]
    single = Funnel.of(rows, [RUBRIC])
    whole, joined = (Funnel(recipe_criteria=frozenset([RUBRIC])) for _ in range(2))
    for start in range(0, len(rows), cut):
        table = pa.Table.from_pylist(rows[start : start + cut], LEDGER_ROWS.schema)
        part = Funnel(recipe_criteria=frozenset([RUBRIC]))
        part.add_table(table)
        whole.add_table(table)
        joined.add_counts(part)
    cost, single.cost = single.cost, None
    for other in (whole, joined):
        assert (cost is None) == (other.cost is None)
        assert cost == pytest.approx(other.cost)
        other.cost = None
        assert single == other
        assert single.as_facts() == other.as_facts()
        assert single.statistics() == other.statistics()
        assert single.source_facts() == other.source_facts()


def test_it_counts_what_the_ledger_says():
    rows = [ledger_row(number) for number in range(200)]
    facts = Funnel.of(rows).as_facts()
    assert facts["rows"] == 200 == facts["kept"] + sum(facts["dropped"].values())
    kept = [row for row in rows if row["status"] == "kept"]
    assert facts["mean_draft_score"] == pytest.approx(
        sum(row["draft_score"] for row in kept) / len(kept)
    )
    assert sum(facts["refinement_scores"].values()) == len(kept)
    calls = [call for row in rows for call in row["calls"]]
    assert facts["calls"] == len(calls)
    assert facts["tokens_out"] == sum(call["tokens_out"] for call in calls)
    unpriced = [{**call, "attempts": None} for call in rows[0]["calls"]]
    assert Funnel.of([{**rows[0], "calls": unpriced}]).calls == 0


def test_lengths_and_gains_are_of_kept_rows():
    rows = [
        ledger_row(1, reason=None, draft="abc", refinement="abcde"),
        ledger_row(2, reason=None, draft="same", refinement="same"),
        ledger_row(3, reason="margin", draft="a" * 90, refinement="b" * 99),
    ]
    for row, scores in zip(rows, ((3, 8), (5, 5), (6, 5)), strict=True):
        row["draft_score"], row["refinement_score"] = scores
    statistics = Funnel.of(rows).statistics()
    assert statistics["mean_draft_characters"] == 3.5
    assert statistics["mean_added_characters"] == 1.0
    assert (statistics["share_longer"], statistics["share_unchanged"]) == (0.5, 0.5)
    assert (statistics["mean_gain"], statistics["share_scored_lower"]) == (2.5, 0.0)
    assert statistics["scored"] == 3
    assert statistics["mean_draft_score_of_scored"] == pytest.approx(14 / 3)


def test_sources_are_counted_by_name_and_license():
    rows = [ledger_row(number, source="a", license="mit") for number in range(3)]
    rows += [ledger_row(9, source="a", license="cc0-1.0", reason="margin")]
    facts = Funnel.of(rows).source_facts()
    assert [(one["name"], one["license"], one["rows"]) for one in facts] == [
        ("a", "mit", 3),
        ("a", "cc0-1.0", 1),
    ]
    assert facts[1]["kept"] == 0


def test_an_empty_funnel_has_no_means():
    facts = Funnel().as_facts()
    assert facts["mean_draft_score"] is None
    assert facts["cost"] is None
    assert set(Funnel().statistics().values()) == {None, 0}


def scored(margin, other, **columns):
    """A row with these margins by the first scorer and by another one, None if unreadable."""
    draft, refinement = (None, None) if other is None else (5, 5 + other)
    control = {"model": "m", "draft_score": draft, "refinement_score": refinement, "detail": None}
    row = ledger_row(1, reason=None, draft_score=5, refinement_score=5 + margin)
    return {**row, "control_scores": [control], **columns}


def test_agreement_is_of_rows_with_two_answers_that_both_scored():
    rows = [scored(2, 3), scored(2, -1), scored(0, 0), scored(0, 1), scored(-3, -1)]
    same = scored(0, 0, draft="a", refinement="a")
    (control,) = Funnel.of([*rows, scored(4, None), same]).as_facts()["controls"]
    assert (control["rows"], control["same_sign"], control["unreadable"]) == (5, 0.6, 1)
    # Wilson's interval of 3 of 5.
    assert (control["low"], control["high"]) == pytest.approx((0.2307, 0.8824), abs=1e-4)
    assert control["correlation"] is None


def test_the_correlation_is_that_of_the_margins():
    pairs = [(n % 5 - 1, (n * n) % 4 - 1) for n in range(40)]
    (control,) = Funnel.of(scored(*pair) for pair in pairs).as_facts()["controls"]
    assert control["correlation"] == pytest.approx(np.corrcoef(np.array(pairs).T)[0, 1])
    (constant,) = Funnel.of(scored(2, n % 3) for n in range(40)).as_facts()["controls"]
    assert constant["correlation"] is None


def test_instructions_are_counted_where_they_are_fewer_than_rows():
    rows = [ledger_row(1), ledger_row(1, id="a-s2"), ledger_row(2)]
    assert Funnel.of(rows).as_facts()["instructions"] == 2
    assert "instructions" not in Funnel.of(rows[::2]).as_facts()


def test_system_prompts_and_criteria_are_counted_where_there_are_any():
    rows = [ledger_row(number, reason=None) for number in range(4)]
    facts = Funnel.of(rows).as_facts()
    assert not {"systems", "criteria"} & facts.keys()
    for row in rows[:3]:
        row["calls"][1]["system"] = row["calls"][2]["system"] = "Be strict."
    rows[0]["criteria"] = rows[1]["criteria"] = RUBRIC
    rows[2]["criteria"] = "It rhymes."
    facts = Funnel.of(rows, [RUBRIC]).as_facts()
    assert facts["systems"] == [
        {"step": "critique", "system": "Be strict.", "calls": 3},
        {"step": "score_draft", "system": "Be strict.", "calls": 3},
    ]
    assert facts["criteria"] == {"recipe": 2, "own": 1}
