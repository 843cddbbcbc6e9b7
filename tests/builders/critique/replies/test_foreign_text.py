"""Tokens of chat templates, and turns that nobody asked for, in an answer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.critique.replies.foreign_text import (
    foreign_text,
    review_heading,
    without_closing_token,
)

CLOSING = ["<|im_end|>", "</s>", "<|endoftext|>", "<|eot_id|>", "<end_of_turn>", "<|return|>"]
CLOSING += ["<｜end▁of▁sentence｜>", "<|end|>", "<|user|>", "<|im_end|>\n<|endoftext|>\n"]


@pytest.mark.parametrize("token", CLOSING)
def test_a_closing_token_is_taken_off(token):
    assert without_closing_token(f"Ten.{token}") == "Ten."
    assert without_closing_token(f"Ten.\n{token}") == "Ten."
    assert foreign_text(f"Ten.{token}\nAnd more.", "Why?").kind == "template token"


@pytest.mark.parametrize(
    "text", ["<s>Nine.</s>", "Ten.", "", "`<|im_end|>`", "a <|b", "f <|> g", "x |> f <| y"]
)
def test_other_ends_stay(text):
    assert without_closing_token(text) == text
    assert foreign_text(text, "") is None


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Ten.<|im_end|>\n<|im_start|>user\nWhy?", "template token"),
        ("Ten. [INST] Why? [/INST]", "template token"),
        ("<<SYS>>Be brief.<</SYS>> Ten.", "template token"),
        ("Ten.\n<start_of_turn>model", "template token"),
        ("Ten.<|start_header_id|>user", "template token"),
        ("```\n<|im_end|> in a block that stays open", "template token"),
        ("Ten.\n\n### Instruction:\nName another.", "invented turn"),
        ("Ten.\n## Human\nName another.", "invented turn"),
        ("Ten.\n\nHuman: Name another.\n\nAssistant: Eleven.", "invented turn"),
        ("Assistant: Ten.\n\nUser: Name another.", "invented turn"),
        ("Ten. </think> is where it ended.", "thinking"),
    ],
)
def test_what_is_not_of_the_answer(text, kind):
    assert foreign_text(text, "Name a number.").kind == kind


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("It is `<|im_end|>`.", "What ends a turn?"),
        ("```\n<|im_start|>user\nHi<|im_end|>\n```", "Show ChatML."),
        ("<|im_end|> ends a turn.", "What does <|im_end|> do?"),
        ("The <think> tag begins it.", "What is the <think> tag?"),
        ("User: Hi.\n\nAssistant: Hello.\n\nUser: Bye.", "Invent one."),
        ("Here it is.\n\nUser: Hi.\n\nBot: Hello.", "Write a dialogue with a bot."),
        ("Name: Ann\nUser: ann\nPassword: -", "Fill in the form."),
        ("### Instructions\nStir it.", "A recipe."),
        ("The human: a study.\n\nHumans: many.", "An essay."),
    ],
)
def test_an_answer_may_be_about_them(text, asked):
    assert foreign_text(text, asked) is None


def test_a_heading_of_a_critique():
    assert (
        review_heading("Ten.\n### Improved Response\nTen!", "Why?").quote == "### Improved Response"
    )
    assert review_heading("It gets [[7]].", "Why?").quote == "[[7]]"
    assert review_heading("## Weaknesses\nIt is slow.", "Use:\n## Weaknesses") is None
    assert review_heading("A [[link]], weaknesses and suggestions.", "Why?") is None


@given(st.text(alphabet=st.characters(exclude_characters="<[◁#:")))
def test_prose_has_nothing_foreign(text):
    assert foreign_text(text, "") is None
    assert without_closing_token(text) == text


@given(st.lists(st.sampled_from([*CLOSING, "Ten.", "<s>", "\n", "`", "```\n", " "])).map("".join))
def test_taking_off_is_done_once(text):
    once = without_closing_token(text)
    assert without_closing_token(once) == once
    assert text.startswith(once)
