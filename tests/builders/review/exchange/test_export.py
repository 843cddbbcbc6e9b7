"""The sample as a file: blind, complete, and safe to open."""

import csv
import json

import pytest

from builders.errors import BadInput
from builders.review.exchange.columns import EXPORTED, SUGGESTED
from builders.review.exchange.export import export_file
from builders.review.record import records
from builders.review.source import SHOWN, reviewed_source
from tests.ledger_rows import kept_rows

HARD = '=HYPERLINK(1)\n\u05e9\u05dc\u05d5\u05dd; "a", \x00\t' + "x" * 100_000


def read_csv(path):
    csv.field_size_limit(10**7)
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def shown(review):
    source = reviewed_source(review)
    rows = list(source.rows(review.facts.rows, SHOWN))
    found = records(rows, review.drawn(), assisted=review.facts.assisted)
    return {record["id"]: record for record in found}


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_a_file_has_what_a_page_shows_and_nothing_else(drawn, tmp_path, form):
    review = drawn()
    path = tmp_path / f"sample.{form}"
    exported = export_file(review, path, form)
    assert (exported.records, exported.too_long) == (8, 0)
    if form == "csv":
        rows = read_csv(path)
        assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    else:
        rows = [json.loads(line) for line in path.read_text().splitlines()]
    expected = shown(review)
    assert {row["record"].removeprefix("'") for row in rows} == expected.keys()
    for row in rows:
        assert tuple(row) == EXPORTED
        fields = expected[row["record"].removeprefix("'")]["fields"]
        assert {name: row[name] for name in fields} == fields
        assert not any(row[name] for name in EXPORTED[1 + len(fields) :])
    calibration = {row["record"] for row in review.drawn() if row["calibration"]}
    assert {row["record"].removeprefix("'") for row in rows[:2]} == calibration


def test_hard_texts_are_whole_and_no_formula(drawn, tmp_path):
    rows = [{**row, "draft": HARD} for row in kept_rows(3)]
    review = drawn(rows, calibration=0)
    exported = export_file(review, tmp_path / "a.csv", "csv")
    assert (exported.records, exported.too_long) == (3, 3)
    for row in read_csv(tmp_path / "a.csv"):
        assert f"'{HARD}" in (row["answer_a"], row["answer_b"])
    export_file(review, tmp_path / "a.jsonl", "jsonl")
    for line in (tmp_path / "a.jsonl").read_text().split("\n")[:-1]:
        row = json.loads(line)
        assert HARD in (row["answer_a"], row["answer_b"])


def test_an_assisted_sample_has_the_models_verdict_beside_the_answers(drawn, tmp_path):
    review = drawn(assisted=True, calibration=0)
    export_file(review, tmp_path / "a.csv", "csv")
    rows, expected = read_csv(tmp_path / "a.csv"), shown(review)
    for row in rows:
        assert tuple(row) == EXPORTED + SUGGESTED
        suggestions = expected[row["record"].removeprefix("'")]["suggestions"]
        assert row["suggested_score_a"] == str(suggestions["score_a"])
        assert row["better"] == row["score_a"] == ""


def test_a_file_with_answers_is_not_written_over(drawn, tmp_path):
    review, path = drawn(), tmp_path / "a.csv"
    export_file(review, path, "csv")
    export_file(review, path, "csv")
    path.write_text("answers")
    with pytest.raises(BadInput, match=r"a.csv exists, and may have answers in it"):
        export_file(review, path, "csv")
    assert path.read_text() == "answers"
    with pytest.raises(BadInput, match="--format: 'xlsx' is not one of csv, jsonl"):
        export_file(review, tmp_path / "a.xlsx", "xlsx")
    assert sorted(each.name for each in tmp_path.glob("a.*")) == ["a.csv"]
