"""The loss of supervised fine-tuning on a CPU, computed where there is something to learn.

TRL projects every position, prompts and padding included, onto the vocabulary unless it has a
Triton kernel; for a small model on a CPU that takes as long as the rest of the step. And it masks
the padding, which made a step of two conversations of 400 tokens 8 % longer (SmolLM2-135M).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from trl import SFTConfig, SFTTrainer

from train.turns import IGNORED

_PADDED = {"input_ids", "attention_mask"}


def is_enough(training: SFTConfig) -> bool:
    """Whether `LearntTokensTrainer` computes what is asked for: plain loss, one CPU process."""
    plain = training.loss_type == "nll" and training.label_smoothing_factor == 0
    return plain and training.device.type == "cpu" and training.world_size == 1


class LearntTokensTrainer(SFTTrainer):
    """TRL's trainer with the same loss, the mean over all learnt tokens of a step."""

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, torch.Tensor],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> Any:
        labels = inputs["labels"][:, 1:]
        learnt = labels != IGNORED
        read = {key: value for key, value in inputs.items() if key != "labels"}
        if read.keys() == _PADDED and _ends_in_padding(read["attention_mask"]):
            # No token sees what comes after it.
            del read["attention_mask"]
        with _head_of(model, learnt):
            outputs = model(**read, use_cache=False)
        total = torch.nn.functional.cross_entropy(
            outputs.logits.float(), labels[learnt], reduction="sum"
        )
        of = learnt.sum() if num_items_in_batch is None else num_items_in_batch
        loss = total / torch.as_tensor(of).clamp(min=1)
        return (loss, outputs) if return_outputs else loss


def _ends_in_padding(mask: torch.Tensor) -> bool:
    return bool((mask[:, 1:] <= mask[:, :-1]).all())


@contextmanager
def _head_of(model: Any, chosen: torch.Tensor) -> Iterator[None]:
    """Have the model's output head see the hidden states of the chosen positions alone.

    `chosen` is (rows, columns - 1); the logits are then (chosen positions, vocabulary).
    """

    def choose(_: Any, hidden: tuple[torch.Tensor]) -> torch.Tensor:
        return hidden[0][:, :-1][chosen]

    handle = model.get_output_embeddings().register_forward_pre_hook(choose)
    try:
        yield
    finally:
        handle.remove()
