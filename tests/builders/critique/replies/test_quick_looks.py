"""What is looked for first, because it is fast, never hides what a closer look finds."""

import random
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from builders.critique.planted import _DEMANDS, _OVERRIDES
from builders.critique.prompts import _environment
from builders.critique.replies.foreign_text import foreign_text, may_be_foreign
from builders.critique.replies.headings import _may_be_heading, _read_heading
from builders.critique.replies.titles import TITLES
from tests.builders.critique.fuzz_parse import FRAGMENTS, load_replies, mutate

REPLIES = load_replies()
_title = st.sampled_from([title for titles in TITLES.values() for title in titles])
_begin = st.sampled_from(["", "1. ", "- ", "## ", "**", "1. **", "  ", "__", "* **", "> ", "(1) "])
_end = st.sampled_from(["", ":", "**", ":**", " of it", ": [[7]]", "** 7", " (none)", "'s", "-x"])
_line = st.one_of(
    st.text(max_size=30),
    st.sampled_from(FRAGMENTS),
    st.tuples(_begin, _title.map(str.title), _end).map("".join),
    st.tuples(_begin, st.text(max_size=9), _end).map("".join),
).filter(str.isascii)


@settings(max_examples=300)
@given(_line, st.sampled_from(["", "---", "===", "[[7]]", "x"]))
def test_every_line_that_can_be_a_heading_is_looked_at(line, below):
    if _read_heading(line, below, 0) is not None:
        assert _may_be_heading(line)


@pytest.mark.parametrize("seed", range(40))
def test_every_line_of_mutated_replies_that_can_be_a_heading_is_looked_at(seed):
    chance = random.Random(seed)
    reply, _ = chance.choice(REPLIES)
    for _ in range(6):
        reply = mutate(reply, chance.choice(REPLIES)[0], chance)
    lines = reply.split("\n")
    for line, below in zip(lines, [*lines[1:], ""], strict=True):
        if line.isascii() and _read_heading(line, below, 0) is not None:
            assert _may_be_heading(line), line


_odd = st.sampled_from(
    [
        *("<|im_end|>", "</s>", "[INST]", "\n\nHuman: hi", "\n## Instruction", "</think>", "a < b"),
        *("[1]", "Assistant", "<think>", "[/THINK]", "◁think▷", "[BEGIN FINAL RESPONSE]", "`x`\n"),
    ]
)
_text = st.lists(st.one_of(st.text(max_size=20), _odd), max_size=5).map("".join)


@settings(max_examples=300)
@given(st.lists(_text, max_size=4))
def test_a_look_at_several_texts_misses_nothing_foreign(texts):
    if any(foreign_text(text, "") for text in texts):
        assert may_be_foreign("\n".join(texts))


def test_a_part_of_each_order_is_in_every_text_that_gives_it():
    bank = Path(__file__).parents[1] / "injections.yaml"
    given_orders = 0
    for case in yaml.safe_load(bank.read_text(encoding="utf-8")):
        lowered = case["text"].lower()
        for order in (*_OVERRIDES, *_DEMANDS):
            if order.pattern.search(case["text"]):
                given_orders += 1
                assert any(part in lowered for part in order.parts)
                assert not order.also or any(part in lowered for part in order.also)
    assert given_orders >= 20


def test_no_template_of_a_prompt_includes_another_when_a_row_is_rendered():
    environment = _environment()
    for name in environment.list_templates():
        source, _, _ = environment.loader.get_source(environment, name)
        assert "{% include" not in source
