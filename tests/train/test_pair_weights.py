"""Weights of pairs in DPO: the loss is the weighted mean of the pairs, at equal ones TRL's own."""

import json
import math

import pytest
import torch
from torch.nn.functional import log_softmax, logsigmoid
from trl import DPOConfig

from builders.errors import BadInput
from builders.release.make import release_runs
from builders.training.preferences import to_preference
from tests.builders.release.reviews.reviewed import DRAFT, FINE, verdicts_of
from tests.ledger_rows import make_run
from tests.review_folders import make_review
from tests.tiny_model import tiny_model, tiny_tokenizer
from tests.train.conversations import short_rows
from train.pair_weights import WeightedPairTrainer, check_weights, weight_of
from train.pairs import PairTrainer, pair_dataset
from train.released import open_release
from train.stage2 import main

ROWS = [to_preference(row) for row in short_rows(4)]
# Small enough that no pair's loss is near 0.
BETA = 0.02


def trainer_of(folder, weight=None, **settings):
    tokenizer = tiny_tokenizer()
    pairs, _ = pair_dataset(ROWS, tokenizer, None, folder / "train.arrow", weight)
    config = DPOConfig(
        str(folder),
        beta=BETA,
        per_device_train_batch_size=len(ROWS),
        use_cpu=True,
        bf16=False,
        max_length=None,
        report_to="none",
        **settings,
    )
    trainer_class = WeightedPairTrainer if weight else PairTrainer
    return trainer_class(
        tiny_model(),
        tiny_model(seed=1),
        config,
        train_dataset=pairs,
        processing_class=tokenizer,
    )


def loss_and_gradient(trainer):
    # Without what shuffles the rows.
    batch = trainer.data_collator([trainer.train_dataset[number] for number in range(len(ROWS))])
    trainer.model.train()
    loss = trainer.compute_loss(trainer.model, batch)
    loss.backward()
    return loss.item(), trainer.model.model.embed_tokens.weight.grad.clone()


def pair_losses():
    """The sigmoid loss of each pair, computed by hand."""
    model, reference, tokenizer = tiny_model(), tiny_model(seed=1), tiny_tokenizer()

    def log_probability(network, prompt, answer):
        with torch.no_grad():
            logits = network(torch.tensor([prompt + answer])).logits[0, len(prompt) - 1 : -1]
        return log_softmax(logits, -1).gather(1, torch.tensor(answer)[:, None]).sum()

    for row in ROWS:
        ratios = []
        for side in ("chosen", "rejected"):
            prompt = tokenizer.apply_chat_template(
                row["prompt"], add_generation_prompt=True, return_dict=False
            )
            answer = tokenizer(row[side][0]["content"] + "<|end|>")["input_ids"]
            ratios.append(
                log_probability(model, prompt, answer) - log_probability(reference, prompt, answer)
            )
        yield -logsigmoid(BETA * (ratios[0] - ratios[1])).item()


@pytest.mark.parametrize(
    "settings",
    [{}, {"loss_type": "sigmoid_norm"}, {"precompute_ref_log_probs": True, "use_weighting": True}],
    ids=["sigmoid", "sigmoid_norm", "precomputed"],
)
def test_equal_weights_are_trls_own_loss(tmp_path, settings):
    loss, gradient = loss_and_gradient(trainer_of(tmp_path / "plain", **settings))
    equal = trainer_of(tmp_path / "equal", lambda row: 3.0, **settings)
    found, slope = loss_and_gradient(equal)
    assert found == pytest.approx(loss, rel=1e-5)
    assert torch.allclose(slope, gradient, rtol=1e-4, atol=1e-6)


def test_the_loss_is_the_weighted_mean_of_the_pairs(tmp_path):
    weights = dict(zip((row["id"] for row in ROWS), (1.0, 4.0, 0.0, math.nan), strict=True))
    found, _ = loss_and_gradient(trainer_of(tmp_path, lambda row: weights[row["id"]]))
    # The mean of the known weights is 5/3, and a pair without one weighs as much.
    relative = (0.6, 2.4, 0.0, 1.0)
    losses = list(pair_losses())
    expected = sum(weight * loss for weight, loss in zip(relative, losses, strict=True)) / 4
    assert len({round(loss, 3) for loss in losses}) == 4
    assert found == pytest.approx(expected, rel=1e-4)


def test_the_test_split_is_not_weighted(tmp_path):
    pairs, _ = pair_dataset(ROWS, tiny_tokenizer(), None, tmp_path / "test.arrow")
    trainer = trainer_of(tmp_path, lambda row: float(row["margin"] + 1))
    plain = trainer_of(tmp_path / "plain")
    losses = [one.evaluate(pairs)["eval_loss"] for one in (trainer, plain)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)


def test_weights_that_make_no_sense_are_one_line(tmp_path):
    with pytest.raises(BadInput, match="pair_weights: no pair has a weight above 0"):
        trainer_of(tmp_path, lambda row: 0.0)
    with pytest.raises(BadInput, match="pair_weights: 'score' is not one of margin, people"):
        check_weights(tmp_path, "score", ["sigmoid"])
    with pytest.raises(BadInput, match="pair_weights: the loss aot is of a batch, not of a pair"):
        check_weights(tmp_path, "margin", ["sigmoid", "aot"])
    check_weights(tmp_path, None, ["aot"])


def test_a_recipe_weights_pairs_by_their_margins(command, tmp_path):
    main(command("stage2-embedded.yaml", tmp_path / "out", pair_weights="margin", max_steps=1))
    facts = json.loads((tmp_path / "out/training.json").read_text())
    assert facts["recipe"]["pair_weights"] == "margin"
    # All pairs have the loss log 2 at first, and the mean weight of a few is near that of all.
    assert 0.3 < facts["history"][0]["loss"] < 1.4


def test_a_weight_of_people_is_the_share_that_found_the_refinement_better(releases, tmp_path):
    rows = list(short_rows(12))
    run = make_run(tmp_path / "run", rows, stage=2, test_share=0.2, review={"wrong": "keep"})
    unsure = {**FINE, "better": "tie"}
    said = {0: (FINE, DRAFT, DRAFT), 1: (FINE, unsure), 2: (FINE,), 3: ({**FINE, "better": None},)}
    review = make_review(tmp_path / "reviews/people", tmp_path / "run", verdicts_of(rows, said), [])
    made = release_runs([run], name="r", version="1.0.0", out=tmp_path, reviews=[review])
    weight = weight_of("people", open_release(str(made), None, "preferences", stage=2))
    known = [weight({"id": row["id"]}) for row in rows]
    assert known[:3] == pytest.approx([1 / 3, 3 / 4, 1])
    assert all(map(math.isnan, known[3:]))
    unasked = open_release(str(releases.stage2), None, "preferences", stage=2)
    with pytest.raises(BadInput, match="pair_weights: people: the release has no verdicts"):
        weight_of("people", unasked)
