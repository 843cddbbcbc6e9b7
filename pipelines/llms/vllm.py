"""Models that vLLM loads into this process."""

import time
from collections.abc import Sequence
from typing import Any, ClassVar

from pydantic import PrivateAttr

from builders.errors import BadInput, reason_of
from builders.training.trained_template import stop_tokens
from pipelines.llms.base import ChatLLM
from pipelines.llms.chat_prompt import encode_prompts
from pipelines.llms.messages import Completion, Request


class VllmLLM(ChatLLM):
    """A folder or Hub name; vLLM batches the requests of one `complete` itself.

    Prompts are tokenized here and not by vLLM's `chat`, which raises for all conversations
    if one of them is too long. Latency is the wall time divided by the requests.
    """

    endpoint: ClassVar[str] = "vllm"

    _engine: Any = PrivateAttr(None)

    def load(self) -> None:
        """BadInput if vLLM is not installed, or cannot load the model."""
        super().load()
        try:
            import vllm
        except ImportError:
            raise BadInput("kind: vllm needs pip install 'srt-feedback[vllm]'") from None
        try:
            # Without the model's own defaults, which would limit the length unrecorded.
            self._engine = vllm.LLM(model=self.model, generation_config="vllm")
        except (OSError, ValueError) as error:
            raise BadInput(f"model: {self.model} does not load: {reason_of(error)}") from error

    def unload(self) -> None:
        self._engine = None
        super().unload()

    def _complete(self, requests: Sequence[Request]) -> list[Completion]:
        if self._engine is None:
            self.load()
        tokenizer = self._engine.get_tokenizer()
        room = self._engine.llm_engine.model_config.max_model_len
        prompts, completions = encode_prompts(
            tokenizer, requests, self.max_new_tokens, room, self.chat_template_kwargs
        )
        if prompts:
            stops = stop_tokens(tokenizer)
            sampling = [self._sampling(requests[index], stops) for index in prompts]
            start = time.perf_counter()
            outputs = self._engine.generate(
                [{"prompt_token_ids": ids} for ids in prompts.values()], sampling, use_tqdm=False
            )
            latency = (time.perf_counter() - start) / len(prompts)
            for index, output in zip(prompts, outputs, strict=True):
                completions[index] = _completion(output, latency)
        return [completions[index] for index in range(len(requests))]

    def _sampling(self, request: Request, stops: list[int]) -> Any:
        from vllm.sampling_params import SamplingParams, StructuredOutputsParams

        schema, own = request.json_schema, self.sampling_of(request)
        return SamplingParams(
            temperature=own.temperature,
            top_p=own.top_p,
            max_tokens=own.max_new_tokens,
            stop=list(own.stop),
            seed=request.seed,
            stop_token_ids=stops,
            # They mark a model's thinking.
            skip_special_tokens=False,
            structured_outputs=StructuredOutputsParams(json=schema) if schema else None,
        )


def _completion(output: Any, latency: float) -> Completion:
    (sample,) = output.outputs
    return Completion(
        sample.text,
        tokens_in=len(output.prompt_token_ids),
        tokens_out=len(sample.token_ids),
        finish_reason=sample.finish_reason,
        latency=latency,
    )
