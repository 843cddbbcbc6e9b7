import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pipelines.llms.weights.decode import decode
from pipelines.llms.weights.sampling import greedy
from tests.tiny_model import tiny_model

MODEL = tiny_model()
TOKENS = st.integers(5, 40)


def answers(prompts, rows):
    with torch.inference_mode():
        done = decode(
            MODEL, prompts, greedy, eos=frozenset({0}), pad=1, max_new_tokens=6, rows=rows
        )
        return {answer.index: answer.tokens for answer in done}


@given(
    st.lists(TOKENS, max_size=12),
    st.lists(st.lists(TOKENS, min_size=1, max_size=9), min_size=2, max_size=6),
    st.integers(1, 6),
)
def test_what_prompts_share_changes_no_answer(shared, rests, rows):
    prompts = [shared + rest for rest in rests]
    alone = [answers([prompt], 1)[0] for prompt in prompts]
    assert answers(prompts, rows) == dict(enumerate(alone))


@pytest.mark.parametrize("prompts", [[[7, 8, 9]] * 3, [[7], [7, 8], [7, 8, 9]]])
def test_prompts_that_begin_or_repeat_others(prompts):
    alone = [answers([prompt], 1)[0] for prompt in prompts]
    assert answers(prompts, 2) == dict(enumerate(alone))


def test_what_prompts_share_is_read_once():
    shared, read = list(range(5, 25)), []
    hook = MODEL.get_input_embeddings().register_forward_pre_hook(
        lambda _, ids: read.append(ids[0].numel())
    )
    try:
        answers([[*shared, last] for last in range(30, 38)], 4)
    finally:
        hook.remove()
    # Eight prompts of 21 tokens; what is not theirs are single tokens of answers.
    assert read[:2] == [20, 4]
    assert sum(read) < 20 + 8 + 8 * 6 + 4 * 6
