from types import SimpleNamespace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoModelForCausalLM
from transformers.integrations.sdpa_attention import sdpa_attention_forward

from pipelines.llms.weights.attention import attend, replace_sdpa
from pipelines.llms.weights.loading import load_model
from tests.tiny_model import save_tiny_model


@st.composite
def inputs(draw, queries):
    """What a layer asks attention for, and whether its heads share keys."""
    rows, groups, each = (draw(st.integers(1, 3)) for _ in "123")
    columns, dimensions = draw(st.integers(1, 9)), draw(st.sampled_from([2, 8]))
    noise = torch.Generator().manual_seed(draw(st.integers(0, 1000)))

    def states(heads, length):
        return torch.randn(rows, heads, length, dimensions, generator=noise)

    mask = torch.rand(rows, 1, queries, columns, generator=noise) < 0.6
    mask[..., -1] = True  # each token sees itself
    kind = draw(st.sampled_from(["none", "bool", "float"]))
    mask = {"none": None, "bool": mask, "float": torch.where(mask, 0.0, -torch.inf)}[kind]
    module = SimpleNamespace(num_key_value_groups=each, is_causal=True)
    given_ = (module, states(groups * each, queries), states(groups, columns))
    return *given_, states(groups, columns), mask


@given(inputs(queries=1), st.sampled_from([None, 0.3]))
def test_one_token_attends_as_torch_says(layer, scaling):
    (ours, _), (expected, _) = (
        function(*layer, scaling=scaling) for function in (attend, sdpa_attention_forward)
    )
    assert ours.shape == expected.shape
    torch.testing.assert_close(ours, expected, rtol=1e-5, atol=1e-6)


@given(inputs(queries=4))
def test_many_tokens_are_left_to_torch(layer):
    assert torch.equal(attend(*layer)[0], sdpa_attention_forward(*layer)[0])


def test_what_it_does_not_know_is_left_to_torch():
    module = SimpleNamespace(num_key_value_groups=1, is_causal=True)
    query, key = torch.randn(1, 2, 1, 8), torch.randn(1, 2, 5, 8)
    with pytest.raises(ValueError, match="softcap"):
        attend(module, query, key, key, None, softcap=30.0)
    bias = torch.randn(1, 2, 1, 5)
    biased = attend(module, query, key, key, None, position_bias=bias)[0]
    assert torch.equal(
        biased, sdpa_attention_forward(module, query, key, key, None, position_bias=bias)[0]
    )


def test_a_model_here_uses_it_where_it_attends_by_torchs_kernel(tmp_path):
    folder = save_tiny_model(tmp_path)
    loaded = load_model(str(folder), "cpu", "float32").model
    assert loaded.config._attn_implementation == "sdpa_one_token"
    eager = AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager")
    replace_sdpa(eager)
    assert eager.config._attn_implementation == "eager"
