"""Evaluation prompts from files and caches, and the rows that repeat them."""

import gzip
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.errors import BadInput
from builders.gate.checks.evaluation_overlap import (
    GRAM,
    EvaluationIndex,
    EvaluationOverlap,
    words_of,
)
from builders.gate.checks.evaluation_sets import (
    Benchmark,
    EvaluationSet,
    local_benchmarks,
    read_evaluation_set,
)
from tests.ledger_rows import ledger_row, ledger_table

PROMPTS = ("How far is it?", "What is “new” here, and why?\nSay it briefly.")


@pytest.mark.parametrize(
    ("name", "rows", "field"),
    [
        ("a.jsonl", [{"id": 1, "question": prompt} for prompt in PROMPTS], None),
        ("a.jsonl.gz", [{"prompt": prompt} for prompt in PROMPTS], None),
        ("a.jsonl", [{"category": "x", "turns": list(PROMPTS)}], None),
        (
            "a.jsonl",
            [
                {"messages": [{"role": "user", "content": PROMPTS[0]}]},
                {
                    "messages": [
                        {"role": "assistant", "content": "no prompt"},
                        {"role": "user", "content": PROMPTS[1]},
                    ]
                },
            ],
            None,
        ),
        ("a.json", [{"asked": prompt, "prompt": "no"} for prompt in PROMPTS], "asked"),
        ("a.parquet", [{"query": prompt} for prompt in PROMPTS], None),
    ],
)
def test_prompts_are_read_from_the_usual_shapes(tmp_path, name, rows, field):
    path = tmp_path / name
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    if name.endswith(".parquet"):
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif name.endswith(".gz"):
        path.write_bytes(gzip.compress(lines.encode()))
    else:
        path.write_text(json.dumps(rows) if name.endswith(".json") else lines)
    read = read_evaluation_set(f"{path}:{field}" if field else str(path))
    assert read == EvaluationSet(name, PROMPTS)
    assert len(read.sha256) == 64


@pytest.mark.parametrize("packed", [False, True])
def test_a_text_file_has_a_prompt_on_each_line(tmp_path, packed):
    path = tmp_path / ("a.txt.gz" if packed else "a.txt")
    text = "one prompt\n\nunother, é\n".encode()
    path.write_bytes(gzip.compress(text) if packed else text)
    assert read_evaluation_set(str(path)).prompts == ("one prompt", "unother, é")


@pytest.mark.parametrize(
    ("name", "content", "named", "says"),
    [
        ("a.jsonl", b'{"x": "y"}\n', "a.jsonl", "Name it as FILE:FIELD; there are x"),
        ("a.jsonl", b'{"x": "y"}\n', "a.jsonl:z", "no column 'z'; it has x"),
        ("a.jsonl", b'{"x": ""}\n', "a.jsonl:x", "no evaluation prompts"),
        ("a.jsonl", b"", "a.jsonl", "no evaluation prompts"),
        ("a.jsonl", b"{", "a.jsonl", "not JSON"),
        ("a.parquet", b"PAR1 not", "a.parquet", "not parquet"),
        ("a.txt", b"\xff\xfe", "a.txt", "cannot be read"),
        ("a.txt.gz", b"plain", "a.txt.gz", "cannot be read"),
        ("a.jsonl", b"", "b.jsonl:x", "no such file"),
        ("a.doc", b"", "a.doc", "not one of"),
    ],
)
def test_a_bad_file_is_told_in_one_line(tmp_path, name, content, named, says):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BadInput) as error:
        read_evaluation_set(str(tmp_path / named))
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_benchmarks_are_found_in_a_cache_as_the_hubs_client_leaves_it(tmp_path):
    snapshot = tmp_path / "datasets--some--maths" / "snapshots" / "0123abc" / "main"
    blobs = tmp_path / "datasets--some--maths" / "blobs"
    snapshot.mkdir(parents=True)
    blobs.mkdir()
    pq.write_table(pa.Table.from_pylist([{"question": p} for p in PROMPTS]), blobs / "f00")
    (snapshot / "test-00000-of-00001.parquet").symlink_to(blobs / "f00")
    pq.write_table(pa.table({"question": ["for training"]}), snapshot / "train-0.parquet")
    (snapshot / "test-broken.parquet").symlink_to(blobs / "gone")
    known = (Benchmark("Maths", "some/maths", "question"), Benchmark("Other", "an/other", "x"))
    assert local_benchmarks(tmp_path, known) == ([EvaluationSet("Maths", PROMPTS)], ["Other"])
    assert local_benchmarks(tmp_path / "none", known) == ([], ["Maths", "Other"])


