import pytest

from builders.rows.schema import validate_sft_row
from builders.training.sft import SFT_FORMS, review_turns, to_sft

CRITIQUE = {"weaknesses": ["It is vague."], "suggestions": ["Name the city."], "score": 4}
ROW = {
    "id": "a1",
    "source": "web",
    "system": None,
    "history": [],
    "instruction": "Where is the Louvre?",
    "criteria": None,
    "draft": "In a city.",
    "critique": CRITIQUE,
    "refinement": "In Paris.",
    "draft_assessment": {"weaknesses": ["It names no city."], "suggestions": ["Do."], "score": 3},
    "refinement_assessment": {"weaknesses": [], "suggestions": [], "score": 10},
}


def completions(form):
    return {row["turn"]: row["completion"][0]["content"] for row in to_sft(ROW, SFT_FORMS[form])}


@pytest.mark.parametrize("form", SFT_FORMS)
def test_every_form_makes_valid_rows(form):
    rows = list(to_sft(ROW, SFT_FORMS[form]))
    assert rows
    for row in rows:
        validate_sft_row(row)


def test_sft_trains_on_the_draft_and_then_on_feedback_with_refinement():
    turns = completions("sft")
    assert turns["draft"] == "In a city."
    assert turns["feedback"].index("[[4]]") < turns["feedback"].index("In Paris.")


def test_critique_trains_on_the_critique_of_a_given_answer_alone():
    (row,) = to_sft(ROW, SFT_FORMS["critique"])
    assert row["prompt"] == review_turns(ROW["instruction"], ROW["draft"], refined=False)
    assert "[[4]]" in row["completion"][0]["content"]
    assert "In Paris." not in row["completion"][0]["content"]


def test_the_feedback_turn_follows_the_conversation():
    draft, feedback = to_sft(ROW, SFT_FORMS["sft"])
    assert [turn["role"] for turn in feedback["prompt"]] == ["user", "assistant", "user"]
    assert feedback["prompt"][:2] == draft["prompt"] + draft["completion"]
    assert feedback["prompt"] == review_turns(ROW["instruction"], ROW["draft"])


@pytest.mark.parametrize(
    ("form", "absent"),
    [
        ("sft-no-score", "[["),
        ("sft-no-weaknesses", "Weaknesses"),
        ("sft-no-suggestions", "Suggestions"),
    ],
)
def test_an_ablation_leaves_a_part_out_of_request_and_reply(form, absent):
    (row,) = (row for row in to_sft(ROW, SFT_FORMS[form]) if row["turn"] == "feedback")
    assert absent not in row["completion"][0]["content"]
    assert absent not in row["prompt"][-1]["content"]
    assert "In Paris." in row["completion"][0]["content"]


def test_the_coarser_ablations():
    assert completions("sft-no-feedback")["feedback"] == "### Improved Response\nIn Paris."
    assert completions("sft-refinement-only") == {"refinement": "In Paris."}
    assert set(completions("sft-draft-masked")) == {"feedback"}


def test_balanced_reviews_a_refinement_that_leaves_nothing_to_improve_by_the_same_request():
    rows = list(to_sft(ROW, SFT_FORMS["sft-balanced"]))
    draft, refinement = (row for row in rows if row["turn"] == "feedback")
    assert draft["prompt"][-1] == refinement["prompt"][-1]
    assert refinement["prompt"] == review_turns(ROW["instruction"], ROW["refinement"])
    review = refinement["completion"][0]["content"]
    assert "[[10]]" in review
    assert review.endswith("### Improved Response\nIn Paris.")


def test_balanced_assesses_both_answers_where_something_is_left_to_improve():
    left = {"weaknesses": ["It is terse."], "suggestions": ["Say more."], "score": 8}
    rows = list(to_sft({**ROW, "refinement_assessment": left}, SFT_FORMS["sft-balanced"]))
    draft, refinement = (row for row in rows if row["turn"] == "assessment")
    assert draft["prompt"] == review_turns(ROW["instruction"], ROW["draft"], refined=False)
    assert draft["prompt"][-1] == refinement["prompt"][-1]
    assert "[[3]]" in draft["completion"][0]["content"]
    assert "[[8]]" in refinement["completion"][0]["content"]


def test_balanced_adds_nothing_to_a_correction_whose_answers_have_scores_and_no_review():
    corrected = {**ROW, "source": "human"}
    turns = [row["turn"] for row in to_sft(corrected, SFT_FORMS["sft-balanced"])]
    assert turns == ["draft", "feedback"]


def test_balanced_adds_nothing_to_an_answer_that_was_left_alone():
    unchanged = {**ROW, "refinement": ROW["draft"]}
    assert len(list(to_sft(unchanged, SFT_FORMS["sft-balanced"]))) == 2


def test_a_system_prompt_leads_every_turn():
    for row in to_sft({**ROW, "system": "Be brief."}, SFT_FORMS["sft"]):
        assert row["prompt"][0] == {"role": "system", "content": "Be brief."}


def test_the_turns_before_the_instruction_follow_the_system_prompt():
    history = [
        {"role": "user", "content": "Which museum has the Mona Lisa?"},
        {"role": "assistant", "content": "The Louvre."},
    ]
    row = {**ROW, "system": "Be brief.", "history": history}
    for form in SFT_FORMS.values():
        for made in to_sft(row, form):
            validate_sft_row(made)
            assert made["prompt"][1:4] == [
                *history,
                {"role": "user", "content": row["instruction"]},
            ]
