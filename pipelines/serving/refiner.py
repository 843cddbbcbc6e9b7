"""An answer by refinement: draft, the model's own critique of it, refinement (section 3.2).

An answer whose critique cannot be read is the draft. The calls are those of `srt evaluate`: a
checkpoint of this project is asked in the words that it was trained on, another model by the
critic's prompt.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from builders.critique.prompts import critique_schema
from builders.rows import Row
from builders.rows.reasons import REASONS
from pipelines import dag
from pipelines.audit.judges import AskedModel
from pipelines.evaluation.answers import answer_steps
from pipelines.llms.factory import Models
from pipelines.llms.live import Live, OnText, live_model
from pipelines.llms.messages import Completion, Request, Sampling
from pipelines.recipe.models import OpenAIModel
from pipelines.serving.certain import CertainRefinement, before_stop, certain_draft
from pipelines.serving.conversation import row_of
from services.chat.answerer import Answer, Asked, Put
from services.chat.errors import ChatError


@dataclass
class _Tokens:
    """The tokens of an answer's calls."""

    spent_in: int = 0
    spent_out: int = 0

    def count(self, completion: Completion) -> None:
        self.spent_in += completion.tokens_in
        self.spent_out += completion.tokens_out


@dataclass
class _Rounds:
    """An answer as it comes about: `text`, and what was said about each answer before it."""

    text: str
    is_cut: bool
    rounds: list[Row] = field(default_factory=list)

    @property
    def details(self) -> dict[str, Any]:
        last = self.rounds[-1] if self.rounds else {}
        refined = any(one["refinement"] is not None for one in self.rounds)
        return {
            "answer": "refinement" if refined else "draft",
            "scores": [one["critique"]["score"] for one in self.rounds if one["critique"]],
            "reason": last.get("reason"),
            "rounds": self.rounds,
        }


