"""The parser of a critic's reply, case by case: what is read, and what is rejected for what."""

import itertools
import json
import time
from pathlib import Path

import pytest
import yaml

from builders.critique.parse import (
    PROMPT_PHRASES,
    Critique,
    ParsedReply,
    Rejection,
    parse_assessment,
    parse_reply,
)
from builders.critique.prompts import critique_prompt, request_prompt, score_prompt
from builders.critique.render import render_feedback
from builders.rows.reasons import REASONS

REPLIES = Path(__file__).parent / "replies"
DRAFT = "Ice floats on water."
ANSWER = "Ice floats because it is less dense than liquid water."


def written(
    weaknesses="### Weaknesses\n1. No reason is given.",
    suggestions="### Suggestions\n1. Mention density.",
    score="Overall Score: [[6]]",
    improved="### Improved Response",
    answer=ANSWER,
) -> str:
    return f"{weaknesses}\n\n{suggestions}\n\n{score}\n\n{improved}\n{answer}"


GOOD = Critique(["No reason is given."], ["Mention density."], 6)


def read(reply: str, finish_reason: str | None = "stop", draft: str = DRAFT) -> ParsedReply:
    result = parse_reply(reply, draft, finish_reason)
    assert isinstance(result, ParsedReply), result
    return result


def reason(reply: str, finish_reason: str | None = "stop", draft: str = DRAFT) -> str:
    result = parse_reply(reply, draft, finish_reason)
    assert isinstance(result, Rejection), result
    assert result.reason in REASONS
    assert len(result.detail) <= 200
    return result.reason


def named(file: str) -> list:
    cases = yaml.safe_load((REPLIES / file).read_text(encoding="utf-8"))
    return [pytest.param(case, id=case["name"]) for case in cases]


# --- replies as models write them ---


@pytest.mark.parametrize("case", named("accepted.yaml"))
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_reads_what_models_write(case, newline):
    parsed = read(case["reply"].replace("\n", newline), case["finish_reason"], case["draft"])
    expected = case["expect"]
    assert parsed.critique == Critique(
        expected["weaknesses"], expected["suggestions"], expected["score"]
    )
    first, last = expected["refinement"]
    assert parsed.refinement.startswith(first)
    assert parsed.refinement.endswith(last)
    assert parsed.no_change is expected.get("no_change", False)
    assert parsed.score_problem is None


@pytest.mark.parametrize("case", named("rejected.yaml"))
def test_rejects_what_cannot_be_read(case):
    result = parse_reply(case["reply"], case["draft"], case["finish_reason"])
    if isinstance(result, Rejection):
        assert result.reason == case.get("reason"), result
    else:
        assert result.score_problem == case.get("score_problem"), result
        assert result.critique.score is None


@pytest.mark.parametrize("case", named("assessments.yaml"))
def test_reads_independent_scores(case):
    result = parse_assessment(case["reply"], "stop")
    if isinstance(result, Rejection):
        assert result.reason == case.get("reason"), result
    else:
        assert result.critique.as_row() == case.get("expect")
        assert (result.refinement, result.no_change, result.score_problem) == (None, False, None)


def test_reads_back_what_is_rendered():
    critique = {
        "weaknesses": [
            "One line.",
            "Two lines:\n- a\n- b",
            "With code:\n```\n    x = 1\n```\n\nEnd.",
        ],
        "suggestions": [],
        "score": 10,
    }
    answer = "# Title\n\n### Weaknesses\nNone.\n\n```\n### Suggestions\n```\nOverall Score: [[3]]"
    parsed = read(render_feedback(critique, answer))
    assert parsed.critique.as_row() == critique
    assert parsed.refinement == answer


def test_more_than_nine_items_keep_their_indented_lines():
    items = [f"Point {number}:\n  - with\n    code" for number in range(1, 13)]
    critique = {"weaknesses": items, "suggestions": ["Do it."], "score": 2}
    assert read(render_feedback(critique, ANSWER)).critique.as_row() == critique


# --- headings ---

TITLES = {
    "weaknesses": ["Weaknesses", "Weakness", "Identified Weaknesses", "WEAKNESSES", "weaknesses"],
    "suggestions": [
        "Suggestions",
        "Suggestion",
        "Suggestions for Improvement",
        "Actionable Suggestions",
    ],
    "improved": [
        "Improved Response",
        "Improved Answer",
        "Refined Response",
        "Revised Response",
        "Refinement",
        "IMPROVED RESPONSE",
    ],
}
FORMS = [
    "# {}",
    "## {}",
    "###### {}",
    "###{}",
    "### {}:",
    "### {} ###",
    "### **{}**",
    "### **{}:**",
    "### **{}**:",
    "### __{}__",
    "### 1. {}",
    "### **1. {}**",
    "### 1) {}:",
    "**{}**",
    "**{}:**",
    "**{}**:",
    "** {} **",
    "__{}__",
    "***{}***",
    "*{}:*",
    "{}:",
    "{} :",
    "{}：",
    "{}\n=======",
    "{}\n---",
    "1. **{}**",
    "2) **{}:**",
    "1. {}:",
    "1. ### {}",
    "## 🔎 {}",
    "🔎 **{}**",
    "\ufeff### {}",
    "\u200b**{}**\u200b",
    "###\u00a0{}",
    "### {}\u00a0",
    " ### {}",
    "### {}\t ",
]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("section", "title"), [(name, title) for name, titles in TITLES.items() for title in titles]
)
def test_headings_in_every_form(form, section, title):
    heading = form.format(title)
    items = {"weaknesses": "1. No reason is given.", "suggestions": "1. Mention density."}
    # In a reply with numbered sections the first one is numbered too.
    first = "1. **Weaknesses**" if form[:2] in ("1.", "2)") else "### Weaknesses"
    parts = {"weaknesses": f"{first}\n{items['weaknesses']}"}
    parts[section] = f"{heading}\n{items[section]}" if section in items else heading
    parsed = read(written(**parts))
    assert parsed == ParsedReply(GOOD, ANSWER, False, None)