def text(first, count):
    return " ".join(f"word{number}" for number in range(first, first + count))


@pytest.mark.parametrize(
    ("prompt", "asked", "found"),
    [
        (text(0, 30), f"Please: {text(10, GRAM)}!", True),
        (text(0, 30), f"Please: {text(10, GRAM - 1)}!", False),
        (text(0, 30), text(0, 30).upper(), True),
        (text(0, 30).replace(" ", "\n"), text(5, 20).replace(" ", ", "), True),
        (text(0, 30), text(5, GRAM - 1), False),
        ("How far is it?", "how  far is it", True),
        ("How far is it?", "How far is it to Rome?", False),
        ("How far is it?", f"How far is it? {text(0, 20)}", False),
        ("光合作用是什么，请用简单的话说明一下", "请问：光合作用是什么，请用简单的话说明", True),
        ("", "", False),
        ("?!", "?!", False),
    ],
)
def test_which_texts_overlap(prompt, asked, found):
    assert EvaluationIndex([EvaluationSet("x", (prompt,))]).sets_of(asked) == (
        {0} if found else set()
    )


def test_a_template_that_many_prompts_share_is_not_a_prompt():
    template = text(0, 20)
    prompts = tuple(f"{template} {text(1000 * number, 20)}" for number in range(1, 40))
    index = EvaluationIndex([EvaluationSet("x", prompts)])
    assert index.sets_of(f"{template} and then something of my own") == set()
    assert index.sets_of(f"{template} {text(5000, 20)}") == {0}


def test_the_check_names_sets_and_rows():
    sets = [EvaluationSet("one", (text(0, 20),)), EvaluationSet("two", (text(100, 20), "hi?"))]
    check = EvaluationOverlap(sets, ["three"], fails=True)
    rows = [
        ledger_row(1, reason=None),
        ledger_row(2, reason=None, instruction=f"{text(0, 20)} {text(100, 20)}"),
        ledger_row(3, reason=None, system="Hi"),
        ledger_row(4, reason="margin", instruction="hi"),
    ]
    check.see(ledger_table(rows))
    result = check.result()
    assert result.status == "fail"
    assert result.rows == (rows[1]["id"], rows[2]["id"])
    assert "2 of 3 kept rows" in result.sentence
    assert "one (1), two (2)" in result.sentence
    assert "because there is no copy: three" in result.sentence
    assert [one["prompts"] for one in result.figures["sets"]] == [1, 2]
    json.dumps(result.model_dump(mode="json"))


def test_the_users_turns_before_an_instruction_are_compared():
    check = EvaluationOverlap([EvaluationSet("one", (text(0, 20), "hi?"))], [], fails=True)
    words = {"user": text(0, 20), "assistant": "hi"}
    for number, (role, content) in enumerate(words.items()):
        history = [{"role": role, "content": content}]
        check.see(ledger_table([{**ledger_row(number, reason=None), "history": history}]))
    assert check.result().rows == (ledger_row(0, reason=None)["id"],)


@pytest.mark.parametrize(
    ("sets", "status"), [([], "warn"), ([("hi",)], "warn"), ([("ho",)], "pass")]
)
def test_nothing_compared_is_no_pass(sets, status):
    sets = [EvaluationSet("x", prompts) for prompts in sets]
    check = EvaluationOverlap(sets, [], fails=False)
    check.see(ledger_table([ledger_row(1, reason=None, instruction="Hi!")]))
    assert check.result().status == status


@given(prompt=st.text(max_size=300), before=st.text(max_size=60), after=st.text(max_size=60))
def test_whatever_the_text_a_long_prompt_is_found_in_it(prompt, before, after):
    index = EvaluationIndex([EvaluationSet("x", (prompt,))])
    words = words_of(prompt)
    assert bool(index.sets_of(prompt)) == bool(words)
    if len(words) >= GRAM:
        assert index.sets_of(f"{before} . {prompt} . {after}") == {0}
