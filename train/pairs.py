"""Preference pairs as tokens, and a trainer that takes them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from datasets import Dataset, Features, List, Value
from trl import DPOTrainer

from builders.training.answer_tokens import AnswerTokenizer
from train.counts import Counts
from train.memory_map import memory_mapped

_IDS = List(Value("int32"))
_FEATURES = Features({"prompt_ids": _IDS, "chosen_ids": _IDS, "rejected_ids": _IDS})


def pair_dataset(
    rows: Iterable[Mapping[str, Any]],
    tokenizer: Any,
    max_length: int | None,
    path: Path,
    weight: Callable[[Mapping[str, Any]], float] | None = None,
) -> tuple[Dataset, Counts]:
    """A dataset of the tokens of prompt, chosen and rejected answer, stored at `path`.

    The prompt has the tokens that the pipelines send. A pair is skipped if either answer makes it
    longer than `max_length` tokens. With `weight`, its result for each row is in the column of that
    name.
    """
    counts = Counts()
    features = Features({**_FEATURES, "weight": Value("float32")}) if weight else _FEATURES
    pairs = _pairs(rows, tokenizer, max_length, counts, weight)
    return memory_mapped(pairs, features, path), counts


def _pairs(
    rows: Iterable[Mapping[str, Any]],
    tokenizer: Any,
    max_length: int | None,
    counts: Counts,
    weight: Callable[[Mapping[str, Any]], float] | None,
) -> Iterator[dict[str, Any]]:
    answers = AnswerTokenizer(tokenizer)
    for row in rows:
        counts.rows += 1
        chosen, rejected = (answers.tokens(row["prompt"], row[it]) for it in ("chosen", "rejected"))
        if chosen is None or rejected is None:
            counts.altered += 1
            continue
        lengths = [len(side.prompt) + len(side.answer) for side in (chosen, rejected)]
        if max_length is not None and max(lengths) > max_length:
            counts.too_long += 1
            continue
        counts.sequences += 2
        counts.tokens += sum(lengths)
        counts.loss_tokens += len(chosen.answer) + len(rejected.answer)
        yield {
            "prompt_ids": chosen.prompt,
            "chosen_ids": chosen.answer,
            "rejected_ids": rejected.answer,
            **({"weight": weight(row)} if weight else {}),
        }


class PairTrainer(DPOTrainer):
    """TRL's trainer for pairs that are tokens already.

    TRL tokenizes pairs itself: it cuts the prompt where its tokens and those of the answered prompt
    diverge, so that a model is trained on another prompt than it gets.
    """

    def _prepare_dataset(self, dataset: Dataset, *_: Any, **__: Any) -> Dataset:
        return dataset
