"""Models that vLLM loads into this process."""

import time
from collections.abc import Sequence
from typing import Any, ClassVar

from pydantic import PrivateAttr

from builders.errors import BadInput
from pipelines.llms.base import ChatLLM, Completion, Request
from pipelines.llms.chat_prompt import prompts


class VllmLLM(ChatLLM):
    """A folder or Hub name; vLLM batches the requests of one `complete` as it sees fit.

    Prompts are tokenised here and not by vLLM's `chat`, which raises for all conversations
    if one of them does not fit. Latency is the wall time over the requests.
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
            # Not the model's own defaults: they would cap the length unrecorded.
            self._engine = vllm.LLM(model=self.model, generation_config="vllm")
        except (OSError, ValueError) as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise BadInput(f"model: {self.model} does not load: {reason[:200]}") from error

    def unload(self) -> None:
        self._engine = None
        super().unload()

    def complete(self, requests: Sequence[Request]) -> list[Completion]:
        if self._engine is None:
            self.load()
        tokenizer = self._engine.get_tokenizer()
        room = self._engine.llm_engine.model_config.max_model_len
        asked, done = prompts(tokenizer, requests, self.max_new_tokens, room)
        if asked:
            sampling = [self._sampling(requests[index]) for index in asked]
            start = time.perf_counter()
            outputs = self._engine.generate(
                [{"prompt_token_ids": ids} for ids in asked.values()], sampling, use_tqdm=False
            )
            latency = (time.perf_counter() - start) / len(asked)
            answers = [_completion(output, latency) for output in outputs]
            done.update(zip(asked, answers, strict=True))
        return [done[index] for index in range(len(requests))]

    def _sampling(self, request: Request) -> Any:
        from vllm.sampling_params import SamplingParams, StructuredOutputsParams

        schema = request.json_schema
        return SamplingParams(
            temperature=self.temperature,
            top_p=self.top_p,
            max_tokens=self.max_new_tokens,
            seed=request.seed,
            structured_outputs=StructuredOutputsParams(json=schema) if schema else None,
        )


def _completion(output: Any, latency: float) -> Completion:
    (answer,) = output.outputs
    return Completion(
        answer.text,
        tokens_in=len(output.prompt_token_ids),
        tokens_out=len(answer.token_ids),
        finish_reason=answer.finish_reason,
        latency=latency,
    )
