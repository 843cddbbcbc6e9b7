"""Any endpoint that speaks OpenAI's chat completions over HTTP."""

import os
import re
import threading
import weakref
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from itertools import chain
from typing import Any, ClassVar, Literal

import orjson
from pydantic import ConfigDict, Field, PrivateAttr, SecretStr, field_validator
from yarl import URL

from builders.errors import BadInput
from pipelines.llms.base import ChatLLM
from pipelines.llms.budget import Account
from pipelines.llms.endpoint.address import Endpoint, base_of
from pipelines.llms.endpoint.chat_body import ChatBody
from pipelines.llms.endpoint.request_loop import Policy, RequestLoop
from pipelines.llms.messages import Completion, Request
from pipelines.llms.store import CompletionStore

# Reasons of completions without text that another attempt would only pay for again.
FINAL_REASONS = ("refusal", "content_filtered")

# Of the module and not of the object, which has to be picklable until it is used.
_STARTING = threading.Lock()


class OpenAILLM(ChatLLM):
    """OpenAI, or a vLLM, Ollama, llama.cpp or Hugging Face inference server, or a router.

    `complete` raises BadInput if the endpoint refuses the key, the model or a setting, and
    RunFailed if it cannot be reached, is out of quota, or rate-limits forever; either stops
    every `complete` in progress on this object. `tokens_in` and `tokens_out` are the sums over
    all paid replies to a request. Fields are fixed by the first call after `load` or `unload`.
    Times are in seconds.
    """

    # Validation errors must not show a key that was put into the wrong field.
    model_config = ConfigDict(hide_input_in_errors=True)

    endpoint: ClassVar[str] = "openai"
    concurrent_batches: ClassVar[int] = 8

    base_url: str = "https://api.openai.com/v1"
    # The name of the variable, never the key; None for a server that needs none.
    api_key_env: str | None = "OPENAI_API_KEY"
    # By header, the name of the variable that has its value.
    headers: dict[str, str] = Field(default_factory=dict)
    # None is not sent.
    temperature: float | None = Field(default=0.0, ge=0)
    top_p: float | None = Field(default=1.0, gt=0, le=1)
    seed: Literal["row"] | None = "row"
    limit_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    in_flight: int = Field(default=32, ge=1)
    # Of one attempt, from connecting to the last byte.
    deadline: float = Field(default=120.0, gt=0)
    max_attempts: int = Field(default=6, ge=1)
    max_throttled: int = Field(default=20, ge=1)
    backoff_base: float = Field(default=0.5, ge=0)
    backoff_cap: float = Field(default=30.0, ge=0)
    structured_output: bool = False
    extra_body: dict[str, Any] = Field(default_factory=dict)

    _key: SecretStr | None = PrivateAttr(None)
    _headers: dict[str, SecretStr] = PrivateAttr({})
    _requests: RequestLoop | None = PrivateAttr(None)
    _store: CompletionStore | None = PrivateAttr(None)
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
            raise BadInput("base_url is not an address such as https://api.openai.com/v1")
        if url.user or url.password:
            raise BadInput("base_url contains a password; name its variable in api_key_env")
        return value

    @field_validator("headers")
    @classmethod
    def _are_variables(cls, value: dict[str, str]) -> dict[str, str]:
        for name, variable in value.items():
            if not re.fullmatch(r"[A-Za-z0-9-]+", name):
                raise BadInput("headers: a name has characters that no header has")
            if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", variable):
                raise BadInput(
                    f"headers.{name}: name the environment variable that has the value, not the "
                    "value itself"
                )
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
        """Read the key; BadInput if its variable is not set."""
        super().load()
        self._key = _read_key(self.api_key_env)
        self._headers = {name: _read_key(variable) for name, variable in self.headers.items()}

    def unload(self) -> None:
        if self._close is not None:
            self._close()
        self._requests = self._close = self._key = None
        super().unload()

    def keep_in(self, store: CompletionStore) -> None:
        self._store = store

    def draw_on(self, account: Account) -> None:
        self._account = account

    def _complete(self, requests: Sequence[Request]) -> list[Completion]:
        return [completion for (completion,) in self._sample(requests)]

    def _sample(self, requests: Sequence[Request]) -> list[list[Completion]]:
        """As `_complete`, several samples of a prompt in one HTTP request where that works.

        The prompt's tokens are counted with the first sample of a reply.
        """
        loop, store = self._started(), self._store
        if store is None:
            return loop.run(requests)
        keys = [
            [loop.key(request, sample) for sample in range(request.samples)] for request in requests
        ]
        stored = store.get(list(chain.from_iterable(keys)))
        self._count(stored.values())
        missing = [
            (index, samples)
            for index, sample_keys in enumerate(keys)
            if (samples := [at for at, key in enumerate(sample_keys) if key not in stored])
        ]

        def keep(position: int, sample: int, completion: Completion) -> None:
            if completion.text is not None or completion.reason in FINAL_REASONS:
                index, samples = missing[position]
                store.put(keys[index][samples[sample]], self.model, self.endpoint, completion)

        fresh = loop.run([requests[index].only(samples) for index, samples in missing], keep)
        completions = [[stored.get(key) for key in sample_keys] for sample_keys in keys]
        for (index, samples), group in zip(missing, fresh, strict=True):
            for sample, completion in zip(samples, group, strict=True):
                completions[index][sample] = completion
        return completions

    def submit(self, request: Request) -> "Future[list[list[Completion]]]":
        """As `_sample` of one request, for a caller that does not wait. Nothing is stored."""
        return self._started().submit(request)

    def _count(self, completions: Iterable[Completion]) -> None:
        """Earlier payments are part of what the run may spend."""
        if account := self._account:
            amounts = (account.amount(one.tokens_in, one.tokens_out) for one in completions)
            account.budget.count(sum(amounts))

    def check(self) -> None:
        """RunFailed if the endpoint does not answer, BadInput if it refuses the key."""
        self._started().check()

    def _started(self) -> RequestLoop:
        with _STARTING:
            if self._requests is None or not self._requests.alive:
                self._requests = self._new_loop()
                # No thread or socket outlives an object that is not unloaded.
                self._close = weakref.finalize(self, self._requests.close)
            return self._requests

    def address(self) -> Endpoint:
        """Where requests go, with the key; BadInput if its variable is not set."""
        if self._key is None:
            self.load()
        key = self._key.get_secret_value() if self._key else None
        headers = tuple((name, value.get_secret_value()) for name, value in self._headers.items())
        variable = self.api_key_env or next(iter(self.headers.values()), None)
        return Endpoint(base_of(self.base_url), key, variable, headers)

    def _new_loop(self) -> RequestLoop:
        return RequestLoop(
            self.address(),
            Policy(
                in_flight=self.in_flight,
                deadline=self.deadline,
                max_attempts=self.max_attempts,
                max_throttled=self.max_throttled,
                backoff_base=self.backoff_base,
                backoff_cap=self.backoff_cap,
            ),
            self.body(),
            self._account,
        )

    def body(self) -> ChatBody:
        """The part of a chat completion's body that all requests share."""
        return ChatBody(
            model=self.model,
            temperature=self.temperature,
            top_p=self.top_p,
            max_tokens=self.max_new_tokens,
            with_schema=self.structured_output,
            extra=self.extra_body,
            template_values=self.chat_template_kwargs,
            limit_field=self.limit_field,
            with_seed=self.seed is not None,
        )


def _read_key(variable: str | None) -> SecretStr | None:
    if variable is None:
        return None
    key = os.environ.get(variable, "").strip()
    if not key:
        raise BadInput(f"${variable} is not set: it has to hold the key for this endpoint")
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise BadInput(f"${variable} holds characters that no key has")
    return SecretStr(key)
