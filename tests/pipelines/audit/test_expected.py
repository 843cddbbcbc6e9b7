"""Expected scores: of a real tiny model, beside the logits of each reply, and who has none."""

import json

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from builders.audit.frozen import open_set
from builders.audit.result import read_judgments
from builders.critique.prompts import chat, score_prompt
from builders.errors import BadInput
from builders.training.sft import review_turns
from pipelines.audit.estimate import estimate_audit
from pipelines.audit.run import AuditRequest, run_audit
from tests.tiny_model import TEMPLATE, save_tiny_model, tiny_model


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A tiny model with room for the scoring prompt, whose tokens are bytes."""
    folder = save_tiny_model(tmp_path_factory.mktemp("models") / "tiny", TEMPLATE)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"max_position_embeddings": 4096}))
    return folder


@torch.inference_mode()
def expected(folder, messages):
    """The expectation over the ten replies, each read on its own."""
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    likely = []
    for score in range(1, 11):
        ids = tokenizer(f"{text}Overall Score: [[{score}]")["input_ids"]
        log = model(torch.tensor([ids])).logits[0].log_softmax(-1)
        last = len(str(score)) + 1
        likely.append(
            float(sum(log[at - 1, ids[at]] for at in range(len(ids) - last, len(ids))).exp())
        )
    return sum(score * p for score, p in enumerate(likely, 1)) / sum(likely)


def as_yaml(tmp_path, name, **block):
    path = tmp_path / f"{name}.yaml"
    block = block if "kind" in block else {"kind": "transformers", "dtype": "float32", **block}
    path.write_text(json.dumps(block))
    return str(path)


@pytest.mark.parametrize("trained", [False, True])
def test_the_expectation_is_that_of_the_replies(make_set, tiny, tmp_path, trained):
    folder = make_set(3)
    block = as_yaml(tmp_path, "tiny", model=str(tiny), trained=trained, scores="expected")
    place, audit = run_audit(AuditRequest(block, folder))
    pair = open_set(folder).pairs[0]
    row = next(row for row in read_judgments(place) if row["id"] == pair["id"])
    for side in "ab":
        answer = pair[f"answer_{side}"]
        prompt = score_prompt().render(
            system=None, history=[], instruction=pair["instruction"], response=answer
        )
        messages = review_turns(pair["instruction"], answer) if trained else chat(prompt)
        assert row[f"score_{side}"] == pytest.approx(expected(tiny, messages), rel=1e-4)
    assert audit.pairs.unreadable_share == 0
    assert 0 < audit.pairs.score_probability < 0.5
    assert "of the probability was on" in (place / "audit.md").read_text()
    assert audit.cost["tokens_out"] == 0
    assert place.name == "tiny-expected"


def test_it_is_another_instrument_and_stands_beside_the_sampled_audit(make_set, tiny):
    folder = make_set(3)
    sampled, first = run_audit(AuditRequest(str(tiny), folder, max_new_tokens=2))
    found, audit = run_audit(
        AuditRequest(str(tiny), folder, against=str(sampled), scores="expected")
    )
    assert found != sampled
    assert audit.model.fingerprint != first.model.fingerprint
    assert not audit.comparisons[0].same_instrument
    assert "expected scores" in (found / "audit.md").read_text()


def test_other_weights_in_the_same_folder_are_another_model(make_set, tiny, tmp_path):
    folder, block = make_set(3), as_yaml(tmp_path, "t", model=str(tiny), scores="expected")
    run_audit(AuditRequest(block, folder))
    weights = (tiny / "model.safetensors").read_bytes()
    try:
        tiny_model(1).save_pretrained(tiny)
        with pytest.raises(BadInput, match="holds another audit"):
            run_audit(AuditRequest(block, folder))
    finally:
        (tiny / "model.safetensors").write_bytes(weights)


@pytest.mark.parametrize(
    ("kind", "scores"), [("openai", "expected"), ("scripted", "expected"), ("scripted", "guessed")]
)
def test_models_elsewhere_have_no_expected_scores(make_set, tmp_path, kind, scores):
    block = {"kind": kind, "model": "m", "scores": scores}
    if kind == "scripted":
        block["script"] = "tests.scripts:judge"
    with pytest.raises(BadInput, match="scores: ") as caught:
        run_audit(AuditRequest(as_yaml(tmp_path, kind, **block), make_set(3)))
    assert "\n" not in str(caught.value)


def test_what_has_scores_already_has_no_expected_ones(make_set, model):
    folder = make_set(3)
    for named in ("stored", model("judge")):
        with pytest.raises(BadInput, match="scores: "):
            run_audit(AuditRequest(named, folder, scores="expected"))
    assert not (folder / "audits").exists()


def test_asking_twice_would_measure_nothing(make_set):
    with pytest.raises(BadInput, match="repeat: "):
        run_audit(AuditRequest("embedded", make_set(3), scores="expected", repeat=2))


def test_an_estimate_counts_no_tokens_out(make_set, tiny):
    (step,), _ = estimate_audit(AuditRequest(str(tiny), make_set(3), scores="expected"))
    assert (step.calls, step.tokens_out, step.tokens_out_at_most) == (6, 0, 0)
