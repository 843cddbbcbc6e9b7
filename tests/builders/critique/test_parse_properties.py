"""Properties of every reply: round trips, no exception, nothing guessed, only storable text."""

import json
import random
import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from builders.critique.parse import ParsedReply, Rejection, parse_assessment, parse_reply
from builders.critique.render import render_feedback
from builders.critique.replies.fences import find_code
from builders.critique.replies.reasoning import stray_mark
from builders.rows.schema import new_ledger_row, validate_ledger_row
from tests import reply_bank
from tests.builders.critique.fuzz_parse import (
    FRAGMENTS,
    check_reply,
    check_shortcut,
    load_replies,
    load_styles,
    mutate,
)

ROOT = Path(__file__).parents[3]
# The draft declines, so that no improved response is rejected for declining too.
DRAFT = "I'm sorry, but I can't help you with that."
REPLIES = load_replies()


def examples(count: int) -> settings:
    # A deadline measures the machine; and most mutated replies are long.
    return settings(max_examples=count, suppress_health_check=[HealthCheck.data_too_large])


# Line endings are unified and unstorable characters replaced, so neither survives a round trip.
_characters = st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\u2028\u2029")
_word = st.text("abcdeghijklmnopqrtuvwxyzäéß漢字0123456789'%()/", min_size=1, max_size=9)
_sentence = st.lists(_word, min_size=2, max_size=8).map(lambda words: f"It {' '.join(words)}.")
_further_line = st.one_of(
    _sentence,
    _sentence.map("- {}".format),
    _sentence.map("    {}".format),
    st.sampled_from(
        ["### Weaknesses", "**Suggestions:**", "Overall Score: 3", "1. One.", "", "---"]
    ),
)
_item = st.tuples(_sentence, st.lists(_further_line, max_size=3), _sentence).map(
    lambda parts: "\n".join([parts[0], *parts[1], parts[2]] if parts[1] else [parts[0]])
)
_items = st.lists(_item, max_size=12)
_critique = st.fixed_dictionaries(
    {"weaknesses": _items, "suggestions": _items, "score": st.integers(1, 10)}
)
_answer_line = st.one_of(
    st.text(_characters, max_size=40),
    # A second improved response leaves open which is meant.
    st.sampled_from([line for line in FRAGMENTS if not re.search("Improved|Antwort", line)]),
)
# What follows a mark of thinking is no part of the answer.
_answer = (
    st.lists(_answer_line, max_size=12)
    .map(lambda lines: "\n".join(["Answer:", *lines, "The end."]))
    .filter(lambda text: stray_mark(text) is None)
)


@st.composite
def _mutated(draw) -> tuple[str, str]:
    chance = random.Random(draw(st.integers(0, 2**32)))
    reply, draft = draw(st.sampled_from(REPLIES))
    other, _ = draw(st.sampled_from(REPLIES))
    for _ in range(draw(st.integers(1, 6))):
        reply = mutate(reply, other, chance)
    return reply, draft


_finish_reason = st.sampled_from(["stop", "length", None, "content_filter"])
_lines = st.lists(st.one_of(st.sampled_from(FRAGMENTS), st.text(max_size=20)), max_size=15)
_any_reply = st.one_of(st.text(max_size=300), _lines.map("\n".join))
_value = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@examples(150)
@given(_critique, _answer)
def test_what_is_rendered_is_read_back(critique, answer):
    assume(not find_code(answer.split("\n"))[1])
    # An answer with the headings of a critique is rejected unless its own headings come first.
    answer = f"# Answer\n{answer}"
    parsed = parse_reply(render_feedback(critique, answer), DRAFT, "stop")
    assert isinstance(parsed, ParsedReply), parsed
    assert parsed.critique.as_row() == critique
    assert parsed.refinement == answer
    assert parsed.no_change is False


@examples(50)
@given(_critique)
def test_a_rendered_critique_is_read_back_as_an_assessment(critique):
    parsed = parse_assessment(render_feedback(critique), "stop")
    assert isinstance(parsed, ParsedReply), parsed
    assert parsed.critique.as_row() == critique


@examples(150)
@given(_any_reply, st.text(max_size=50), _finish_reason)
def test_any_text_is_read_or_rejected(reply, draft, finish_reason):
    check_reply(reply, draft, finish_reason)


