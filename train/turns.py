"""Training rows as tokens: each conversation is read once, with the loss on the learnt turns.

A release has one row for each assistant turn, and a later turn repeats the conversation before
it. Where a row's prompt continues the row before it, both become one sequence: the same loss on
the same tokens, and the shared beginning is computed once.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datasets import Dataset, Features, List, Value

from builders.chat_text import chat_text, token_ids
from builders.errors import BadInput
from builders.prompts import Message
from train.counts import Counts
from train.mapped import mapped

IGNORED = -100  # torch's label of a token that no loss falls on
_FEATURES = Features({"input_ids": List(Value("int32")), "labels": List(Value("int32"))})


def tokenised(
    rows: Iterable[Mapping[str, Any]], tokenizer: Any, max_length: int | None, path: Path
) -> tuple[Dataset, Counts]:
    """A dataset of `input_ids` and `labels`, written to `path` and mapped into memory from there.

    `rows` are a release's, in its order; `max_length` is in tokens.
    """
    counts = Counts()
    learnt = sequences(rows, tokenizer, max_length, counts)
    made = ({"input_ids": ids, "labels": labels} for ids, labels in learnt)
    return mapped(made, _FEATURES, path), counts


def sequences(
    rows: Iterable[Mapping[str, Any]],
    tokenizer: Any,
    max_length: int | None,
    counts: Counts,
) -> Iterator[tuple[list[int], list[int]]]:
    """Tokens and labels of each conversation.

    Every prompt in them has the tokens that the pipelines send to a model.
    """
    open_ = None
    for turn in _turns(rows, tokenizer, max_length, counts):
        longer = open_ and open_.continued(turn, tokenizer)
        if open_ and not longer:
            yield open_.closed(counts)
        open_ = longer or _Conversation.of(turn)
    if open_:
        yield open_.closed(counts)


@dataclass(frozen=True)
class _Turn:
    """A row as text and tokens; `text` is that of prompt and completion together."""

    prompt_text: str
    text: str
    prompt: list[int]
    completion: list[int]


@dataclass(frozen=True)
class _Conversation:
    text: str
    ids: list[int]
    labels: list[int]

    @classmethod
    def of(cls, turn: _Turn) -> "_Conversation":
        labels = [IGNORED] * len(turn.prompt) + turn.completion
        return cls(turn.text, turn.prompt + turn.completion, labels)

    def continued(self, turn: _Turn, tokenizer: Any) -> "_Conversation | None":
        """This and `turn` in one, if the turn's prompt has the same tokens here as by itself."""
        if not turn.prompt_text.startswith(self.text):
            return None
        between = token_ids(tokenizer, turn.prompt_text[len(self.text) :])
        if self.ids + between != turn.prompt:
            return None
        labels = self.labels + [IGNORED] * len(between) + turn.completion
        return _Conversation(turn.text, turn.prompt + turn.completion, labels)

    def closed(self, counts: Counts) -> tuple[list[int], list[int]]:
        counts.sequences += 1
        counts.tokens += len(self.ids)
        counts.learnt_tokens += sum(label != IGNORED for label in self.labels)
        return self.ids, self.labels


def _turns(
    rows: Iterable[Mapping[str, Any]], tokenizer: Any, max_length: int | None, counts: Counts
) -> Iterator[_Turn]:
    for row in rows:
        counts.rows += 1
        turn = _turn(row, tokenizer)
        if max_length is not None and len(turn.prompt) + len(turn.completion) > max_length:
            counts.too_long += 1
        else:
            yield turn


def _turn(row: Mapping[str, Any], tokenizer: Any) -> _Turn:
    prompt_text, answer = answered(tokenizer, row["prompt"], row["completion"])
    prompt, completion = token_ids(tokenizer, prompt_text), token_ids(tokenizer, answer)
    return _Turn(prompt_text, prompt_text + answer, prompt, completion)


def answered(
    tokenizer: Any, prompt: Sequence[Message], answer: Sequence[Message]
) -> tuple[str, str]:
    """The prompt as the pipelines send it, and what of the answered conversation comes after it.

    BadInput where the chat template does not begin the one with the other.
    """
    prompt_text = chat_text(tokenizer, prompt)
    text = chat_text(tokenizer, [*prompt, *answer], answer_next=False)
    if not text.startswith(prompt_text):
        raise BadInput(
            "model_name_or_path: its chat template writes a conversation otherwise once it is "
            "answered, so what is trained would not be what is asked; give a chat_template"
        )
    return prompt_text, text[len(prompt_text) :]
