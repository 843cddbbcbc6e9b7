"""Decoding in which a waiting prompt takes the place of an answer that has ended.

`generate` of transformers keeps a batch until its longest answer ends. Answers differ in length
by a factor of ten, so that most of its work is for rows that are done.

All rows end at the same column of the key-value cache, whatever their length: what lies before a
row is masked, and its positions are counted from its own beginning. A prompt that joins is read
apart and its keys and values are put in front of the next column. What all prompts begin with, such
as a system prompt, is read once.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from transformers import Cache, DynamicCache
from transformers.cache_utils import CacheLayerMixin

# Columns beyond the longest row: how far the rows walk before they are moved back.
_SLACK = 64
# Tokens of prompts that are read at once, padding included. A CPU takes longer for more: prompts of
# like length have less padding, and what lies between two layers stays in memory that it has. 96
# prompts of 30 to 115 tokens were read in 6.6 s in place of 12.0, and of 150 to 235 in 23.9 in
# place of 27.2 (SmolLM2-135M in float32, two cores).
_PREFILL_TOKENS, _PREFILL_TOKENS_CPU = 8192, 1024

# (rows, vocabulary) and the index of each row's prompt → the token that each row goes on with.
Choose = Callable[[torch.Tensor, Sequence[int]], torch.Tensor]


@dataclass
class Answer:
    """An answer's tokens, the one that ended it included; `seconds` is its share of the time."""

    index: int
    tokens: list[int] = field(default_factory=list)
    ended: bool = False
    seconds: float = 0.0


def columns(longest: int, max_new_tokens: int) -> int:
    """Columns of the cache that prompts of up to `longest` tokens need, for each row."""
    return longest + max_new_tokens + _SLACK


def decode(
    model: Any,
    prompts: Sequence[list[int]],
    choose: Choose,
    *,
    eos: frozenset[int],
    pad: int,
    max_new_tokens: int,
    rows: int,
) -> Iterator[Answer]:
    """Answer every prompt with up to `rows` at once, and yield the answers as they end.

    The longest prompts are read first, so that a lack of memory shows early.
    """
    waiting = deque(sorted(range(len(prompts)), key=lambda index: (-len(prompts[index]), index)))
    width = columns(len(prompts[waiting[0]]), max_new_tokens)
    at_once = _PREFILL_TOKENS_CPU if model.device.type == "cpu" else _PREFILL_TOKENS
    batch = _Batch(model, min(rows, len(prompts)), width, pad, _beginning(prompts))
    while waiting or batch.slots():
        start = time.perf_counter()
        if waiting and batch.wants_more():
            joining = _next(waiting, prompts, batch.free(), at_once)
            scores, slots = batch.join({index: prompts[index] for index in joining})
        else:
            if not waiting:
                batch.shrink()
            scores, slots = batch.step()
        answers = [batch.answers[slot] for slot in slots]
        chosen = choose(scores, [answer.index for answer in answers]).tolist()
        share = (time.perf_counter() - start) / len(answers)
        for slot, answer, token in zip(slots, answers, chosen, strict=True):
            answer.tokens.append(token)
            answer.seconds += share
            answer.ended = token in eos
            if answer.ended or len(answer.tokens) == max_new_tokens:
                batch.answers[slot] = None
                yield answer


def _beginning(prompts: Sequence[list[int]]) -> list[int]:
    """The tokens that all prompts begin with; one at least is left of each."""
    first, last = min(prompts), max(prompts)
    most = min(map(len, prompts)) - 1
    same = next((at for at in range(most) if first[at] != last[at]), most)
    return first[:same] if len(prompts) > 1 else []