@pytest.mark.parametrize(
    "heading", ["**Weaknesses:** {}", "**Weaknesses**: {}", "### Weaknesses: {}", "Weaknesses: {}"]
)
def test_text_behind_a_heading_is_its_first_point(heading):
    parsed = read(written(weaknesses=heading.format("No reason is given.")))
    assert parsed.critique == GOOD


def test_bold_that_spans_heading_and_text():
    assert read(written(weaknesses="**Weaknesses: None.**")).critique.weaknesses == []


@pytest.mark.parametrize(
    "line",
    [
        "### Weaknesses of the British Empire",
        "**Weaknesses** are many.",
        "Weaknesses",
        "- **Weaknesses:**",
        "> ### Weaknesses",
        "    ### Weaknesses",
        "   ### Weaknesses",
        "`### Weaknesses`",
        "The weaknesses:",
        "**Weaknesses: too short.** It also lacks a reason.",
        "### Areas for Improvement",
        "### Cons",
        "<h3>Weaknesses</h3>",
        "1. Weaknesses: none that matter",
    ],
)
def test_lines_that_are_no_heading(line):
    reply = "My review:\n" + written(weaknesses=f"{line}\n1. No reason is given.")
    assert reason(reply) == "weaknesses_missing"


def test_numbered_bold_items_are_no_sections_where_sections_have_no_numbers():
    reply = written(
        suggestions="### Suggestions\n1. **Score**: give one.\n2. **Weaknesses:** name them."
    )
    assert read(reply).critique.suggestions == [
        "**Score**: give one.",
        "**Weaknesses:** name them.",
    ]


def test_headings_in_code_are_text():
    item = "1. It prints:\n   ```text\n   ### Suggestions\n   Overall Score: [[2]]\n   ```"
    parsed = read(written(weaknesses=f"### Weaknesses\n{item}"))
    assert parsed.critique.score == 6
    assert "### Suggestions" in parsed.critique.weaknesses[0]


@pytest.mark.parametrize(
    ("opening", "closing"),
    [("```", "```"), ("~~~ md", "~~~"), ("````", "`````"), ("```{.python}", "```  ")],
)
def test_fences_of_every_kind_hide_headings(opening, closing):
    item = f"{opening}\n### Weaknesses\n``\n{closing}"
    assert read(written(weaknesses=f"### Weaknesses\n{item}")).critique.weaknesses == [item.strip()]


def test_longer_fences_hold_shorter_ones():
    item = "````\n```\n### Suggestions\n```\n### Weaknesses\n````"
    assert read(written(weaknesses=f"### Weaknesses\n{item}")).critique.weaknesses == [item]


def test_three_backticks_in_a_sentence_open_no_fence():
    item = "```x``` is not assigned."
    assert read(written(weaknesses=f"### Weaknesses\n{item}")).critique.weaknesses == [item]


@pytest.mark.parametrize("info", ["", "markdown", "md", "text"])
@pytest.mark.parametrize("before", ["", "\n\n", "Here is my review:\n\n"])
def test_a_fence_around_the_whole_reply_is_taken_off(info, before):
    assert read(f"{before}```{info}\n{written()}\n```\n").critique == GOOD


def test_a_fence_around_the_whole_reply_that_is_cut_off():
    assert reason(f"```markdown\n{written()}", None) == "refinement_truncated"
    assert reason("```\n### Weaknesses\n1. Too", None) == "reply_truncated"


def test_a_fence_around_the_refinement_stays():
    answer = "```python\nprint('ice')\n```"
    assert read(written(answer=answer)).refinement == answer


def test_the_indentation_that_all_lines_of_an_answer_share_goes():
    assert read(written(answer="   if x:\n       y()\n\n   z()")).refinement == (
        "if x:\n    y()\n\nz()"
    )


# --- order and repetition ---

BLOCKS = {
    "weaknesses": "### Weaknesses\n1. No reason is given.",
    "suggestions": "### Suggestions\n1. Mention density.",
    "score": "### Overall Score\n[[6]]",
    "improved": f"### Improved Response\n{ANSWER}",
}


@pytest.mark.parametrize("score", ["### Overall Score\n[[6]]", "Overall Score: [[6]]"])
@pytest.mark.parametrize("order", list(itertools.permutations(BLOCKS)), ids="-".join)
def test_any_order_under_headings_of_one_level(order, score):
    reply = "\n\n".join((BLOCKS | {"score": score})[name] for name in order)
    if ("improved", "score") in itertools.pairwise(order):
        # The score could be a part of the answer, or the score of the answer.
        assert reason(reply) == "sections_ambiguous"
    else:
        assert read(reply) == ParsedReply(GOOD, ANSWER, False, None)


@pytest.mark.parametrize("title", ["Weaknesses", "Suggestions", "Improved Response"])
def test_a_section_twice_in_the_feedback(title):
    reply = written(score=f"### {title}\n1. Once more.\n\nOverall Score: [[6]]")
    assert reason(reply) == "sections_ambiguous"


REVIEW_LIKE = "### Weaknesses\n- a\n\n### Suggestions\n- b\n\nOverall Score: [[2]]\n[[3]]"


def test_the_improved_response_keeps_headings_of_the_review_among_its_own():
    answer = f"### Strengths\n- c\n\n{REVIEW_LIKE}"
    parsed = read(written(answer=answer))
    assert (parsed.refinement, parsed.critique) == (answer, GOOD)


def test_or_where_the_draft_has_them():
    parsed = parse_reply(written(answer=REVIEW_LIKE), "### Weaknesses\n- z", "stop")
    assert (parsed.refinement, parsed.critique) == (REVIEW_LIKE, GOOD)


