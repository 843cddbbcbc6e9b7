"""Text in an answer that is not the answer: tokens of chat templates, turns that nobody asked for.

A model that does not stop writes on, into the next turn; a server with the wrong template leaves
its tokens in the text. Neither is found in code, nor where the conversation itself has it: an
answer may be about such things.
"""

import re
from typing import NamedTuple

from builders.critique.replies.reasoning import PART as MARK_PART
from builders.critique.replies.reasoning import may_have_marks, stray_mark, without_code

# Tokens that end an answer.
_CLOSING = (
    r"<\|(?:im_end|endoftext|eot_id|end_of_text|end|eom_id|eot|EOT|return|END_OF_TURN_TOKEN|user"
    r"|END_RESPONSE|observation|endofresponse|role_end|end_of_turn|eos|im_start)\|>"
    r"|<｜end▁of▁sentence｜>|<end_of_turn>|<turn\|>|<eos>|</s>|\[EOS\]|\[e~\["
)
_AT_END = re.compile(rf"(?:{_CLOSING})\Z")
_ENDS = re.compile(_CLOSING)
_LONGEST = 40
# What each of them ends with.
_LAST = (">", "]", "[")
_TOKEN = re.compile(
    rf"{_CLOSING}|<\|[A-Za-z0-9_▁:-]{{2,40}}\|>|<｜[^｜\n]{{1,40}}｜>|\[/?INST\]|<</?SYS>>"
    r"|</?start_of_turn>|<bos>|<\|turn>|<\|channel>|<unused[0-9]{1,3}>|\[/?(?:AVAILABLE_TOOLS"
    r"|TOOL_CALLS|TOOL_RESULTS|SYSTEM_PROMPT)\]"
)
# Every token has one of these, and every turn: a text without them is not searched.
_TOKEN_PARTS = (
    *("<|", "|>", "<｜", "</s>", "INST]", "SYS>>", "_of_turn>", "<bos>", "<eos>", "<unused"),
    *("[EOS]", "[e~[", "_TOOLS]", "_CALLS]", "_RESULTS]", "_PROMPT]"),
)
_TURN_PARTS = ("Human", "HUMAN", "User", "USER", "Assistant", "ASSISTANT", "# Instruction")
# Wherever `foreign_text` finds something, one of these matches the text.
SIGNS = (re.compile("|".join(map(re.escape, (*_TOKEN_PARTS, *_TURN_PARTS)))), MARK_PART)
_LABEL = r"(?:Human|HUMAN|User|USER|Assistant|ASSISTANT)"
_TURN = re.compile(
    rf"(?<=\n)#{{2,4}} (?:Instruction|Human|User|Assistant) ?:?[ \t]*$"
    rf"|(?<=\n\n)(?:\*\*)?{_LABEL}(?:\*\*)?:(?:\*\*)?(?=\s)",
    re.MULTILINE,
)
_IS_DIALOGUE = re.compile(rf"\W{{0,4}}{_LABEL}\W{{0,4}}\s")
_ASKS_FOR_DIALOGUE = re.compile(
    r"dialog|conversation|transcript|interview|screenplay|\bchat", re.IGNORECASE
)
_REVIEW = re.compile(
    r"^#{1,4} ?(?:Weaknesses|Suggestions|Improved Response)\b|\[\[(?:10|[1-9])\]\]|Overall Score:",
    re.MULTILINE,
)

# The same for `review_heading`. Without its code, a text may have a heading that it had not.
HEADING_SIGNS = (_REVIEW, re.compile("`|~~~"))


class Foreign(NamedTuple):
    """What was found: its `kind` in words, and the `quote`."""

    kind: str
    quote: str


def without_closing_token(text: str) -> str:
    """`text` without the tokens that end it; `</s>` also ends struck-out text.

    >>> without_closing_token("Ten.<|im_end|>")
    'Ten.'
    """
    if text.rstrip()[-1:] not in _LAST:
        return text
    rest = text
    while match := _AT_END.search((shown := rest.rstrip())[-_LONGEST:]):
        if match[0] == "</s>" and shown.count("<s>") >= shown.count("</s>"):
            break
        rest = shown[: -len(match[0])]
    return text if rest == text else rest.rstrip()


def before_closing_token(text: str) -> str:
    """`text` up to the first token that may end it.

    >>> before_closing_token("Ten.<|im_end|>And")
    'Ten.'
    """
    match = _ENDS.search(text)
    return text[: match.start()] if match else text


def may_be_foreign(text: str) -> bool:
    """False for most texts in which `foreign_text` finds nothing, whatever they answer.

    It is False for several texts with line breaks between them only if it is for each of them.
    """
    return may_have_marks(text) or _may_have_tokens(text)


def _may_have_tokens(text: str) -> bool:
    has_part = text.__contains__
    if ("<" in text or "[" in text) and any(map(has_part, _TOKEN_PARTS)):
        return True
    return any(map(has_part, _TURN_PARTS))


def foreign_text(text: str, asked: str) -> Foreign | None:
    """The first thing in an answer that is not of it, or None.

    `asked` is the conversation that it answers, which may have the same.
    """
    if (mark := stray_mark(text)) and mark not in asked:
        return Foreign("thinking", mark)
    if not _may_have_tokens(text):
        return None
    prose = without_code(text)
    for match in _TOKEN.finditer(prose):
        is_struck_out = match[0] == "</s>" and prose.count("<s>") >= prose.count("</s>")
        if match[0] not in asked and not is_struck_out:
            return Foreign("template token", match[0])
    if (match := _TURN.search(prose)) and not _is_asked_for(match[0], prose, asked):
        return Foreign("invented turn", match[0].strip())
    return None


def review_heading(text: str, asked: str) -> Foreign | None:
    """A heading or score of a critique in an answer, or None."""
    match = _REVIEW.search(without_code(text))
    return Foreign("review heading", match[0]) if match and match[0] not in asked else None


def _is_asked_for(label: str, text: str, asked: str) -> bool:
    word = label.strip("#*: \t")
    if label.startswith("#"):
        return f"# {word}" in asked or f"#{word}" in asked
    starts_with_user = _IS_DIALOGUE.match(text) and not re.match(r"\W*assistant", text, re.I)
    return bool(starts_with_user or f"{word}:" in asked or _ASKS_FOR_DIALOGUE.search(asked))
