"""A run's models while it is made in batches: what is known is answered, the rest written down."""

import hashlib
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import orjson
from pydantic import PrivateAttr
from yarl import URL

from builders.errors import RunFailed
from pipelines.batch.waiting import Collected, Waiting
from pipelines.llm import Models, make_llm
from pipelines.llms.base import ChatLLM, Completion, Request
from pipelines.llms.budget import Account, Budget
from pipelines.llms.chat_body import ChatBody
from pipelines.llms.http_session import Endpoint
from pipelines.llms.openai import OpenAILLM
from pipelines.llms.store import ResponseStore
from pipelines.recipe import AnyModel, OpenAIModel, Recipe, ScriptedModel
from pipelines.tasks import PENDING

# Of requests that wait for a batch; rows that have it go no further in this pass.
_TO_COME = Completion(None, reason=PENDING, attempts=0)


class CollectingLLM(OpenAILLM):
    """Sends nothing: answers from the store, and hands over what it lacks.

    `waiting` is None in the pass that writes the ledger, where nothing may be lacking.
    """

    _waiting: Waiting | None = PrivateAttr(None)
    _given_up: Waiting | None = PrivateAttr(None)
    _changes: Mapping[str, Any] = PrivateAttr({})

    def collect_in(
        self, waiting: Waiting, changes: Mapping[str, Any], *, last_pass: bool = False
    ) -> None:
        """`changes` are to the bodies, as the endpoint has asked for them."""
        self._given_up = waiting
        self._waiting = None if last_pass else waiting
        self._changes = changes

    def check(self) -> None:
        """The batch API was asked."""

    # A line of a batch is one sample.
    sample = ChatLLM.sample

    def complete(self, requests: Sequence[Request]) -> list[Completion]:
        loop = self._started()
        keys = [loop.key(request) for request in requests]
        known = self._store.get(keys)
        known |= self._given_up.given_up([key for key in keys if key not in known])
        self._count(known.values())
        asked = dict(zip(keys, requests, strict=True))
        missing = {key: request for key, request in asked.items() if key not in known}
        if missing and self._waiting is None:
            raise RunFailed(
                f"{self._store.path}: {len(missing)} answers have been deleted meanwhile; "
                "the same command asks for them again"
            )
        if missing:
            body = replace(self.body, **self._changes)
            encoded = ((key, body.encode(request)) for key, request in missing.items())
            self._waiting.collect(
                destination_of(self),
                [Collected(key, text, self._at_most(text)) for key, text in encoded],
            )
        return [known.get(key, _TO_COME) for key in keys]

    def _at_most(self, body: bytes) -> float:
        return self._account.at_most(len(body), self.max_new_tokens) if self._account else 0.0

    def address(self) -> Endpoint:
        """Where the batches go, with the key; BadInput where there is none."""
        if self._key is None:
            self.load()
        key = self._key.get_secret_value() if self._key else None
        return Endpoint(URL(self.base_url), key, self.api_key_env)

    @property
    def body(self) -> ChatBody:
        return self._body()


def destination_of(model: OpenAIModel | OpenAILLM) -> str:
    """The endpoint and the model, which all requests of a batch have in common."""
    return f"{Endpoint(URL(model.base_url))} {model.model}"


class _KeptLLM(ChatLLM):
    """Mixed into a model of this process: a pass does not compute what an earlier one has.

    The weights are loaded when something is missing, and not before.
    """

    _kept: ResponseStore | None = PrivateAttr(None)
    _block: bytes = PrivateAttr(b"")
    _lock: Any = PrivateAttr(None)
    _loaded: bool = PrivateAttr(False)

    def keep(self, store: ResponseStore, block: AnyModel) -> None:
        self._kept = store
        self._block = orjson.dumps(block.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS)
        self._lock = threading.Lock()

    def load(self) -> None:
        """Nothing yet."""

    def unload(self) -> None:
        if self._loaded:
            super().unload()
        self._loaded = False

    def complete(self, requests: Sequence[Request]) -> list[Completion]:
        keys = [self._key_of(request) for request in requests]
        known = self._kept.get(keys)
        missing = {key: one for key, one in zip(keys, requests, strict=True) if key not in known}
        if missing:
            with self._lock:
                if not self._loaded:
                    super().load()
                    self._loaded = True
            fresh = super().complete(list(missing.values()))
            for key, completion in zip(missing, fresh, strict=True):
                self._kept.put(key, self.model, self.endpoint, completion)
                known[key] = completion
        return [known[key] for key in keys]

    def _key_of(self, request: Request) -> bytes:
        asked = repr((list(request.messages), request.seed, request.json_schema))
        return hashlib.sha256(self._block + b"\0" + asked.encode(errors="surrogatepass")).digest()


def _kept(model: AnyModel, store: ResponseStore) -> ChatLLM:
    made = make_llm(model)
    kind = type(made)
    llm = type(f"Kept{kind.__name__}", (_KeptLLM, kind), {"__module__": __name__})(
        **made.model_dump(include=set(model.model_dump()))
    )
    llm.keep(store, model)
    return llm


class BatchModels(Models):
    """The LLMs of one pass: those of kind openai collect, all others answer and are kept."""

    def __init__(
        self,
        recipe: Recipe,
        store: ResponseStore,
        local: ResponseStore,
        waiting: Waiting,
        *,
        changes: Mapping[str, Mapping[str, Any]],
        budget: Budget | None = None,
        last_pass: bool = False,
    ) -> None:
        super().__init__(store, budget)
        self._recipe = recipe
        self._local = local
        self._waiting = waiting
        self._changes = changes
        self._last_pass = last_pass

    def get(self, model: AnyModel) -> ChatLLM:
        for known, llm in self._made:
            if known == model:
                return llm
        self._made.append((model, self._make(model)))
        return self._made[-1][1]

    def _make(self, model: AnyModel) -> ChatLLM:
        if isinstance(model, ScriptedModel):
            return make_llm(model)
        if not isinstance(model, OpenAIModel):
            return _kept(model, self._local)
        llm = collecting(model)
        changes = self._changes.get(destination_of(model), {})
        llm.keep_in(self._store)
        llm.collect_in(self._waiting, changes, last_pass=self._last_pass)
        if self._budget:
            price = self._recipe.price_of(model)
            prices = (price.input, price.output) if price else (0.0, 0.0)
            llm.draw_on(Account(self._budget, *prices))
        return llm


def collecting(model: OpenAIModel) -> CollectingLLM:
    return CollectingLLM(**model.model_dump(exclude={"kind", "system", "price"}))
