"""JSON replies: one object among words, slips with one reading, and escapes that nobody meant."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders.critique.parse import Critique, ParsedReply, parse_assessment, parse_reply
from builders.critique.replies.escapes import find_unmeant_escape
from builders.critique.replies.json_object import load_object

FIELDS = {"weaknesses": ["Vague."], "suggestions": ["Be exact."], "score": 6}
ANSWER = "Ice floats because it is less dense."
JSON = json.dumps(FIELDS | {"refinement": ANSWER})
LINES = json.dumps(FIELDS | {"refinement": ANSWER}, indent=2)
FENCED = f"```json\n{LINES}\n```"
CRITIQUE = Critique(["Vague."], ["Be exact."], 6)


def outcome(reply: str, finish_reason: str | None = "stop") -> tuple[str, str]:
    result = parse_reply(reply, "Ice floats.", finish_reason)
    if isinstance(result, ParsedReply):
        assert result.critique.weaknesses == ["Vague."]
        return str(result.critique.score), result.score_problem or result.refinement
    return result.reason, result.detail


@pytest.mark.parametrize(
    "reply",
    [
        f"Here is my review:\n\n{FENCED}",
        f"{FENCED}\n\nLet me know if you need more.",
        f"Sure! Here is the JSON.\n\n{FENCED}\n\nI hope this helps.",
        f"The answer gives no reason. I would mention density.\n\n{FENCED}",
        f"Here:\n```\n{JSON}\n```",
        f"Here:\n```JSON\n{JSON}```\nDone.",
        f"Here:\n```json\n{JSON}",
        JSON[:-1] + ",}",
        JSON.replace('"]', '",]'),
        LINES.replace("\n}", ",\n}"),
    ],
)
def test_one_object(reply):
    assert outcome(reply) == ("6", ANSWER)


def test_line_breaks_in_a_string():
    assert outcome(JSON.replace("because", "\nbecause")) == ("6", ANSWER.replace("bec", "\nbec"))
    both = JSON.replace("because", "\n\tbecause").replace('"]', '",]')
    assert outcome(both) == ("6", ANSWER.replace("bec", "\n\tbec"))


@pytest.mark.parametrize(
    ("reply", "detail"),
    [
        (f"Here is the JSON:\n{JSON}", "one JSON object with words before it"),
        (f"{JSON}\nDone.", "one JSON object with words after it"),
        (f"{JSON}\n{JSON}", "two JSON objects"),
        (f"{FENCED}\nor\n{FENCED}", "two JSON objects"),
        (f"[{JSON}]", "a list instead of one JSON object"),
        (json.dumps({"review": FIELDS}), "keys: review"),
        (str(FIELDS), "strings in single quotes"),
        (f"```python\n{FIELDS}\n```", "one JSON object with words before it"),
        (f"```sh\nls\n```\n{FENCED}", "one JSON object beside another code block"),
        (f"The response ends with this:\n{FENCED}", "one JSON object that is quoted or refused"),
        (f"{FENCED}\nis what it says.", "one JSON object that is quoted or refused"),
        (f"I will not give this:\n{FENCED}", "one JSON object that is quoted or refused"),
        (JSON.replace("6", "NaN"), "NaN is not valid JSON"),
        (JSON.replace(": 6", ': 6, "score": 6'), "a key appears twice"),
        (JSON.replace('"]', '",,]'), "Expecting value"),
        (JSON.replace('."]', ".]"), "Expecting"),
        (JSON.replace("because", "\x0cbecause"), "Invalid control character"),
    ],
)
def test_what_is_wrong_with_other_json(reply, detail):
    reason, given_detail = outcome(reply)
    assert (reason, given_detail[: len(detail)]) == ("bad_json", detail)


def test_a_score_in_the_words_around_is_a_conflict():
    assert outcome(f"I say [[8]].\n{FENCED}") == ("None", "score_conflict")
    assert outcome(f"I say 8/10.\n{FENCED}") == ("None", "score_conflict")
    assert outcome(f"I say [[6]].\n{FENCED}") == ("6", ANSWER)


def test_json_in_an_answer_is_the_answers():
    answer = '```json\n{"score": 3}\n```'
    reply = f"### Weaknesses\n1. Vague.\n\n### Suggestions\n1. a\n\n### Improved Response\n{answer}"
    assert outcome(reply) == ("None", "score_missing")
    assert outcome('Here it is:\n```json\n{"a": 1}\n```')[0] == "headings_missing"


@pytest.mark.parametrize("before", ["", "Here:\n", "Here:\n```json\n"])
def test_json_that_was_cut(before):
    assert outcome(before + LINES[:40], "length")[0] == "reply_truncated"
    assert outcome(before + LINES[:40])[0] == "bad_json"


def test_assessments_in_json():
    bare = json.dumps(FIELDS)
    assert parse_assessment(f"Here:\n```json\n{bare}\n```").critique == CRITIQUE
    for reply in (f"Here: {bare}", f"{bare}\n\nOverall Score: [[6]]"):
        assert parse_assessment(reply).reason == "bad_json"


UNMEANT = [
    *(r"\frac{1}{2}", r"2 \times 3", r"\nabla f", r"x \neq y", r"a \ne b", r"$\nu$", r"\theta"),
    *(r"\text{x}", r"\beta", r"\rho", r"\right)", r"\begin{x}", r"C:\temp\new", r"D:\new"),
    *(r"\forall x", r"\boxed{5}", r"x \to y", r"\u000crac", r"\u0008ar", r"\notin", r"$\nu_1$"),
    *(r"printf(\"hi\n\");", r"\binom{n}{k}", r"a\not= b", r"\\\frac"),
]
MEANT = [
    *(r"a\nb", r"a\tb", r"\\frac{1}{2}", r"2 \\times 3", r"x = 1\ni = 0\n", r"e.g.:\ne.g. this"),
    *(r"if x:\n\treturn y", r"\n\ttotal = 3", r"He said:\n\"Hello\"", r"a\r\nb", r"\u00e9"),
    *(r"\/path", r"C:\\temp\\new", r"a line\nless is more", r"Name:\tJohn", r"x\nu = 3", r"\tabs"),
    *(r"a\nnot b", r"1.\tone\n2.\ttwo", r"\ntext", r"Q:\nyes\nA:\nno", r"\u000a"),
]


@pytest.mark.parametrize("text", UNMEANT)
def test_escapes_that_nobody_meant(text):
    reason, detail = outcome(JSON.replace("because", text))
    assert reason == "bad_json"
    assert detail.startswith("an escape that became a control character: \\")


@pytest.mark.parametrize("text", MEANT)
def test_escapes_that_were_meant(text):
    assert outcome(JSON.replace("because", text))[0] == "6"


@settings(max_examples=100, deadline=None)
@given(
    st.text(st.characters(exclude_categories=["Cs", "Cc"])), st.sampled_from(["\n", "\n\n", " "])
)
def test_what_json_writes_has_no_unmeant_escape(text, between):
    written = json.dumps({"refinement": f"a{between}{text}"})
    assert load_object(written) == {"refinement": f"a{between}{text}"}


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text('ab,]}\\" \n'), min_size=1, max_size=4), st.booleans())
def test_repairs_change_no_string(items, comma):
    body = json.dumps({"weaknesses": items}).replace("\\n", "\n")
    if "\\\n" in body:
        return
    assert load_object(body[:-2] + (",]," if comma else "]") + "}") == {"weaknesses": items}


@pytest.mark.parametrize(
    "unit", ['"', '\\"', '{"score":', "```json\n{", ", ", "[", "\\n", "{'score':"]
)
def test_long_json_is_read(unit):
    text = unit * (100_000 // len(unit))
    for reply in (
        text,
        f'{{"score": {text}',
        f'{{"refinement": "{text}',
        f"Here:\n```json\n{{{text}",
    ):
        parse_reply(reply, "Ice floats.")
    find_unmeant_escape(text)