def test_a_review_that_goes_on_after_the_improved_response_is_none_of_it():
    assert reason(written(answer=f"Paris.\n\n{REVIEW_LIKE}")) == "sections_ambiguous"


def test_a_second_improved_response_leaves_open_which_is_meant():
    answer = f"{ANSWER}\n\n### Improved Response\nAnother one."
    assert reason(written(answer=answer)) == "sections_ambiguous"
    assert read(written(answer=answer), draft="### Improved Response\nx").refinement == answer


def test_an_early_improved_response_with_headings_of_its_own():
    rest = "\n\n".join(BLOCKS[name] for name in ("weaknesses", "suggestions", "score"))
    improved = f"### Improved Response\n{ANSWER}"
    assert read(f"{improved}\n\n{rest}").refinement == ANSWER
    assert read(f"{improved}\n\n#### Why\nDensity.\n\n{rest}").refinement.endswith("Density.")
    assert reason(f"{improved}\n\n### Why\nDensity.\n\n{rest}") == "sections_ambiguous"
    assert reason(f"{improved}\n\n{rest}", draft="### Weaknesses\nNone") == "sections_ambiguous"
    plain = rest.replace("### Weaknesses", "Weaknesses:")
    assert reason(f"{improved}\n\n{plain}") == "sections_ambiguous"


def test_the_last_section_after_an_early_improved_response_is_whole():
    blocks = [BLOCKS["weaknesses"], BLOCKS["score"], BLOCKS["improved"]]
    assert reason("\n\n".join([*blocks, "### Suggestions"])) == "sections_ambiguous"
    hidden = "### Suggestions\n1. Use:\n```\n### Improved Response\nx"
    assert reason("\n\n".join([*blocks, hidden])) == "sections_ambiguous"
    assert read("\n\n".join([*blocks, "### Suggestions\nNone."])).critique.suggestions == []


@pytest.mark.parametrize(
    "title", ["Strengths", "Positive Aspects", "Pros", "Summary", "Conclusion"]
)
def test_other_sections_of_a_review_are_left_out(title):
    reply = written(suggestions=f"### {title}\n1. Short.\n\n### Suggestions\n1. Mention density.")
    assert read(reply).critique == GOOD


def test_remarks_at_lower_levels_may_be_points_or_not():
    reply = written(weaknesses="### Weaknesses\n1. No reason.\n\n**Summary**\nToo short.")
    assert reason(reply) == "sections_ambiguous"


# --- items ---

LISTS = {
    "1. one\n2. two": ["one", "two"],
    "1) one\n2) two": ["one", "two"],
    "(1) one\n(2) two": ["one", "two"],
    "- one\n- two": ["one", "two"],
    "* one\n* two": ["one", "two"],
    "+ one\n+ two": ["one", "two"],
    "• one\n• two": ["one", "two"],
    "– one\n– two": ["one", "two"],
    "a. one\nb. two": ["one", "two"],
    "A) one\nB) two": ["one", "two"],
    "(a) one\n(b) two": ["one", "two"],
    "  1. one\n  2. two": ["one", "two"],
    "1. one\n\n2. two": ["one", "two"],
    "1. one\n1. two": ["one", "two"],
    "1. one\n   more\n2. two": ["one\nmore", "two"],
    "1. one\nmore\n2. two": ["one\nmore", "two"],
    "1. one\n\n   more\n2. two": ["one\n\nmore", "two"],
    "1. one:\n   - x\n   - y\n2. two": ["one:\n- x\n- y", "two"],
    "1. one:\n- x\n- y\n2. two": ["one:\n- x\n- y", "two"],
    "- one:\n  1. x\n  2. y\n- two": ["one:\n1. x\n2. y", "two"],
    "- one:\n    - x\n    - y\n- two": ["one:\n- x\n- y", "two"],
    "* one:\n\t* x\n* two": ["one:\n* x", "two"],
    "1. one:\n   a) x\n   b) y": ["one:\na) x\nb) y"],
    "**1. Length:** one\n**2. Tone:** two": ["**Length:** one", "**Tone:** two"],
    "**1.** one\n**2.** two": ["one", "two"],
    "- **Tone**: one\n- **Facts**: two": ["**Tone**: one", "**Facts**: two"],
    "**Tone**: one\n**Facts**: two": ["**Tone**: one", "**Facts**: two"],
    "one": ["one"],
    "one\nand more": ["one\nand more"],
    "one\n\ntwo": ["one", "two"],
    "There are two:\n1. one\n2. two": ["one", "two"],
    "**There are two:**\n\n1. one\n2. two": ["one", "two"],
    "Some are serious.\n\n1. one\n2. two": ["Some are serious.", "one", "two"],
    "1. **A**\n\none\n\n2. **B**\n\ntwo": ["**A**\n\none", "**B**\n\ntwo"],
    "1. one\n\nmore\n\n2. two": ["one\n\nmore", "two"],
    "1. one\n2. two\n\nAll in all, weak.": ["one", "two", "All in all, weak."],
    "Tone:\n- a\n- b\n\nFacts:\n- c": ["Tone:\n- a\n- b", "Facts:\n- c"],
    "**Tone**\n- a\n- b\n\n**Facts**\n- c": ["**Tone**\n- a\n- b", "**Facts**\n- c"],
    "#### Tone\nToo casual.\n#### Facts\nWrong.": ["Tone\nToo casual.", "Facts\nWrong."],
    "1. ```py\n   x\n   ```\n2. two": ["```py\nx\n```", "two"],
    "1. 1.5 is wrong\n2. 2. is odd": ["1.5 is wrong", "2. is odd"],
    "1.5 is wrong": ["1.5 is wrong"],
    "**1.5 times** is wrong": ["**1.5 times** is wrong"],
    "B. Franklin is misquoted": ["B. Franklin is misquoted"],
    "1. one\n2.\n3. three": ["one", "three"],
    "1. one\n2. None.\n3. \u200b": ["one"],
    "---\n1. one\n***": ["one"],
    "1. one [[link]]\n2. `[[2]]` is a list": ["one [[link]]", "`[[2]]` is a list"],
}


