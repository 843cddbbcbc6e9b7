"""The parser of a critic's reply: its critique and refinement, or the reason to reject it.

Parsed replies are published and trained on, so a reply that can be read in two ways is rejected.
The checks run in this order, and the first failure is the reason:

1. the whole reply: `reply_truncated` or `reply_empty`, `template_echoed`, `bad_json`
2. its sections: `template_echoed`, `refusal`, `bad_json` or `headings_missing` if there are none,
   `sections_ambiguous`, `reply_truncated`, `weaknesses_missing`, `suggestions_missing`,
   `refinement_missing`
3. the refinement: `refinement_empty`, `refinement_truncated`, `refinement_refused`

A reply without a usable score is not rejected: the reason is its `score_problem`. An assessment
has no purpose but its score, and is rejected for the same reason.
"""

from builders.critique.replies.as_asked import assessment_as_asked, reply_as_asked
from builders.critique.replies.foreign_text import without_closing_token
from builders.critique.replies.json_object import find_json
from builders.critique.replies.json_reply import assessment_from_json, reply_from_json
from builders.critique.replies.markdown import (
    assessment_from_markdown,
    critique_from_markdown,
    reply_from_markdown,
)
from builders.critique.replies.reasoning import split_reasoning
from builders.critique.replies.result import (
    Critique,
    ParsedReply,
    Rejection,
    UnreadableReply,
)
from builders.critique.replies.text import clean, is_blank, plain, storable

__all__ = [
    "PROMPT_PHRASES",
    "Critique",
    "ParsedReply",
    "Rejection",
    "parse_assessment",
    "parse_critique",
    "parse_reply",
]

# Wording of the prompts that no critic writes on its own. tests/builders/critique/test_parse.py
# compares it with the templates.
PROMPT_PHRASES = (
    "you critique a response that an assistant gave to an instruction",
    "judge the response by what was asked, and do not add requirements of your own",
    "end the critique with a separate line that reads",
    "specific enough for someone else to make the changes without asking you",
    "1 is useless or harmful, 5 is usable but has real flaws, 10 leaves nothing to improve",
    "write the complete response again with your suggestions applied",
    "answer with one json object and nothing else",
    "critique your last response, then improve it. follow the instruction",
)
# A word of each phrase that few replies have: a text without them is not searched.
_COMMON = ("critique", "instruction", "response,", "suggestions")
_PHRASE_WORDS = tuple(
    max((word for word in phrase.split() if word not in _COMMON), key=len)
    for phrase in PROMPT_PHRASES
)


def parse_reply(
    reply: str, draft: str, finish_reason: str | None = None
) -> ParsedReply | Rejection:
    """The critique of `draft` and the refinement in a critic's reply; it never raises.

    `finish_reason` is the endpoint's: "length" means that the reply was cut, "stop" that the
    model ended it. Without either, a reply that ends in the middle of a sentence counts as cut.
    """
    draft = storable(draft)
    try:
        text = prepare(reply, draft, finish_reason)
        return reply_as_asked(text, draft, finish_reason) or read_carefully(
            text, draft, finish_reason
        )
    except UnreadableReply as error:
        return error.rejection


def parse_assessment(reply: str, finish_reason: str | None = None) -> ParsedReply | Rejection:
    """The independent score in a reply, and any weaknesses and suggestions; it never raises.

    An improved response in the reply is ignored.
    """
    try:
        text = prepare(reply, "", finish_reason)
        return assessment_as_asked(text) or assess_carefully(text, finish_reason)
    except UnreadableReply as error:
        return error.rejection


def parse_critique(text: str) -> Critique | Rejection:
    """The weaknesses and suggestions that a person wrote under their headings; it never raises.

    The score is None: people enter theirs separately.
    """
    try:
        return critique_from_markdown(prepare(text, "", None))
    except UnreadableReply as error:
        return error.rejection


def read_carefully(text: str, draft: str, finish_reason: str | None) -> ParsedReply:
    """What `parse_reply` makes of a prepared reply in any form. Raises `UnreadableReply`."""
    found = find_json(text)
    if found is not None:
        return reply_from_json(found, draft, finish_reason)
    return reply_from_markdown(text, draft, finish_reason)


def assess_carefully(text: str, finish_reason: str | None) -> ParsedReply:
    """What `parse_assessment` makes of a prepared reply in any form. Raises `UnreadableReply`."""
    found = find_json(text)
    if found is not None:
        return assessment_from_json(found, finish_reason)
    return assessment_from_markdown(text, finish_reason)


def prepare(reply: str, draft: str, finish_reason: str | None) -> str:
    """The text to read, without the model's thinking. Raises `UnreadableReply`."""
    split = split_reasoning(clean(reply))
    if split.is_cut:
        raise UnreadableReply("reply_truncated", reply)
    text = without_closing_token(split.answer).lstrip("\ufeff\u200b\u2060 \t\n")
    if is_blank(text):
        raise UnreadableReply("reply_truncated" if finish_reason == "length" else "reply_empty")
    lowered = text.lower()
    if any(map(lowered.__contains__, _PHRASE_WORDS)):
        plain_text = plain(text)
        for phrase in PROMPT_PHRASES:
            if phrase in plain_text and phrase not in plain(draft):
                raise UnreadableReply("template_echoed", phrase)
    return text
