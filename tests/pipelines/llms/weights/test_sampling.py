import torch
from transformers import TopPLogitsWarper

from pipelines.llms.weights.sampling import SeededSampling, nucleus

CPU = torch.device("cpu")


def chosen(scores, temperature, top_p=1.0, draws=8000):
    """How often each token is chosen."""
    rows = scores.repeat(draws, 1)
    sampling = SeededSampling(range(draws), temperature, top_p, CPU)
    return torch.bincount(sampling(rows, range(draws)), minlength=scores.numel()) / draws


def test_tokens_are_drawn_as_often_as_they_are_probable():
    scores = torch.tensor([2.0, 1.0, 0.0, -1.0, -3.0])
    for temperature in (0.5, 1.0, 2.0):
        expected = (scores / temperature).softmax(-1)
        # Four standard deviations of a frequency over 8,000 draws.
        assert torch.allclose(chosen(scores, temperature), expected, atol=0.023)


def test_the_nucleus_is_drawn_from_alone():
    scores = torch.tensor([2.0, 1.0, 0.0, -1.0, -3.0])
    inside = scores[:2].softmax(-1)
    frequencies = chosen(scores, 1.0, top_p=0.8)
    assert torch.allclose(frequencies[:2], inside, atol=0.023)
    assert frequencies[2:].sum() == 0


def test_a_tiny_temperature_is_greedy():
    scores = torch.tensor([40.0, 39.0, -40.0])
    assert chosen(scores, 1e-30, draws=50)[0] == 1


def test_the_noise_depends_on_seed_and_step_alone():
    def steps(seeds, rows):
        sampling = SeededSampling(seeds, 1.0, 1.0, CPU)
        return torch.stack([sampling(torch.zeros(len(rows), 5000), rows) for _ in range(3)])

    batch = steps([5, 6, 7], [0, 1, 2])
    assert torch.equal(steps([6], [0])[:, 0], batch[:, 1])
    assert torch.equal(steps([5, 6, 7], [2, 1]), batch[:, [2, 1]])
    assert not torch.equal(batch[0], batch[1])
    assert not torch.equal(batch[:, 0], batch[:, 1])


def test_the_nucleus_is_that_of_transformers():
    torch.manual_seed(0)
    # Flat rows need the whole vocabulary sorted, peaked ones do not.
    for spread in (0.1, 1.0, 5.0):
        scores = torch.randn(6, 2000) * spread
        for top_p in (0.1, 0.5, 0.9, 0.999):
            theirs = TopPLogitsWarper(top_p)(None, scores.clone())
            ours = nucleus(scores, top_p)
            # Rounding of the sums may move the border by a token of no weight.
            assert (ours.isinf() != theirs.isinf()).float().mean() < 1e-3


def test_equally_probable_tokens_stay_together():
    scores = torch.tensor([[3.0, 1.0, 1.0, 1.0, -5.0]])
    kept = ~nucleus(scores, 0.8).isinf()
    assert kept.tolist() == [[True, True, True, True, False]]
