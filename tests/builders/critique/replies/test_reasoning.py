"""A model's thinking told apart from its answer, in every wrapping that models use."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.critique.replies.reasoning import split_reasoning, stray_mark, without_code

PAIRS = [
    ("<think>", "</think>"),
    ("<Thinking>", "</Thinking>"),
    ("<thought>", "</thought>"),
    ("<reasoning>", "</reasoning>"),
    ("<seed:think>", "</seed:think>"),
    ("[THINK]", "[/THINK]"),
    ("◁think▷", "◁/think▷"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("<|channel>thought\n", "<channel|>"),
    ("<unused94>thought\n", "<unused95>"),
    (
        "<|channel|>analysis<|message|>",
        "<|end|><|start|>assistant<|channel|>final<|message|>",
    ),
]


@pytest.mark.parametrize(("opening", "closing"), PAIRS)
def test_what_follows_the_last_closing_mark_is_the_answer(opening, closing):
    answer = "A thousand."
    whole = f"{opening}\nA number is wanted.\n{closing}\n\n{answer}"
    assert split_reasoning(whole) == (answer, "A number is wanted.", False)
    # The template opened it; words before; several blocks; nothing between the marks.
    assert split_reasoning(f"A number is wanted.\n{closing}\n\n{answer}")[:2] == (
        answer,
        "A number is wanted.",
    )
    assert split_reasoning(f"Sure.\n{whole}")[0] == answer
    assert split_reasoning(f"{opening}Hm.{closing}Ten.\n{whole}") == (
        answer,
        "Hm.\n\nTen.\n\nA number is wanted.",
        False,
    )
    assert split_reasoning(f"{opening}\n\n{closing}\n\n{answer}") == (answer, None, False)
    # Cut while it thought.
    assert split_reasoning(f"{opening}A number is") == ("", "A number is", True)
    assert split_reasoning(f"{opening}Hm.{closing}") == ("", "Hm.", False)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("analysisWe need a number.assistantfinalA thousand.", "A thousand."),
        ("Here is my thought process: Hm. Here is my response: A thousand.", "A thousand."),
        ("<think>Hm.</think>\n<answer>A thousand.</answer>", "A thousand."),
        ("<think>Hm.</think><answer>One</answer> or <answer>two</answer>?", None),
        ("Steps.\n[BEGIN FINAL RESPONSE]\nA thousand.\n[END FINAL RESPONSE]", "A thousand."),
        (
            "<think>\n```python\nx = 1\n</think>\nSo:\n```python\nx = 2\n```",
            "So:\n```python\nx = 2\n```",
        ),
        ("```python\nx = 1\n</think>\nSo:\n```python\nx = 2\n```", "So:\n```python\nx = 2\n```"),
        ('<think>It closes with "</think>", I think.</think>A thousand.', "A thousand."),
        ('It is "ten".</think>"Ten", she said.', None),
        ("Okay. <think>hm</think>A thousand.", "A thousand."),
    ],
)
def test_wrappings_of_single_families_and_thinking_about_code(text, answer):
    split = split_reasoning(text)
    assert split.reasoning
    if answer:
        assert split.answer == answer


@pytest.mark.parametrize(
    "text",
    [
        "Put `<think>` before it and `</think>` after it.",
        "Use this:\n\n```\n<think>\nsteps\n</think>\nanswer\n```\n\nIt is simple.",
        'Split it:\n\n```python\nanswer = text.split("</think>")[-1]\n```',
        'prompt = "<think>steps</think>"',
        "~~~xml\n<thought>steps</thought>\n~~~",
        "What is analysis? It is the study of limits.",
        "Ten < twenty, [think] about it.",
    ],
)
def test_an_answer_about_marks_keeps_them_in_code_and_in_quotes(text):
    assert split_reasoning(text) == (text, None, False)
    assert stray_mark(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "The <think> tag opens it, and </think> closes it.",
        "The <think> tag is used by some models.",
        "You close it with </think>, and go on.",
    ],
)
def test_a_mark_in_the_middle_of_a_sentence_stays_and_is_found(text):
    assert split_reasoning(text) == (text, None, False)
    assert stray_mark(text) in ("<think>", "</think>")


MARKS = [mark for pair in PAIRS for mark in pair]
WORDS = [
    "It is ten.",
    "so",
    " ",
    "\n",
    "`",
    "```",
    "```py\n",
    '"',
    "1. ",
    "> ",
    "Ten\n\n",
    "\ud800",
]
TEXTS = st.lists(st.sampled_from(MARKS + WORDS), max_size=14).map("".join)


@given(TEXTS)
def test_an_answer_has_no_thinking_left_in_it(text):
    split = split_reasoning(text)
    assert split_reasoning(split.answer).reasoning is None
    assert split.answer in text


@given(st.text(alphabet=st.characters(exclude_characters="<[◁")))
def test_a_text_without_marks_is_the_answer_as_it_is(text):
    if not text.lstrip().lower().startswith(("analysis", "here")):
        assert split_reasoning(text) == (text, None, False)


@given(st.sampled_from(PAIRS), st.text(st.characters(exclude_characters="<[◁`\"'“”‘’„«»~\r")))
def test_thinking_of_any_words_is_taken_off(pair, thinking):
    opening, closing = pair
    split = split_reasoning(f"{opening}\n{thinking}\n{closing}\n\nA thousand.")
    assert split == ("A thousand.", thinking.strip() or None, False)


@pytest.mark.parametrize(
    "text", ["</think>" * 3000, "<think></think>" * 3000, "```py\n</think>\n" * 2000]
)
def test_a_model_that_repeats_a_mark_is_read_in_no_time(text):
    assert split_reasoning(text).answer == ""


def test_code_is_cut_out():
    assert without_code("a `b` c\n```\nd\n```\ne\n```\nf") == "a  c\n\ne\n```\nf"
