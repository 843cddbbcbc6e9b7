"""What is put early is the beginning of what is there at the end."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.critique.parse import parse_reply
from builders.critique.render import render_feedback
from builders.critique.replies.foreign_text import without_closing_token
from builders.critique.replies.reasoning import split_reasoning
from pipelines.serving.certain import CertainRefinement, before_stop, certain_draft
from tests.reply_bank import BROKEN

WORDS = st.sampled_from(
    [
        "a ",
        "word",
        "\n",
        "\n\n",
        "<think>",
        "</think>",
        "<|im_end|>",
        "### ",
        "`",
        "stop",
        "🙂 ",
        ".",
    ]
)
TEXT = st.lists(WORDS, max_size=60).map("".join)
CRITIQUE = {"weaknesses": ["It is short."], "suggestions": ["Say more."], "score": 4}
DRAFT = "It depends."


def prefixes(text):
    return [text[:end] for end in range(0, len(text) + 1)]


@given(TEXT, st.sampled_from([(), ("stop",), ("word\n", "🙂")]))
def test_what_is_certain_of_a_draft_grows(text, stops):
    # Only the part of it in which no thinking begins late: that is found at its end, and said.
    text = f"{'x' * 41}{text.replace('think>', 'x')}"
    final = before_stop(without_closing_token(split_reasoning(text).answer), stops).strip()
    before = ""
    for prefix in prefixes(text):
        certain = certain_draft(prefix, stops)
        assert certain.startswith(before)
        before = certain
    assert final.startswith(before)


def test_thinking_is_no_draft():
    text = "<think>Hm, hm.</think>" + "An answer. " * 20
    for prefix in prefixes(text):
        assert ("An answer. " * 20).startswith(certain_draft(prefix))
    assert certain_draft(text).startswith("An answer.")
    assert certain_draft("<think>" + "Hm. " * 100) == ""


def refinements(reply, stops=()):
    certain = CertainRefinement(stops)
    return [certain.of(prefix) for prefix in prefixes(reply)]


@given(TEXT)
def test_what_is_certain_of_a_refinement_grows(text):
    reply = render_feedback(CRITIQUE, f"A better answer. {'It says more. ' * 20}{text} The end.")
    found = refinements(reply)
    for before, after in pairwise(found):
        assert after.startswith(before)
    assert found[-1].startswith("A better answer. It says more.")
    parsed = parse_reply(reply, DRAFT, "stop")
    refinement = getattr(parsed, "refinement", None)
    if refinement is not None and refinement.startswith("A better answer. It"):
        assert refinement.startswith(found[-1])


@pytest.mark.parametrize(
    "refinement",
    ["No changes needed.", "I cannot help with that.", "[improved response here]", DRAFT],
)
def test_a_remark_in_place_of_a_refinement_is_never_certain(refinement):
    assert not any(refinements(render_feedback(CRITIQUE, refinement)))


def test_nothing_is_certain_of_a_critique_that_cannot_be_read():
    refinement = "A better answer. " * 30
    reply = render_feedback(CRITIQUE, refinement)
    assert any(refinements(reply))
    for broken in (
        reply.replace("[[4]]", "[[11]]"),
        reply.replace("### Weaknesses", "### Thoughts"),
        reply.replace("### Improved Response", "### Improved Answer"),
        f"<think>{reply}",
    ):
        assert not any(refinements(broken))
    for replies in BROKEN.values():
        for broken in replies:
            assert not broken or refinements(broken)[-1] in broken


def test_a_stop_sequence_ends_what_is_certain():
    text = "It says more. " * 30 + "STOP and more. " + "It says more. " * 10
    found = refinements(render_feedback(CRITIQUE, text), ("STOP",))
    assert found[-1] == ("It says more. " * 30).strip()
    certain = CertainRefinement(("STOP",))
    reply = render_feedback(CRITIQUE, text)
    certain.of(reply)
    assert certain.whole(reply) == ("It says more. " * 30).strip()