@pytest.mark.parametrize("text", LISTS)
def test_items(text):
    parsed = read(written(weaknesses=f"### Weaknesses\n{text}"))
    assert parsed.critique.weaknesses == LISTS[text]
    assert parsed.critique.score == 6


@pytest.mark.parametrize(
    "text",
    [
        "",
        "None",
        "None.",
        "*None.*",
        "**None**",
        "(none)",
        "none!",
        "N/A",
        "n/a.",
        "NA",
        "-",
        "—",
        "1. None.",
        "- None",
        "1. N/A\n2. None",
        "No weaknesses",
        "No weaknesses.",
        "No weaknesses were found.",
        "No significant weaknesses identified.",
        "No major weaknesses or issues were noted.",
        "There are no weaknesses in the response.",
        "The response has no weaknesses.",
        "No suggestions for improvement.",
        "No changes needed.",
        "Nothing to change.",
        "None identified.",
        "None. The response is accurate and complete.",
        "None - the response covers everything.",
        "无",
        "Keine.",
        "Aucune.",
    ],
)
def test_nothing_to_say(text):
    assert read(written(weaknesses=f"### Weaknesses\n{text}")).critique.weaknesses == []


@pytest.mark.parametrize(
    "text",
    [
        "None of the claims has a source.",
        "None. However, it could be shorter.",
        "None, but the tone is off.",
        "No sources are given.",
        "No weaknesses of the theory are discussed.",
        "Nothing is explained.",
        "Keine Quellen.",
    ],
)
def test_weaknesses_that_begin_like_nothing(text):
    assert read(written(weaknesses=f"### Weaknesses\n{text}")).critique.weaknesses == [text]


# --- the score ---

SCORES = {
    "Overall Score: [[1]]": 1,
    "Overall Score: [[10]]": 10,
    "Overall Score: [[ 7 ]]": 7,
    "Overall Score: [[\u00a07]]": 7,
    "Overall Score:[[7]]": 7,
    "Overall Score [[7]]": 7,
    "Overall Score - [[7]]": 7,
    "Overall Score = [[7]]": 7,
    "Overall score is [[7]].": 7,
    "overall score: [[7]]": 7,
    "Score: [[7]]": 7,
    "Final Score: [[7]]": 7,
    "Overall Score: **[[7]]**": 7,
    "Overall Score: [[**7**]]": 7,
    "Overall Score: `[[7]]`": 7,
    "**Overall Score:** [[7]]": 7,
    "**Overall Score**: [[7]]": 7,
    "**Overall Score: [[7]]**": 7,
    "**Overall Score:** **[[7]]**": 7,
    "**Overall Score** [[7]]": 7,
    "_Overall Score: [[7]]_": 7,
    "### Overall Score: [[7]]": 7,
    "### Overall Score [[7]]": 7,
    "### Overall Score\n[[7]]": 7,
    "### Overall Score\n\n**[[7]]**": 7,
    "### Overall Score\nI rate it [[7]].": 7,
    "### Overall Score\nOverall Score: [[7]]": 7,
    "- Overall Score: [[7]]": 7,
    "* **Overall Score:** [[7]]": 7,
    "3. **Overall Score:** [[7]]": 7,
    "3. Overall Score: [[7]]": 7,
    "Overall Score (1-10): [[7]]": 7,
    "**Overall Score (out of 10):** [[7]]": 7,
    "Overall Score: [[7]] - good, with gaps": 7,
    "Overall Score: [[7]]\n\nGood, with 2 gaps.": 7,
    "[[7]]": 7,
    "**[[7]]**": 7,
    "Overall Score: [[7]]\nOverall Score: [[7]]": 7,
    "Overall Score\n---\n[[7]]": 7,
    "": "score_missing",
    "Overall Score:": "score_missing",
    "Overall Score: N/A": "score_missing",
    "Overall Score: good": "score_missing",
    "I would rate it [[7]].": "score_missing",
    "Overall Score: [[1-10]]": "score_from_template",
    "Overall Score: [[1–10]]": "score_from_template",
    "Overall Score: [[1 - 10]]": "score_from_template",
    "Overall Score: [[1 to 10]]": "score_from_template",
    "Overall Score: [[n]]": "score_from_template",
    "Overall Score: [[N]]": "score_from_template",
    "Overall Score: [[score]]": "score_from_template",
    "Overall Score: [[X]]": "score_from_template",
    "Overall Score: [[]]": "score_from_template",
    "Overall Score: [1-10]": "score_from_template",
    "Overall Score: 1-10": "score_from_template",
    "Overall Score: [[1-10]] [[7]]": "score_from_template",
    "Overall Score: 9/10": "score_fraction",
    "Overall Score: 9 / 10": "score_fraction",
    "Overall Score: 9 out of 10": "score_fraction",
    "Overall Score: 8.5/10": "score_fraction",
    "Overall Score: 85/100": "score_fraction",
    "**Overall Score: 9/10**": "score_fraction",
    "### Overall Score\n**9/10**": "score_fraction",
    "Overall Score: [[9/10]]": "score_fraction",
    "Overall Score: [[9]]/10": "score_fraction",
    "Overall Score: [[9]] / 10": "score_fraction",
    "Overall Score: **[[9]]**/10": "score_fraction",
    "Overall Score: [[9]] out of 10": "score_fraction",
    "Overall Score: [[9]]/[[10]]": "score_fraction",
    "Overall Score: [9/10]": "score_fraction",
    "Overall Score: [9]/10": "score_fraction",
    "Overall Score: 8.5": "score_not_integer",
    "Overall Score: [[8.5]]": "score_not_integer",
    "Overall Score: [[8,5]]": "score_not_integer",
    "Overall Score: [[8.0]]": "score_not_integer",
    "Overall Score: [[seven]]": "score_not_integer",
    "Overall Score: seven": "score_not_integer",
    "Overall Score: [[7-8]]": "score_not_integer",
    "Overall Score: [[７]]": "score_not_integer",
    "Overall Score: [[٧]]": "score_not_integer",
    "Overall Score: [[07]]": "score_not_integer",
    "Overall Score: [[+7]]": "score_not_integer",
    "Overall Score: [[7!]]": "score_not_integer",
    "[[8.5]]": "score_not_integer",
    "Overall Score: [[0]]": "score_out_of_range",
    "Overall Score: [[11]]": "score_out_of_range",
    "Overall Score: [[100]]": "score_out_of_range",
    "Overall Score: [[-3]]": "score_out_of_range",
    "Overall Score: [[−3]]": "score_out_of_range",
    f"Overall Score: [[{'9' * 50}]]": "score_out_of_range",
    "Overall Score: 85": "score_out_of_range",
    "Overall Score: 8": "score_unbracketed",
    "Overall Score: **8**": "score_unbracketed",
    "**Overall Score:** 8": "score_unbracketed",
    "### Overall Score\n8": "score_unbracketed",
    "Overall Score: [8]": "score_unbracketed",
    "Overall Score: (8)": "score_unbracketed",
    "Overall Score: [[8]": "score_unbracketed",
    "Overall Score: [[[8]]]": "score_unbracketed",
    "Overall Score: ［［8］］": "score_unbracketed",
    "Overall Score: 【【8】】": "score_unbracketed",
    "Overall Score: [ [8] ]": "score_unbracketed",
    r"Overall Score: \[\[8\]\]": "score_unbracketed",
    "### Overall Score\n```\n[[8]]\n```": "score_missing",
    "Overall Score: [[7]]\nOverall Score: [[8]]": "score_conflict",
    "Overall Score: [[7]] or [[8]]": "score_conflict",
    "Overall Score: [[7]] (8/10)": "score_conflict",
    "### Overall Score\n8/10\n\n[[7]]": "score_conflict",
    "Overall Score: 8\nOverall Score: [[7]]": "score_conflict",
    "### Overall Score\n[[7]]\n\nThe last one had [[8]].": "score_conflict",
}


