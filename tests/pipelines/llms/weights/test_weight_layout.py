import copy

import pytest
import torch

from pipelines.llms.weights.loading import load_model
from pipelines.llms.weights.weight_layout import store_by_columns
from tests.tiny_model import save_tiny_model, tiny_model


def linears(model):
    return [module for module in model.modules() if isinstance(module, torch.nn.Linear)]


def lies_by_columns(weight):
    return weight.stride() == (1, weight.shape[0])


@pytest.mark.parametrize("tied", [True, False])
def test_weights_lie_otherwise_and_are_the_same(tied):
    model = tiny_model()
    if tied:
        model.lm_head.weight = model.get_input_embeddings().weight
    before, ids = copy.deepcopy(model), torch.arange(5, 17)[None]
    store_by_columns(model)
    for name, weight in model.state_dict().items():
        assert torch.equal(weight, before.state_dict()[name])
    for layer in linears(model):
        assert lies_by_columns(layer.weight) == (layer is not model.lm_head or not tied)
    assert model.get_input_embeddings().weight.is_contiguous()
    with torch.inference_mode():
        torch.testing.assert_close(model(ids).logits, before(ids).logits, rtol=1e-4, atol=1e-5)


def test_what_was_not_measured_stays(tmp_path):
    folder = save_tiny_model(tmp_path)
    loaded = load_model(str(folder), "cpu", "bfloat16").model
    assert all(layer.weight.is_contiguous() for layer in linears(loaded))


def test_a_loaded_model_has_it(tmp_path):
    loaded = load_model(str(save_tiny_model(tmp_path)), "cpu", "float32").model
    assert lies_by_columns(loaded.model.layers[0].mlp.up_proj.weight)
