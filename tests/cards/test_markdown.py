"""Escaped text is shown literally by a real Markdown parser."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from cards.markdown import code, fenced, inline, mermaid, one_line, paragraphs

ODD = [
    "a | b",
    "line\nbreak\r\n| x | y |\n|---|---|",
    "---",
    "- item",
    "1. item",
    "12) item",
    "# heading",
    "> quote",
    "`code` and ``` fence",
    "**bold** _it_ ~~gone~~",
    "<script>alert(1)</script>",
    "[link](https://example.org) ![x](y)",
    "&lt; &amp; $x$",
    "back\\slash \\| pipe",
    "naïve 漢字 🙂 \u202e",
    "=====",
    "+ plus",
    "https://example.org/a_b",
]


def parser():
    return MarkdownIt("commonmark").enable(["table", "strikethrough"])


def shown(markdown):
    """The text that a reader sees, and the token types of the Markdown."""
    tokens = parser().parse(markdown)
    inner = [child for token in tokens for child in token.children or []]
    return "".join(child.content for child in inner), {t.type for t in [*tokens, *inner]}


@pytest.mark.parametrize("text", ODD)
def test_odd_text_is_shown_as_it_is(text):
    seen, kinds = shown(inline(text))
    assert seen == one_line(text)
    assert kinds <= {"paragraph_open", "paragraph_close", "inline", "text", "text_special"}


@given(st.text(max_size=60))
def test_any_text_is_shown_as_it_is(text):
    seen, kinds = shown(inline(text))
    # The parser has its own rules for NUL, surrogates and single spaces.
    assert seen.split() == one_line(text).split()
    assert kinds <= {"paragraph_open", "paragraph_close", "inline", "text", "text_special"}


@given(st.text(max_size=60))
def test_any_text_stays_in_its_cell(text):
    tokens = parser().parse(f"| a | b | c |\n|---|---|---|\n| x | {inline(text)} | y |\n")
    cells = [token for token in tokens if token.type in ("th_open", "td_open")]
    assert len(cells) == 6
    assert {token.type for token in tokens if token.level == 0} == {"table_open", "table_close"}


@pytest.mark.parametrize("text", [*ODD, "``", "a`b", "| `"])
def test_code_is_one_span_in_one_cell(text):
    tokens = parser().parse(f"| a | b |\n|---|---|\n| {code(text)} | y |\n")
    inner = [child for token in tokens for child in token.children or []]
    assert [child.type for child in inner] == ["text", "text", "code_inline", "text"]


def test_paragraphs_stay_apart():
    text = "First\nline.\n\n# second\n \n- third"
    assert paragraphs(text) == "First line.\n\n\\# second\n\n\\- third"


@pytest.mark.parametrize("text", [*ODD, 'say "hi"', "%%{init: {}}%%", "a;b#c", "end`"])
def test_a_mermaid_label_cannot_end_its_quotes(text):
    label = mermaid(text)
    assert not set(label) & set('"`<>{}[]%|\\$&\n')
    assert "#" not in re.sub(r"#\d+;", "", label)


def test_control_characters_are_left_out():
    assert one_line("a\x00b\x1bc\u2028d\ud800e") == "abc de"


@given(st.text(), st.integers(1, 40))
def test_any_text_is_one_code_block(text, longest):
    tokens = parser().parse(f"before\n\n{fenced(text, longest)}\n\nafter")
    (block,) = (token for token in tokens if token.type == "fence")
    assert len(tokens) == 7
    assert len(block.content) <= longest + 40
    assert not any(one < " " and one not in "\n\t" for one in block.content)


def test_a_code_block_shows_what_it_can():
    assert fenced("a\r\nb\x1b[2J\u202ec", 99) == "```text\na\nb\ufffd[2J\ufffdc\n```"
    assert fenced("x ``` y ```` z", 99).startswith("`````text\n")
    assert fenced("abcdef", 3) == "```text\nabc… (6 characters)\n```"