@pytest.mark.parametrize("line", SCORES)
def test_scores(line):
    parsed = read(written(score=line))
    expected = SCORES[line]
    if isinstance(expected, int):
        assert (parsed.critique.score, parsed.score_problem) == (expected, None)
    else:
        assert (parsed.critique.score, parsed.score_problem) == (None, expected)
        assert expected in REASONS


def test_another_score_in_the_feedback_is_a_conflict():
    reply = written(weaknesses="### Weaknesses\n1. It calls itself a [[9]].")
    assert read(reply).score_problem == "score_conflict"


@pytest.mark.parametrize(
    "item",
    [
        "It uses `rows[[1]]`.",
        "It uses rows[[1]].",
        "``a `[[2]]` b`` is wrong.",
        "```\n[[3]]\n```",
        "The page [[Main]] is missing.\n[[Main]]",
        "It calls itself a [[6]].",
    ],
)
def test_double_brackets_that_are_no_other_score(item):
    reply = written(weaknesses="### Weaknesses\n1. " + item.replace("\n", "\n   "))
    assert read(reply).critique.score == 6


@pytest.mark.parametrize(
    "answer", ["Overall Score: [[9]]", "The score is [[9]].", "[[9]]", "#### Score\n[[9]]"]
)
def test_a_score_in_the_improved_response_never_counts(answer):
    assert read(written(answer=f"Text.\n\n{answer}")).critique.score == 6
    result = parse_reply(written(score="", answer=f"Text.\n\n{answer}"), DRAFT, "stop")
    assert isinstance(result, Rejection) or result.critique.score is None


# --- rejections ---


@pytest.mark.parametrize("reply", ["", " \n\t", "\ufeff", "\u200b\n\u200b", "\x0b"])
def test_empty_replies(reply):
    assert reason(reply) == "reply_empty"
    assert parse_assessment(reply) == Rejection("reply_empty", "")


@pytest.mark.parametrize(
    "reply",
    [
        "I'm sorry, but I can't assist with that.",
        "I’m sorry, but I can’t assist with that.",
        "Sorry, I cannot review this.",
        "I cannot evaluate this response.",
        "I am unable to rate this.",
        "I apologize, but this is not something I can review.",
        "As an AI, I do not judge such texts.",
        "Unfortunately, I can't do that.",
        "I must decline to review this.",
        "I won't review this.",
        "Es tut mir leid, aber dabei kann ich nicht helfen.",
        "Je suis désolé, mais je ne peux pas vous aider.",
        "Lo siento, pero no puedo ayudar con eso.",
        "Desculpe, mas não posso ajudar com isso.",
        "Mi dispiace, non posso aiutarti.",
        "抱歉，我无法协助。",
        "申し訳ありませんが、お手伝いできません。",
        "죄송하지만 도와드릴 수 없습니다.",
        "Извините, я не могу помочь.",
    ],
)
def test_refusals(reply):
    assert reason(reply) == "refusal"
    assessed = parse_assessment(reply)
    assert isinstance(assessed, Rejection)
    assert assessed.reason == "refusal"


def test_an_apology_before_a_review_is_no_refusal():
    assert read("I'm sorry to be strict here.\n\n" + written()).critique == GOOD


