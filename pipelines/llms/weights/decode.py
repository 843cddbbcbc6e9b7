"""Decoding in which a waiting prompt takes the place of a generation that has ended.

`generate` of transformers keeps a batch until its longest generation ends. Lengths differ by a
factor of ten, so most of that work is for rows that have ended.

All rows end at the same column of the key-value cache, whatever their length; the columns before
a row are masked, and its positions count from its own first column. A prompt that joins is read
separately, and its keys and values are put in front of the next column. The tokens that all
prompts begin with, such as a system prompt, are read once. With the prompts "abc", "de" and
"fgh" and two slots:

    column            0 1 2 3 4
    after two steps
      slot 0          a b c x y    "abc" and its first two tokens
      slot 1          . d e v w    "de", column 0 masked; its third token ends it
    after "fgh" has joined
      slot 0          a b c x y
      slot 1          . . f g h    the next token of either row goes into column 5
"""

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.nn import functional
from transformers import Cache, DynamicCache
from transformers.cache_utils import CacheLayerMixin

# Columns beyond the longest row: how far the rows walk before they are moved back.
_SLACK = 64
# Tokens of prompts that are read at once, padding included. On a CPU fewer are faster: prompts of
# similar length need less padding, and the activations between two layers stay in the cache. 96
# prompts of 30 to 115 tokens were read in 6.6 s instead of 12.0, and of 150 to 235 in 23.9
# instead of 27.2 (SmolLM2-135M in float32, two cores).
_PREFILL_TOKENS, _PREFILL_TOKENS_CPU = 8192, 1024

# (rows, vocabulary) and the index of each row's prompt → the next token of each row.
ChooseTokens = Callable[[torch.Tensor, Sequence[int]], torch.Tensor]


@dataclass
class Generation:
    """A prompt's tokens, the one that ends it included; `seconds` is its share of the time."""

    index: int
    tokens: list[int] = field(default_factory=list)
    ended: bool = False
    seconds: float = 0.0


def prefill_tokens(device: torch.device) -> int:
    """How many tokens of prompts are read at once, padding included."""
    return _PREFILL_TOKENS_CPU if device.type == "cpu" else _PREFILL_TOKENS


def columns(longest: int, max_new_tokens: int) -> int:
    """Columns of the cache that a row needs for a prompt of `longest` tokens."""
    return longest + max_new_tokens + _SLACK


def decode(
    model: Any,
    prompts: Sequence[list[int]],
    choose: ChooseTokens,
    *,
    eos: frozenset[int],
    pad: int,
    max_new_tokens: int,
    rows: int,
) -> Iterator[Generation]:
    """Generate for every prompt, up to `rows` at once, and yield the generations as they end.

    The longest prompts are read first, so that a lack of memory shows early.
    """
    waiting = deque(sorted(range(len(prompts)), key=lambda index: (-len(prompts[index]), index)))
    width = columns(len(prompts[waiting[0]]), max_new_tokens)
    at_once = prefill_tokens(model.device)
    batch = RunningBatch(model, min(rows, len(prompts)), width, pad, _beginning(prompts))
    while waiting or batch.slots():
        start = time.perf_counter()
        if waiting and batch.wants_more():
            joining = _next(waiting, prompts, batch.count_free(), at_once)
            scores, slots = batch.join({index: prompts[index] for index in joining})
        else:
            if not waiting:
                batch.shrink()
            scores, slots = batch.step()
        generations = [batch.generations[slot] for slot in slots]
        chosen = choose(scores, [generation.index for generation in generations]).tolist()
        share = (time.perf_counter() - start) / len(generations)
        for slot, generation, token in zip(slots, generations, chosen, strict=True):
            generation.tokens.append(token)
            generation.seconds += share
            generation.ended = token in eos
            if generation.ended or len(generation.tokens) == max_new_tokens:
                batch.generations[slot] = None
                yield generation


