"""The loss of supervised fine-tuning on a CPU, computed where there is something to learn.

TRL projects every position, prompts and padding included, onto the vocabulary unless it has a
Triton kernel; for a small model on a CPU that takes as long as the rest of the step.
"""

from typing import Any

import torch
from trl import SFTConfig, SFTTrainer

from train.turns import IGNORED


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
        columns = learnt.any(0).nonzero().flatten()
        read = {key: value for key, value in inputs.items() if key != "labels"}
        outputs = model(**read, use_cache=False, logits_to_keep=columns)
        learnt, labels = learnt[:, columns], labels[:, columns]
        total = torch.nn.functional.cross_entropy(
            outputs.logits[learnt].float(), labels[learnt], reduction="sum"
        )
        of = learnt.sum() if num_items_in_batch is None else num_items_in_batch
        loss = total / torch.as_tensor(of).clamp(min=1)
        return (loss, outputs) if return_outputs else loss
