"""Files of judgments: AlpacaEval's layout, a plain table, and rows that are neither."""

import json

import pytest

from builders.errors import BadInput
from builders.evaluation.annotations import item_key, read_annotations, together
from builders.evaluation.rows import JUDGED_ROWS
from tests.builders.evaluation.planted import annotations

ALPACA = {"instruction": "Say it.", "output_1": "no", "output_2": "yes, please"}
PLAIN = {"instruction": "Say it.", "answer": "yes", "reference": "no"}


def written(tmp_path, *rows, name="annotations.json"):
    path = tmp_path / name
    path.write_text(json.dumps(list(rows)), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("given", "preference"),
    [(1, 0.0), (2, 1.0), (1.5, 0.5), (0, 0.5), (1.25, 0.25), (None, None), (-1, None)],
)
def test_preferences_of_alpacaeval(tmp_path, given, preference):
    (row,) = read_annotations(written(tmp_path, {**ALPACA, "preference": given})).rows
    assert row["preference"] == preference
    assert (row["characters"], row["reference_characters"]) == (11, 2)
    JUDGED_ROWS.validate(row)


def test_a_preference_that_json_writes_as_nan(tmp_path):
    path = tmp_path / "annotations.json"
    path.write_text(json.dumps([{**ALPACA, "preference": float("nan")}]))
    assert read_annotations(path).rows[0]["preference"] is None


@pytest.mark.parametrize("given", [0.5, 2.5, 3, "first", True, float("inf")])
def test_what_is_no_preference_of_alpacaeval(tmp_path, given):
    with pytest.raises(BadInput, match="row 1: preference"):
        read_annotations(written(tmp_path, {**ALPACA, "preference": given}))


def test_names_are_read(tmp_path):
    found = read_annotations(annotations(tmp_path / "annotations.json"))
    assert (found.model, found.reference, found.judge) == (
        "our model",
        "reference model",
        "a judge",
    )
    assert len(found.rows) == len(found.instructions) == 60


def test_two_models_in_one_file(tmp_path):
    rows = [{**ALPACA, "instruction": name, "generator_2": name, "preference": 1} for name in "ab"]
    with pytest.raises(BadInput, match="several models in one file: a, b"):
        read_annotations(written(tmp_path, *rows))


def test_an_answer_that_is_judged_twice(tmp_path):
    row = {**ALPACA, "preference": 1}
    with pytest.raises(BadInput, match="row 2: this answer was judged above"):
        read_annotations(written(tmp_path, row, row))


def test_both_orders_are_averaged(tmp_path):
    rows = [
        {**PLAIN, "shown": shown, "preference": p} for shown, p in (("first", 1), ("second", 0))
    ]
    (row,) = read_annotations(written(tmp_path, *rows)).rows
    assert (row["shown_first"], row["shown_second"], row["preference"]) == (1, 0, 0.5)


def test_an_order_that_is_missing_leaves_no_preference(tmp_path):
    rows = [
        {**PLAIN, "shown": shown, "preference": p} for shown, p in (("first", 1), ("second", None))
    ]
    (row,) = read_annotations(written(tmp_path, *rows)).rows
    assert (row["shown_first"], row["preference"]) == (1, None)


def test_draft_and_refinement_of_one_table(tmp_path):
    rows = [{**PLAIN, "part": part, "preference": 1} for part in ("draft", "refinement")]
    assert [row["part"] for row in read_annotations(written(tmp_path, *rows)).rows] == [
        "draft",
        "refinement",
    ]


def test_a_table_of_lengths(tmp_path):
    path = tmp_path / "judged.csv"
    path.write_text(
        "instruction,answer_characters,reference_characters,preference\nSay it.,7,0,0.25\n"
        "Say it again.,7,9,\n"
    )
    first, second = read_annotations(path).rows
    assert (first["characters"], first["reference_characters"], first["preference"]) == (7, 0, 0.25)
    assert second["preference"] is None


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"instruction": None}, "instruction: it is missing"),
        ({"answer": None}, "answer: it is missing"),
        ({"preference": 2}, "preference: 2 is not from 0 to 1"),
        ({"part": "both"}, "part: 'both'"),
        ({"shown": "left"}, "shown: 'left'"),
        ({"history": "Hi"}, "history: it is not a list"),
    ],
)
def test_what_is_no_row_of_a_table(tmp_path, change, problem):
    with pytest.raises(BadInput, match=problem):
        read_annotations(written(tmp_path, {**PLAIN, "preference": 1, **change}))


def test_a_file_without_judgments(tmp_path):
    with pytest.raises(BadInput, match="neither AlpacaEval's"):
        read_annotations(written(tmp_path, {"instruction": "Say it.", "output": "yes"}))
    with pytest.raises(BadInput, match="it has no rows"):
        read_annotations(written(tmp_path))


def test_the_same_words_in_another_conversation_are_another_item(tmp_path):
    history = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]
    rows = [{**PLAIN, "preference": 1}, {**PLAIN, "preference": 0, "history": history}]
    assert len(read_annotations(written(tmp_path, *rows)).rows) == 2
    assert item_key("a") != item_key("a", system="b")


def test_two_files_of_one_model(tmp_path):
    path = annotations(tmp_path / "annotations.json", 5)
    both = together(read_annotations(path, "refinement"), read_annotations(path, "draft"))
    assert (len(both.rows), len(both.instructions)) == (10, 5)


def test_unicode_and_long_texts(tmp_path):
    row = {**ALPACA, "instruction": "schön 🎉 \u2028", "output_2": "é" * 100_000, "preference": 2}
    (found,) = read_annotations(written(tmp_path, row)).rows
    assert found["characters"] == 100_000