def _beginning(prompts: Sequence[list[int]]) -> list[int]:
    """The tokens that all prompts begin with, without the last token of the shortest prompt."""
    first, last = min(prompts), max(prompts)
    most = min(map(len, prompts)) - 1
    shared = next((at for at in range(most) if first[at] != last[at]), most)
    return first[:shared] if len(prompts) > 1 else []


def _next(waiting: deque[int], prompts: Sequence[list[int]], free: int, tokens: int) -> list[int]:
    """The prompts to read next: as many as there are free slots, and at most `tokens` tokens."""
    most = max(1, min(free, tokens // len(prompts[waiting[0]])))
    return [waiting.popleft() for _ in range(min(most, len(waiting)))]


class RunningBatch:
    """The rows in progress: their keys and values, their columns, and their generations.

    A slot is a row of the cache; a free one is computed and ignored.
    """

    def __init__(
        self, model: Any, slots: int, width: int, pad: int, beginning: Sequence[int] = ()
    ) -> None:
        layers = model.config.get_text_config().num_hidden_layers
        self.generations: list[Generation | None] = [None] * slots
        self._model = model
        self._pad = pad
        self._layers = [_Layer(slots, width) for _ in range(layers)]
        self._mask = torch.zeros(slots, width, dtype=torch.long, device=model.device)
        self._beginning = list(beginning)
        self._beginning_cache: DynamicCache | None = None  # one row that has read it
        self._length = 0  # columns in use
        self._row_lengths = [0] * slots

    def slots(self) -> list[int]:
        """Indices of the slots in use."""
        return [slot for slot, generation in enumerate(self.generations) if generation]

    def count_free(self) -> int:
        return self.generations.count(None)

    def wants_more(self) -> bool:
        """Whether enough slots are free: reading prompts one by one would cost a step each."""
        return self.count_free() >= max(1, len(self.generations) // 8)

    def join(self, prompts: Mapping[int, list[int]]) -> tuple[torch.Tensor, list[int]]:
        """Read prompts, by index, into free slots; the scores of the next tokens, and the slots.

        Scores are (prompts, vocabulary), here and in `step`.
        """
        width = max(map(len, prompts.values()))
        if self._length < width:
            self._move(width - self._length)
        read, scores, mask = self._read(list(prompts.values()))
        free = [slot for slot, generation in enumerate(self.generations) if generation is None]
        slots, start = free[: len(prompts)], self._length - width
        for layer, source in zip(self._layers, read.layers, strict=True):
            layer.put(slots, start, source.keys, source.values)
        self._mask[slots] = 0
        self._mask[slots, start : self._length] = mask
        for slot, (index, ids) in zip(slots, prompts.items(), strict=True):
            self.generations[slot] = Generation(index)
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
        read = self._cache_with_beginning(len(prompts))
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

    def _cache_with_beginning(self, rows: int) -> DynamicCache:
        """A cache of so many rows that have read the tokens that all prompts begin with."""
        cache = DynamicCache()
        if self._beginning:
            if self._beginning_cache is None:
                self._beginning_cache = DynamicCache()
                ids = self._tensor([self._beginning])
                self._model(
                    input_ids=ids,
                    past_key_values=self._beginning_cache,
                    use_cache=True,
                    logits_to_keep=1,
                )
            for number, layer in enumerate(self._beginning_cache.layers):
                shape = (rows, -1, -1, -1)
                cache.update(layer.keys.expand(shape), layer.values.expand(shape), number)
        return cache

    def step(self) -> tuple[torch.Tensor, list[int]]:
        """Read each row's last token; the scores of the next tokens, and the slots."""
        slots = self.slots()
        longest = max(self._row_lengths[slot] for slot in slots)
        if self._length == self._mask.shape[1]:
            self._move(longest - self._length)
        first = self._length - longest  # the first column that a row uses
        last = [
            generation.tokens[-1] if generation else self._pad for generation in self.generations
        ]
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

    @property
    def width(self) -> int:
        """Columns of the cache."""
        return self._mask.shape[1]

    def resize(self, slots: int, width: int) -> None:
        """Have so many slots, as many as are in use at least, and columns: that copies the rows.

        A row in progress needs `columns` of its prompt and its limit.
        """
        kept = self.slots()
        if width < self.width:
            longest = max((self._row_lengths[slot] for slot in kept), default=0)
            self._move(longest - self._length)
        if slots >= len(self.generations):
            kept = list(range(len(self.generations)))
        more, wider = slots - len(kept), width - self.width
        for layer in self._layers:
            layer.resize(kept, more, wider)
        self._mask = _resized(self._mask, kept, (0, wider, 0, more))
        self.generations = [self.generations[slot] for slot in kept] + [None] * more
        self._row_lengths = [self._row_lengths[slot] for slot in kept] + [0] * more

    def shrink(self) -> None:
        """Drop the free slots once they are a quarter of all."""
        used = len(self.slots())
        if 4 * used <= 3 * len(self.generations):
            self.resize(used, self.width)

    def _tensor(self, values: list) -> torch.Tensor:
        return torch.tensor(values, device=self._mask.device)

    def _move(self, by: int) -> None:
        """Move all rows by so many columns, to the left if negative."""
        for layer in self._layers:
            layer.move(by, self._length)
        _move_columns(self._mask, by, self._length, dim=1)
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
        # Zeros, because masked values are still multiplied.
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
        visible = slice(self.first, self.end + 1)
        self.keys[:, :, self.end : self.end + 1] = key_states
        self.values[:, :, self.end : self.end + 1] = value_states
        return self.keys[:, :, visible], self.values[:, :, visible]

    def put(self, slots: list[int], start: int, keys: torch.Tensor, values: torch.Tensor) -> None:
        if not self.is_initialized:
            self.lazy_initialization(keys, values)
        end = start + keys.shape[2]
        self.keys[slots, :, start:end] = keys
        self.values[slots, :, start:end] = values

    def resize(self, kept: list[int], more: int, wider: int) -> None:
        self._slots, self._width = len(kept) + more, self._width + wider
        if self.is_initialized:
            by = (0, 0, 0, wider, 0, 0, 0, more)
            self.keys = _resized(self.keys, kept, by)
            self.values = _resized(self.values, kept, by)

    def move(self, by: int, length: int) -> None:
        if self.is_initialized:
            _move_columns(self.keys, by, length, dim=2)
            _move_columns(self.values, by, length, dim=2)

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        return self.get_seq_length() + query_length, 0

    def get_seq_length(self) -> int:
        return self.end - self.first

    def get_max_length(self) -> int:
        return self._width


def _close_up(read: DynamicCache, padding: torch.Tensor, shared: int) -> None:
    """Move each row's shared beginning to the right, over the padding that follows it."""
    length = read.layers[0].keys.shape[2]
    columns = torch.arange(length, device=padding.device).expand(len(padding), length)
    begins = padding[:, None]
    source = torch.where(columns < begins + shared, (columns - begins).clamp(min=0), columns)
    for layer in read.layers:
        index = source[:, None, :, None].expand_as(layer.keys)
        layer.keys, layer.values = layer.keys.gather(2, index), layer.values.gather(2, index)


def _resized(tensor: torch.Tensor, kept: list[int], by: tuple[int, ...]) -> torch.Tensor:
    """The kept rows of a tensor, padded with zeros as `functional.pad` does, or cropped."""
    if len(kept) < len(tensor):
        tensor = tensor[kept]
    return functional.pad(tensor, by) if any(by) else tensor


def _move_columns(tensor: torch.Tensor, by: int, length: int, dim: int) -> None:
    """Move the first `length` columns; those that fall off on the left belong to no row."""
    start, end = max(0, -by), length
    moved = tensor.narrow(dim, start, end - start).clone()
    tensor.narrow(dim, 0, max(0, by)).zero_()
    tensor.narrow(dim, start + by, end - start).copy_(moved)