def _next(waiting: deque[int], prompts: Sequence[list[int]], free: int, tokens: int) -> list[int]:
    """The prompts to read next: as many as there are slots, and no more than `tokens`."""
    most = max(1, min(free, tokens // len(prompts[waiting[0]])))
    return [waiting.popleft() for _ in range(min(most, len(waiting)))]


class _Batch:
    """The rows under way: their keys and values, which columns are theirs, and their answers.

    A slot is a row of the cache; one without an answer is computed and not looked at.
    """

    def __init__(
        self, model: Any, slots: int, width: int, pad: int, beginning: Sequence[int] = ()
    ) -> None:
        layers = model.config.get_text_config().num_hidden_layers
        self.answers: list[Answer | None] = [None] * slots
        self._model = model
        self._pad = pad
        self._layers = [_Layer(slots, width) for _ in range(layers)]
        self._mask = torch.zeros(slots, width, dtype=torch.long, device=model.device)
        self._beginning = list(beginning)
        self._begun: DynamicCache | None = None  # one row that has read it
        self._length = 0  # columns in use
        self._row_lengths = [0] * slots

    def slots(self) -> list[int]:
        """Those that are taken."""
        return [slot for slot, answer in enumerate(self.answers) if answer]

    def free(self) -> int:
        return self.answers.count(None)

    def wants_more(self) -> bool:
        """Whether it is worth reading further prompts: one at a time would take a step each."""
        return self.free() >= max(1, len(self.answers) // 8)

    def join(self, prompts: Mapping[int, list[int]]) -> tuple[torch.Tensor, list[int]]:
        """Read prompts, by index, into free slots: each one's scores of the next token, and slot.

        Scores are (prompts, vocabulary), here and in `step`.
        """
        width = max(map(len, prompts.values()))
        if self._length < width:
            self._move(width - self._length)
        read, scores, mask = self._read(list(prompts.values()))
        free = [slot for slot, answer in enumerate(self.answers) if answer is None]
        slots, start = free[: len(prompts)], self._length - width
        for layer, source in zip(self._layers, read.layers, strict=True):
            layer.put(slots, start, source.keys, source.values)
        self._mask[slots] = 0
        self._mask[slots, start : self._length] = mask
        for slot, (index, ids) in zip(slots, prompts.items(), strict=True):
            self.answers[slot] = Answer(index)
            self._row_lengths[slot] = len(ids)
        return scores, slots

    def _read(self, prompts: list[list[int]]) -> tuple[DynamicCache, torch.Tensor, torch.Tensor]:
        """Keys and values of prompts, right-aligned; scores of their next tokens; their mask."""
        shared = len(self._beginning)
        width = max(map(len, prompts)) - shared
        rests = [ids[shared:] for ids in prompts]
        padding = [width - len(ids) for ids in rests]
        padded = [[self._pad] * by + ids for by, ids in zip(padding, rests, strict=True)]
        mask = self._tensor([[0] * by + [1] * (width - by) for by in padding])
        read = self._begin(len(prompts))
        scores = self._model(
            input_ids=self._tensor(padded),
            attention_mask=torch.cat([mask.new_ones(len(prompts), shared), mask], dim=1),
            position_ids=shared + (mask.cumsum(-1) - 1).clamp(min=0),
            past_key_values=read,
            use_cache=True,
            logits_to_keep=1,
        ).logits[:, -1]
        if shared:
            _close_up(read, self._tensor(padding), shared)
            ones = mask.new_ones(len(prompts), shared)
            mask = torch.cat([mask, ones], dim=1)
        return read, scores, mask

    def _begin(self, rows: int) -> DynamicCache:
        """A cache in which so many rows have read what all prompts begin with."""
        begun = DynamicCache()
        if self._beginning:
            if self._begun is None:
                self._begun = DynamicCache()
                ids = self._tensor([self._beginning])
                self._model(
                    input_ids=ids, past_key_values=self._begun, use_cache=True, logits_to_keep=1
                )
            for number, layer in enumerate(self._begun.layers):
                shape = (rows, -1, -1, -1)
                begun.update(layer.keys.expand(shape), layer.values.expand(shape), number)
        return begun

    def step(self) -> tuple[torch.Tensor, list[int]]:
        """Read each row's last token: its scores of the next one, and its slot."""
        slots = self.slots()
        longest = max(self._row_lengths[slot] for slot in slots)
        if self._length == self._mask.shape[1]:
            self._move(longest - self._length)
        first = self._length - longest  # what lies before it is no row's
        last = [answer.tokens[-1] if answer else self._pad for answer in self.answers]
        self._mask[:, self._length] = 1
        for layer in self._layers:
            layer.first, layer.end = first, self._length
        scores = self._model(
            input_ids=self._tensor(last)[:, None],
            attention_mask=self._mask[:, first : self._length + 1],
            position_ids=self._tensor(self._row_lengths)[:, None],
            past_key_values=Cache(layers=self._layers),
            use_cache=True,
        ).logits[:, -1]
        self._length += 1
        self._row_lengths = [length + 1 for length in self._row_lengths]
        return scores[slots], slots

    def shrink(self) -> None:
        """Give up the free slots, once they are a quarter of all: it copies the others."""
        kept = self.slots()
        if 4 * len(kept) > 3 * len(self.answers):
            return
        for layer in self._layers:
            layer.keep(kept)
        self._mask = self._mask[kept]
        self.answers = [self.answers[slot] for slot in kept]
        self._row_lengths = [self._row_lengths[slot] for slot in kept]

    def _tensor(self, values: list) -> torch.Tensor:
        return torch.tensor(values, device=self._mask.device)

    def _move(self, by: int) -> None:
        """Move all rows by so many columns, to the right or, if negative, to the left."""
        for layer in self._layers:
            layer.move(by, self._length)
        _move(self._mask, by, self._length, dim=1)
        self._length += by


class _Layer(CacheLayerMixin):
    """One layer's keys and values, (slots, heads, columns, dimensions), written in place.

    A step writes the column `end`, and attends to those from `first` on.
    """

    def __init__(self, slots: int, width: int) -> None:
        super().__init__()
        self._slots, self._width = slots, width
        self.first, self.end = 0, 0

    def lazy_initialization(self, key_states: torch.Tensor, value_states: torch.Tensor) -> None:
        # Zeros, because what is masked is still multiplied.
        self.keys, self.values = (
            states.new_zeros(self._slots, states.shape[1], self._width, states.shape[3])
            for states in (key_states, value_states)
        )
        self.is_initialized = True

    def update(
        self,
        key_states: torch.Tensor,
        value_states: torch.Tensor,
        *_: Any,
        **__: Any,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        seen = slice(self.first, self.end + 1)
        self.keys[:, :, self.end : self.end + 1] = key_states
        self.values[:, :, self.end : self.end + 1] = value_states
        return self.keys[:, :, seen], self.values[:, :, seen]

    def put(self, slots: list[int], start: int, keys: torch.Tensor, values: torch.Tensor) -> None:
        if not self.is_initialized:
            self.lazy_initialization(keys, values)
        end = start + keys.shape[2]
        self.keys[slots, :, start:end] = keys
        self.values[slots, :, start:end] = values

    def keep(self, slots: list[int]) -> None:
        self.keys, self.values = self.keys[slots], self.values[slots]

    def move(self, by: int, length: int) -> None:
        if self.is_initialized:
            _move(self.keys, by, length, dim=2)
            _move(self.values, by, length, dim=2)

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        return self.get_seq_length() + query_length, 0

    def get_seq_length(self) -> int:
        return self.end - self.first

    def get_max_length(self) -> int:
        return self._width


def _close_up(read: DynamicCache, padding: torch.Tensor, shared: int) -> None:
    """Move each row's beginning to the right, over the padding (in columns) that follows it."""
    length = read.layers[0].keys.shape[2]
    columns = torch.arange(length, device=padding.device).expand(len(padding), length)
    begins = padding[:, None]
    source = torch.where(columns < begins + shared, (columns - begins).clamp(min=0), columns)
    for layer in read.layers:
        index = source[:, None, :, None].expand_as(layer.keys)
        layer.keys, layer.values = layer.keys.gather(2, index), layer.values.gather(2, index)


def _move(tensor: torch.Tensor, by: int, length: int, dim: int) -> None:
    """Move the first `length` columns; what falls off on the left is no row's."""
    start, end = max(0, -by), length
    moved = tensor.narrow(dim, start, end - start).clone()
    tensor.narrow(dim, 0, max(0, by)).zero_()
    tensor.narrow(dim, start + by, end - start).copy_(moved)
