"""Preference rows as TRL reads them, without those that do not fit."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from datasets import Dataset, Features
from datasets.arrow_writer import ArrowWriter

from builders.chat_text import chat_text, readable, token_ids
from builders.schema import MESSAGES
from train.counts import Counts

_FEATURES = Features({"prompt": MESSAGES, "chosen": MESSAGES, "rejected": MESSAGES})


def fitting(
    rows: Iterable[Mapping[str, Any]], tokenizer: Any, max_length: int | None, path: Path
) -> tuple[Dataset, Counts]:
    """Prompt, chosen and rejected, written to `path` and mapped into memory from there.

    TRL applies the chat template to them; the prompt is put first into the form in which the
    pipelines send it. `max_length` is in tokens, of prompt and answer together.
    """
    counts = Counts()
    path.parent.mkdir(parents=True, exist_ok=True)
    with ArrowWriter(path=str(path), features=_FEATURES) as writer:
        for row in rows:
            counts.rows += 1
            prompt = readable(tokenizer, row["prompt"])
            asked = len(token_ids(tokenizer, chat_text(tokenizer, prompt)))
            lengths = [
                len(
                    token_ids(
                        tokenizer, chat_text(tokenizer, [*prompt, *answer], answer_next=False)
                    )
                )
                for answer in (row["chosen"], row["rejected"])
            ]
            if max_length is not None and max(lengths) > max_length:
                counts.too_long += 1
                continue
            counts.sequences += 2
            counts.tokens += sum(lengths)
            counts.learnt_tokens += sum(lengths) - 2 * asked
            writer.write({"prompt": prompt, "chosen": row["chosen"], "rejected": row["rejected"]})
        writer.finalize()
    return Dataset.from_file(str(path)), counts
