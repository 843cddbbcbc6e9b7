"""Attention of one new token to all earlier ones, on a CPU: the inner loop of decoding.

torch's CPU kernel for `scaled_dot_product_attention` is made for many queries at once. With one
query, in bfloat16, it took over half of a decoding step, 3.7 times as long as the two products
that it computes (SmolLM2-135M, 32 rows of 250 tokens, two cores with AVX512-BF16).
"""

from typing import Any

import torch
from transformers import AttentionInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import AttentionMaskInterface, sdpa_mask

_NAME = "sdpa_one_token"
# With one of these arguments torch's kernel is called: they change what is computed.
_SPECIAL = ("position_bias", "softcap", "s_aux", "cache")


def attend(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    **others: Any,
) -> tuple[torch.Tensor, None]:
    """Attention for `AttentionInterface`; rows with more than one query go to torch's kernel.

    `query` is (rows, heads, queries, dimensions); `key` and `value` have as many columns as the
    mask, and may have fewer heads, each shared by a group of the query's. Returns (rows, queries,
    heads, dimensions).
    """
    rows, heads, queries, dimensions = query.shape
    special = dropout or any(others.get(name) is not None for name in _SPECIAL)
    if queries != 1 or special:
        return sdpa_attention_forward(
            module, query, key, value, attention_mask, dropout, scaling, **others
        )
    grouped = query.reshape(rows, key.shape[1], -1, dimensions)
    scores = grouped @ key.transpose(2, 3) * (dimensions**-0.5 if scaling is None else scaling)
    if attention_mask is not None:
        # (rows, 1, 1, columns): the same for all heads.
        if attention_mask.dtype == torch.bool:
            scores = scores.masked_fill(~attention_mask, -torch.inf)
        else:
            scores = scores + attention_mask
    weights = scores.softmax(-1, dtype=torch.float32).to(value.dtype)
    return (weights @ value).reshape(rows, 1, heads, value.shape[-1]), None


def replace_sdpa(model: Any) -> None:
    """Make a model on a CPU that uses torch's kernel use `attend`."""
    if model.device.type == "cpu" and model.config._attn_implementation == "sdpa":
        AttentionInterface.register(_NAME, attend)
        AttentionMaskInterface.register(_NAME, sdpa_mask)
        model.set_attn_implementation(_NAME)
