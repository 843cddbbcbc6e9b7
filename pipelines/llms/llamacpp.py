"""GGUF models by llama.cpp, in this process."""

import json
import os
import secrets
import time
from collections.abc import Sequence
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

from pydantic import Field, PrivateAttr

from builders.errors import BadInput
from pipelines.embedded import MODEL_NAME, gguf_path
from pipelines.llms.base import ChatLLM, Completion, Request
from pipelines.llms.chat_prompt import unfit, unusable
from pipelines.llms.openmp import ONE_AT_A_TIME, PASSIVE

EMBEDDED = "embedded"
_SMALL = 300_000_000


class LlamaCppLLM(ChatLLM):
    """A GGUF file, or `embedded` for that of SmolLM2-135M-Instruct.

    The sampling is plain temperature and top_p, as with the other kinds: llama.cpp's own
    top_k of 40 and min_p of 0.05 are off, and so is its cache of prompts, so that an answer
    does not depend on what was asked before. Latency is that of the request.
    """

    endpoint: ClassVar[str] = "llamacpp"

    # Tokens; 0 for as many as the model was trained with. Memory for them is taken at once.
    context: int = Field(default=0, ge=0)

    _server: Any = PrivateAttr(None)
    _room: int = PrivateAttr(0)

    @property
    def model_name(self) -> str:
        return f"{MODEL_NAME} Q4_1" if self.model == EMBEDDED else self.model

    def load(self) -> None:
        """BadInput if xllamacpp is not installed, or cannot load the file."""
        super().load()
        try:
            import xllamacpp
        except ImportError:
            raise BadInput("kind: llamacpp needs pip install 'srt-feedback[llamacpp]'") from None
        path = gguf_path() if self.model == EMBEDDED else Path(self.model).expanduser()
        if not path.is_file():
            raise BadInput(f"model: {self.model} is not a GGUF file")
        key = secrets.token_hex()
        params = xllamacpp.CommonParams()
        params.model.path = str(path)
        params.n_ctx = self.context
        cores = len(os.sched_getaffinity(0))
        params.cpuparams_batch.n_threads = cores
        # Threads that sleep between operations as small as these wake up too late to help.
        one_thread = PASSIVE and path.stat().st_size < _SMALL
        params.cpuparams.n_threads = 1 if one_thread else cores
        params.verbosity = 0
        # It opens a port on the loopback as well; nobody else is given the key to it.
        params.api_keys = [key]
        try:
            self._server = xllamacpp.Server(params)
        except (RuntimeError, ValueError) as error:
            raise BadInput(f"model: {self.model} does not load: {error}") from None
        self._room = _context(self._server.listening_address, key)
        # Its loop starts on a thread, and a server that is dropped before that waits for ever;
        # one that has answered is running.
        hello = {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 1}
        self._server.handle_chat_completions(hello)

    def unload(self) -> None:
        self._server = None
        super().unload()

    def complete(self, requests: Sequence[Request]) -> list[Completion]:
        if self._server is None:
            self.load()
        with ONE_AT_A_TIME:
            return [self._answer(request) for request in requests]

    def _answer(self, request: Request) -> Completion:
        start = time.perf_counter()
        try:
            reply = self._server.handle_chat_completions(self._body(request))
        # How it refuses a schema or a conversation that the template rejects.
        except (RuntimeError, TypeError, ValueError) as error:
            return unusable(error)
        return self._completion(reply, time.perf_counter() - start)

    def _body(self, request: Request) -> dict[str, Any]:
        body = {
            "messages": list(request.messages),
            "max_tokens": self.max_new_tokens,
            "temperature": self.temperature,
            "top_p": self.top_p,
            "top_k": 0,
            "min_p": 0.0,
            "seed": request.seed,
            "cache_prompt": False,
        }
        if request.json_schema is not None:
            schema = {"name": "reply", "schema": request.json_schema}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        return body

    def _completion(self, reply: dict[str, Any], latency: float) -> Completion:
        error = reply.get("error", {})
        tokens_in = error.get("n_prompt_tokens") or reply.get("usage", {}).get("prompt_tokens", 0)
        # It answers as long as there is room: an answer that had too little is no answer.
        if too_long := unfit(tokens_in, self.max_new_tokens, self._room):
            return too_long
        if error:
            return Completion(None, reason="call_failed", detail=error.get("message"))
        choice = reply["choices"][0]
        return Completion(
            choice["message"].get("content") or "",
            tokens_in=tokens_in,
            tokens_out=reply["usage"]["completion_tokens"],
            finish_reason=choice["finish_reason"],
            latency=latency,
        )


def _context(address: str, key: str) -> int:
    """Tokens that a prompt and its answer may have together."""
    connection = HTTPConnection(urlsplit(address).netloc)
    with closing(connection):
        connection.request("GET", "/props", headers={"Authorization": f"Bearer {key}"})
        return json.load(connection.getresponse())["default_generation_settings"]["n_ctx"]
