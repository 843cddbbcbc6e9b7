"""Rows of files in the shapes that people have: what is the task in them, and what is refused."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.errors import BadInput
from builders.instructions.file_source import FileSource
from builders.instructions.sources import draw
from builders.rows.reasons import REASONS
from builders.rows.schema import validate_ledger_row

ASK, REPLY = "Name a lake in Chad.", "Lake Fitri."
FIRST = [{"role": "user", "content": "Hi."}, {"role": "assistant", "content": "Hello!"}]


def turn(role, content):
    return {"role": role, "content": content}


TALK = [turn("user", ASK), turn("assistant", REPLY)]


def drawn(folder, *rows, **settings):
    """The ledger rows of a file with these rows, each of them valid."""
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    result = list(draw([FileSource(path, "rows", "mit", **settings)]))
    for row in result:
        validate_ledger_row({**row, "status": "dropped", "reason": row["reason"] or "draft_empty"})
    return result


def task(row):
    return row["system"], row["history"], row["instruction"], row["draft"]


SHAPES = [
    {"messages": TALK},
    {"messages": [turn("User", ASK), turn(" Assistant ", REPLY)]},
    {"messages": [turn("prompter", ASK), turn("bot", REPLY)]},
    {"messages": json.dumps(TALK)},
    {"messages": str(TALK)},
    {"messages": [], "prompt": ASK, "response": REPLY},
    {"messages": [turn("user", [{"type": "text", "text": ASK}]), turn("assistant", [REPLY])]},
    {"messages": [turn("system", ""), *TALK]},
    {"messages": [TALK[0], turn("bing", [{"type": "thinking", "thinking": "Chad?"}, REPLY])]},
    {"conversations": [{"from": "human", "value": ASK}, {"from": "chatgpt", "value": REPLY}]},
    {"conversations": {"from": ["human", "gpt"], "value": [ASK, REPLY]}},
    {"conversations": [ASK, REPLY], "source": "a site"},
    {"conversation": TALK, "model": "a model", "language": "English", "turn": 1},
    {"conversation": [{"input": ASK, "output": REPLY}]},
    {"prompt": TALK[:1], "completion": TALK[1:]},
    {"prompt": ASK, "prompt_id": "a1", "messages": TALK, "category": "lists"},
    {"prompt": ASK, "completion": REPLY},
    {"prompt": f"\n\nHuman: {ASK}\n\nAssistant:", "response": REPLY},
    {"chosen": TALK, "rejected": [TALK[0], turn("assistant", "No.")]},
    {"Instruction": ASK, "Output": REPLY},
    {"question": ASK, "answer": REPLY, "difficulty": "easy"},
    {"instruction": ASK, "instances": [{"input": "", "output": REPLY}]},
    {"instruction": ASK, "input": "", "history": [], "response": REPLY, "system": None},
]


@pytest.mark.parametrize("row", SHAPES, ids=lambda row: "+".join(row))
def test_a_single_turn_in_each_shape(tmp_path, row):
    assert [task(row) for row in drawn(tmp_path, row)] == [(None, [], ASK, REPLY)]


LONG_SHAPES = [
    {"messages": [*FIRST, *TALK]},
    {"conversation": [{"input": "Hi.", "output": "Hello!"}, {"input": ASK, "output": REPLY}]},
    {"conversations": ["Hi.", "Hello!", ASK, REPLY]},
    {"prompt": [*FIRST, TALK[0]], "completion": TALK[1:]},
    {"instruction": ASK, "output": REPLY, "history": [["Hi.", "Hello!"]]},
    {"instruction": ASK, "output": REPLY, "history": FIRST},
    {"prompt": ASK, "response": REPLY, "history": json.dumps(FIRST)},
    {"history": FIRST, "messages": TALK},
    {
        "chosen": f"\n\nHuman: Hi.\n\nAssistant: Hello!\n\nHuman: {ASK}\n\nAssistant: {REPLY}",
        "rejected": f"\n\nHuman: Hi.\n\nAssistant: Hello!\n\nHuman: {ASK}\n\nAssistant: No.",
    },
]


@pytest.mark.parametrize("row", LONG_SHAPES, ids=lambda row: "+".join(row))
def test_the_turns_before_the_last_instruction_are_its_history(tmp_path, row):
    assert [task(row) for row in drawn(tmp_path, row)] == [(None, FIRST, ASK, REPLY)]


@pytest.mark.parametrize(
    ("turns", "expected"),
    [
        # An assistant that speaks first, and one that speaks twice.
        ([turn("gpt", "Welcome."), *TALK], (None, [turn("assistant", "Welcome.")], ASK, REPLY)),
        ([*TALK, turn("assistant", "Or Iro.")], (None, [], ASK, f"{REPLY}\n\nOr Iro.")),
        ([*FIRST, turn("user", "So:"), *TALK], (None, FIRST, f"So:\n\n{ASK}", REPLY)),
        ([turn("system", "A."), turn("developer", "B."), *TALK], ("A.\n\nB.", [], ASK, REPLY)),
        # Models that thought aloud.
        (
            [FIRST[0], turn("assistant", "<think>A greeting.</think>\n\nHello!"), *TALK],
            (None, FIRST, ASK, REPLY),
        ),
        # No answer, or none yet.
        (TALK[:1], (None, [], ASK, None)),
        ([TALK[0], turn("assistant", None)], (None, [], ASK, None)),
        ([TALK[0], turn("assistant", " ")], (None, [], ASK, None)),
        ([*FIRST, TALK[0]], (None, FIRST, ASK, None)),
    ],
)
def test_turns_as_they_come(tmp_path, turns, expected):
    assert [task(row) for row in drawn(tmp_path, {"messages": turns})] == [expected]


def test_a_system_column_comes_before_the_system_turns(tmp_path):
    rows = {"system": "A.", "messages": [turn("system", "B."), *TALK]}
    assert task(drawn(tmp_path, rows)[0])[0] == "A.\n\nB."


def test_our_own_releases_are_sources(tmp_path):
    about = {"id": "a", "source": "s", "license": "mit", "draft_model": "m", "critic_model": "m"}
    critique = {"weaknesses": ["It is short."], "suggestions": [], "score": 4}
    feedback = {"instruction": ASK, "history": FIRST, "criteria": "One lake.", "task": None}
    texts = {
        "draft": REPLY,
        "critique": critique,
        "refinement": "Lake Chad.",
        "human_verdict": None,
    }
    pair = {
        "prompt": [turn("system", "Be kind."), *FIRST, TALK[0]],
        "chosen": [turn("assistant", "Lake Chad.")],
        "rejected": TALK[1:],
        "margin": 3,
    }
    first, second = drawn(tmp_path, {**about, **feedback, **texts}, {**about, **pair})
    assert task(first) == (None, FIRST, ASK, REPLY)
    assert first["criteria"] == "One lake."
    assert task(second) == ("Be kind.", FIRST, ASK, None)


@pytest.mark.parametrize(
    "row",
    [
        {"instruction": "Shorten.", "input": "A long text."},
        {"instruction": "Shorten.", "inputs": "A long text.", "targets": "A text."},
        {"instruction": "Shorten.", "context": "A long text.", "category": "summary"},
        {"question": "Shorten.", "Passage": "A long text.", "score": "9/10"},
        {"prompt": "Shorten.", "context": "A long text.", "chosen": "A text.", "rejected": "No."},
        {"instruction": "Shorten.", "instances": [{"input": "A long text.", "output": "x"}]},
        {"name": "short", "instruction": "Shorten.", "instances": [{"input": "A long text."}]},
    ],
    ids=lambda row: "+".join(row),
)
def test_what_goes_with_an_instruction_is_taken(tmp_path, row):
    assert drawn(tmp_path, row)[0]["instruction"] == "Shorten.\n\nA long text."


@pytest.mark.parametrize("name", ["system", "system_prompt", "System_Message"])
def test_a_system_prompt_is_taken(tmp_path, name):
    assert drawn(tmp_path, {"instruction": ASK, name: "Be brief."})[0]["system"] == "Be brief."


def test_several_inputs_are_taken(tmp_path):
    row = {"question": "Which?", "passage": "One of two.", "choices": "A or B"}
    columns = {"instruction": "question", "input": ["passage", "choices"]}
    assert (
        drawn(tmp_path, row, columns=columns)[0]["instruction"] == "Which?\n\nOne of two.\n\nA or B"
    )
    # Beside what is recognized.
    assert drawn(tmp_path, row, columns={"input": ["choices", "passage"]})[0]["instruction"] == (
        "Which?\n\nA or B\n\nOne of two."
    )


@pytest.mark.parametrize(
    "row",
    [
        {"instruction": ASK, "notes": "Only in English."},
        {"instruction": ASK, "input": None, "notes": ["Only in English."]},
        {"messages": TALK, "notes": {"text": "Only in English."}},
        {"messages": TALK, "notes": json.dumps([turn("user", "x")])},
    ],
)
def test_text_that_is_not_read_ends_the_run(tmp_path, row):
    for bad_rows in ("fail", "drop"):
        with pytest.raises(BadInput, match=r"rows.jsonl:2: the text in notes is not read; say in"):
            drawn(tmp_path, {"instruction": "Fine."}, row, bad_rows=bad_rows)
    assert drawn(tmp_path, row, ignore=["notes"])[0]["instruction"] == ASK
    assert drawn(tmp_path, {**row, "notes": row.get("instruction", ASK)})[0]["reason"] is None
    assert drawn(tmp_path, {**row, "notes": [1, 2.5, True, "12", "N/A", None]})[0]["reason"] is None


def test_all_columns_that_are_not_read_are_named(tmp_path):
    row = {"instruction": ASK, "options": ["a lake", "a hill"], "hint": "It is wet."}
    with pytest.raises(BadInput, match="the text in options, hint is not read"):
        drawn(tmp_path, row)
    columns = {"input": "hint"}
    with pytest.raises(BadInput, match="the text in options is not read"):
        drawn(tmp_path, row, columns=columns)
    (ledger_row,) = drawn(tmp_path, row, columns=columns, ignore=["options"])
    assert ledger_row["instruction"] == f"{ASK}\n\nIt is wet."


def test_a_well_known_column_can_be_left_out(tmp_path):
    row = {"question": ASK, "context": {"title": ["Chad"]}, "answer": REPLY}
    with pytest.raises(BadInput, match="context is dict, not text; set `columns` or `ignore`, or"):
        drawn(tmp_path, row)
    assert task(drawn(tmp_path, row, ignore=["context"])[0]) == (None, [], ASK, REPLY)
    assert task(drawn(tmp_path, row, ignore=["context", "answer"])[0]) == (None, [], ASK, None)


def test_columns_of_the_recipe_leave_out_a_well_known_one(tmp_path):
    row = {
        "instruction": "Shorten.",
        "input": "A long text.",
        "notes": "Seen.",
        "output": "A text.",
    }
    columns = {"instruction": "instruction", "draft": "output"}
    with pytest.raises(BadInput, match="the text in input is not read"):
        drawn(tmp_path, row, columns=columns)
    (ledger_row,) = drawn(tmp_path, row, columns=columns, ignore=["input"])
    assert (ledger_row["instruction"], ledger_row["draft"]) == ("Shorten.", "A text.")


NO_INPUT = [
    "<noinput>",
    "<no input>",
    "No Input",
    "noinput",
    "no_input",
    "[no input]",
    "N/A",
    "n/a",
]
NO_INPUT += [
    "(No input).",
    "None",
    "null",
    "NULL",
    "nan",
    "Not applicable.",
    "<no context>",
    " ",
    "",
]


@pytest.mark.parametrize("text", [*NO_INPUT, None, float("nan")])
def test_words_for_no_input_are_none(tmp_path, text):
    assert drawn(tmp_path, {"instruction": ASK, "input": text})[0]["instruction"] == ASK
    (row,) = drawn(tmp_path, {"instruction": text}, bad_rows="drop")
    assert (row["reason"], row["detail"]) == ("no_instruction", "line 1: 'instruction' is empty")


@pytest.mark.parametrize("text", ["Na", "none of them", "no input device", "0", "nanometers"])
def test_other_words_are_an_input(tmp_path, text):
    assert drawn(tmp_path, {"instruction": ASK, "input": text})[0]["instruction"].endswith(text)


def test_a_draft_may_say_that_there_is_nothing(tmp_path):
    assert drawn(tmp_path, {"instruction": ASK, "output": "None"})[0]["draft"] == "None"


FAULTS = [
    ({"instruction": "Double it.", "input": 7}, "wrong_type", "input is int, not text"),
    ({"instruction": ["Name a hill."]}, "wrong_type", "instruction is list, not text"),
    ({"prompt": TALK[:1], "completion": TALK}, "wrong_type", "completion has turns that are not"),
    ({"answer": "x"}, "no_instruction", "columns: answer"),
    ({"messages": []}, "no_instruction", "'messages' is empty"),
    ({"messages": FIRST[1:]}, "no_instruction", "no user turn"),
    ({"messages": "Hi."}, "bad_history", "messages is str, not a list of turns"),
    ({"messages": [*TALK, turn("system", "B.")]}, "bad_history", "a system turn comes after"),
    ({"messages": [turn("narrator", "x")]}, "bad_history", "turn 1 has the role 'narrator'"),
    ({"messages": [turn("user", " "), *TALK]}, "bad_history", "turn 1 has no text"),
    (
        {"messages": [TALK[0], turn("assistant", "<think>Hm."), *TALK]},
        "bad_history",
        "thinking without an answer",
    ),
    ({"messages": [turn("user", 7)]}, "bad_history", "turn 1 has int, not text"),
    (
        {"messages": [TALK[0], turn("assistant", None), turn("tool", "{}"), TALK[1]]},
        "tool_turns",
        "turn 3 is one of a tool (role 'tool')",
    ),
    (
        {
            "messages": [
                TALK[0],
                {"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]},
            ]
        },
        "tool_turns",
        "turn 2 is one of a tool",
    ),
    ({"conversations": [{"from": "function_call", "value": "{}"}]}, "tool_turns", "turn 1"),
    ({"instruction": ASK, "image": "a.png"}, "has_media", "the column 'image' is filled"),
    ({"messages": TALK, "images": ["a.png"]}, "has_media", "the column 'images' is filled"),
    ({"messages": [turn("user", f"<image>\n{ASK}")]}, "has_media", "'<image>'"),
    ({"instruction": ASK, "input": "<|image_1|>"}, "has_media", "input has a placeholder"),
    ({"instruction": "See ![it](data:image/png;base64,iVBOR)"}, "has_media", "a placeholder"),
    (
        {"messages": [turn("user", [{"type": "image_url", "image_url": {}}, {"text": ASK}])]},
        "has_media",
        "a part of the type 'image_url'",
    ),
]


@pytest.mark.parametrize(("row", "reason", "detail"), FAULTS)
def test_a_row_that_cannot_be_used(tmp_path, row, reason, detail):
    rows = [{"instruction": "First."}, row, {"instruction": "Last."}]
    with pytest.raises(BadInput) as error:
        drawn(tmp_path, *rows)
    assert f"{tmp_path / 'rows.jsonl'}:2: " in str(error.value)
    assert detail in str(error.value)
    assert "`bad_rows: drop`" in str(error.value)
    first, dropped, last = drawn(tmp_path, *rows, bad_rows="drop")
    assert (dropped["reason"], first["reason"], last["reason"]) == (reason, None, None)
    assert dropped["detail"].startswith("line 2: ")
    assert detail in dropped["detail"]
    assert reason in REASONS


@pytest.mark.parametrize(
    ("name", "text", "detail"),
    [
        (
            "a.csv",
            "instruction,input\nA,b\nC\nD,e\n",
            "line 3: not as many cells",
        ),
        (
            "a.jsonl",
            '{"instruction": "A"}\n{"i\n{"instruction": "D"}',
            "line 2: not",
        ),
        (
            "a.json",
            '[{"instruction": "A"}, 7, {"instruction": "D"}]',
            "row 2: a row has to be an object",
        ),
    ],
)
def test_a_row_that_cannot_be_read_is_dropped(tmp_path, name, text, detail):
    (tmp_path / name).write_text(text)
    source = FileSource(tmp_path / name, "rows", "mit", bad_rows="drop")
    first, dropped, last = draw([source])
    assert (first["reason"], dropped["reason"], last["reason"]) == (None, "row_unreadable", None)
    assert dropped["detail"].startswith(detail)
    with pytest.raises(BadInput, match="`bad_rows: drop` to continue"):
        list(draw([FileSource(tmp_path / name, "rows", "mit")]))


def test_a_missing_key_is_dropped(tmp_path):
    columns = {"instruction": "q", "input": "i"}
    rows = drawn(tmp_path, {"q": "A", "i": "x"}, {"q": "B"}, columns=columns, bad_rows="drop")
    assert [row["reason"] for row in rows] == [None, "column_missing"]
    assert rows[1]["detail"] == "line 2: no column 'i'; there are q"


def test_a_picture_can_be_left_out(tmp_path):
    row = {"instruction": ASK, "image": "a.png"}
    assert drawn(tmp_path, row, ignore=["image"])[0]["reason"] is None


def test_html_about_pictures_is_text(tmp_path):
    text = 'Explain <img src="a.png">, <video> and <audio controls>.'
    assert drawn(tmp_path, {"instruction": text})[0]["reason"] is None


def test_columns_may_name_a_conversation(tmp_path):
    columns = {"instruction": "talk", "draft": "best", "input": "text"}
    row = {"talk": [*FIRST, *TALK], "best": "Lake Iro.", "text": "Chad is in Africa."}
    (ledger_row,) = drawn(tmp_path, row, columns=columns)
    assert task(ledger_row) == (None, FIRST, f"{ASK}\n\nChad is in Africa.", "Lake Iro.")


def test_a_parquet_file_with_lists_of_fields(tmp_path):
    table = pa.table({"conversations": [{"from": ["human", "gpt"], "value": [ASK, REPLY]}]})
    pq.write_table(table, tmp_path / "a.parquet")
    (row,) = draw([FileSource(tmp_path / "a.parquet", "rows", "mit")])
    assert task(row) == (None, [], ASK, REPLY)


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["role", "from", "content", "value", "type", "text", "input", "parts"])
            | st.text(max_size=5),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)
COLUMN = st.sampled_from(
    [
        *("messages", "conversations", "prompt", "instruction", "input", "history", "system"),
        *("output", "completion", "instances", "image", "criteria"),
    ]
)


@given(row=st.dictionaries(COLUMN, ANY, min_size=1, max_size=4))
def test_any_row_is_a_task_or_has_a_reason(tmp_path_factory, row):
    columns = ["instances", "instruction", "prompt", "input", "conversations"]
    (ledger_row,) = drawn(tmp_path_factory.mktemp("any"), row, bad_rows="drop", ignore=columns)
    assert (ledger_row["reason"] is None) == bool(ledger_row["instruction"])


ROLE = st.sampled_from(["user", "assistant"])
WORD = st.text("abc", min_size=1, max_size=5)


@given(turns=st.lists(st.tuples(ROLE, WORD), min_size=1, max_size=8))
def test_no_text_of_a_conversation_is_lost(tmp_path_factory, turns):
    rows = [{"messages": [turn(role, text) for role, text in turns]}]
    (row,) = drawn(tmp_path_factory.mktemp("talk"), *rows, bad_rows="drop")
    if not any(role == "user" for role, _ in turns):
        assert row["reason"] == "no_instruction"
        return
    texts = [part["content"] for part in row["history"]] + [row["instruction"], row["draft"]]
    read = "\n\n".join(filter(None, texts)).split("\n\n")
    assert read == [text for _, text in turns]
