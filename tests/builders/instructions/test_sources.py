import csv
import gzip
import hashlib
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.errors import BadInput
from builders.files.tables import read_table
from builders.instructions.file_source import FileSource
from builders.instructions.sources import BuiltinSource, VerifiableSource, draw, survey
from builders.rows.schema import LEDGER, validate_ledger_row


def write_jsonl(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def source(path, **settings):
    return FileSource(path, path.name, "mit", **settings)


ROWS = [{"instruction": "Say hé", "input": ""}, {"instruction": "Translate", "input": "chat"}]


def as_json(path):
    path.write_text(json.dumps(ROWS), encoding="utf-8")


def as_jsonl(path):
    write_jsonl(path, ROWS)


def as_gzip(path):
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in ROWS)


def as_csv(path):
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.DictWriter(file, ["instruction", "input"])
        writer.writeheader()
        writer.writerows(ROWS)


def as_parquet(path):
    pq.write_table(pa.Table.from_pylist(ROWS), path)


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("rows.json", as_json),
        ("rows.jsonl", as_jsonl),
        ("rows.jsonl.gz", as_gzip),
        ("rows.csv", as_csv),
        ("rows.parquet", as_parquet),
    ],
)
def test_every_format_gives_the_same_instructions(tmp_path, name, write):
    path = tmp_path / name
    write(path)
    drawn = list(draw([source(path)]))
    assert [row["instruction"] for row in drawn] == ["Say hé", "Translate\n\nchat"]
    assert all(row.keys() == LEDGER.keys() for row in drawn)
    assert all((row["source"], row["license"]) == (name, "mit") for row in drawn)


def test_messages_and_sharegpt(tmp_path):
    path = write_jsonl(
        tmp_path / "chat.jsonl",
        [
            {
                "messages": [
                    {"role": "system", "content": "Be brief."},
                    {"role": "user", "content": "Why?"},
                    {"role": "assistant", "content": "Because."},
                ]
            },
            {"conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Yo"}]},
            {
                "messages": [
                    {"role": "user", "content": "One"},
                    {"role": "assistant", "content": "1"},
                    {"role": "user", "content": "Two"},
                ]
            },
        ],
    )
    first, second, third = draw([source(path)])
    assert (first["instruction"], first["system"], first["draft"]) == (
        "Why?",
        "Be brief.",
        "Because.",
    )
    assert (second["instruction"], second["draft"]) == ("Hi", "Yo")
    assert (third["instruction"], third["draft"], third["reason"]) == ("Two", None, None)
    assert third["history"] == [
        {"role": "user", "content": "One"},
        {"role": "assistant", "content": "1"},
    ]


def test_columns_reach_into_nested_values(tmp_path):
    path = write_jsonl(
        tmp_path / "seed.jsonl",
        [{"question": "Fix it", "instances": [{"input": "teh", "output": "the"}]}],
    )
    columns = {"instruction": "question", "input": "instances.0.input"}
    (row,) = draw([source(path, columns=columns)])
    assert row["instruction"] == "Fix it\n\nteh"


def test_duplicates_stay_with_their_reason_and_an_id_of_their_own(tmp_path):
    path = write_jsonl(
        tmp_path / "a.jsonl",
        [{"instruction": "Why?"}, {"instruction": "why"}, {"instruction": "Why?"}],
    )
    rows = list(draw([source(path)]))
    assert [row["reason"] for row in rows] == [None, "duplicate", "duplicate"]
    assert len({row["id"] for row in rows}) == 3


def test_an_id_depends_on_source_and_instruction_alone(tmp_path):
    path = write_jsonl(tmp_path / "a.jsonl", [{"instruction": "A"}, {"instruction": "B"}])
    ids = {row["instruction"]: row["id"] for row in draw([source(path)])}
    write_jsonl(path, [{"instruction": "B"}, {"instruction": "C"}, {"instruction": "A"}])
    assert ids.items() <= {row["instruction"]: row["id"] for row in draw([source(path)])}.items()


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("missing.jsonl", None, "no such file"),
        ("a.txt", b"hello", "not one of"),
        ("a.jsonl", b'{"instruction": "x"}\n{"instr', "a.jsonl:2: not JSON"),
        ("a.jsonl", b'"text"\n', "a row has to be an object"),
        ("a.jsonl", b'{"instruction": "ok"}\n{"instruction": "\xff"}\n', "a.jsonl:2: not UTF-8"),
        ("a.jsonl.gz", b"not gzip", "cannot be read"),
        ("a.json", b'[{"instruction": "x"}', "not JSON"),
        ("a.json", b"[" * 100_000, "not JSON"),
        ("a.csv", b"instruction,input\nonly one\n", "not as many cells"),
        ("a.parquet", b"PAR1 not really", "not parquet"),
        ("a.jsonl", b'{"text": "x"}\n', "no instruction (columns: text)"),
        ("a.jsonl", b'{"instruction": " "}\n', "'instruction' is empty"),
        ("a.jsonl", b'{"instruction": 7}\n', "is int, not text"),
        ("a.jsonl", b"\n\n", "the source has no rows"),
        ("a.csv", b"", "the source has no rows"),
    ],
)
def test_bad_files_are_told_in_one_line(tmp_path, name, content, says):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadInput) as error:
        survey([source(path)])
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_a_wrong_column_names_those_that_exist(tmp_path):
    path = write_jsonl(tmp_path / "a.jsonl", [{"question": "x", "answer": "y"}])
    with pytest.raises(BadInput, match="no column 'prompt'; there are question, answer"):
        survey([source(path, columns={"instruction": "prompt"})])