def test_prompt_phrases_stand_in_the_prompts():
    prompts = [
        prompt(as_json=as_json).render(system=None, instruction="i", response="r")
        for prompt in (critique_prompt, score_prompt)
        for as_json in (False, True)
    ]
    text = " ".join(" ".join([*prompts, request_prompt().render()]).lower().split())
    assert [phrase for phrase in PROMPT_PHRASES if phrase not in text] == []


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize("prompt", [critique_prompt, score_prompt])
def test_a_repeated_prompt_is_an_echo(prompt, as_json):
    text = prompt(as_json=as_json).render(system="Be kind.", instruction="Why?", response="So.")
    for reply in (text, f"{text}\n{written()}", f"```\n{text}\n```"):
        assert reason(reply) == "template_echoed"
        assert parse_assessment(reply).reason == "template_echoed"


def test_a_repeated_request_is_an_echo():
    request = request_prompt().render()
    assert reason(request) == "template_echoed"
    assert reason(request.partition("Write:\n")[2]) == "template_echoed"


@pytest.mark.parametrize(
    "before",
    ["### Requirements\n1. Be kind.", "### Instruction\nWhy?\n### Response\nSo."],
)
def test_headings_of_the_prompt_before_the_review_are_an_echo(before):
    assert reason(f"{before}\n\n{written()}") == "template_echoed"


def test_headings_of_the_prompt_in_an_answer_are_its_own():
    answer = "### Requirements\n- Python\n\n### Instruction\nRun it.\n\n### Response\nDone."
    assert read(written(answer=answer)).refinement == answer


def test_words_of_the_prompt_in_the_draft_are_its_own():
    phrase = "Judge the response by what was asked, and do not add requirements of your own."
    assert reason(written(answer=phrase)) == "template_echoed"
    assert read(written(answer=phrase), draft=f"x {phrase}").refinement == phrase


@pytest.mark.parametrize(
    ("left_out", "expected"),
    [
        ("weaknesses", "weaknesses_missing"),
        ("suggestions", "suggestions_missing"),
    ],
)
def test_missing_sections(left_out, expected):
    assert reason(written(**{left_out: "Well."})) == expected


def test_missing_refinement():
    assert reason(written(improved="", answer="")) == "refinement_missing"
    assert reason("Overall Score: [[7]]") == "weaknesses_missing"
    assert reason(f"### Improved Response\n{ANSWER}") == "weaknesses_missing"


@pytest.mark.parametrize(
    "reply",
    [
        "### Weaknesses\n1. No reason",
        "### Weaknesses\n1. No reason.\n\n### Suggestions\n1. Mention",
        written(improved="", answer=""),
        "Let me think about",
        "<think>\nThe user wants a review",
        "<think>\n### Weaknesses\n1. x",
    ],
)
def test_cut_before_the_improved_response(reply):
    assert reason(reply, "length") == "reply_truncated"


def test_cut_in_the_improved_response():
    assert reason(written(), "length") == "refinement_truncated"


def test_cut_after_an_early_improved_response():
    reply = f"{BLOCKS['improved']}\n\n### Weaknesses\n1. No reason"
    assert reason(reply, "length") == "reply_truncated"


# --- the refinement ---


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "\u200b",
        "...",
        "…",
        "-",
        "N/A",
        "None.",
        "[Your improved response here]",
        "<improved response>",
        "{improved_response}",
        "[Insert the improved response here]",
        "[response]",
        "(see above)",
        "See above.",
        "*[Improved response]*",
        "Your improved response here",
        "Here is the improved response:",
        "Improved Response:",
        "\x00",
    ],
)
def test_placeholders_for_the_refinement(answer):
    assert reason(written(answer=answer)) == "refinement_empty"


@pytest.mark.parametrize(
    "answer",
    [
        "Add salt, and place the pot here.",
        "To improve the response time, cache.",
        "42",
        "B",
        "[1, 2]",
        "<b>bold</b>",
        "{}x",
        "(a)",
        "👍",
        "无",
    ],
)
def test_short_answers_are_no_placeholders(answer):
    assert read(written(answer=answer)).refinement == answer


@pytest.mark.parametrize(
    "answer",
    [
        DRAFT,
        "Ice  floats\non water.\n",
        "No changes needed.",
        "No change.",
        "No changes are necessary.",
        "*No changes needed*",
        "(No changes)",
        "None needed, no changes required.",
        "No improvements are needed.",
        "N/A - no changes needed",
        "N/A (the response is already perfect)",
        "None needed.",
        "No changes are needed, as the response is already complete.",
        "No changes needed. The response is already excellent.",
        "There is no change.",
        "[Same as original]",
        "The response remains unchanged.",
        "Unchanged.",
        "The response is already excellent, no improvement is necessary.",
        "The original response is already clear and complete.",
        "The answer is already correct; no changes are needed.",
        "The response does not need any changes.",
        "The response needs no changes.",
        "Same as the original response.",
        "[Same as the original response]",
        "The original response can remain as it is.",
        "Keine Änderungen nötig.",
        "无需修改。",
    ],
)
def test_a_refinement_that_changes_nothing(answer):
    parsed = read(written(answer=answer))
    assert (parsed.refinement, parsed.no_change) == (DRAFT, True)
    nothing = written(
        weaknesses="### Weaknesses\nNone.", suggestions="### Suggestions\nNone.", answer=answer
    )
    assert read(nothing).critique == Critique([], [], 6)


def test_the_draft_comes_back_as_it_was():
    draft = "  Ice floats\r\non water. "
    assert read(written(answer="Ice floats on water."), draft=draft).refinement == draft


@pytest.mark.parametrize(
    "answer",
    [
        "No changes needed to the engine, but replace the oil filter every 10,000 km.",
        "The answer is already in lowest terms: 3/4.",
        "The response is already excellent in Europe, where it rose by 8 %.",
        "No.",
    ],
)
def test_answers_that_begin_like_no_change(answer):
    assert read(written(answer=answer)).no_change is False


