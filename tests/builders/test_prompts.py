import re

from builders.feedback import render_feedback
from builders.prompts import (
    PARTS,
    chat,
    critique_prompt,
    critique_schema,
    request_prompt,
    score_prompt,
)

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
    assert "### System Prompt\nBe brief." in score_prompt().render(
        **{**FILLED, "system": "Be brief."}
    )


def test_the_independent_score_asks_for_no_refinement():
    assert "Improved Response" in critique_prompt().render(**FILLED)
    assert "Improved Response" not in score_prompt().render(**FILLED)
    assert "refinement" not in score_prompt(as_json=True).render(**FILLED)


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
