"""Weights of pairs in DPO, for pairs that are not equally sure (`pair_weights` in a recipe).

`margin`: by how much the refinement scored above the draft. `people`: the share of the people who
were asked that found the refinement better, a tie being half of one; a pair that nobody judged has
the mean weight. Weights are divided by their mean, so that they change no learning rate.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from builders.errors import BadInput
from builders.review.verdicts import one_vote_each
from train.pairs import PairTrainer
from train.released import ReleaseConfig, open_release

WEIGHTS = ("margin", "people")
# Losses that TRL computes of all pairs of a batch together.
_OF_BATCHES = ("aot", "aot_unpaired", "sft")
_VOTES = {"refinement": 1.0, "tie": 0.5, "draft": 0.0}

# The weight of a preference row; NaN if nothing is known about it.
Weight = Callable[[Mapping[str, Any]], float]


def check_weights(recipe: Path, kind: str | None, losses: Iterable[str]) -> None:
    """BadInput if there are no such weights, or if a loss has none."""
    if kind is None:
        return
    if kind not in WEIGHTS:
        raise BadInput(f"{recipe}: pair_weights: {kind!r} is not one of {', '.join(WEIGHTS)}")
    for name in losses:
        if name in _OF_BATCHES:
            raise BadInput(f"{recipe}: pair_weights: the loss {name} is of a batch, not of a pair")


def weight_of(kind: str | None, release: ReleaseConfig) -> Weight | None:
    """How the pairs of a release are weighted, None if they are not."""
    if kind is None:
        return None
    if kind == "margin":
        return lambda row: float(max(row["margin"], 0))
    if "verdicts" not in release.manifest.configs:
        raise BadInput("pair_weights: people: the release has no verdicts of people")
    verdicts = open_release(release.repo or str(release.folder), release.commit, "verdicts")
    shares = _shares(row for split in verdicts.splits for row in verdicts.rows(split))
    return lambda row: shares.get(row["id"], math.nan)


def _shares(verdicts: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """The share of people who found the refinement better, by the id of the row."""
    by_row: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for verdict in verdicts:
        by_row[verdict["id"]].append(verdict)
    votes = {
        row_id: [_VOTES[one["better"]] for one in one_vote_each(own) if one["better"]]
        for row_id, own in by_row.items()
    }
    return {row_id: sum(own) / len(own) for row_id, own in votes.items() if own}


class WeightedPairTrainer(PairTrainer):
    """The same with the loss of each pair of the column `weight` times that weight.

    TRL takes the mean of a batch's losses before anything else can see them. So each pair goes
    through the model by itself; the mean of these losses is that of the batch. Only what is learned
    is weighted: the test split has no such column.
    """

    def __init__(self, *args: Any, train_dataset: Any, **settings: Any) -> None:
        known = np.array(train_dataset["weight"])
        known = known[~np.isnan(known)]
        if not known.sum():
            raise BadInput("pair_weights: no pair has a weight above 0")
        self._mean_weight = float(known.mean())
        super().__init__(*args, train_dataset=train_dataset, **settings)
        self.data_collator = partial(_collated, self.data_collator)

    def _set_signature_columns_if_needed(self) -> None:
        super()._set_signature_columns_if_needed()
        self._signature_columns = list(dict.fromkeys([*self._signature_columns, "weight"]))

    def compute_loss(self, model: Any, inputs: dict[str, torch.Tensor], *args: Any, **keys: Any):
        if "weight" not in inputs:
            return super().compute_loss(model, inputs, *args, **keys)
        weights = (inputs["weight"] / self._mean_weight).nan_to_num(nan=1.0)
        losses = []
        for pair, weight in zip(_pairs(inputs), weights, strict=True):
            losses.append(weight * super().compute_loss(model, pair, *args, **keys))
        return torch.stack(losses).mean()


def _collated(collate: Any, examples: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
    """A batch with the pairs' weights, if they have some."""
    batch = collate(examples)
    if "weight" in examples[0]:
        batch["weight"] = torch.tensor([one["weight"] for one in examples])
    return batch


def _pairs(batch: Mapping[str, torch.Tensor]) -> Iterator[dict[str, torch.Tensor]]:
    """Each pair as a batch without padding for the others.

    A batch has the rows of all chosen answers and then those of all rejected ones, padded at their
    ends; of the reference's log-probabilities it has one for each pair.
    """
    count = len(batch["weight"])
    for number in range(count):
        rows = [number, number + count]
        length = int(batch["attention_mask"][rows].sum(dim=1).max())
        yield {
            name: values[rows, :length] if values.dim() == 2 else values[[number]]
            for name, values in batch.items()
            if name != "weight"
        }