def test_bad_rows_can_be_dropped_instead(tmp_path):
    path = write_jsonl(tmp_path / "a.jsonl", [{"instruction": ""}, {"instruction": "x"}])
    rows = list(draw([source(path, bad_rows="drop")]))
    assert [row["reason"] for row in rows] == ["no_instruction", None]


def test_survey_counts_by_source(tmp_path):
    path = write_jsonl(tmp_path / "a.jsonl", ROWS)
    found = survey([source(path), VerifiableSource(5)])
    assert found.rows == 7
    assert [entry["rows"] for entry in found.sources] == [2, 5]


def test_the_builtin_halves_are_disjoint():
    one, two = ({row["id"] for row in draw([BuiltinSource(half)])} for half in (1, 2))
    assert len(one) >= 150
    assert len(two) >= 150
    assert not one & two
    assert [row["reason"] for row in draw([BuiltinSource(1), BuiltinSource(2)])] == [None] * (
        len(one) + len(two)
    )


def test_verifiable_rows_carry_their_task():
    rows = list(draw([VerifiableSource(20, seed=3)]))
    assert all(json.loads(row["task"])["family"] for row in rows)
    assert rows == list(draw([VerifiableSource(20, seed=3)]))


@given(st.lists(st.text(), min_size=1, max_size=20))
def test_any_text_is_drawn_and_can_be_stored(tmp_path_factory, texts):
    path = tmp_path_factory.mktemp("any") / "a.jsonl"
    write_jsonl(path, [{"instruction": text} for text in texts])
    rows = list(draw([source(path, bad_rows="drop")]))
    assert len(rows) == len(texts)
    assert len({row["id"] for row in rows}) == len(rows)
    for row in rows:
        row["instruction"].encode()


def test_lone_surrogates_are_replaced(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"instruction": "a\\ud800b"}\n')
    (row,) = draw([source(path)])
    assert row["instruction"] == "a?b"


def test_a_stream_is_read_row_by_row(tmp_path):
    path = write_jsonl(tmp_path / "a.jsonl", [{"instruction": "x"}])
    with path.open("a") as file:
        file.write("broken\n")
    rows = read_table(path)
    assert next(rows)[1] == {"instruction": "x"}
    with pytest.raises(BadInput):
        next(rows)


TURNS = [
    {"role": "user", "content": " Which museum? "},
    {"role": "assistant", "content": "The Louvre."},
]


def with_history(path, *histories, **settings):
    rows = [
        {"question": "Where is it?", "before": history, "rubric": "Names the city."}
        for history in histories
    ]
    columns = {"instruction": "question", "history": "before", "criteria": "rubric"}
    return source(write_jsonl(path, rows), columns=columns, **settings)


def test_columns_for_history_and_criteria(tmp_path):
    sharegpt = [
        {"from": "human", "value": "Which museum?"},
        {"from": "gpt", "value": "The Louvre."},
    ]
    rows = list(draw([with_history(tmp_path / "a.jsonl", TURNS, sharegpt, [], None)]))
    expected = [{**TURNS[0], "content": "Which museum?"}, TURNS[1]]
    assert [row["history"] for row in rows] == [expected, expected, [], []]
    assert {row["criteria"] for row in rows} == {"Names the city."}
    # The same instruction after other turns is another one, with another id.
    assert [row["reason"] for row in rows] == [None, "duplicate", None, "duplicate"]
    assert len({row["id"] for row in rows}) == 4
    assert rows[1]["id"] == f"{rows[0]['id']}-1"


def test_an_instruction_without_history_has_the_id_that_it_always_had(tmp_path):
    expected = hashlib.sha256(b"a.jsonl\0Where is it?").hexdigest()[:16]
    (row,) = draw([with_history(tmp_path / "a.jsonl", [])])
    assert row["id"] == expected
    (row,) = draw([source(write_jsonl(tmp_path / "a.jsonl", [{"prompt": "Where is it?"}]))])
    assert (row["id"], row["history"], row["criteria"]) == (expected, [], None)


def test_a_history_in_parquet(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.Table.from_pylist([{"instruction": "Where?", "turns": TURNS}]), path)
    columns = {"instruction": "instruction", "history": "turns"}
    (row,) = draw([source(path, columns=columns)])
    assert [turn["role"] for turn in row["history"]] == ["user", "assistant"]


@pytest.mark.parametrize(
    ("history", "says"),
    [
        ("Hi", "before is str, not a list of turns"),
        (TURNS[:1], "before ends with a user's turn"),
        ([*TURNS, {"role": "system", "content": "Be brief."}, *TURNS], "a system turn comes after"),
        ([TURNS[0], {"role": "assistant", "content": " "}], "before: turn 2 has no text"),
        ([TURNS[0], {"role": "assistant"}], "before: turn 2 has no text"),
        ([{"role": "narrator", "content": "Hi"}], "before: turn 1 has the role 'narrator'"),
        ([7], "before: turn 1 is int, not a turn"),
    ],
)
def test_a_history_that_cannot_be_used(tmp_path, history, says):
    with pytest.raises(BadInput, match=r"a.jsonl:1: the history cannot be used \(") as error:
        list(draw([with_history(tmp_path / "a.jsonl", history)]))
    assert says in str(error.value)
    (row,) = draw([with_history(tmp_path / "a.jsonl", history, bad_rows="drop")])
    assert (row["reason"], row["history"]) == ("bad_history", [])
    assert row["detail"].startswith(f"line 1: {says}")


def test_a_surrogate_in_a_history_is_replaced(tmp_path):
    path = tmp_path / "a.jsonl"
    turns = [{**TURNS[0], "content": "\ud800"}, TURNS[1]]
    (row,) = draw([with_history(path, turns)])
    assert row["history"][0]["content"] == "?"
    validate_ledger_row({**row, "status": "dropped", "reason": "draft_empty"})