@pytest.mark.parametrize("score", ["", "Overall Score: 9"])
def test_no_change_without_a_score(score):
    parsed = read(written(score=score, answer="No changes needed."))
    assert parsed.no_change
    assert parsed.score_problem in ("score_missing", "score_unbracketed")


def test_no_change_to_a_draft_that_is_empty():
    assert reason(written(answer="No changes needed."), draft=" ") == "refinement_empty"


@pytest.mark.parametrize(
    "answer",
    [
        "I'm sorry, but I can't assist with that.",
        "I’m sorry, but I can’t help with that request.",
        "I cannot provide an improved response to this.",
        "I am unable to rewrite this.",
        "I won't write that.",
        "Leider kann ich dabei nicht helfen.",
        "Lo siento, no puedo ayudar con eso.",
        "抱歉，我无法提供这方面的帮助。",
        "The improved response is given above.",
        "An improved response would give a reason.",
        "To improve the response, mention density.",
        "The response should be revised to mention density.",
    ],
)
def test_refinements_that_decline(answer):
    assert reason(written(answer=answer)) == "refinement_refused"


@pytest.mark.parametrize(
    "answer",
    [
        "I'm sorry to hear that your order arrived damaged. We will send a new one today.",
        "Lo siento mucho.",
        "I can't help falling in love with ice.",
        "Sorry seems to be the hardest word.",
        "I cannot attend the meeting on Monday.",
    ],
)
def test_answers_that_apologise(answer):
    assert read(written(answer=answer)).refinement == answer


def test_a_better_refusal_of_a_refusal():
    answer = "I can't help with that, but a locksmith can open the door for you."
    assert read(written(answer=answer), draft="Sorry, I cannot help.").refinement == answer


CUT = [
    "Ice is less dense,",
    "Ice is less dense than water and",
    "Ice floats because",
    "Ice is the",
    "Ice is made of a",
    "Ice is lighter (",
    "Ice is lighter [",
    "Ice is ligh-",
    "冰比水轻，",
]


@pytest.mark.parametrize("answer", CUT)
def test_answers_that_stop_in_the_middle(answer):
    assert reason(written(answer=answer), None) == "refinement_truncated"
    assert read(written(answer=answer), "stop").refinement == answer


@pytest.mark.parametrize(
    "answer",
    ["Grade: B-", "x + y", "Hepatitis A", "The answer is a", "Sad :(", "It is on", "A and B"],
)
def test_answers_that_end_oddly(answer):
    assert read(written(answer=answer), None).refinement == answer


@pytest.mark.parametrize("finish_reason", ["stop", None])
def test_code_left_open(finish_reason):
    assert reason(written(answer="```python\nx = 1"), finish_reason) == "refinement_truncated"


def test_fences_nested_with_one_length_are_not_open():
    answer = "```markdown\n# Title\n```bash\nls\n```\nDone.\n```"
    assert read(written(answer=answer)).refinement == answer


# --- JSON ---


def as_json(**changes) -> str:
    row = {"weaknesses": ["No reason is given."], "suggestions": ["Mention density."], "score": 6}
    row |= {"refinement": ANSWER}
    row |= changes
    return json.dumps({key: value for key, value in row.items() if value is not ...})


@pytest.mark.parametrize(
    "form",
    [
        "{}",
        "\ufeff{}",
        "\n  {}\n",
        "```json\n{}\n```",
        "```\n{}\n```",
        "```JSON\n{}```\n",
        "```json\n{}",
    ],
)
def test_json_replies(form):
    assert read(form.replace("{}", as_json())) == ParsedReply(GOOD, ANSWER, False, None)


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (as_json(weaknesses=...), "weaknesses_missing"),
        (as_json(suggestions=...), "suggestions_missing"),
        (as_json(refinement=...), "refinement_missing"),
        (as_json(refinement=None), "refinement_missing"),
        (as_json(refinement=" "), "refinement_empty"),
        (as_json(refinement="N/A"), "refinement_empty"),
        (as_json(refinement=["x"]), "bad_json"),
        (as_json(weaknesses="none"), "bad_json"),
        (as_json(weaknesses=None), "bad_json"),
        (as_json(weaknesses=[1]), "bad_json"),
        (as_json(weaknesses=[["x"]]), "bad_json"),
        (as_json(score=[6]), "bad_json"),
        (as_json(note="x"), "bad_json"),
        (as_json(improved_response="x"), "bad_json"),
        (as_json()[:-1], "bad_json"),
        (as_json() + " Done.", "bad_json"),
        (as_json() + as_json(), "bad_json"),
        (f"[{as_json()}]", "bad_json"),
        ("{}", "weaknesses_missing"),
        ("{", "bad_json"),
        ("{'weaknesses': []}", "bad_json"),
        ("```json\nnothing\n```", "bad_json"),
        (as_json().replace('"score": 6', '"score": 6, "score": 7'), "bad_json"),
        (as_json().replace('"score": 6', '"score": NaN'), "bad_json"),
        (as_json().replace('"score": 6', '"score": -Infinity'), "bad_json"),
        (as_json().replace('"score": 6', f'"score": {"9" * 5000}'), "bad_json"),
        (as_json().replace('"score": 6', '"score": 06'), "bad_json"),
        ('{"weaknesses": ' + "[" * 100_000, "bad_json"),
        ('{"weaknesses": ' + "[" * 50_000 + "]" * 50_000 + "}", "bad_json"),
    ],
)
def test_json_that_is_rejected(reply, expected):
    assert reason(reply) == expected


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("8.0", "score_not_integer"),
        ("8.5", "score_not_integer"),
        ('"8"', "score_not_integer"),
        ("true", "score_not_integer"),
        ("1e999", "score_not_integer"),
        ("0", "score_out_of_range"),
        ("11", "score_out_of_range"),
        ("-3", "score_out_of_range"),
        ("null", "score_missing"),
    ],
)
def test_json_scores(value, problem):
    reply = as_json().replace('"score": 6', f'"score": {value}')
    parsed = read(reply)
    assert (parsed.critique.score, parsed.score_problem) == (None, problem)
    assessed = parse_assessment(reply)
    assert isinstance(assessed, Rejection)
    assert assessed.reason == problem