@examples(250)
@given(_mutated(), _finish_reason)
def test_mutated_replies_keep_every_promise(case, finish_reason):
    check_reply(*case, finish_reason)


@examples(100)
@given(_value, _value, _value, _value, st.integers(0, 400), _finish_reason)
def test_anything_like_json_is_read_or_rejected(one, two, score, text, cut, finish_reason):
    row = {"weaknesses": one, "suggestions": two, "score": score, "refinement": text}
    reply = json.dumps(row)
    check_reply(reply, DRAFT, finish_reason)
    check_reply(reply[:cut], DRAFT, finish_reason)


@examples(60)
@given(_mutated())
def test_results_are_valid_rows(case):
    result = parse_reply(*case)
    row = new_ledger_row()
    row |= {"id": "1", "source": "s", "license": "l", "instruction": "i", "calls": []}
    row["status"] = "dropped"
    if isinstance(result, Rejection):
        row |= {"reason": result.reason, "detail": result.detail}
    else:
        row |= {"critique": result.critique.as_row(), "refinement": result.refinement}
        row["reason"] = result.score_problem or "margin"
    validate_ledger_row(row)


@examples(100)
@given(_critique, st.lists(_answer_line, max_size=8), st.integers(1, 10), st.booleans())
def test_no_score_is_taken_out_of_the_improved_response(critique, lines, other, score_before):
    parts = (
        ("weaknesses", "suggestions", "score") if score_before else ("weaknesses", "suggestions")
    )
    answer = "\n".join(["Answer:", *lines, f"Overall Score: [[{other}]]"])
    result = parse_reply(render_feedback(critique, answer, parts=parts), DRAFT, "stop")
    score = critique["score"] if score_before else None
    assert isinstance(result, Rejection) or result.critique.score in (score, None)


_point = st.one_of(
    st.text(max_size=30),
    _sentence,
    st.sampled_from([line for line in FRAGMENTS if "\n" not in line]),
    st.tuples(st.sampled_from(FRAGMENTS), _sentence).map(" ".join),
).map(lambda text: " ".join(text.split()) or "None.")


@examples(400)
@given(
    st.sampled_from(reply_bank.STYLES),
    st.lists(_point, min_size=1, max_size=4),
    st.lists(_point, min_size=1, max_size=4),
    st.integers(1, 10),
    st.lists(_answer_line, min_size=1, max_size=8),
    _finish_reason,
    st.one_of(st.just(""), _point),
)
def test_the_form_that_is_asked_for_is_read_as_other_forms_are(
    style, weaknesses, suggestions, score, lines, finish_reason, before
):
    review = reply_bank.Review(
        "", DRAFT, tuple(weaknesses), tuple(suggestions), score, "\n".join(lines)
    )
    for refined in (True, False):
        reply = f"{before}\n\n{reply_bank.write(review, style, refined)}"
        check_shortcut(reply, DRAFT, finish_reason)


@examples(300)
@given(st.integers(0, 2**32), st.sampled_from(load_styles()), _finish_reason)
def test_almost_the_form_that_is_asked_for_is_read_as_other_forms_are(seed, case, finish_reason):
    chance = random.Random(seed)
    reply, draft = case
    for _ in range(chance.choice((0, 1, 1, 2, 3))):
        reply = mutate(reply, chance.choice(load_styles())[0], chance)
    check_shortcut(reply, draft, finish_reason)


def test_good_replies_have_the_form_that_is_asked_for():
    have_form = [check_shortcut(*case, "stop") for case in load_styles()]
    assert sum(have_form) > 0.9 * len(have_form)


@pytest.mark.parametrize("index", range(len(REPLIES)))
def test_every_beginning_of_a_good_reply(index):
    reply, draft = REPLIES[index]
    for end in range(0, len(reply), 11):
        for finish_reason in ("length", None):
            result = check_reply(reply[:end], draft, finish_reason)
            # A reply that was cut is never read as a complete one.
            assert finish_reason is None or isinstance(result, Rejection), reply[:end]


def test_the_habit_that_fuzzes_runs_as_typed():
    """`make fuzz` starts Python without pytest's path."""
    command = ["make", "--silent", "fuzz", "COUNT=40"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert ended.returncode == 0, ended.stderr[-2000:]
    assert "40 replies" in ended.stdout
    assert "0 broke a rule" in ended.stdout
