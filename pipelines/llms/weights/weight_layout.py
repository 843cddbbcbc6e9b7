"""The order of a model's weights in a CPU's memory: the one in which decoding reads them.

A linear layer's weight is (outputs, inputs), row by row. For a few dozen rows of input at once
MKL first copies such a matrix into the other order, at every step, which took longer than the
product itself: stored by columns, 32 rows were decoded in 162 ms a step instead of 274 (60
tokens of prompt, SmolLM2-135M in float32, two cores with AVX-512), and prompts were read a
quarter faster. With 128 rows it makes no difference.
"""

from typing import Any

import torch


def store_by_columns(model: Any) -> None:
    """Store the float32 weights of a model's linear layers by columns; shapes stay.

    An output head that is also the table of the input embeddings keeps its order.
    """
    if model.device.type != "cpu":
        return
    embeddings = model.get_input_embeddings().weight
    for module in model.modules():
        if isinstance(module, torch.nn.Linear) and module.weight is not embeddings:
            weight = module.weight.data
            if weight.dtype == torch.float32:
                module.weight.data = weight.t().contiguous().t()
