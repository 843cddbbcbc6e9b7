"""Control tokens that stand in the texts of a conversation, tokenized as the text that they are.

A tokenizer reads `<|im_end|>` anywhere as the token that ends a turn, in a user's question too: the
question ends there, and what follows speaks with another's voice. So a conversation's own texts are
marked before a template writes them: `marked` puts `MARK` behind the first character of each
control token in them. A control token without a mark is the template's. `marked_ids` tokenizes both
in one pass, because a text's tokens depend on what stands around it: with a copy of the tokenizer
in which the control tokens have names that no text can contain.
"""

import json
import re
from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tokenizers import Tokenizer

# Three of the code points that are no characters, and that no text has.
_OPEN, _CLOSE, MARK = "\ufdd0", "\ufdd1", "\ufdd2"
# Tokens of ordinary text that some tokenizers call special: white space, and the bytes of which
# characters without a token are made.
_NO_MARK = re.compile(r"\s*|<0x[0-9A-F]{2}>")
_RESERVED = re.compile(f"[{_OPEN}{_CLOSE}{MARK}]")


class UnwritableText(ValueError):
    """A text that a tokenizer cannot write as text."""


def without_marks(text: str) -> str:
    """The text as a reader sees it."""
    return text.replace(MARK, "")


def beginning(text: str, length: int) -> str:
    """The beginning of a marked text that has `length` characters besides marks.

    >>> beginning(f"<{MARK}|end|> is one", 7) == f"<{MARK}|end|>"
    True
    """
    end = min(length, len(text))
    while len(without_marks(text[:end])) < length and end < len(text):
        end += 1
    return text[: end + 1] if text[end : end + 1] == MARK else text[:end]


class ControlTokens:
    """The control tokens of a tokenizer: the special ones, and those of `written` that it has.

    `written` are texts of its template: some tokenizers do not call all marks of theirs special.
    """

    def __init__(self, tokenizer: Any, written: Iterable[str] = ()) -> None:
        added = getattr(tokenizer, "added_tokens_decoder", {})
        tokens = {
            token.content: index
            for index, token in added.items()
            if token.special or any(token.content in text for text in written)
        }
        special = zip(tokenizer.all_special_tokens, tokenizer.all_special_ids, strict=True)
        all_tokens = [*tokens.items(), *special]
        self.ids = {token: index for token, index in all_tokens if not _NO_MARK.fullmatch(token)}
        self.tokenizer = tokenizer

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        # Of two that begin at the same place, a tokenizer takes the longer one.
        longest = sorted(self.ids, key=lambda token: (-len(token), token))
        return re.compile("|".join(map(re.escape, longest)) or r"(?!)")

    def found_in(self, texts: Iterable[str]) -> list[str]:
        """The control tokens in texts of a conversation, each once.

        UnwritableText if a text has a code point that is used here to tell texts apart.
        """
        found: dict[str, None] = {}
        for text in texts:
            if odd := _RESERVED.search(text):
                raise UnwritableText(f"a text has U+{ord(odd[0]):04X}, which is no character")
            found |= dict.fromkeys(self._pattern.findall(text))
        return list(found)

    def marked(self, text: str, only: Iterable[str] | None = None) -> str:
        """The text with a mark in each control token, or in these."""
        chosen = self.ids.keys() if only is None else only

        def mark(match: re.Match[str]) -> str:
            return f"{match[0][0]}{MARK}{match[0][1:]}" if match[0] in chosen else match[0]

        return self._pattern.sub(mark, text)

    def marked_ids(self, text: str) -> list[int]:
        """The tokens of a text with marks: a control token where there is none, and text where.

        UnwritableText, naming the control token, if the tokenizer cannot do that.
        """
        copy = self._copy
        if copy is None:
            raise UnwritableText(self._problem(text))
        renamed = self._pattern.sub(lambda match: self._name(self.ids[match[0]]), text)
        ids = copy.encode(without_marks(renamed), add_special_tokens=False).ids
        controls = set(self.ids.values())
        if sum(token in controls for token in ids) != renamed.count(_OPEN):
            raise UnwritableText(self._problem(text))
        return ids

    def _problem(self, text: str) -> str:
        in_text = self._pattern.findall(without_marks(text))
        of_template = self._pattern.findall(text)
        ours = next((one for one in in_text if in_text.count(one) > of_template.count(one)), "")
        return f"the tokenizer has no other tokens for the text {ours!r} than the control token"

    def _name(self, index: int) -> str:
        return f"{_OPEN}{index}{_CLOSE}"

    @cached_property
    def _copy(self) -> "Tokenizer | None":
        """The tokenizer with other names for the control tokens; None if it cannot be copied."""
        # Few rows need it, and builds do not have it loaded.
        from tokenizers import Tokenizer

        backend = getattr(self.tokenizer, "backend_tokenizer", None)
        try:
            copy = Tokenizer.from_str(json.dumps(self._renamed(json.loads(backend.to_str()))))
        # No backend, parts written in Python, or a vocabulary that depends on the names.
        except Exception:
            return None
        names = {self._name(index): index for index in self.ids.values()}
        if any(copy.token_to_id(name) != index for name, index in names.items()):
            return None
        return copy

    def _renamed(self, backend: dict[str, Any]) -> dict[str, Any]:
        names = {token: self._name(index) for token, index in self.ids.items()}
        added = [
            {**token, "content": names[token["content"]], "normalized": False, "single_word": False}
            if token["content"] in names
            else token
            for token in backend["added_tokens"]
        ]
        model, vocabulary = dict(backend["model"]), backend["model"]["vocab"]
        if isinstance(vocabulary, dict):
            model["vocab"] = {names.get(token, token): at for token, at in vocabulary.items()}
        else:
            model["vocab"] = [[names.get(token, token), score] for token, score in vocabulary]
        if model.get("unk_token") in names:
            model["unk_token"] = names[model["unk_token"]]
        return {
            **backend,
            "added_tokens": added,
            "model": model,
            **dict.fromkeys(("truncation", "padding", "post_processor")),
        }
