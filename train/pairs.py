"""Preference rows as TRL reads them, without those that do not fit."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from datasets import Dataset, Features

from builders.chat_text import readable, token_ids
from builders.schema import MESSAGES
from train.counts import Counts
from train.mapped import mapped
from train.turns import answered

_FEATURES = Features({"prompt": MESSAGES, "chosen": MESSAGES, "rejected": MESSAGES})


def fitting(
    rows: Iterable[Mapping[str, Any]], tokenizer: Any, max_length: int | None, path: Path
) -> tuple[Dataset, Counts]:
    """Prompt, chosen and rejected, written to `path` and mapped into memory from there.

    TRL applies the chat template to them; the prompt is put first into the form in which the
    pipelines send it. `max_length` is in tokens, of prompt and answer together.
    """
    counts = Counts()
    return mapped(_fitting(rows, tokenizer, max_length, counts), _FEATURES, path), counts


def _fitting(
    rows: Iterable[Mapping[str, Any]], tokenizer: Any, max_length: int | None, counts: Counts
) -> Iterator[dict[str, Any]]:
    for row in rows:
        counts.rows += 1
        prompt = readable(tokenizer, row["prompt"])
        texts = [answered(tokenizer, prompt, row[side]) for side in ("chosen", "rejected")]
        asked = len(token_ids(tokenizer, texts[0][0]))
        lengths = [len(token_ids(tokenizer, question + answer)) for question, answer in texts]
        if max_length is not None and max(lengths) > max_length:
            counts.too_long += 1
            continue
        counts.sequences += 2
        counts.tokens += sum(lengths)
        counts.learnt_tokens += sum(lengths) - 2 * asked
        yield {"prompt": prompt, "chosen": row["chosen"], "rejected": row["rejected"]}
