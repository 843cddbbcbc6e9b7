"""Sampling that depends on a request's seed and not on the batch it travels in."""

from collections.abc import Sequence

import torch

# How many of the most probable tokens are sorted first: sorting the whole vocabulary takes
# longer than the rest of a small model's step, and is rarely needed.
_SHORTLISTS = (256, 4096)


def greedy(scores: torch.Tensor, _rows: Sequence[int]) -> torch.Tensor:
    """The best token of each row."""
    return scores.argmax(-1)


class SeededSampling:
    """Samples by adding Gumbel noise to the scores and taking the best (the Gumbel-max trick).

    A row's noise at its step t depends only on its seed, t and the vocabulary's size, because
    each row draws from a generator of its own, once a step.
    """

    def __init__(
        self, seeds: Sequence[int], temperature: float, top_p: float, device: torch.device
    ) -> None:
        self._generators = [torch.Generator(device).manual_seed(seed) for seed in seeds]
        self._temperature = temperature
        self._top_p = top_p

    def __call__(self, scores: torch.Tensor, rows: Sequence[int]) -> torch.Tensor:
        """The tokens of `rows`, whose scores are (rows, vocabulary)."""
        generators = [self._generators[row] for row in rows]
        return sample(scores, self._temperature, self._top_p, generators)


def sample(
    scores: torch.Tensor, temperature: float, top_p: float, generators: Sequence[torch.Generator]
) -> torch.Tensor:
    """A token for each row of scores (rows, vocabulary), with noise from its own generator."""
    scores = scores.float()
    # Relative to the best one, so that no temperature is small enough to overflow.
    scores = (scores - scores.amax(-1, keepdim=True)) / temperature
    if top_p < 1:
        scores = nucleus(scores, top_p)
    uniform = torch.empty_like(scores)
    for noise, generator in zip(uniform, generators, strict=True):
        noise.uniform_(generator=generator)
    return (scores - uniform.log_().neg_().log_()).argmax(-1)


def nucleus(scores: torch.Tensor, top_p: float) -> torch.Tensor:
    """Scores (rows, vocabulary) with -inf outside the smallest set of mass `top_p`.

    All tokens as probable as the least probable one of the set stay in: which of them a sort
    puts first is arbitrary.
    """
    probabilities = scores.softmax(-1)
    least = torch.empty_like(probabilities[:, :1])
    rows = torch.arange(len(scores), device=scores.device)
    for length in (*_SHORTLISTS, scores.shape[-1]):
        best = probabilities[rows].topk(min(length, scores.shape[-1])).values
        inside = (best.cumsum(-1) - best < top_p).sum(-1, keepdim=True)
        least[rows] = best.gather(-1, inside - 1)
        rows = rows[inside[:, 0] == best.shape[-1]]
        if not len(rows):
            break
    return scores.masked_fill(probabilities < least, -torch.inf)
