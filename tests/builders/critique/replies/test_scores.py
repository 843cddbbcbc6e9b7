"""Where a score is given, and where one is only mentioned, refused, quoted or conditional."""

import pytest

from builders.critique.parse import ParsedReply, Rejection, parse_assessment, parse_reply
from builders.critique.replies.given import problem_after

# The score of each is 6.
GIVEN = [
    "Overall Score: [[6]]",
    "It is fine.\n\nRating: [[6]]",
    "It is fine.\n\n**Rating:** [[6]]",
    "It is fine.\n\n**Final rating: [[6]]**",
    "It is fine.\n\n**Overall Score:**\n[[6]]",
    "It is fine.\n\n### Overall Score\n[[6]]\n\nIt has two gaps.",
    "It is fine.\n\nOverall Score: [[6]].\n\n---",
    "It is fine.\n\n[[6]]",
    "It is fine. Overall Score: [[6]]",
    "It is fine. **Overall Score: [[6]]**",
    "It is fine. I give it a score of [[6]].",
    "It is fine. I rate this response [[6]].",
    "Thus, the response gets a score of [[6]].",
    "My score is [[6]].",
    "It is fine.\nOverall Score (1-10): [[6]]",
    "The answer has 3 of 5 points. Score = [[6]]",
    'It is "fine".\n\nOverall Score: [[6]]',
    "```\nls\n```\n\nOverall Score: [[6]]",
    "Overall Score: [[6]]<|im_end|>",
    "回答不完整。总体评分：[[6]]",
    "Es fehlt viel.\n\nGesamtbewertung: [[6]]",
    "C'est bien.\n\nNote : [[6]]",
]
# None of these gives the score 9.
NOT_GIVEN = [
    'The response ends with "Overall Score: [[9]]" instead of an answer.',
    "The response says “I did well. Overall Score: [[9]]”",
    'The response is: "Fine.\nOverall Score: [[9]]',
    "«Overall Score: [[9]]»",
    "'Overall Score: [[9]]'",
    "It writes:\n\n> Overall Score: [[9]]",
    "> It writes\nOverall Score: [[9]]",
    "It writes `Overall Score: [[9]]`",
    "It writes:\n\n```\nOverall Score: [[9]]\n```",
    "The response ends with:\n\nOverall Score: [[9]]",
    "The response contains:\n- a greeting\n- Overall Score: [[9]]",
    "The response asks me to give it a score of [[9]]. I will not do that.",
    "The response tells me to end with this line.\n\nOverall Score: [[9]]",
    "I refuse to give the score it asks for. Overall Score: [[9]]",
    "I would not give it [[9]].",
    "If it had cited sources, I would give it [[9]].",
    "If it had cited sources, score: 9",
    "With sources, I'd give it [[9]].",
    "Suppose it were right. Then the score is [[9]].",
    "Overall Score: [[9]] if it had cited sources",
    "Overall Score: [[9]], had it cited sources",
    "Overall Score: I would not give it [[9]]",
    "Overall Score: [[9]] would be too high",
    "Overall Score: [[9]] is what it asks for",
    "Overall Score: about [[9]]",
    "Overall Score: at most [[9]]",
    "Overall Score: [[9]] or so",
    "Overall Score: [[9]] minus 1",
    "Overall Score: [[9]]+",
    "Overall Score: [[9]]?",
    "Overall Score: [[9]].5",
    "Overall Score: [[9]]-10",
    "Overall Score: [[9]] → 7",
    "Overall Score: [[9]]/20",
    "Overall Score: [[9]] out of 20",
    "Overall Score: [[9]] (out of 20)",
    "Overall Score (1-20): [[9]]",
    "Overall Score: ~~[[9]]~~",
    "Overall Score: [[9]] (draft)",
    "I would not give it 9/10.",
    "The score is between [[8]] and [[9]].",
    "The maximum score is [[9]].",
    "Style score: [[9]]",
    "Confidence: [[9]]",
    "Previous score: [[9]]",
    "<quote>\nOverall Score: [[9]]\n</quote>",
    "<!-- Overall Score: [[9]] -->",
    "Overall Score: [[9]]\n\nThis is how the response ends.",
    "| Overall Score | [[9]] |",
    "I'd say the score is [[9]] at first glance.\n</think>\n\nThe answer is fine.",
    "See:\n```\nls\n\nOverall Score: [[9]]",
]


@pytest.mark.parametrize("reply", GIVEN)
def test_a_reply_without_sections_gives_its_score_at_its_end(reply):
    result = parse_assessment(reply, "stop")
    assert isinstance(result, ParsedReply), result
    assert result.critique.score == 6


@pytest.mark.parametrize("reply", NOT_GIVEN)
def test_a_score_that_is_mentioned_is_none(reply):
    result = parse_assessment(reply, "stop")
    assert isinstance(result, Rejection), result
    assert result.reason.startswith("score_") or result.reason == "refusal"


def in_sections(score: str) -> str:
    return (
        f"### Weaknesses\n1. Vague.\n\n### Suggestions\n1. Be exact.\n\n{score}\n\n"
        "### Improved Response\nIce floats because it is less dense than water."
    )


@pytest.mark.parametrize("text", NOT_GIVEN)
def test_nor_is_it_among_sections(text):
    for reply in (in_sections(text), in_sections(f"### Overall Score\n{text}")):
        result = parse_reply(reply, "Ice floats.", "stop")
        assert isinstance(result, Rejection) or result.critique.score is None


@pytest.mark.parametrize(
    "line",
    ["Rating: [[6]]", "**Grade:** [[6]]", "Overall Rating [[6]]", "Overall Score: [[6]] - fine"],
)
def test_other_labels_of_a_score_are_not_among_the_suggestions(line):
    result = parse_reply(in_sections(line), "Ice floats.", "stop")
    assert (result.critique.score, result.critique.suggestions) == (6, ["Be exact."])


@pytest.mark.parametrize("line", ["Rating: 6", "Grade: 6/10", "Overall score is 6.", "Score: (6)"])
def test_nor_are_scores_without_brackets(line):
    result = parse_reply(in_sections(line), "Ice floats.", "stop")
    assert result.score_problem in ("score_unbracketed", "score_fraction")
    assert result.critique.suggestions == ["Be exact."]


def test_a_rating_in_a_sentence_is_no_score():
    reply = in_sections("Overall Score: [[6]]").replace("Be exact.", "**Rating:** name one.")
    result = parse_reply(reply, "Ice floats.", "stop")
    assert result.critique.suggestions == ["**Rating:** name one."]


def test_the_detail_quotes_what_is_mentioned():
    result = parse_assessment("It says “Overall Score: [[9]]”.", "stop")
    assert result == Rejection(
        "score_missing", "a score is mentioned, not given: It says “Overall Score: [[9]]”."
    )


@pytest.mark.parametrize("tail", ["", ".", "**", " - good, with 2 gaps", ", with gaps", " 不完整"])
def test_an_explanation_may_follow_a_score(tail):
    assert problem_after(tail) is None


@pytest.mark.parametrize("unit", ["it asks ", '"', "[[", "[[7]] if ", "score ", ". ", "(", "a "])
def test_long_lines_are_read(unit):
    text = unit * (100_000 // len(unit))
    for reply in (text, f"Overall Score: {text}", f"{text}Overall Score: [[7]] {text}"):
        parse_assessment(reply, "stop")
