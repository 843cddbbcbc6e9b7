"""A run's models in a batch run: stored completions are used, missing requests are queued."""

import hashlib
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import orjson
from pydantic import PrivateAttr

from builders.errors import RunFailed
from builders.wording import counted
from pipelines.batch.queue import QueuedRequest, RequestQueue
from pipelines.generate.tasks import PENDING
from pipelines.llms.base import ChatLLM
from pipelines.llms.budget import Budget
from pipelines.llms.endpoint.address import Endpoint, base_of
from pipelines.llms.endpoint.openai import OpenAILLM
from pipelines.llms.factory import Models, llm_settings, make_llm
from pipelines.llms.messages import Completion, Request
from pipelines.llms.store import CompletionStore
from pipelines.recipe.execution import BatchExecution, price_of
from pipelines.recipe.models import AnyModel, OpenAIModel, ScriptedModel, as_before

# Of a request that waits for a batch: its row goes no further in this pass.
_PENDING = Completion(None, reason=PENDING, attempts=0)


class CollectingLLM(OpenAILLM):
    """Sends nothing: takes completions from the store, and queues the requests without one.

    In the last pass, which writes the ledger, no request may be missing.
    """

    _queue: RequestQueue | None = PrivateAttr(None)
    _changes: Mapping[str, Any] = PrivateAttr({})
    _last_pass: bool = PrivateAttr(False)

    def collect_in(
        self, queue: RequestQueue, changes: Mapping[str, Any], *, last_pass: bool = False
    ) -> None:
        """`changes` are to the bodies, where the endpoint refused a field."""
        self._queue = queue
        self._changes = changes
        self._last_pass = last_pass

    def check(self) -> None:
        """The batch API has been checked."""

    # A line of a batch is one sample.
    _sample = ChatLLM._sample

    def _complete(self, requests: Sequence[Request]) -> list[Completion]:
        loop = self._started()
        keys = [loop.key(request) for request in requests]
        known = self._store.get(keys)
        known |= self._queue.given_up([key for key in keys if key not in known])
        self._count(known.values())
        by_key = dict(zip(keys, requests, strict=True))
        missing = {key: request for key, request in by_key.items() if key not in known}
        if missing and self._last_pass:
            raise RunFailed(
                f"{self._store.path}: {counted(len(missing), 'answer has', 'answers have')} been "
                "deleted meanwhile; the same command requests them again"
            )
        if missing:
            body = replace(self.body(), **self._changes)
            encoded = ((key, body.encode(request)) for key, request in missing.items())
            self._queue.add(
                destination_of(self),
                [QueuedRequest(key, text, self._at_most(text)) for key, text in encoded],
            )
        return [known.get(key, _PENDING) for key in keys]

    def _at_most(self, body: bytes) -> float:
        return self._account.at_most(len(body), self.max_new_tokens) if self._account else 0.0


def destination_of(model: OpenAIModel | OpenAILLM) -> str:
    """The endpoint and the model, which all requests of a batch share."""
    return f"{Endpoint(base_of(model.base_url))} {model.model}"


class _CachedLLM(ChatLLM):
    """Mixed into a model of this process, so that no pass repeats the work of an earlier one.

    The weights are loaded when a completion is missing, not before.
    """

    _cache: CompletionStore | None = PrivateAttr(None)
    _block: bytes = PrivateAttr(b"")
    _lock: Any = PrivateAttr(None)
    _is_loaded: bool = PrivateAttr(False)

    def cache_in(self, cache: CompletionStore, block: AnyModel) -> None:
        self._cache = cache
        self._block = orjson.dumps(
            as_before(block.model_dump(mode="json")), option=orjson.OPT_SORT_KEYS
        )
        self._lock = threading.Lock()

    def load(self) -> None:
        """Does nothing yet."""

    def unload(self) -> None:
        if self._is_loaded:
            super().unload()
        self._is_loaded = False

    def _complete(self, requests: Sequence[Request]) -> list[Completion]:
        keys = [self._key_of(request) for request in requests]
        known = self._cache.get(keys)
        missing = {key: one for key, one in zip(keys, requests, strict=True) if key not in known}
        if missing:
            with self._lock:
                if not self._is_loaded:
                    super().load()
                    self._is_loaded = True
            fresh = super()._complete(list(missing.values()))
            for key, completion in zip(missing, fresh, strict=True):
                self._cache.put(key, self.model, self.endpoint, completion)
                known[key] = completion
        return [known[key] for key in keys]

    def _key_of(self, request: Request) -> bytes:
        content = repr((list(request.messages), request.seed, request.json_schema))
        encoded = content.encode(errors="surrogatepass")
        return hashlib.sha256(self._block + b"\0" + encoded).digest()


class BatchModels(Models):
    """The LLMs of one pass: those of kind openai queue requests, all others are cached."""

    def __init__(
        self,
        execution: BatchExecution,
        store: CompletionStore,
        local_store: CompletionStore,
        queue: RequestQueue,
        *,
        changes: Mapping[str, Mapping[str, Any]],
        budget: Budget | None = None,
        last_pass: bool = False,
    ) -> None:
        super().__init__(store, budget)
        self._execution = execution
        self._local_store = local_store
        self._queue = queue
        self._changes = changes
        self._last_pass = last_pass

    def _make(self, model: AnyModel) -> ChatLLM:
        if isinstance(model, ScriptedModel):
            return make_llm(model)
        if not isinstance(model, OpenAIModel):
            return self._cached(model)
        llm = CollectingLLM(**llm_settings(model))
        self._connect(llm, price_of(model, self._execution))
        changes = self._changes.get(destination_of(model), {})
        llm.collect_in(self._queue, changes, last_pass=self._last_pass)
        return llm

    def _cached(self, model: AnyModel) -> ChatLLM:
        plain = make_llm(model)
        kind = type(plain)
        cached = type(f"Cached{kind.__name__}", (_CachedLLM, kind), {"__module__": __name__})
        llm = cached(**plain.model_dump(include=set(model.model_dump())))
        llm.cache_in(self._local_store, model)
        return llm
