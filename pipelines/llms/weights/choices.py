"""How likely a model is to reply with each of a few texts, without sampling.

A prompt is read once, and the choices are continuations of what was read. A choice may have several
tokens, and one may begin like another: after `[[`, the score 1 is "1", and 10 is "1", "0" where the
tokenizer splits digits. So the end of a choice is part of it: its probability is that of its
tokens, times that of all tokens that begin with the end, such as `]`, `]]` or `]]\n`.
"""

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch

from builders.training.chat_template import chat_text, token_ids
from pipelines.llms.chat_prompt import length_failure, template_failure
from pipelines.llms.messages import Choices, Completion, Likelihoods, Message
from pipelines.llms.weights.decode import prefill_tokens
from pipelines.llms.weights.loading import LoadedModel

# A template that makes the model think leaves the mark open: the reply would be thinking.
_THINKING = re.compile(r"<(think(?:ing)?|thoughts?|reasoning|seed:think)>\s*\Z")
# What tokenizers write in a token for the space before a word.
_SPACES = "Ġ▁ "


@dataclass(frozen=True)
class Branch:
    """The tokens of a choice after the prompt; `ended` if the last one has the end in it."""

    tokens: tuple[int, ...]
    ended: bool


Branches = tuple[Branch, ...]


def likelihoods(
    loaded: LoadedModel,
    conversations: Sequence[Sequence[Message]],
    choices: Choices,
    *,
    values: Mapping[str, Any] | None = None,
) -> list[Likelihoods]:
    """The likelihoods of the choices as replies to each conversation, in order.

    `values` are for the chat template.
    """
    tokenizer = loaded.tokenizer
    found: dict[int, Likelihoods] = {}
    # Tokenizers split the choices in the same way after every prompt, as far as is known.
    prompts: dict[Branches, dict[int, list[int]]] = {}
    for index, messages in enumerate(conversations):
        try:
            text = without_thinking(chat_text(tokenizer, messages, values=values))
            ids, branches = branches_of(tokenizer, text, choices)
        # A template is a program that comes with the model: its errors concern this row only.
        except Exception as error:
            found[index] = Likelihoods((), template_failure(error))
            continue
        longest = max(len(branch.tokens) for branch in branches)
        if too_long := length_failure(len(ids), longest, loaded.context):
            found[index] = Likelihoods((), too_long)
        else:
            prompts.setdefault(branches, {})[index] = ids
    endings = ending_tokens(tokenizer, choices.end) if prompts else []
    for branches, own in prompts.items():
        started = time.perf_counter()
        probabilities = dict(
            choice_probabilities(
                loaded.model,
                own,
                branches,
                endings,
                pad=loaded.pad,
                at_once=prefill_tokens(loaded.device),
            )
        )
        seconds = (time.perf_counter() - started) / len(own)
        for index, likely in probabilities.items():
            call = Completion(
                None, tokens_in=len(own[index]), finish_reason="stop", latency=seconds
            )
            found[index] = Likelihoods(likely, call)
    return [found[index] for index in range(len(conversations))]


def open_thinking(text: str) -> str | None:
    """The mark of thinking at the end of a prompt, which the reply goes on from.

    >>> open_thinking("<assistant><think>\\n")
    '<think>\\n'
    """
    mark = _THINKING.search(text)
    return mark[0] if mark else None


def without_thinking(text: str) -> str:
    """A prompt at whose end the model would think, with the thinking closed.

    >>> without_thinking("<assistant><think>\\n")
    '<assistant><think>\\n\\n</think>\\n\\n'
    """
    mark = _THINKING.search(text)
    return f"{text}\n</{mark[1]}>\n\n" if mark else text


def branches_of(tokenizer: Any, text: str, choices: Choices) -> tuple[list[int], Branches]:
    """The tokens of `text` and what all choices begin with, and what is left of each choice.

    Each choice is tokenized in its place, with its end, whose own tokens are taken off again. With
    a token for each of "a", "[[", "1", "0" and "]]", the text "a" and the choices [[1]] and [[10]],
    that is "a", "[[", and then "1" or "1", "0".
    """
    texts = [f"{text}{choices.begin}{choice}{choices.end}" for choice in choices.texts]
    ids = [token_ids(tokenizer, one) for one in texts]
    first, last = min(ids), max(ids)
    most = min(map(len, ids))
    shared = next((at for at in range(most) if first[at] != last[at]), most)
    return first[:shared], tuple(_branch(tokenizer, own[shared:], choices.end) for own in ids)


