"""Training rows as tokens, with each conversation as one sequence.

A release has one row for each assistant turn, and the prompt of a later turn repeats the
conversation before it. If a row's prompt continues the row before it, both become one sequence:
the loss is the same on the same tokens, and the common prefix is computed once.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datasets import Dataset, Features, List, Value

from builders.training.answer_tokens import AnsweredTokens, AnswerTokenizer
from train.counts import Counts
from train.memory_map import memory_mapped

IGNORED = -100  # torch's label for tokens that do not count in the loss
_FEATURES = Features({"input_ids": List(Value("int32")), "labels": List(Value("int32"))})


def token_dataset(
    rows: Iterable[Mapping[str, Any]], tokenizer: Any, max_length: int | None, path: Path
) -> tuple[Dataset, Counts]:
    """A dataset of `input_ids` and `labels`, stored at `path`.

    `rows` are a release's, in its order; `max_length` is in tokens.
    """
    counts = Counts()
    tokenized = (
        {"input_ids": ids, "labels": labels}
        for ids, labels in sequences(rows, tokenizer, max_length, counts)
    )
    return memory_mapped(tokenized, _FEATURES, path), counts


def sequences(
    rows: Iterable[Mapping[str, Any]],
    tokenizer: Any,
    max_length: int | None,
    counts: Counts,
) -> Iterator[tuple[list[int], list[int]]]:
    """Tokens and labels of each conversation, adding to `counts`.

    Each prompt has the tokens that the pipelines send to a model. The loss is on the answers, up
    to the token at which generation stops.
    """
    conversation = None
    for turn in _turns(rows, tokenizer, max_length, counts):
        longer = conversation and conversation.continued(turn)
        if conversation and not longer:
            yield conversation.counted(counts)
        conversation = longer or _Conversation([], []).continued(turn)
    if conversation:
        yield conversation.counted(counts)


@dataclass(frozen=True)
class _Conversation:
    ids: list[int]
    labels: list[int]

    def continued(self, turn: AnsweredTokens) -> "_Conversation | None":
        """The conversation with `turn` added; None if its prompt does not begin with these ids."""
        if turn.prompt[: len(self.ids)] != self.ids:
            return None
        between = len(turn.prompt) - len(self.ids)
        labels = [*self.labels, *[IGNORED] * between, *turn.answer]
        return _Conversation(turn.prompt + turn.answer, labels)

    def counted(self, counts: Counts) -> tuple[list[int], list[int]]:
        """(ids, labels), added to `counts`."""
        counts.sequences += 1
        counts.tokens += len(self.ids)
        counts.loss_tokens += sum(label != IGNORED for label in self.labels)
        return self.ids, self.labels


def _turns(
    rows: Iterable[Mapping[str, Any]], tokenizer: Any, max_length: int | None, counts: Counts
) -> Iterator[AnsweredTokens]:
    answers = AnswerTokenizer(tokenizer)
    for row in rows:
        counts.rows += 1
        turn = answers.tokens(row["prompt"], row["completion"])
        if turn is None:
            counts.altered += 1
        elif max_length is not None and len(turn.prompt) + len(turn.answer) > max_length:
            counts.too_long += 1
        else:
            yield turn
