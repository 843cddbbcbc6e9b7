"""The human verdicts on a dataset card: computed figures and escaped text."""

import copy

import jinja2
import pytest
from markdown_it import MarkdownIt

from builders.review.report import review_figures
from cards.dataset_card import render_dataset_card
from tests.cards.test_dataset_card import facts, front_matter, table_with, tables
from tests.ledger_rows import kept_rows
from tests.verdict_rows import verdict_rows

ROWS = list(kept_rows(12))
DESIGN = {
    "source": {"kind": "release", "name": "tiny", "version": "0.9.0"},
    "name": "spring",
    "rows": "scored",
    "strategy": "stratified",
    "seed": 1234,
    "sample": 200,
    "overlap": 3,
    "calibration": 10,
    "assisted": False,
}


@pytest.fixture(scope="module")
def computed():
    found = review_figures(verdict_rows(ROWS, ("a", "b", "c")), ROWS)
    rows = {
        "asked": 12,
        "margin": 0,
        "judged": 9,
        "wrong": 4,
        "rejected": 2,
        "corrected": 1,
        "kept": 1,
    }
    rule = {"wrong": "correct", "people": None}
    return {**found, "rows": rows, **rule, "reviews": [DESIGN], "left_out": 0}


@pytest.fixture
def review(computed):
    return copy.deepcopy(computed)


def test_the_tables_hold_the_figures(review):
    card = render_dataset_card(facts(review=review))
    assert table_with(card, "review")[1] == [
        "spring",
        "release tiny 0.9.0",
        "all scored",
        "200",
        "stratified, seed 1234",
        "3",
        "10",
        "hidden",
    ]
    glance = dict(tables(card)[0])
    assert glance["people"].startswith("the model agrees with people on ")
    assert glance["people"].endswith("; 36 verdicts by 3 people on 12 rows")
    assert table_with(card, "verdicts")[-1] == [
        "counted for agreement between model and people",
        "36",
    ]
    questions = table_with(card, "question")
    percent = review["agreement"]["better"]["percent"]
    assert questions[1][:3] == [
        "which answer is better",
        "12",
        f"{percent['value']:.1%} ({percent['low']:.1%} to {percent['high']:.1%})",
    ]
    assert len(questions) == 7
    pair = review["trust"]["pairwise"]
    model = table_with(card, f"on {pair['checked']['of']} pairs")
    assert [row[:2] for row in model[1:]] == [
        ["model agrees", f"{pair['weighted']['value']:.1%}"],
        ['"always the refinement" agrees', f"{pair['always_refinement']['value']:.1%}"],
        ['"the longer answer is better" agrees', f"{pair['longer']['value']:.1%}"],
        [
            "balanced: mean over people's choices of refinement and draft",
            f"{pair['balanced']['value']:.1%}",
        ],
    ]
    assert "Equal scores count as half right" in card
    assert "(assets/calibration.png)" in card
    assert "Of the 12 reviewed rows, 4 are wrong: 2 were dropped, 1 was replaced" in card
    assert "by a person's correction (source `human`), and 1 is kept." in card


def test_the_card_states_what_people_reviewed(review):
    card = render_dataset_card(facts(review=review))
    assert "People have reviewed 9 of the 13,000 kept rows. The others have not been" in card
    assert "No human has verified" not in card
    review["rows"]["judged"] = 0
    assert "No human has verified" in render_dataset_card(facts(review=review))


def test_the_card_shows_how_to_load_the_verdicts(review):
    card = render_dataset_card(facts(review=review))
    first, second = (block.split("```")[0] for block in card.split("```python\n")[1:])
    compile(first + second, "card", "exec")
    assert 'load_dataset("tiny_feedback@v1.0.0", "verdicts")' in second
    plain = render_dataset_card(facts())
    assert "verdicts" not in plain
    assert "People" not in plain
    assert "Human verdicts" not in plain


def test_omitted_verdicts_are_stated(review):
    assert "from another run" not in render_dataset_card(facts(review=review))
    review["left_out"] = 7
    assert table_with(render_dataset_card(facts(review=review)), "verdicts")[-1][1] == "7"


def test_missing_figures_are_dashes(review):
    review["trust"]["pairwise"]["checked"]["value"] = None
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
        with pytest.raises((KeyError, jinja2.UndefinedError), match=figure):
            render_dataset_card(facts(review=lacking))


def test_text_in_a_review_is_escaped(review):
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


def test_only_datasets_of_the_hub_are_source_datasets(review):
    names = ("human", "seed-tasks", "my/rows.jsonl", "org/tasks@0123456789ab")
    sources = [{"name": name, "license": "mit", "rows": 1, "kept": 1} for name in names]
    card = render_dataset_card(facts(review=review, sources=sources))
    assert front_matter(card)["source_datasets"] == ["extended|org/tasks"]
    assert table_with(card, "source")[1][0] == "human"


def test_a_review_of_kept_rows_says_what_that_means(review):
    told = "by construction, not scored the draft higher"
    assert told not in render_dataset_card(facts(review=review))
    review["reviews"] = [DESIGN, {**DESIGN, "name": "autumn", "rows": "kept", "assisted": True}]
    assert told not in render_dataset_card(facts(review=review))
    review["reviews"] = [DESIGN, {**DESIGN, "name": "winter", "rows": "kept"}]
    card = render_dataset_card(facts(review=review))
    assert "A review of kept rows (winter) asked about" in card
    assert told in card
    assert [row[2] for row in table_with(card, "review")[1:]] == ["all scored", "kept only"]


def test_what_people_said_is_on_the_card(review):
    card = render_dataset_card(facts(review=review))
    answers = review["answers"]
    everything = table_with(card, "which answer is better")[1]
    assert everything[:2] == ["all rows", "12"]
    # Twelve records are too few for a percentage.
    assert everything[2] == f"{answers['questions']['better']['verdicts']['refinement']} of 36"
    real = table_with(card, "critique and refinement")[1]
    assert real[0] == "are the weaknesses real"
    assert real[2].startswith("all: ")


def test_rows_dropped_for_their_margin_are_counted_apart(review):
    review["rows"]["margin"] = 3
    card = render_dataset_card(facts(review=review))
    assert "Of the 12 reviewed rows, 3 were not in the dataset anyway" in card
    assert "Of the others, 4 are wrong: " in card


@pytest.mark.parametrize(
    ("people", "expected"),
    [("experts", "expert-generated"), ("crowd", "crowdsourced"), (None, "other")],
)
def test_people_are_among_those_who_annotated(review, people, expected):
    assert front_matter(render_dataset_card(facts()))["annotations_creators"] == [
        "machine-generated"
    ]
    review["people"] = people
    creators = front_matter(render_dataset_card(facts(review=review)))["annotations_creators"]
    assert creators == ["machine-generated", expected]


def test_who_was_left_out_is_counted_and_the_reason_is_text(review):
    assert "left out" not in render_dataset_card(facts(review=review))
    excluded = [
        {"verdicts": 1, "reason": "guessed"},
        {"verdicts": 12, "reason": "<b>all</b> *A* | x"},
    ]
    review["reviews"] = [{**DESIGN, "excluded": excluded}, DESIGN]
    card = render_dataset_card(facts(review=review))
    (line,) = [line for line in card.splitlines() if "left out" in line]
    assert line.startswith(
        "Review spring: 2 people were left out of every figure here: 1 verdict (g"
    )
    assert "12 verdicts (" in line
    assert "<b>" not in MarkdownIt("commonmark").render(line)
    review["reviews"] = [{**DESIGN, "excluded": excluded[:1]}]
    assert "1 person was left out of" in render_dataset_card(facts(review=review))
