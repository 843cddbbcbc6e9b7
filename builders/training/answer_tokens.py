"""The tokens of a prompt and of its answer, as a model is trained on them and generates them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jinja2.exceptions import TemplateError

from builders.critique.prompts import Message
from builders.training.chat_template import chat_text, token_ids
from builders.training.control_tokens import UnwritableText, beginning, without_marks
from builders.training.trained_template import end_of_answer, settle_template

# Texts after which a text has the tokens that it has in the middle of another one.
_ANCHORS = ("a", "\n", ":", "1", "é")


@dataclass(frozen=True)
class AnsweredTokens:
    """`prompt` is what the pipelines send; `answer` what generation has to give, its end included.

    The last token of the answer is one at which generation stops.
    """

    prompt: list[int]
    answer: list[int]


class AnswerTokenizer:
    """Tokenizes prompts with their answers, in the template in which the model is trained."""

    def __init__(self, tokenizer: Any) -> None:
        """Settles the tokenizer's template; BadInput if it cannot be trained on."""
        settle_template(tokenizer)
        self._tokenizer = tokenizer
        self._end = end_of_answer(tokenizer)
        # Some have no token for unknown text, and name the end of sequence instead.
        unknown = tokenizer.unk_token_id
        self._unknown = None if unknown in (tokenizer.eos_token_id, self._end.token) else unknown

    def tokens(self, prompt: Sequence[Message], answer: Sequence[Message]) -> AnsweredTokens | None:
        """The tokens of one answered prompt; None if they cannot be what the conversation says.

        A template is a program, and may change single texts: one that takes off thinking takes off
        what stands before any `</think>`. It may also reject a conversation. And a tokenizer may
        have only its control token for a text such as `</s>`, or no token for a character.
        """
        try:
            return self._tokens(prompt, answer)
        except (TemplateError, UnwritableText):
            return None

    def _tokens(
        self, prompt: Sequence[Message], answer: Sequence[Message]
    ) -> AnsweredTokens | None:
        asked = chat_text(self._tokenizer, prompt)
        answered = chat_text(self._tokenizer, [*prompt, *answer], answer_next=False)
        added, content = answered[len(asked) :], answer[-1]["content"].strip()
        if not content or not answered.startswith(asked):
            return None
        # White space stands before the answer, if anything does: no marks.
        before, found, _ = without_marks(added).partition(content)
        if not found or before.strip():
            return None
        written = beginning(added, len(before) + len(content))
        after, end = added[len(written) :], self._end.text or ""
        text = written + (after[: after.index(end)] if end in after else "") + end
        ids = token_ids(self._tokenizer, asked)
        rest = self._rest(ids, asked, text)
        if rest is None:
            return None
        learned = rest if end else [*rest, self._end.token]
        # An answer that the tokenizer cannot write has no tokens, or has unknown ones.
        if len(learned) == 1 or self._unknown in learned:
            return None
        return AnsweredTokens(ids, learned)

    def _rest(self, ids: list[int], asked: str, text: str) -> list[int] | None:
        """The tokens of `text` after a prompt of these tokens.

        Tokenized together, because a tokenizer may treat the beginning of a text apart. Where a
        token spans the seam (a line break before one), generation has to go on after the prompt's
        own tokens, so the rest has the tokens that it has after a text it does not merge with.
        """
        whole = token_ids(self._tokenizer, asked + text)
        if whole[: len(ids)] == ids:
            return whole[len(ids) :]
        for anchor in _ANCHORS:
            begun, both = (token_ids(self._tokenizer, one) for one in (anchor, anchor + text))
            rest = both[len(begun) :]
            if both[: len(begun)] == begun and self._text([*ids, *rest]) == self._text(whole):
                return rest
        return None

    def _text(self, ids: list[int]) -> str:
        return self._tokenizer.decode(
            ids, skip_special_tokens=False, clean_up_tokenization_spaces=False
        )
