"""Why a row was dropped: every reason there is, named once.

The ledger stores the name; cards and the terminal print the sentence.
"""

REASONS: dict[str, str] = {
    # Before any call.
    "no_instruction": "the source row has no instruction",
    "multi_turn": "the source row is a conversation of several turns",
    "duplicate": "the same instruction, but for case, spacing or punctuation, came earlier",
    "trained_on": "the model was trained on this instruction, or on one much like it",
    "context_exceeded": "the prompt and the answer do not fit into the model's context",
    # The draft.
    "draft_missing": "the file of drafts has no answer to this instruction",
    "draft_empty": "the model returned an empty draft",
    "draft_truncated": "the draft reached the token limit before it ended",
    # A call.
    "call_failed": "the endpoint returned no usable answer",
    "content_filtered": "the endpoint's content filter withheld the answer",
    # The critic's reply.
    "reply_empty": "the critic returned nothing",
    "reply_truncated": "the critic's reply reached the token limit before it ended",
    "refusal": "the critic declined to review the answer",
    "template_echoed": "the reply repeats the prompt's template",
    "bad_json": "the reply starts as JSON and is not a valid critique object",
    "headings_missing": "the reply has none of the requested sections",
    "sections_ambiguous": "a section appears twice, or in an order that leaves its end unclear",
    "weaknesses_missing": "the reply has no weaknesses section",
    "suggestions_missing": "the reply has no suggestions section",
    "weaknesses_empty": "the critique names no weakness",
    "suggestions_empty": "the critique makes no suggestion",
    "refinement_missing": "the reply has no improved response",
    "refinement_empty": "the improved response is empty or a placeholder",
    "refinement_truncated": "the improved response stops in the middle",
    "refinement_refused": "the critic declined to improve an answer that was not a refusal",
    # The score in it.
    "score_missing": "the reply has no score",
    "score_from_template": "the score is the template's own [[1-10]]",
    "score_unbracketed": "the score is not written as [[n]]",
    "score_fraction": "the score is a fraction such as 9/10",
    "score_not_integer": "the score is not a whole number",
    "score_out_of_range": "the score is outside 1 to 10",
    "score_conflict": "the reply gives two different scores",
    # The filters.
    "no_change": "the critic found nothing to change: the refinement equals the draft",
    "draft_score_missing": "the independent score of the draft could not be read",
    "refinement_score_missing": "the independent score of the refinement could not be read",
    "margin": "the refinement's independent score is not high enough above the draft's",
    # People, when a release is made of what they said.
    "rejected_by_people": "most of the people who judged it found it wrong",
    "corrected_by_people": "people found it wrong; their correction has taken its place",
}

# What a critic that is told of it can mend: the form of its reply.
REPAIRABLE = frozenset(
    {
        "template_echoed",
        "bad_json",
        "headings_missing",
        "sections_ambiguous",
        "weaknesses_missing",
        "suggestions_missing",
        "refinement_missing",
        "refinement_empty",
        *(name for name in REASONS if name.startswith("score_")),
    }
)
