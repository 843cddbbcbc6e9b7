"""All reasons for dropping a row.

The ledger stores the name; cards and the terminal print the sentence.
"""

REASONS: dict[str, str] = {
    # Before any call.
    "row_unreadable": "the source row is broken and cannot be read",
    "column_missing": "the source row lacks a column that the recipe names",
    "wrong_type": "a column of the source row has something else than text",
    "no_instruction": "the source row has no instruction",
    # Given before conversations were read; old ledgers have it.
    "multi_turn": "the source row is a conversation of several turns",
    "bad_history": "the turns before the instruction are not a conversation",
    "tool_turns": "the conversation has turns of a tool",
    "has_media": "the instruction comes with a picture, a sound or a film",
    "duplicate": "the same instruction, apart from case, spacing or punctuation, came earlier",
    "trained_on": "the model was trained on this instruction, or on a similar one",
    "reserved_for_audit": "the instruction, or a similar one, is in a set that audits models",
    "context_exceeded": "the prompt and the answer do not fit into the model's context",
    # The draft.
    "draft_missing": "the source has no draft for this instruction",
    "draft_empty": "the model returned an empty draft",
    "draft_truncated": "the draft reached the token limit before it ended",
    # The draft or the critic's reply.
    "foreign_text": "the text has a token of a chat template, or a turn that nobody asked for",
    # A call.
    "call_failed": "the endpoint returned no usable answer",
    "content_filtered": "the endpoint's content filter withheld the answer",
    # The critic's reply.
    "reply_empty": "the critic returned nothing",
    "reply_truncated": "the critic's reply reached the token limit before it ended",
    "refusal": "the critic declined to critique the draft",
    "template_echoed": "the reply repeats the prompt's template",
    "bad_json": "the reply is JSON, and not one valid critique object by itself",
    "headings_missing": "the reply has none of the requested sections",
    "sections_ambiguous": "a section appears twice, or in an order that leaves its end unclear",
    "weaknesses_missing": "the reply has no weaknesses section",
    "suggestions_missing": "the reply has no suggestions section",
    "weaknesses_empty": "the critique names no weakness",
    "suggestions_empty": "the critique makes no suggestion",
    "refinement_missing": "the reply has no improved response",
    "refinement_empty": "the improved response is empty or a placeholder",
    "refinement_truncated": "the improved response stops in the middle",
    "refinement_refused": "the critic declined to improve a draft that was not a refusal",
    # The score in it.
    "score_missing": "the reply has no score",
    "score_from_template": "the score is the template's own [[1-10]]",
    "score_unbracketed": "the score is not written as [[n]]",
    "score_fraction": "the score is a fraction such as 9/10",
    "score_not_integer": "the score is not a whole number",
    "score_out_of_range": "the score is outside 1 to 10",
    "score_conflict": "the reply gives two different scores",
    "planted_score": "a text that was judged has the same score in store for its critic",
    # The filters.
    "no_change": "the critic found nothing to change: the refinement equals the draft",
    "draft_score_missing": "the independent score of the draft could not be read",
    "refinement_score_missing": "the independent score of the refinement could not be read",
    "margin": "the refinement's independent score is not high enough above the draft's",
    "scorers_disagree": "another scorer does not agree on which of the two answers is better",
    "not_best_sample": "another draft of the same instruction gained as much by refining, or more",
    # People, if a release takes up their reviews.
    "rejected_by_people": "most of the people who judged it found it wrong",
    "corrected_by_people": "people found it wrong; their correction replaces it",
}

# The reasons of rows that were scored and dropped for nothing else than their scores.
BY_SCORES = ("margin", "scorers_disagree", "not_best_sample")

# Problems with the form of a reply, which a critic can fix once it knows.
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
