"""Decoding for many callers at the same time: whoever asks joins the rows in progress.

One thread owns the rows. A request gets a slot as soon as memory has one, whatever the others are
doing, and is sampled by its own temperature, seed and limit. A canceled one gives its slot back at
the next step. Requests wait in the order in which they came.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import torch

from builders.errors import RunFailed
from pipelines.llms.answers import read_answer
from pipelines.llms.chat_prompt import encode_prompts
from pipelines.llms.futures import fail, settle
from pipelines.llms.messages import Completion, Request, Sampling
from pipelines.llms.weights.choices import open_thinking
from pipelines.llms.weights.decode import RunningBatch, columns, prefill_tokens
from pipelines.llms.weights.loading import LoadedModel
from pipelines.llms.weights.local import TransformersLLM, cache_bytes, is_out_of_memory
from pipelines.llms.weights.sampling import greedy, sample
from services.model.resources import ONE_AT_A_TIME

# Steps with a quarter of the slots free before these are given up: who has just been answered may
# ask again, and both ways the other rows are copied.
_PATIENCE = 8
# Tokens of a prompt that may have a mark of thinking.
_LAST = 16
# Seconds without a request after which the cache is given up.
_IDLE_S = 1.0
# The cache grows by so many columns at least.
_COLUMNS = 256

OnText = Callable[[str], None]


@dataclass(eq=False)
class _Job:
    """A request that waits or is decoded; its completion goes to `future`."""

    prompt: list[int]
    sampling: Sampling
    generator: torch.Generator | None
    future: "Future[Completion]"
    on_text: OnText | None
    text: "_Text | None"

    @property
    def columns(self) -> int:
        return columns(len(self.prompt), self.sampling.max_new_tokens)


class ContinuousDecoder:
    """A loaded model's rows in progress, and the thread that decodes them until `close`."""

    def __init__(self, llm: TransformersLLM) -> None:
        self._llm = llm
        self._loaded: LoadedModel = llm.loaded()
        self._room = cache_bytes(self._loaded.device) // self._loaded.cache_bytes
        self._encoding = threading.Lock()
        self._changed = threading.Condition()
        self._waiting: deque[_Job] = deque()
        self._closed = False
        # The thread's own.
        self._running: dict[int, _Job] = {}
        self._batch: RunningBatch | None = None
        self._number = 0
        self._idle_steps = 0
        self._thread = threading.Thread(target=self._main, name="decoder", daemon=True)
        self._thread.start()

    def start(
        self, request: Request, future: "Future[Completion]", on_text: OnText | None = None
    ) -> None:
        """Have `future` get the completion, and `on_text` each piece of it as it comes.

        A reply is cut where the context ends; `context_exceeded` if the prompt leaves no room.
        `on_text` is called by the decoder's thread, which waits for it.
        """
        loaded, sampling = self._loaded, self._llm.sampling_of(request)
        with self._encoding:
            prompts, failed = encode_prompts(
                loaded.tokenizer,
                [replace(request, sampling=None)],
                1,
                loaded.context,
                self._llm.chat_template_kwargs,
            )
        if failed:
            settle(future, failed[0])
            return
        if loaded.context is not None:
            room = loaded.context - len(prompts[0])
            sampling = replace(sampling, max_new_tokens=min(sampling.max_new_tokens, room))
        generator = None
        if sampling.temperature:
            generator = torch.Generator(loaded.device).manual_seed(request.seed)
        text = _Text(loaded.tokenizer) if on_text or sampling.stop else None
        job = _Job(prompts[0], sampling, generator, future, on_text, text)
        # A template may have opened the mark of the thinking with which the text begins.
        if mark := open_thinking(_decoded(loaded.tokenizer, prompts[0][-_LAST:])):
            _tell(job, mark)
        with self._changed:
            if self._closed:
                future.cancel()
                return
            self._waiting.append(job)
            self._changed.notify()

    def first_tokens(self, text: str, count: int) -> str:
        """The beginning of `text` that has at most `count` tokens."""
        if len(text) <= count:
            return text
        with self._encoding:
            tokenizer = self._loaded.tokenizer
            ids = tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
            # A character may have several tokens.
            return text if len(ids) <= count else _decoded(tokenizer, ids[:count]).rstrip("\ufffd")

    def close(self) -> None:
        """End the thread; what waits or is decoded is canceled."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()
        self._llm.unload()

    def _main(self) -> None:
        with torch.inference_mode():
            while True:
                with self._changed:
                    while not (self._waiting or self._running or self._closed):
                        if not self._changed.wait(_IDLE_S if self._batch else None):
                            self._batch = None
                    if self._closed:
                        break
                    joining = self._admit()
                self._running.update(joining)
                self._advance(joining)
        for job in [*self._waiting, *self._running.values()]:
            job.future.cancel()

    def _admit(self) -> dict[int, _Job]:
        """The waiting requests that fit beside the rows in progress, first come first served."""
        self._drop_canceled()
        joining: dict[int, _Job] = {}
        widest = max((job.columns for job in self._running.values()), default=0)
        longest, at_once = 0, prefill_tokens(self._loaded.device)
        while self._waiting:
            job = self._waiting[0]
            if job.future.cancelled():
                self._waiting.popleft()
                continue
            rows = len(self._running) + len(joining) + 1
            widest, longest = max(widest, job.columns), max(longest, len(job.prompt))
            fits = rows <= self._llm.generation_batch_size and rows * widest <= self._room
            # One row is decoded whatever it takes.
            if (rows > 1 and not fits) or (joining and (len(joining) + 1) * longest > at_once):
                break
            joining[self._number] = self._waiting.popleft()
            self._number += 1
        return joining

    def _drop_canceled(self) -> None:
        for number, job in list(self._running.items()):
            if job.future.cancelled():
                self._free(number)

    def _free(self, number: int) -> None:
        del self._running[number]
        generations = self._batch.generations if self._batch else []
        for slot, generation in enumerate(generations):
            if generation is not None and generation.index == number:
                generations[slot] = None

    def _advance(self, joining: dict[int, _Job]) -> None:
        """One step of all rows, or the first tokens of those that join."""
        if not self._running:
            return
        try:
            with ONE_AT_A_TIME:
                self._step(joining)
        # Whatever happens, later requests are served.
        except Exception as error:
            if isinstance(error, RuntimeError) and is_out_of_memory(error):
                error = RunFailed(
                    f"{len(self._running)} requests do not fit into memory together; lower "
                    "generation_batch_size"
                )
            for job in self._running.values():
                fail(job.future, error)
            self._running, self._batch = {}, None

    def _step(self, joining: dict[int, _Job]) -> None:
        start = time.perf_counter()
        batch = self._ready(joining)
        if joining:
            scores, slots = batch.join({number: job.prompt for number, job in joining.items()})
        else:
            scores, slots = batch.step()
        generations = [batch.generations[slot] for slot in slots]
        jobs = [self._running[generation.index] for generation in generations]
        tokens = _choose(scores, jobs)
        share = (time.perf_counter() - start) / len(jobs)
        for generation, job, token in zip(generations, jobs, tokens, strict=True):
            generation.tokens.append(token)
            generation.seconds += share
            generation.ended = token in self._loaded.eos
            is_last = len(generation.tokens) == job.sampling.max_new_tokens
            if job.text is not None and not generation.ended:
                _tell(job, job.text.add(token))
            if generation.ended or is_last or (job.text and job.text.has(job.sampling.stop)):
                self._free(generation.index)
                settle(job.future, self._completion(job, generation))

    def _ready(self, joining: dict[int, _Job]) -> RunningBatch:
        """The batch with room for those that join, or without the slots of those that left."""
        rows = len(self._running)
        if joining:
            self._idle_steps = 0
            width = max(job.columns for job in self._running.values())
            if self._batch is None:
                model, pad = self._loaded.model, self._loaded.pad
                self._batch = RunningBatch(model, rows, width, pad)
            self._make_room(self._batch, rows, width)
        elif 4 * rows <= 3 * len(self._batch.generations):
            self._idle_steps += 1
            if self._idle_steps > _PATIENCE:
                self._idle_steps = 0
                self._batch.shrink()
        return self._batch

    def _make_room(self, batch: RunningBatch, rows: int, width: int) -> None:
        """Have at least so many slots and columns, and more of neither than memory allows."""
        now = (len(batch.generations), batch.width)
        slots, wide = max(rows, now[0]), now[1]
        if wide < width:
            wide = max(width, wide + _COLUMNS)
        if slots * wide > self._room:
            slots, wide = rows, width
        if (slots, wide) != now:
            batch.resize(slots, wide)

    def _completion(self, job: _Job, generation: Any) -> Completion:
        tokens = generation.tokens[:-1] if generation.ended else generation.tokens
        text = _decoded(self._loaded.tokenizer, tokens)
        stops = [at for stop in job.sampling.stop if (at := text.find(stop)) >= 0]
        completion = Completion(
            text[: min(stops)] if stops else text,
            tokens_in=len(job.prompt),
            tokens_out=len(generation.tokens),
            finish_reason="stop" if generation.ended or stops else "length",
            latency=generation.seconds,
        )
        return read_answer(completion, job.sampling.max_new_tokens)


def _tell(job: _Job, piece: str) -> None:
    if job.on_text and piece:
        # What a caller does with a text is no concern of the others.
        with suppress(Exception):
            job.on_text(piece)


def _choose(scores: torch.Tensor, jobs: list[_Job]) -> list[int]:
    """The next token of each row; rows with the same sampling are drawn together."""
    settings = [(job.sampling.temperature or 0, job.sampling.top_p or 1) for job in jobs]
    tokens = [0] * len(jobs)
    for one in set(settings):
        rows = [row for row, setting in enumerate(settings) if setting == one]
        own = scores if len(rows) == len(jobs) else scores[rows]
        temperature, top_p = one
        if temperature:
            chosen = sample(own, temperature, top_p, [jobs[row].generator for row in rows])
        else:
            chosen = greedy(own, rows)
        for row, token in zip(rows, chosen.tolist(), strict=True):
            tokens[row] = token
    return tokens


def _decoded(tokenizer: Any, tokens: list[int]) -> str:
    # As in `local`: special tokens mark a model's thinking.
    return tokenizer.decode(tokens, skip_special_tokens=False, clean_up_tokenization_spaces=False)


class _Text:
    """The text of tokens that come one by one.

    A token may be part of a character, and its text may depend on the tokens before it: so a few
    of them are decoded again, and nothing is added until their text ends in a whole character.
    """

    def __init__(self, tokenizer: Any) -> None:
        self.text = ""
        self._tokenizer = tokenizer
        self._tokens: list[int] = []
        self._shown = 0  # of `_tokens`, those whose text is in `text`
        self._searched = 0

    def add(self, token: int) -> str:
        """What the token adds to the text; perhaps nothing yet."""
        self._tokens.append(token)
        before = _decoded(self._tokenizer, self._tokens[: self._shown])
        now = _decoded(self._tokenizer, self._tokens)
        if len(now) <= len(before) or now.endswith("\ufffd"):
            return ""
        piece = now[len(before) :]
        self._tokens = self._tokens[self._shown :]
        self._shown = len(self._tokens)
        self.text += piece
        return piece

    def has(self, stops: tuple[str, ...]) -> bool:
        """Whether one of `stops` is in the text; each place is looked at once."""
        start = max(0, self._searched - max(map(len, stops), default=0))
        self._searched = len(self.text)
        return any(stop in self.text[start:] for stop in stops)
