"""A critic's reply, read: the critique and the refinement, or the reason why there is neither.

What is let through here is published and trained on, so a reply that can be read in two ways is
rejected. The reasons are looked for in this order, and the first that applies is given:

1. of the whole reply: `reply_empty`, `template_echoed`, `bad_json`
2. of its sections: `template_echoed`, `refusal` or `headings_missing` where there are none,
   `sections_ambiguous`, `reply_truncated`, `weaknesses_missing`, `suggestions_missing`,
   `refinement_missing`
3. of the refinement: `refinement_empty`, `refinement_truncated`, `refinement_refused`

A review without a usable score is no rejection: it keeps the reason as `score_problem`. An
assessment is nothing but its score, and there the same reason rejects.
"""

from builders.replies.headed import assessment_of_text, critique_of_text, review_of_text
from builders.replies.json_reply import assessment_of_json, find_json, review_of_json
from builders.replies.outcome import (
    Critique,
    Rejected,
    Rejection,
    Review,
    clean,
    plain,
    storable,
)
from builders.replies.sections import is_blank

__all__ = [
    "PROMPT_PHRASES",
    "Critique",
    "Rejection",
    "Review",
    "parse_assessment",
    "parse_critique",
    "parse_review",
]

# Wording of the prompts that no critic comes upon by itself. tests/builders/test_parse.py
# compares it with the templates.
PROMPT_PHRASES = (
    "you review a response that an assistant gave to an instruction",
    "judge the response by what was asked, and add no requirement of your own",
    "close the review with a line of its own that reads",
    "so that somebody else could carry it out without asking back",
    "1 is useless or harmful, 5 is usable with real faults, 10 leaves nothing to improve",
    "write the whole answer anew with your suggestions carried out",
    "answer with one json object and nothing else",
    "review your last response, and then improve it. stay with the instruction",
)


def _without_reasoning(text: str) -> str:
    """The reply after the `<think>` block that reasoning models begin with."""
    if not text.startswith("<think>"):
        return text
    _, closed, rest = text.partition("</think>")
    if not closed:
        raise Rejected("reply_truncated", text)
    return rest.lstrip()


def _reject_echo(text: str, draft: str) -> None:
    said = plain(text)
    for phrase in PROMPT_PHRASES:
        if phrase in said and phrase not in plain(draft):
            raise Rejected("template_echoed", phrase)


def _prepare(reply: str, draft: str) -> str:
    text = _without_reasoning(clean(reply).lstrip("\ufeff\u200b\u2060 \t\n"))
    if is_blank(text):
        raise Rejected("reply_empty")
    _reject_echo(text, draft)
    return text


def parse_review(reply: str, draft: str, finish_reason: str | None = None) -> Review | Rejection:
    """Read a critic's review of `draft`, with the improved response; it never raises.

    `finish_reason` is the endpoint's: "length" means that the reply was cut, "stop" that the
    model ended it. Without either, an ending in the middle of a sentence counts as cut.
    """
    draft = storable(draft)
    try:
        text = _prepare(reply, draft)
        body = find_json(text)
        if body is not None:
            return review_of_json(body, draft, finish_reason)
        return review_of_text(text, draft, finish_reason)
    except Rejected as rejected:
        return rejected.rejection


def parse_assessment(reply: str, finish_reason: str | None = None) -> Review | Rejection:
    """Read an independent score, with the weaknesses and suggestions if any; it never raises.

    An improved response that comes with it is ignored. Without a usable score, the reason why
    there is none rejects.
    """
    try:
        text = _prepare(reply, "")
        body = find_json(text)
        if body is not None:
            return assessment_of_json(body, finish_reason)
        return assessment_of_text(text, finish_reason)
    except Rejected as rejected:
        return rejected.rejection


def parse_critique(text: str) -> Critique | Rejection:
    """Read weaknesses and suggestions that a person wrote under their headings; it never raises.

    Their score is None: people give theirs apart.
    """
    try:
        return critique_of_text(_prepare(text, ""))
    except Rejected as rejected:
        return rejected.rejection
