import sys

import pytest

from builders.errors import BadInput
from pipelines.llms.vllm import VllmLLM


def test_without_vllm_it_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "vllm", None)
    with pytest.raises(BadInput, match=r"pip install 'srt-feedback\[vllm\]'"):
        VllmLLM(model="some-org/some-model").load()
