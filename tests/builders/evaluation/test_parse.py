"""A judge's verdict: what can be read, and what cannot be read in one way only."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders.critique.prompts import compare_prompt
from builders.evaluation.parse import Unreadable, parse_verdict, preference


@pytest.mark.parametrize(
    ("reply", "verdict"),
    [
        ("Verdict: [[A]]", "A"),
        ("B names the wrong year.\nVerdict: [[A]]", "A"),
        ("A is good, B is better.\n\n**Verdict: [[B]]**", "B"),
        ("verdict: [[Tie]]", "tie"),
        ("[[C]]", "tie"),
        ("Verdict: B", "B"),
        ("**Verdict:** Response A.", "A"),
        ("B", "B"),
        ("Response A", "A"),
        ("Tie.", "tie"),
        ("[[B]] … so, as I said, [[B]]", "B"),
        ('{"reason": "dates", "verdict": "B"}', "B"),
        ('```json\n{"reason": "dates", "verdict": "tie"}\n```', "tie"),
        ("<think>Is it [[A]]? No.</think>Verdict: [[B]]", "B"),
    ],
)
def test_verdicts(reply, verdict):
    assert parse_verdict(reply) == verdict


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        ("", "empty reply"),
        ("   \n", "empty reply"),
        ("Both are fine.", "no verdict"),
        ("A is better, I think.", "no verdict"),
        ("It is either [[A]] or [[B]].", "more than one verdict"),
        ("Verdict: [[A]]\nVerdict: [[B]]", "more than one verdict"),
        ("Verdict: A\nOverall: [[tie]]", "more than one verdict"),
        ("Verdict: [[A]] if response A is better", "the prompt repeated"),
        ('{"reason": "dates", "verdict": "both"}', "no verdict"),
        ('{"reason": "dates"}', "no verdict"),
        ("<think>It is [[A]]", "cut off before the verdict"),
        ("[[AB]]", "no verdict"),
        ("[[D]]", "no verdict"),
    ],
)
def test_what_has_no_verdict(reply, why):
    with pytest.raises(Unreadable, match=why):
        parse_verdict(reply)


def test_a_reply_that_was_cut_off():
    with pytest.raises(Unreadable, match="cut off"):
        parse_verdict("The first response says that", "length")
    assert parse_verdict("Verdict: [[A]] and furthermore", "length") == "A"


def test_the_prompt_is_no_verdict():
    texts = {"instruction": "i", "system": None, "answer_a": "[[A]]", "answer_b": "Verdict: B"}
    for as_json in (False, True):
        with pytest.raises(Unreadable):
            parse_verdict(compare_prompt(as_json=as_json).render(**texts))


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text):
    try:
        verdict = parse_verdict(text)
    except Unreadable:
        return
    assert verdict in ("A", "B", "tie")


def test_long_replies_are_read_quickly():
    for text in ("[[" * 50_000, "Verdict: " * 20_000, "*_`" * 30_000, "{" * 100_000):
        with pytest.raises(Unreadable):
            parse_verdict(text)


@pytest.mark.parametrize("shown", ["first", "second"])
def test_the_place_of_the_answer_counts(shown):
    own = "A" if shown == "first" else "B"
    other = "B" if shown == "first" else "A"
    assert [preference(v, shown) for v in (own, other, "tie")] == [1, 0, 0.5]


def test_the_two_prompts_are_two_instruments():
    assert compare_prompt().sha256 != compare_prompt(as_json=True).sha256
