"""The report of a review: facts, Markdown, JSON and the picture."""

import orjson
import pytest
from datasets import Dataset
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from builders.review.report import JSON, MARKDOWN, PICTURE, review_facts, write_report
from builders.schema import VERDICTS, InvalidRow
from cards.review_report import render_review_report
from tests.ledger_rows import kept_rows
from tests.verdict_rows import verdict_row, verdict_rows

ROWS = list(kept_rows(25))
PEOPLE = verdict_rows(ROWS, ("ann", "bob", "cy"))


@pytest.fixture(scope="module")
def facts():
    return review_facts(PEOPLE, iter(ROWS))


def test_the_report_is_written_twice_the_same(facts, tmp_path):
    for name in ("a", "b"):
        write_report(facts, tmp_path / name)
    for name in (MARKDOWN, JSON, PICTURE):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert orjson.loads((tmp_path / "a" / JSON).read_bytes()) == facts


def test_a_gate_finds_what_it_needs(facts):
    gate = facts["gate"]
    assert gate["verdicts"] == facts["counts"]["counted"] == 75
    for name in ("agreement", "alpha"):
        assert gate[name]["low"] <= gate[name]["value"] <= gate[name]["high"]


def test_verdicts_survive_parquet_and_say_the_same(facts, tmp_path):
    Dataset.from_list(PEOPLE, features=VERDICTS).to_parquet(tmp_path / "verdicts.parquet")
    stored = Dataset.from_parquet(str(tmp_path / "verdicts.parquet"))
    assert review_facts(stored, ROWS) == facts


def test_order_of_rows_and_verdicts_does_not_matter(facts):
    assert review_facts(PEOPLE[::-1], ROWS[::-1]) == facts


def test_every_table_of_the_markdown_is_one(facts):
    text = render_review_report(facts, PICTURE)
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    assert sum(token.type == "table_open" for token in tokens) == 9
    heads = [token for token in tokens if token.type == "heading_open"]
    assert len(heads) == 4


@settings(max_examples=10)
@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_no_text_of_the_data_is_obeyed(text):
    hostile = f"<script>x</script>|{text}](http://x) ![y](http://y)"
    rows = [{**ROWS[0], "source": hostile}]
    shown = [verdict_row(0, id=ROWS[0]["id"], annotator=hostile)]
    page = (
        MarkdownIt("commonmark")
        .enable("table")
        .render(render_review_report(review_facts(shown, rows), PICTURE))
    )
    assert "<script" not in page
    assert page.count("<img") == 1
    assert 'href="http://x"' not in page
    assert page.count("<table>") == 9


def test_without_a_verdict_there_is_a_report_without_figures(tmp_path):
    facts = review_facts([], ROWS)
    write_report(facts, tmp_path)
    assert facts["gate"]["agreement"]["value"] is None
    assert facts["gate"]["verdicts"] == 0
    assert "nan" not in (tmp_path / JSON).read_text().lower()


@pytest.mark.parametrize(
    ("second", "says"),
    [
        ({}, "two verdicts"),
        ({"annotator": "b", "inclusion_probability": 0.25}, "differ"),
        ({"annotator": "b", "better": "left"}, "better"),
    ],
)
def test_verdicts_that_cannot_be_are_refused(second, says):
    with pytest.raises(InvalidRow, match=says):
        review_facts([verdict_row(0), verdict_row(0, **second)], [])


def test_a_verdict_on_a_row_with_nothing_to_compare_is_refused():
    equal = {**ROWS[0], "refinement": ROWS[0]["draft"]}
    with pytest.raises(InvalidRow, match=ROWS[0]["id"]):
        review_facts([verdict_row(0, id=ROWS[0]["id"])], [equal])
