import re

import pytest

from builders.critique.prompts import (
    PARTS,
    chat,
    critique_prompt,
    critique_schema,
    request_prompt,
    score_prompt,
)
from builders.critique.render import render_feedback

FILLED = {"system": None, "instruction": "Zähle bis 三. {{ 7 * 6 }}", "response": "{% raw %} ١٢٣"}


def test_sections_come_in_the_papers_order():
    headings = re.findall(r"^### (\w+)", critique_prompt().render(**FILLED), flags=re.M)
    assert headings == ["Instruction", "Response", "Requirements", "Feedback"]


def test_values_pass_through_and_are_never_rendered():
    text = critique_prompt().render(**FILLED)
    assert FILLED["instruction"] in text
    assert FILLED["response"] in text


def test_a_system_prompt_is_optional():
    assert "### System Prompt" not in critique_prompt().render(**FILLED)
    text = score_prompt().render(**{**FILLED, "system": "Be brief."})
    assert re.search(r"### System Prompt\n<data-(\w+)>\nBe brief\.\n</data-\1>\n", text)


@pytest.mark.parametrize(
    "prompt", [critique_prompt(), score_prompt(), critique_prompt(as_json=True)]
)
def test_the_turns_before_an_instruction_stand_before_it(prompt):
    history = [
        {"role": "assistant", "content": "Welcome."},
        {"role": "user", "content": "Two lines,\nplease."},
        {"role": "assistant", "content": "{{ 7 }}"},
    ]
    text = prompt.render(**{**FILLED, "system": "Be brief."}, history=history)
    begin, end = re.findall("</?data-[0-9a-f]{8}>", text)[:2]
    shown = (
        f"### System Prompt\n{begin}\nBe brief.\n{end}\n\n### Conversation\n"
        f"Assistant:\n{begin}\nWelcome.\n{end}\n\nUser:\n{begin}\nTwo lines,\nplease.\n{end}\n\n"
        f"Assistant:\n{begin}\n{{{{ 7 }}}}\n{end}\n\n### Instruction\n{begin}\n"
    )
    assert shown in text
    # A row of a single turn is asked in the words that it always was.
    assert prompt.render(**FILLED, history=[]) == prompt.render(**FILLED)
    assert "### Conversation" not in prompt.render(**FILLED)


def test_the_independent_score_asks_for_no_refinement():
    assert "Improved Response" in critique_prompt().render(**FILLED)
    assert "Improved Response" not in score_prompt().render(**FILLED)
    assert "refinement" not in score_prompt(as_json=True).render(**FILLED)


def test_the_critic_is_told_which_language_to_write_in():
    for prompt in (critique_prompt(), score_prompt()):
        text = prompt.render(**FILLED)
        assert 'the headings, "None." and the score line in English' in text
        assert "everything else in the language of the response" in text
    for prompt in (critique_prompt(as_json=True), score_prompt(as_json=True)):
        text = prompt.render(**FILLED)
        assert "the keys in English" in text
        assert "the values in the language of the response" in text


def test_hashes_tell_prompts_apart_and_stay_the_same_for_all_rows():
    prompts = [
        critique_prompt(),
        critique_prompt(as_json=True),
        score_prompt(),
        score_prompt(as_json=True),
        request_prompt(),
        request_prompt(parts=("score",)),
        request_prompt(refined=False),
    ]
    assert len({prompt.sha256 for prompt in prompts}) == len(prompts)
    assert critique_prompt().sha256 == critique_prompt().sha256


def test_a_request_names_only_the_parts_that_were_trained():
    text = request_prompt(parts=("suggestions",), refined=False).render()
    assert "Suggestions" in text
    for other in ("Weaknesses", "Score", "Improved Response"):
        assert other not in text


def test_chat_puts_the_system_turn_first():
    assert [turn["role"] for turn in chat("Hi", "Be kind.")] == ["system", "user"]
    assert chat("Hi") == [{"role": "user", "content": "Hi"}]


def test_schema_asks_for_a_refinement_only_of_the_critic():
    assert "refinement" in critique_schema(refined=True)["required"]
    assert "refinement" not in critique_schema(refined=False)["properties"]


def test_feedback_leaves_parts_out():
    critique = {"weaknesses": ["a", "b"], "suggestions": [], "score": 6}
    whole = render_feedback(critique, "Better.")
    assert whole == (
        "### Weaknesses\n1. a\n2. b\n\n### Suggestions\nNone.\n\n"
        "Overall Score: [[6]]\n\n### Improved Response\nBetter."
    )
    assert render_feedback(critique, parts=("score",)) == "Overall Score: [[6]]"
    assert render_feedback(critique, "Better.", parts=()) == "### Improved Response\nBetter."
    assert set(PARTS) == {"weaknesses", "suggestions", "score"}