def test_json_without_a_score():
    assert read(as_json(score=...)).score_problem == "score_missing"


def test_json_that_was_cut():
    whole = as_json()
    assert reason(whole[:30], "length") == "reply_truncated"
    assert reason(whole[:-10], "length") == "refinement_truncated"
    assert reason(whole, "length") == "refinement_truncated"
    assert parse_assessment(whole[:30], "length").reason == "reply_truncated"


def test_json_items_are_cleaned():
    parsed = read(as_json(weaknesses=[" a\r\nb ", "", "\u200b", "None."], refinement=" x\r\ny"))
    assert parsed.critique.weaknesses == ["a\nb"]
    assert parsed.refinement == "x\ny"


# --- assessments ---


@pytest.mark.parametrize("line", SCORES)
def test_assessments_read_the_same_scores(line):
    reply = written(score=line, improved="", answer="")
    result = parse_assessment(reply)
    expected = SCORES[line]
    if isinstance(expected, int):
        assert isinstance(result, ParsedReply)
        assert (result.critique.score, result.critique.weaknesses) == (expected, GOOD.weaknesses)
    else:
        assert isinstance(result, Rejection)
        assert result.reason == expected


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("[[7]]", 7),
        ("Overall Score: [[7]]", 7),
        ("**[[ 7 ]]**", 7),
        ("```\nOverall Score: [[7]]\n```", 7),
        ("### Weaknesses\nNone.\n\nOverall Score: [[7]]", 7),
        ("Overall Score: [[7]]\n\n### Weaknesses\nNone.", 7),
        ("It is correct.\n\nRating: [[7]]", 7),
        ("I give it [[7]].", 7),
        ("I'd give it [[7]] in all.", "score_missing"),
        ("I give it [[7]], or a score of [[8]].", "score_conflict"),
        ("7", "score_unbracketed"),
        ("7/10", "score_fraction"),
        ("7.5", "score_not_integer"),
        ("[[0]]", "score_out_of_range"),
        ("[[1-10]]", "score_from_template"),
        ("It cites [[3]] wrongly.", "score_missing"),
        ("It is correct.", "score_missing"),
        ("### Weaknesses\nNone.", "score_missing"),
        ("### Weaknesses\n1. a\n\n### Weaknesses\n1. b\n\n[[7]]", "sections_ambiguous"),
        ('{"score": 7}', 7),
        ('{"score": "7"}', "score_not_integer"),
        ('{"weaknesses": []}', "score_missing"),
        ('{"score": 7, "refinement": 3}', 7),
    ],
)
def test_assessments(reply, expected):
    result = parse_assessment(reply)
    got = result.critique.score if isinstance(result, ParsedReply) else result.reason
    assert got == expected


def test_an_assessment_ignores_an_improved_response():
    assert parse_assessment(written(answer="[[1]]\n```\nopen")).critique == GOOD
    assert parse_assessment(written(score="", answer="I say [[1]].")).reason == "score_missing"


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("### Weaknesses\n1. Too", "reply_truncated"),
        ("Overall Score: [[7]]\n\n### Weaknesses\n1. Too", "reply_truncated"),
        ("### Weaknesses\nNone.\n\nOverall Score: [[1", "reply_truncated"),
        ("### Weaknesses\nNone.\n\nOverall Score: [[7]]", 7),
        (written(), 6),
    ],
)
def test_assessments_that_were_cut(reply, expected):
    result = parse_assessment(reply, "length")
    got = result.critique.score if isinstance(result, ParsedReply) else result.reason
    assert got == expected


# --- what may not pass ---


def test_nothing_that_cannot_be_stored_passes():
    draft = "draft\ud800\x00"
    reply = written(weaknesses="### Weaknesses\n1. a\udfff\x00b", answer="x\ud83dy\x00")
    parsed = read(reply, draft=draft)
    assert parsed.critique.weaknesses == ["a\ufffd\ufffdb"]
    assert parsed.refinement == "x\ufffdy\ufffd"
    assert read(written(answer=draft), draft=draft).refinement == "draft\ufffd\ufffd"
    assert read(as_json(refinement="x\ud800")).refinement == "x\ufffd"
    for other in ("no\ud800 heading", '{"\ud800', r'{"\ud800": 1}', r'{"score": "\ud800"}'):
        parse_reply(other, "").detail.encode()
        parse_assessment(other).detail.encode()


ADVERSARIAL = (
    *("[[", "[[1]] ", "[[1-10]]\n", "#", "# ", "### ", "`", "```\n", "~~~\n", "*", "**", "_", " "),
    *("\n", "- ", "1. ", "> ", "(", "{", "Score: ", "**Weaknesses:", "None ", "no ", "\u200b"),
)


@pytest.mark.parametrize("unit", ADVERSARIAL)
@pytest.mark.parametrize("place", ["weaknesses", "score", "answer", None])
def test_long_replies_take_linear_time(unit, place):
    text = unit * (100_000 // len(unit))
    if place == "weaknesses":
        reply = written(weaknesses=f"### Weaknesses\n{text}")
    else:
        reply = written(**{place: text}) if place else text
    start = time.process_time()
    parse_reply(reply, DRAFT)
    parse_assessment(reply)
    # Twenty times the CPU time that it takes; quadratic time would be minutes.
    assert time.process_time() - start < 3
