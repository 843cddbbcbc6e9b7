"""Pairs in the shapes that others write, and what is wrong with some of them."""

import json

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.audit.freeze import freeze_file
from builders.audit.frozen import LEFT_OUT
from builders.audit.pair_files import read_pairs
from builders.audit.rows import PAIR_ROWS
from builders.errors import BadInput
from builders.rows.read import read_rows
from tests.shared_data import FOLDER, json_rows, needs

BYE, GOOD, BAD = (
    {"role": role, "content": text}
    for role, text in (("user", "Bye"), ("assistant", "Good."), ("assistant", "Bad."))
)
HELLO = {"role": "assistant", "content": "Hello."}
HI = "\n\nHuman: Hi\n\nAssistant: Hello.\n\nHuman: Bye\n\nAssistant: {}"
OURS = {"instruction": "Why?", "answer_a": "So.", "answer_b": "Because.", "better": "b"}


def read(tmp_path, *rows, form="auto"):
    path = tmp_path / "pairs.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return read_pairs(path, form, "mit")


def chosen_text(pair):
    return pair[f"answer_{pair['choices'][0]['better']}"]


def test_our_own_shape(tmp_path):
    people = {"ada": "a", "ben": "tie"}
    row = {**OURS, "id": 7, "choices": people, "source": "s", "writer_a": "m", "score_b": 3}
    (pair,), left_out = read(tmp_path, row)
    PAIR_ROWS.validate(pair)
    assert (pair["id"], pair["source"], pair["license"]) == ("7", "s", "mit")
    assert (pair["writer_a"], pair["writer_b"], pair["score_b"]) == ("m", None, 3.0)
    assert {choice["person"]: choice["better"] for choice in pair["choices"]} == people
    assert not left_out


@pytest.mark.parametrize(
    "row",
    [
        {"prompt": "Bye", "chosen": "Good.", "rejected": "Bad."},
        {
            "prompt": [{"role": "user", "content": "Bye"}],
            "chosen": [{"role": "assistant", "content": "Good."}],
            "rejected": [{"role": "assistant", "content": "Bad."}],
        },
        {"chosen": [BYE, GOOD], "rejected": [BYE, BAD]},
        {
            "chosen": "\n\nHuman: Bye\n\nAssistant: Good.",
            "rejected": "\n\nHuman: Bye\n\nAssistant: Bad.",
        },
    ],
)
def test_chosen_and_rejected(tmp_path, row):
    (pair,), left_out = read(tmp_path, row)
    assert (pair["instruction"], chosen_text(pair)) == ("Bye", "Good.")
    assert {pair["answer_a"], pair["answer_b"]} == {"Good.", "Bad."}
    assert not left_out


def test_a_transcript_becomes_a_history_and_an_instruction(tmp_path):
    (pair,), _ = read(tmp_path, {"chosen": HI.format("So long."), "rejected": HI.format("What?")})
    assert [turn["content"] for turn in pair["history"]] == ["Hi", "Hello."]
    assert (pair["instruction"], chosen_text(pair)) == ("Bye", "So long.")


def test_the_place_of_an_answer_does_not_say_which_was_chosen(tmp_path):
    rows = [{"prompt": f"{n}?", "chosen": f"yes {n}", "rejected": f"no {n}"} for n in range(200)]
    pairs, _ = read(tmp_path, *rows)
    first = sum(pair["choices"][0]["better"] == "a" for pair in pairs)
    assert 70 < first < 130


