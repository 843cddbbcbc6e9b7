"""Any endpoint that speaks OpenAI's chat completions over HTTP."""

import os
import threading
import weakref
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any, ClassVar

import orjson
from pydantic import ConfigDict, Field, PrivateAttr, SecretStr, field_validator
from yarl import URL

from builders.errors import BadInput
from pipelines.llms.base import ChatLLM, Completion, Request
from pipelines.llms.budget import Account
from pipelines.llms.chat_body import ChatBody
from pipelines.llms.http_session import Endpoint
from pipelines.llms.request_loop import Policy, RequestLoop
from pipelines.llms.store import ResponseStore

# Answers without text that asking again would only pay for again.
PAID_FOR = ("refusal", "content_filtered")

# Of the module and not of the object, which has to be picklable until it is used.
_STARTING = threading.Lock()


class OpenAILLM(ChatLLM):
    """OpenAI, or a vLLM, Ollama, llama.cpp or Hugging Face inference server, or a router.

    `complete` raises BadInput if the endpoint refuses the key, the model or a setting, and
    RunFailed if it cannot be reached, is out of quota, or rate-limits without end; either
    stops every `complete` in progress on this object. `tokens_in` and `tokens_out` add up
    all replies to a request that were paid for. Fields are fixed by the first call after
    `load` or `unload`. Times are in seconds.
    """

    # Errors of validation must not show a key that was put where none belongs.
    model_config = ConfigDict(hide_input_in_errors=True)

    endpoint: ClassVar[str] = "openai"
    concurrent_batches: ClassVar[int] = 8

    base_url: str = "https://api.openai.com/v1"
    # The name of the variable, never the key; None for a server that wants none.
    api_key_env: str | None = "OPENAI_API_KEY"
    in_flight: int = Field(default=32, ge=1)
    # For one attempt, from connecting to the last byte.
    deadline: float = Field(default=120.0, gt=0)
    max_attempts: int = Field(default=6, ge=1)
    max_throttled: int = Field(default=20, ge=1)
    backoff_base: float = Field(default=0.5, ge=0)
    backoff_cap: float = Field(default=30.0, ge=0)
    structured_output: bool = False
    extra_body: dict[str, Any] = Field(default_factory=dict)

    _key: SecretStr | None = PrivateAttr(None)
    _requests: RequestLoop | None = PrivateAttr(None)
    _store: ResponseStore | None = PrivateAttr(None)
    _account: Account | None = PrivateAttr(None)
    _close: weakref.finalize | None = PrivateAttr(None)

    @field_validator("base_url")
    @classmethod
    def _is_http(cls, value: str) -> str:
        try:
            url = URL(value)
        except ValueError:
            url = URL()
        if url.scheme not in ("http", "https") or not url.host:
            raise BadInput("base_url is no address such as https://api.openai.com/v1")
        if url.user or url.password:
            raise BadInput("base_url carries a password; name its variable in api_key_env")
        return value

    @field_validator("extra_body")
    @classmethod
    def _is_json(cls, value: dict[str, Any]) -> dict[str, Any]:
        try:
            orjson.dumps(value)
        except TypeError as error:
            raise BadInput(f"extra_body is not JSON: {error}") from None
        if value.get("stream") or value.get("n", 1) != 1:
            raise BadInput("extra_body cannot ask for a stream, or for several choices")
        return value

    def load(self) -> None:
        """Read the key; BadInput if there is none."""
        super().load()
        self._key = _read_key(self.api_key_env)

    def unload(self) -> None:
        if self._close is not None:
            self._close()
        self._requests = self._close = self._key = None
        super().unload()

    def keep_in(self, store: ResponseStore) -> None:
        self._store = store

    def draw_on(self, account: Account) -> None:
        self._account = account

    def complete(self, requests: Sequence[Request]) -> list[Completion]:
        return [completion for (completion,) in self.sample(requests)]

    def sample(self, requests: Sequence[Request]) -> list[list[Completion]]:
        """As `complete`, several samples of a prompt in one HTTP request where that works.

        The prompt's tokens are counted with the first sample of a reply.
        """
        loop, store = self._started(), self._store
        if store is None:
            return loop.run(requests)
        keys = [
            [loop.key(request, sample) for sample in range(request.samples)] for request in requests
        ]
        known = store.get(list(chain.from_iterable(keys)))
        self._count(known.values())
        missing = {
            index: samples
            for index, of_request in enumerate(keys)
            if (samples := [at for at, key in enumerate(of_request) if key not in known])
        }
        places = list(missing.items())

        def keep(at: int, position: int, completion: Completion) -> None:
            if completion.text is not None or completion.reason in PAID_FOR:
                index, samples = places[at]
                store.put(keys[index][samples[position]], self.model, self.endpoint, completion)

        fresh = loop.run([requests[index].only(samples) for index, samples in places], keep)
        answers = [[known.get(key) for key in of_request] for of_request in keys]
        for (index, samples), completions in zip(places, fresh, strict=True):
            for sample, completion in zip(samples, completions, strict=True):
                answers[index][sample] = completion
        return answers

    def _count(self, completions: Iterable[Completion]) -> None:
        """What was paid for before is part of what the run may spend."""
        if account := self._account:
            amounts = (account.amount(one.tokens_in, one.tokens_out) for one in completions)
            account.budget.count(sum(amounts))

    def check(self) -> None:
        """Ask once before a run: RunFailed if nobody answers, BadInput if the key is refused."""
        self._started().check()

    def _started(self) -> RequestLoop:
        with _STARTING:
            if self._requests is None or not self._requests.alive:
                if self._key is None:
                    self.load()
                self._requests = self._new_loop()
                # For whoever forgets to unload: no thread or socket outlives the object.
                self._close = weakref.finalize(self, self._requests.close)
            return self._requests

    def _new_loop(self) -> RequestLoop:
        key = self._key.get_secret_value() if self._key else None
        return RequestLoop(
            Endpoint(URL(self.base_url), key, self.api_key_env),
            Policy(
                in_flight=self.in_flight,
                deadline=self.deadline,
                max_attempts=self.max_attempts,
                max_throttled=self.max_throttled,
                backoff_base=self.backoff_base,
                backoff_cap=self.backoff_cap,
            ),
            self._body(),
            self._account,
        )

    def _body(self) -> ChatBody:
        return ChatBody(
            model=self.model,
            temperature=self.temperature,
            top_p=self.top_p,
            max_tokens=self.max_new_tokens,
            with_schema=self.structured_output,
            extra=self.extra_body,
        )


def _read_key(variable: str | None) -> SecretStr | None:
    if variable is None:
        return None
    key = os.environ.get(variable, "").strip()
    if not key:
        raise BadInput(f"${variable} is not set: the key for this endpoint is read from it")
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise BadInput(f"${variable} holds characters that no key has")
    return SecretStr(key)