class Refiner:
    """Answers many conversations at the same time with one model.

    The draft is sampled as the client asks, and where it says nothing by the model's block; the
    critique by the block alone. `rounds` refinements are made, each of the one before.
    """

    def __init__(self, model: AskedModel, *, refine: bool = True, rounds: int = 1) -> None:
        """BadInput if the model does not load."""
        self.name = model.name
        self._block = model.block
        self._rounds = rounds if refine else 0
        with dag.Pipeline(name="srt-serve"):
            self._draft, self._critique = answer_steps(model, Models(), 0, refine=True)
        self._live: Live = live_model(self._draft.llm)

    def close(self) -> None:
        self._live.close()

    async def answer(self, asked: Asked, put: Put | None = None) -> Answer:
        row, tokens = row_of(asked, self._block.system), _Tokens()
        # The last answer alone is the client's; the ones before it are not read along.
        draft = await self._drafted(asked, row, tokens, None if self._rounds else put)
        result = _Rounds(draft["draft"] or "", draft["is_cut"])
        if draft["reason"] is not None:
            result.rounds.append(_round(draft))
        else:
            for number in range(1, self._rounds + 1):
                last = put if number == self._rounds else None
                if not await self._refined(asked, row, result, tokens, last):
                    break
        finish = "length" if result.is_cut else "stop"
        if draft["reason"] == "content_filtered":
            finish = "content_filter"
        details = {"draft": draft["draft"], **result.details}
        return Answer(result.text, finish, tokens.spent_in, tokens.spent_out, details)

    async def _drafted(self, asked: Asked, row: Row, tokens: _Tokens, put: Put | None) -> Row:
        """The draft, with a reason if nothing comes of it; ChatError if there is none at all."""
        reader = put and _Reader(put, lambda text: certain_draft(text, asked.stop))
        sampling = Sampling(
            self._block.temperature if asked.temperature is None else asked.temperature,
            self._block.top_p if asked.top_p is None else asked.top_p,
            asked.max_tokens or self._block.max_new_tokens,
            asked.stop,
        )
        request = Request(self._draft.format_input(row), asked.seed, sampling=sampling)
        completion = await self._completion(request, reader)
        tokens.count(completion)
        result = {"draft": None, "detail": None, **self._draft.format_output(completion, row)}
        self._require_answer(result)
        result["is_cut"] = completion.finish_reason == "length"
        if result["draft"] is not None:
            result["draft"] = before_stop(result["draft"], asked.stop).strip()
            if not result["draft"] and result["reason"] is None:
                result["reason"] = "draft_empty"
        if reader:
            result["draft"] = reader.finish(result["draft"] or "")
        return result

    def _require_answer(self, result: Row) -> None:
        if result["reason"] == "context_exceeded":
            message = f"messages: too long for the model's context ({result['detail']})"
            raise ChatError(400, message, param="messages", code="context_length_exceeded")
        if result["reason"] == "call_failed":
            # Here a call fails only if the chat template does not take the messages.
            status = 502 if isinstance(self._block, OpenAIModel) else 400
            raise ChatError(status, f"the model gave no answer: {result['detail']}")

    async def _refined(
        self, asked: Asked, row: Row, result: _Rounds, tokens: _Tokens, put: Put | None
    ) -> bool:
        """Refine the answer in `result`; False if another round would change nothing."""
        row = {**row, "draft": result.text}
        certain = CertainRefinement(asked.stop)
        reader = put and _Reader(put, lambda text: self._within(asked, certain.of(text)))
        block = self._block
        limit = max(block.max_new_tokens, asked.max_tokens or 0)
        request = Request(
            self._critique.format_input(row),
            asked.seed,
            critique_schema(refined=True) if self._critique.as_json else None,
            sampling=Sampling(block.temperature, block.top_p, limit),
        )
        completion = await self._completion(request, reader)
        tokens.count(completion)
        found = {"critique": None, "refinement": None, "detail": None, "reason": None}
        found.update(self._critique.format_output(completion, row))
        result.rounds.append(_round(found))
        whole = found["refinement"]
        if reader and reader.sent and not (whole or "").startswith(reader.sent):
            # The client has read its beginning: too late for the draft, or for another reading.
            whole = certain.whole(reader.text)
            result.rounds[-1]["refinement"] = whole
        if whole is not None:
            whole = before_stop(whole, asked.stop).strip()
            result.text = self._within(asked, whole)
        if reader:
            result.text = reader.finish(result.text)
        if whole is not None:
            is_cut = found["refinement"] is None and completion.finish_reason == "length"
            result.is_cut = is_cut or len(result.text) < len(whole)
        return found["refinement"] not in (None, row["draft"])

    def _within(self, asked: Asked, text: str) -> str:
        """`text`, cut where it has as many tokens as the client wants."""
        return text if asked.max_tokens is None else self._live.first_tokens(text, asked.max_tokens)

    async def _completion(self, request: Request, reader: "_Reader | None") -> Completion:
        """The model's reply. Canceling this cancels the call."""
        loop = asyncio.get_running_loop()
        future: Future[Completion] = Future()
        on_text: OnText | None = None
        if reader:

            def on_text(piece: str) -> None:
                loop.call_soon_threadsafe(reader.read, piece)

        try:
            # Tokenizing a long prompt takes a while.
            await asyncio.to_thread(self._live.start, request, future, on_text)
            return await asyncio.wrap_future(future)
        finally:
            future.cancel()


class _Reader:
    """Puts the certain part of a text that grows, piece by piece."""

    def __init__(self, put: Put, certain: Callable[[str], str]) -> None:
        self.text = ""
        self.sent = ""
        self._put = put
        self._certain = certain

    def read(self, piece: str) -> None:
        self.text += piece
        certain = self._certain(self.text)
        if len(certain) > len(self.sent) and certain.startswith(self.sent):
            self._send(certain)

    def finish(self, text: str) -> str:
        """Put what is left of the whole text; what was put in all."""
        if text.startswith(self.sent):
            self._send(text)
        return self.sent

    def _send(self, text: str) -> None:
        self._put(text[len(self.sent) :])
        self.sent = text


def _round(found: Row) -> Row:
    """A round as clients see it: the critique and the refinement, or the reason why not."""
    reason = found["reason"]
    return {
        "critique": found.get("critique"),
        "refinement": found.get("refinement"),
        "reason": reason,
        "sentence": REASONS.get(reason) if reason else None,
        "detail": found["detail"],
    }
