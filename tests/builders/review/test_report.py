"""The report of a review: figures, Markdown, JSON and the picture."""

import orjson
import pytest
from datasets import Dataset
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from builders.review.report import (
    JSON,
    MARKDOWN,
    PICTURE,
    report_review,
    review_figures,
    texts_of,
    write_report,
)
from builders.rows import InvalidRow
from builders.rows.schema import VERDICTS
from cards.review_report import render_review_report
from tests.ledger_rows import kept_rows, ledger_row, make_run
from tests.review_folders import make_review
from tests.verdict_rows import verdict_row, verdict_rows

ROWS = list(kept_rows(25))
PEOPLE = verdict_rows(ROWS, ("ann", "bob", "cy"))
SOURCE = {"kind": "run", "name": "mine", "version": None, "rows": "scored"}


def report_of(verdicts, rows):
    return {"source": SOURCE, **review_figures(verdicts, rows)}


def markdown_of(verdicts, rows):
    return render_review_report(report_of(verdicts, rows), PICTURE, texts_of(rows, verdicts))


@pytest.fixture(scope="module")
def figures():
    return review_figures(PEOPLE, iter(ROWS))


def test_the_report_is_written_twice_the_same(figures, tmp_path):
    report = {"source": SOURCE, **figures}
    for name in ("a", "b"):
        write_report(report, tmp_path / name, texts_of(ROWS, PEOPLE))
    for name in (MARKDOWN, JSON, PICTURE):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert orjson.loads((tmp_path / "a" / JSON).read_bytes()) == report


def test_a_gate_finds_what_it_needs(figures):
    gate = figures["gate"]
    assert gate["verdicts"] == figures["counts"]["counted"] == 75
    assert gate["alpha"]["why"] == "fewer than 30 records"
    for name in ("agreement", "balanced"):
        assert gate[name]["low"] <= gate[name]["value"] <= gate[name]["high"]


def test_verdicts_survive_parquet_and_say_the_same(figures, tmp_path):
    Dataset.from_list(PEOPLE, features=VERDICTS).to_parquet(tmp_path / "verdicts.parquet")
    stored = Dataset.from_parquet(str(tmp_path / "verdicts.parquet"))
    assert review_figures(stored, ROWS) == figures


def test_order_of_rows_and_verdicts_does_not_matter(figures):
    assert review_figures(PEOPLE[::-1], ROWS[::-1]) == figures


def test_every_table_of_the_markdown_is_one():
    tokens = MarkdownIt("commonmark").enable("table").parse(markdown_of(PEOPLE, ROWS))
    assert sum(token.type == "table_open" for token in tokens) == 11
    heads = [token for token in tokens if token.type == "heading_open"]
    assert [token.tag for token in heads].count("h2") == 5


def test_the_first_figure_is_the_estimate_for_all_rows_beside_rules_without_judgment(figures):
    first = markdown_of(PEOPLE, ROWS).split("\n\n")[1]
    pair = figures["trust"]["pairwise"]
    assert first.startswith(f"**The model agrees with people on {pair['weighted']['value']:.1%} (")
    assert "an estimate for all scored rows of the run mine.**" in first
    for rule in ("always_refinement", "longer", "balanced"):
        assert f"{pair[rule]['value']:.1%}" in first


def test_a_report_on_kept_rows_says_what_that_means():
    report = report_of(PEOPLE, ROWS)
    told = "by construction, not scored the draft higher"
    assert told not in render_review_report(report, PICTURE, {})
    report["source"] = {**SOURCE, "rows": "kept"}
    assert told in render_review_report(report, PICTURE, {})


def test_the_report_shows_the_texts_of_the_rows_to_look_at(tmp_path):
    rows = [*kept_rows(4), ledger_row(90, reason="margin", refinement="Short. " * 900)]
    make_run(tmp_path / "run", rows)
    said = [
        *(
            verdict_row(0, id=rows[0]["id"], annotator=f"a{n}", better=b)
            for n, b in enumerate(("draft", "refinement", "tie"))
        ),
        verdict_row(1, id=rows[1]["id"], weaknesses_real="none"),
        verdict_row(2, id=rows[2]["id"], corrected_refinement="Better said."),
        verdict_row(3, id=rows[4]["id"], better="draft", corrected_refinement="Or so."),
    ]
    report = report_review(make_review(tmp_path / "review", tmp_path / "run", said))
    notable = report["notable"]
    assert {kind: [row["id"] for row in these["rows"]] for kind, these in notable.items()} == {
        "disputed": [rows[0]["id"]],
        "wrong": [rows[1]["id"]],
        "corrected": sorted((rows[2]["id"], rows[4]["id"])),
    }
    text = (tmp_path / "review" / MARKDOWN).read_text()
    assert "1 for the refinement, 1 for a tie, 1 for the draft" in text
    assert "1 corrected the refinement." in text
    assert "Correction:\n\n```text\nBetter said.\n```" in text
    for row in (rows[0], rows[1], rows[2]):
        assert row["draft"][:200] in text
    assert f"… ({len(rows[4]['refinement']):,} characters)" in text
    assert rows[3]["draft"][:200] not in text


@settings(max_examples=10)
@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_no_text_of_the_data_is_obeyed(text):
    hostile = f"<script>x</script>|{text}](http://x) ![y](http://y)"
    texts = dict.fromkeys(("source", "instruction", "draft"), hostile)
    rows = [{**ROWS[0], **texts, "refinement": f"```\n{hostile}\n````` ~~~\n{text}"}]
    shown = [verdict_row(0, id=ROWS[0]["id"], annotator=hostile, better="draft")]
    page = MarkdownIt("commonmark").enable("table").render(markdown_of(shown, rows))
    assert page.count("<pre>") == 4
    assert "<script" not in page
    assert page.count("<img") == 1
    assert 'href="http://x"' not in page
    assert page.count("<table>") == 11


def test_without_a_verdict_there_is_a_report_without_figures(tmp_path):
    figures = report_of([], ROWS)
    write_report(figures, tmp_path, {})
    assert figures["gate"]["agreement"]["value"] is None
    assert figures["gate"]["verdicts"] == 0
    assert "nan" not in (tmp_path / JSON).read_text().lower()


@pytest.mark.parametrize(
    ("second", "message"),
    [
        ({}, "two verdicts"),
        ({"annotator": "b", "inclusion_probability": 0.25}, "differ"),
        ({"annotator": "b", "stratum_rows": 401}, "differ in one of .*stratum_rows"),
        ({"annotator": "b", "better": "left"}, "better"),
    ],
)
def test_verdicts_that_cannot_be_are_refused(second, message):
    with pytest.raises(InvalidRow, match=message):
        review_figures([verdict_row(0), verdict_row(0, **second)], [])


def test_a_verdict_on_a_row_with_nothing_to_compare_is_refused():
    equal = {**ROWS[0], "refinement": ROWS[0]["draft"]}
    with pytest.raises(InvalidRow, match=ROWS[0]["id"]):
        review_figures([verdict_row(0, id=ROWS[0]["id"])], [equal])
