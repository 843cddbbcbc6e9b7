"""Files of answers as spreadsheets, Label Studio and people save them."""

import csv
import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.errors import BadInput
from builders.review.exchange.cells import protected, protected_key
from builders.review.exchange.columns import READ, RECORD
from builders.review.exchange.table import FileRow, read_file

PATH = Path("answers.csv")
CELLS = {
    "record": "r1",
    "annotator": "ada",
    "better": "A",
    "score_a": "7",
    "score_b": "4",
    "weaknesses_real": "all",
    "suggestions_actionable": "yes",
    "refinement_introduces_error": "no",
}
HEADER, LINE = ",".join(CELLS), ",".join(CELLS.values())


def rows(text, encoding="utf-8", **options):
    return list(read_file(text.encode(encoding), PATH, **{"has_annotator": True, **options}))


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_how_a_spreadsheet_saves_it(separator, end, encoding):
    text = f"{HEADER}{end}{LINE}{end}{LINE}{end}".replace(",", separator)
    assert rows(text, encoding) == [FileRow("line 2", CELLS), FileRow("line 3", CELLS)]


def test_lines_are_counted_as_an_editor_does():
    two_lines = LINE.replace("r1", '"r\n1"')
    found = rows(f"sep=,\n{HEADER}\n{two_lines}\n\n,,\n{LINE}\n{LINE},more\n")
    assert [row.place for row in found] == ["line 3", "line 7", "line 8"]
    assert found[2].problem == "9 cells, and the first line has 8"


def test_columns_may_be_named_and_ordered_otherwise():
    text = f"Notes,{HEADER}\nx,{LINE}\n".replace("score_a", "Score A").replace("record", " RECORD ")
    assert rows(text) == [FileRow("line 2", {"notes": "x", **CELLS})]
    # The last cells of a row are left out if they are empty.
    assert rows(f"{HEADER},corrected_critique\n{LINE}\n") == [FileRow("line 2", CELLS)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "answers.csv: the file is empty"),
        (b"PK\x03\x04\x14\x00", "a workbook or another zip file; save the table as CSV"),
        (b" \n\xef\xbb\xbf", "no column record"),
        (b"hello\nworld\n", "the first line has no column record, annotator, better, score_a"),
        (HEADER.replace("annotator", "who").encode(), "annotator; --annotator NAME says who"),
        (f"{HEADER},Better\n".encode(), "two columns better"),
        (f'{HEADER}\n{LINE}\n"r2,ada\n'.encode(), r"answers.csv:3: not CSV \(unexpected end"),
        (f"{HEADER}\nr\xe9\n".encode("latin-1"), "answers.csv:2: not UTF-8 .*; save it as UTF-8"),
        (b"[{", r"answers.csv: not JSON \("),
        (b"[" * 100_000, r"answers.csv: not JSON \("),
        (b"\xff\xfea", "not UTF-8|no column"),
    ],
)
def test_what_is_no_table_is_refused(content, message):
    with pytest.raises(BadInput, match=message):
        list(read_file(content, PATH, has_annotator=True))


def test_json_lines_are_read_each_alone():
    lines = [json.dumps(CELLS), "", "{", "[1]", json.dumps({"Score A": 7})]
    first, broken, listed, named = rows("{}\n" + "\n".join(lines))[1:]
    assert first == FileRow("line 2", CELLS)
    assert broken.place == "line 4"
    assert broken.problem.startswith("not JSON (")
    assert listed.problem == "list, not an object of columns"
    assert named == FileRow("line 6", {"score_a": 7})


def annotation(completed_by=3, **values):
    controls = {"choices": "choices", "number": "number", "text": "textarea"}
    results = [
        {"from_name": name, "to_name": "a", "type": controls[kind], "value": {kind: value}}
        for name, (kind, value) in values.items()
    ]
    return {
        "id": 1,
        "completed_by": completed_by,
        "result": results,
        "was_cancelled": False,
        "created_at": "2026-03-02T09:00:00.5Z",
        "updated_at": "2026-03-02T10:00:00.5Z",
        "lead_time": 4.2,
    }


def test_label_studio_exports_tasks_with_annotations():
    answers = annotation(
        better=("choices", ["tie"]),
        score_a=("number", 10),
        corrected_critique=("text", ["Weaknesses:", "none"]),
        comment=("text", ["hm"]),
    )
    skipped = {**annotation({"id": 4, "email": "ben@example.org"}), "was_cancelled": True}
    tasks = [{"id": 7, "data": {"record": "r1"}, "annotations": [answers, skipped], "drafts": []}]
    first, second = rows(json.dumps([*tasks, {"data": {}, "annotations": []}]))
    assert first.place == "task 1, annotation 1"
    assert first.values == {
        "record": "r1",
        "annotator": 3,
        "status": "",
        "submitted_at": "2026-03-02T10:00:00.5Z",
        "better": "tie",
        "score_a": 10,
        "corrected_critique": "Weaknesses:\nnone",
    }
    assert (second.values["annotator"], second.values["status"]) == ("ben@example.org", "discarded")


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        (annotation(better=("choices", ["A", "B"])), "better: is not one choice"),
        (annotation(better=("choices", 1)), "better: is not one choice"),
        ({"result": None}, "not an annotation"),
        (7, "not an annotation"),
        ({"result": [{"from_name": "better", "value": 7}]}, "better: has no value"),
        ({"result": [{"from_name": "better", "value": {"text": "A"}}] * 2}, "better: answered"),
        ({"result": [7, {"from_name": ["better"]}]}, None),
    ],
)
def test_what_label_studio_does_not_export_is_named(wrong, problem):
    (row,) = rows(json.dumps([{"data": {"record": "r"}, "annotations": [wrong]}]))
    assert (row.problem or "").startswith(problem or "")
    assert bool(row.problem) == bool(problem)


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_rows_or_a_refusal(content):
    try:
        found = list(read_file(content, PATH, has_annotator=False))
    except BadInput:
        return
    assert all(isinstance(row, FileRow) for row in found)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda value: (
        st.lists(value, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ("data", "annotations", "result", "value", "from_name", "better", "text")
            ),
            value,
            max_size=4,
        )
    ),
)


@given(st.lists(JSON, max_size=3))
def test_any_json_is_rows_or_a_refusal(value):
    assert all(isinstance(row, FileRow) for row in rows(json.dumps(value)))


TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=12) | st.text(
    "'=+-@;,\"\t\r\n1e", max_size=8
)


@given(
    st.lists(st.fixed_dictionaries(dict.fromkeys(READ, TEXTS)), min_size=1, max_size=4),
    st.sampled_from(",;\t"),
)
def test_what_is_written_as_csv_comes_back(table, separator):
    file = io.StringIO(newline="")
    writer = csv.writer(file, delimiter=separator)
    writer.writerow(READ)
    for row in table:
        cells = {name: protected(text) for name, text in row.items()}
        cells[RECORD] = protected_key("12e34")
        writer.writerow(cells[name] for name in READ)
    found = [row.values for row in rows(file.getvalue())]
    assert found == [{**row, RECORD: "12e34"} for row in table]