@pytest.mark.parametrize(
    "row",
    [
        {"prompt": "\n\nHuman: Hi\n\nAssistant: Hello.\n\nHuman: Bye\n\nAssistant:"},
        {"prompt": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello."}, BYE]},
        {"prompt": json.dumps([{"role": "user", "content": "Hi"}, HELLO, BYE])},
        {"prompt": "Bye", "history": [["Hi", "Hello."]]},
    ],
    ids=["transcript", "ShareGPT", "JSON", "history of pairs"],
)
def test_conversations_are_those_of_sources(tmp_path, row):
    ours = {"answer_a": "Good.", "answer_b": "Bad.", "better": "a", **row}
    chosen = {"chosen": "Good.", "rejected": "Bad.", **row}
    for one in [ours] if "history" in row else [ours, chosen]:
        (pair,), left_out = read(tmp_path, one)
        assert [turn["content"] for turn in pair["history"]] == ["Hi", "Hello."]
        assert (pair["instruction"], chosen_text(pair)) == ("Bye", "Good.")
        assert not left_out


def test_what_an_instruction_is_about_is_part_of_it(tmp_path):
    (pair,), _ = read(tmp_path, {**OURS, "instruction": "Translate.", "input": "Guten Tag"})
    assert pair["instruction"] == "Translate.\n\nGuten Tag"


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"chosen": [BYE, BYE, GOOD], "rejected": [BYE, BYE, BAD]}, "bad_transcript"),
        (
            {"chosen": [BYE, {"role": "tool", "content": "4"}, GOOD], "rejected": [BYE, BAD]},
            "tool_turns",
        ),
        (
            {**OURS, "instruction": [{"role": "user", "content": [{"type": "image_url"}]}]},
            "has_media",
        ),
        ({**OURS, "instruction": "  "}, "no_instruction"),
        ({**OURS, "answer_b": "So."}, "equal_answers"),
        ({**OURS, "answer_b": "So. \n"}, "equal_answers"),
        ({**OURS, "answer_b": ""}, "empty_answer"),
        ({**OURS, "answer_b": None}, "no_two_answers"),
        ({**OURS, "better": None}, "no_preference"),
        ({**OURS, "better": "c"}, "no_preference"),
        ({**OURS, "history": [{"role": "user", "content": "Hi"}]}, "bad_transcript"),
        (
            {"chosen": HI.format("x"), "rejected": HI.format("y").replace("Hi", "Ho")},
            "other_contexts",
        ),
        ({"chosen": "\n\nHuman: a\n\nHuman: b", "rejected": HI.format("y")}, "bad_transcript"),
        ({"chosen": "\n\nHuman: a", "rejected": "\n\nHuman: a"}, "bad_transcript"),
        ({"chosen": HI.format(""), "rejected": HI.format("y")}, "empty_answer"),
        ({"chosen": HI.format("x")}, "no_two_answers"),
        ({"prompt": None, "chosen": "a", "rejected": "b"}, "no_instruction"),
        ({"prompt": "p", "chosen": ["a"], "rejected": ["b"]}, "no_two_answers"),
        ({}, "no_instruction"),
    ],
)
def test_what_cannot_be_read_is_counted_by_reason(tmp_path, row, reason):
    pairs, left_out = read(tmp_path, row)
    assert (pairs, dict(left_out)) == ([], {reason: 1})
    assert reason in LEFT_OUT


def test_a_pair_is_not_taken_twice(tmp_path):
    turned = {**OURS, "answer_a": "Because.", "answer_b": "So.", "better": "a"}
    pairs, left_out = read(tmp_path, OURS, turned)
    assert (len(pairs), dict(left_out)) == (1, {"duplicate": 1})


def test_two_pairs_with_one_id(tmp_path):
    with pytest.raises(BadInput, match="the id x came earlier"):
        read(tmp_path, {**OURS, "id": "x"}, {**OURS, "id": "x", "answer_b": "Other."})


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
_KEYS = st.sampled_from(
    [
        "id",
        "prompt",
        "chosen",
        "rejected",
        "instruction",
        "answer_a",
        "answer_b",
        "better",
        "choices",
        "history",
        "system",
        "source",
        "license",
        "writer_a",
        "score_a",
        "criteria",
    ]
)
_TURN = st.fixed_dictionaries({"role": st.sampled_from(["user", "assistant"]), "content": _VALUES})


@given(
    st.dictionaries(_KEYS, _VALUES | st.lists(_TURN, max_size=3) | st.just(HI.format("x"))),
    st.sampled_from(["pairs", "hh", "auto"]),
)
def test_any_row_is_a_valid_pair_or_counted(tmp_path_factory, row, form):
    folder = tmp_path_factory.mktemp("any")
    pairs, left_out = read(folder, row, form=form)
    for pair in pairs:
        PAIR_ROWS.validate(pair)
    assert len(pairs) + left_out.total() == 1
    assert left_out.keys() <= LEFT_OUT.keys()


@needs("hh_rlhf_harmless_base_test.jsonl.gz")
def test_hh_rlhf():
    path = FOLDER / "hh_rlhf_harmless_base_test.jsonl.gz"
    pairs, left_out = read_pairs(path, "hh", "mit")
    assert dict(left_out) == {"bad_transcript": 9, "empty_answer": 4}
    assert len(pairs) == 2_312 - 13
    longer = [
        0.5 if len(a) == len(b) else float((len(b) > len(a)) == (better == "b"))
        for a, b, better in (
            (pair["answer_a"], pair["answer_b"], pair["choices"][0]["better"]) for pair in pairs
        )
    ]
    assert sum(longer) / len(longer) == pytest.approx(0.445, abs=0.0015)
    # Of all pairs, by what follows the last mark of the assistant.
    last = [
        [len(row[key].rsplit("\n\nAssistant:", 1)[1].strip()) for key in ("chosen", "rejected")]
        for row in json_rows("hh_rlhf_harmless_base_test.jsonl.gz")
    ]
    wins = [0.5 if one == other else float(one > other) for one, other in last]
    assert sum(wins) / 2_312 == pytest.approx(0.445, abs=5e-4)


def test_a_set_from_before_there_were_criteria_is_read(tmp_path):
    (tmp_path / "pairs.jsonl").write_text(json.dumps(OURS))
    folder = freeze_file(tmp_path / "pairs.jsonl", tmp_path / "set", license="mit").folder
    table = pq.read_table(folder / "pairs.parquet")
    pq.write_table(table.drop_columns(["criteria", "control_scores"]), tmp_path / "earlier.parquet")
    (pair,) = read_rows(tmp_path / "earlier.parquet", PAIR_ROWS)
    assert pair == table.to_pylist()[0]