def _branch(tokenizer: Any, tokens: list[int], end: str) -> Branch:
    pieces = tokenizer.convert_ids_to_tokens(tokens)
    length = len(tokens)
    while length > 1 and _begins(pieces[length - 1], end):
        length -= 1
    return Branch(tuple(tokens[:length]), ended=end[0] in pieces[length - 1])


def ending_tokens(tokenizer: Any, end: str) -> list[int]:
    """Every token that begins with the first character of `end`; a space before it is allowed."""
    pieces = tokenizer.convert_ids_to_tokens(range(len(tokenizer)))
    return [number for number, piece in enumerate(pieces) if piece and _begins(piece, end)]


def _begins(piece: str, end: str) -> bool:
    return piece.lstrip(_SPACES).startswith(end[0])


def choice_probabilities(
    model: Any,
    prompts: Mapping[int, Sequence[int]],
    branches: Branches,
    endings: Sequence[int],
    *,
    pad: int,
    at_once: int,
) -> Iterator[tuple[int, list[float]]]:
    """(key of a prompt, probability of each branch after it), the longest prompts first.

    `endings` are the tokens that end a branch. At most `at_once` tokens are read together, but one
    prompt at least. A prompt is read once for all branches, or once for each of them by a model
    with layers that cannot leave out the other branches.
    """
    groups = [branches] if _attends_fully(model) else [(branch,) for branch in branches]
    waiting = sorted(prompts, key=lambda key: (-len(prompts[key]), key))
    while waiting:
        rows = max(1, at_once // len(prompts[waiting[0]]))
        chosen, waiting = waiting[:rows], waiting[rows:]
        own = [prompts[key] for key in chosen]
        parts = [_probabilities(model, own, group, endings, pad) for group in groups]
        yield from zip(chosen, torch.cat(parts, dim=1).tolist(), strict=True)


def _attends_fully(model: Any) -> bool:
    """Whether all layers attend to all earlier tokens, and only the mask says to which."""
    config = model.config.get_text_config()
    layers = set(getattr(config, "layer_types", None) or ["full_attention"])
    window = getattr(config, "sliding_window", None) if layers == {"full_attention"} else None
    has_mask = any(name in config._attn_implementation for name in ("sdpa", "eager"))
    return layers == {"full_attention"} and not window and has_mask


def _probabilities(
    model: Any,
    prompts: Sequence[Sequence[int]],
    branches: Branches,
    endings: Sequence[int],
    pad: int,
) -> torch.Tensor:
    """(prompts, branches). All branches follow the prompt, and none of them sees another:

    a row      . a b [[   1   2   1 0    the branches 1; 2; and 1, 0
    positions  0 0 1  2   3   3   3 4
    """
    tensor = partial(torch.tensor, device=model.device)
    width = max(map(len, prompts))
    after = [token for branch in branches for token in branch.tokens]
    padding = [width - len(ids) for ids in prompts]
    ids = tensor([[pad] * by + [*own, *after] for by, own in zip(padding, prompts, strict=True)])
    depths = tensor([depth for branch in branches for depth in range(len(branch.tokens))])
    lengths = tensor([len(own) for own in prompts])
    positions = (torch.arange(width, device=model.device) - tensor(padding)[:, None]).clamp(min=0)
    mask = tensor([[0] * by + [1] * (ids.shape[1] - by) for by in padding])
    logits = model(
        input_ids=ids,
        attention_mask=_seen(mask, branches, model.dtype) if len(branches) > 1 else mask,
        position_ids=torch.cat([positions, lengths[:, None] + depths], dim=1),
        use_cache=False,
        logits_to_keep=len(after) + 1,
    ).logits
    log = logits.float().log_softmax(-1)
    found, place = [], 1
    for branch in branches:
        # The scores of a token are where the token before it is.
        places = [0, *range(place, place + len(branch.tokens) - 1)]
        likely = log[:, places, branch.tokens].sum(1)
        place += len(branch.tokens)
        if not branch.ended:
            likely = likely + log[:, place - 1, endings].logsumexp(-1)
        found.append(likely.exp())
    return torch.stack(found, dim=1)


def _seen(mask: torch.Tensor, branches: Branches, dtype: torch.dtype) -> torch.Tensor:
    """What each token attends to, (rows, 1, tokens, tokens), to be added to the scores."""
    length = mask.shape[1]
    seen = torch.ones(length, length, dtype=torch.bool, device=mask.device).tril()
    start = length - sum(len(branch.tokens) for branch in branches)
    for branch in branches:
        # Later branches do not see this one.
        end = start + len(branch.tokens)
        seen[end:, start:end] = False
        start = end
    both = seen & mask.bool()[:, None, None, :]
    hidden = torch.finfo(dtype).min
    return torch.zeros(both.shape, dtype=dtype, device=mask.device).masked_fill(~both, hidden)
