"""What a dataset card says of people's verdicts: computed figures, and nothing that is obeyed."""

import copy

import jinja2
import pytest
from markdown_it import MarkdownIt

from builders.review import intervals
from builders.review.report import review_facts
from cards.dataset_card import render_dataset_card
from tests.cards.test_dataset_card import facts, front_matter, table_with, tables
from tests.ledger_rows import kept_rows
from tests.verdict_rows import verdict_rows

ROWS = list(kept_rows(12))
DESIGN = {
    "source": {"kind": "release", "name": "tiny", "version": "0.9.0"},
    "name": "spring",
    "strategy": "stratified",
    "seed": 1234,
    "sample": 200,
    "overlap": 3,
    "calibration": 10,
    "assisted": False,
}


@pytest.fixture(scope="module")
def computed():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(intervals, "RESAMPLES", 50)
        found = review_facts(verdict_rows(ROWS, ("a", "b", "c")), ROWS)
    rows = {"asked": 12, "judged": 9, "wrong": 4, "rejected": 2, "corrected": 1, "kept": 1}
    return {**found, "rows": rows, "wrong": "correct", "reviews": [DESIGN], "left_out": 0}


@pytest.fixture
def review(computed):
    return copy.deepcopy(computed)


def test_the_tables_hold_the_figures(review):
    card = render_dataset_card(facts(review=review))
    assert table_with(card, "review")[1] == [
        "spring",
        "the release tiny 0.9.0",
        "200",
        "stratified, seed 1234",
        "3",
        "10",
        "hidden",
    ]
    assert table_with(card, "verdicts")[-1] == ["counted for the model against people", "36"]
    questions = table_with(card, "question")
    percent = review["agreement"]["better"]["percent"]
    assert questions[1][:3] == [
        "which answer is better",
        "12",
        f"{percent['value']:.1%} ({percent['low']:.1%} to {percent['high']:.1%})",
    ]
    assert len(questions) == 7
    pair = review["trust"]["pairwise"]
    model = table_with(card, f"on {pair['of']} pairs")
    assert [row[:2] for row in model[1:]] == [
        ["the model agrees", f"{pair['value']:.1%}"],
        [
            "the model agrees, weighted to all rows drawn from",
            f"{pair['weighted']['value']:.1%}",
        ],
        ['"the longer is better" agrees', f"{pair['longer']['value']:.1%}"],
    ]
    assert "A tie of the model's counts half" in card
    assert "(assets/calibration.png)" in card
    assert "2 were dropped for it, 1 was replaced by a person's correction" in card
    assert "and 1 is kept." in card


def test_who_has_verified_what_is_said(review):
    card = render_dataset_card(facts(review=review))
    assert "People have judged 9 of the 13,000 kept rows. Nobody has verified the others." in card
    assert "No human has verified" not in card
    review["rows"]["judged"] = 0
    assert "No human has verified" in render_dataset_card(facts(review=review))


def test_the_verdicts_are_loaded_as_the_rows_are(review):
    card = render_dataset_card(facts(review=review))
    first, second = (block.split("```")[0] for block in card.split("```python\n")[1:])
    compile(first + second, "card", "exec")
    assert 'load_dataset("tiny_feedback@v1.0.0", "verdicts")' in second
    plain = render_dataset_card(facts())
    assert "verdicts" not in plain
    assert "People" not in plain


def test_what_was_left_out_is_told(review):
    assert "from another run" not in render_dataset_card(facts(review=review))
    review["left_out"] = 7
    assert table_with(render_dataset_card(facts(review=review)), "verdicts")[-1][1] == "7"


def test_figures_that_there_are_not_are_dashes(review):
    review["trust"]["pairwise"]["value"] = None
    review["agreement"]["better"]["alpha"]["nominal"]["value"] = None
    card = render_dataset_card(facts(review=review))
    assert table_with(card, "question")[1][3] == "–"
    assert "None" not in card


@pytest.mark.parametrize("block", ["counts", "rows"])
def test_a_missing_figure_is_an_error_that_names_it(review, block):
    named = ("discarded", "assisted", "counted", "annotators", "judged", "wrong", "rejected")
    for figure in [name for name in named if name in review[block]]:
        lacking = copy.deepcopy(review)
        del lacking[block][figure]
        with pytest.raises(jinja2.UndefinedError, match=figure):
            render_dataset_card(facts(review=lacking))


def test_no_text_of_a_review_is_obeyed(review):
    hostile = "x</td><script>y</script>| [l](http://x) ![m](http://y)\n# Evil"
    plain = render_dataset_card(facts(review=review))
    review["reviews"] = [{**DESIGN, "name": hostile, "strategy": hostile}]
    card = render_dataset_card(facts(review=review))
    assert [len(table) for table in tables(card)] == [len(table) for table in tables(plain)]
    page = MarkdownIt("commonmark").enable("table").render(card.split("\n---\n", 1)[1])
    assert "<script" not in page
    assert 'href="http://x"' not in page
    assert page.count("<img") == 2
    assert page.count("<h1>") == 1


def test_corrections_are_no_source_of_data(review):
    sources = [
        {"name": name, "licence": "mit", "rows": 1, "kept": 1} for name in ("human", "seed-tasks")
    ]
    card = render_dataset_card(facts(review=review, sources=sources))
    assert front_matter(card)["source_datasets"] == ["seed-tasks"]
    assert table_with(card, "source")[1][0] == "human"
