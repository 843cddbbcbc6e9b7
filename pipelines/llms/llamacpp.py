"""GGUF models that llama.cpp runs in this process."""

import json
import os
import re
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
from pipelines.llms.base import ChatLLM
from pipelines.llms.chat_prompt import length_failure, template_failure
from pipelines.llms.endpoint.message_text import reasoning_of
from pipelines.llms.messages import Completion, Request
from services.model.embedded import MODEL_NAME, gguf_path
from services.model.resources import ONE_AT_A_TIME, PASSIVE

EMBEDDED = "embedded"
_SMALL = 300_000_000
# What may be a control token: few texts have any, and each costs two requests.
_LIKE_A_TOKEN = re.compile(r"<[^<>\s]{1,60}>|\[/?[A-Z_]{1,60}\]")


class LlamaCppLLM(ChatLLM):
    """A GGUF file, or `embedded` for that of SmolLM2-135M-Instruct.

    Sampling is temperature and top_p only, as with the other kinds: llama.cpp's own top_k of 40
    and min_p of 0.05 are off, and so is its prompt cache, so that a completion does not depend
    on earlier requests. Latency is that of the request.
    """

    endpoint: ClassVar[str] = "llamacpp"

    # Tokens; 0 for as many as the model was trained with. Their memory is allocated at once.
    context: int = Field(default=0, ge=0)

    _server: Any = PrivateAttr(None)
    _room: int = PrivateAttr(0)
    _key: str = PrivateAttr("")

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
        self._key = secrets.token_hex()
        params = xllamacpp.CommonParams()
        params.model.path = str(path)
        params.n_ctx = self.context
        cores = len(os.sched_getaffinity(0))
        params.cpuparams_batch.n_threads = cores
        # For operations this small, sleeping threads wake up too late to help.
        one_thread = PASSIVE and path.stat().st_size < _SMALL
        params.cpuparams.n_threads = 1 if one_thread else cores
        params.verbosity = 0
        # It also listens on a loopback port, which needs a key that only this process knows.
        params.api_keys = [self._key]
        try:
            self._server = xllamacpp.Server(params)
        except (RuntimeError, ValueError) as error:
            raise BadInput(f"model: {self.model} does not load: {error}") from None
        settings = self._ask("GET", "/props")["default_generation_settings"]
        self._room = settings["n_ctx"]  # tokens that a prompt and its completion may have together
        # Its loop starts on a thread, and a server that is dropped before then waits forever;
        # one that has answered is running.
        first = {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 1}
        self._server.handle_chat_completions(first)

    def unload(self) -> None:
        self._server = None
        super().unload()

    def _complete(self, requests: Sequence[Request]) -> list[Completion]:
        if self._server is None:
            self.load()
        with ONE_AT_A_TIME:
            return [self._answer(request) for request in requests]

    def _answer(self, request: Request) -> Completion:
        start = time.perf_counter()
        if found := self._control_token(request):
            return Completion(None, reason="call_failed", detail=found)
        try:
            reply = self._server.handle_chat_completions(self._body(request))
        # What it raises for a schema or a conversation that it cannot use.
        except (RuntimeError, TypeError, ValueError) as error:
            return template_failure(error)
        limit = self.sampling_of(request).max_new_tokens
        return self._completion(reply, limit, time.perf_counter() - start)

    def _control_token(self, request: Request) -> str | None:
        """A sentence on text of the conversation that would be read as a control token, or None.

        The server writes the template and tokenizes all in one, and control tokens wherever they
        stand.
        """
        for message in request.messages:
            for text in dict.fromkeys(_LIKE_A_TOKEN.findall(message["content"])):
                read, written = (
                    self._ask("POST", "/tokenize", {"content": text, "parse_special": special})
                    for special in (True, False)
                )
                if read != written:
                    return f"llama.cpp reads {text} in the conversation as a control token"
        return None

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        connection = HTTPConnection(urlsplit(self._server.listening_address).netloc)
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        with closing(connection):
            connection.request(method, path, json.dumps(body) if body else None, headers)
            return json.load(connection.getresponse())

    def _body(self, request: Request) -> dict[str, Any]:
        sampling = self.sampling_of(request)
        body = {
            "messages": list(request.messages),
            "max_tokens": sampling.max_new_tokens,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "stop": list(sampling.stop),
            "top_k": 0,
            "min_p": 0.0,
            "seed": request.seed,
            "cache_prompt": False,
        }
        if self.chat_template_kwargs:
            body["chat_template_kwargs"] = self.chat_template_kwargs
        if request.json_schema is not None:
            schema = {"name": "reply", "schema": request.json_schema}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        return body

    def _completion(self, reply: dict[str, Any], limit: int, latency: float) -> Completion:
        error = reply.get("error", {})
        tokens_in = error.get("n_prompt_tokens") or reply.get("usage", {}).get("prompt_tokens", 0)
        # It generates until the context is full: a text that had too little room is not used.
        if too_long := length_failure(tokens_in, limit, self._room):
            return too_long
        if error:
            return Completion(None, reason="call_failed", detail=error.get("message"))
        choice = reply["choices"][0]
        return Completion(
            choice["message"].get("content") or "",
            reasoning=reasoning_of(choice["message"])[0],
            tokens_in=tokens_in,
            tokens_out=reply["usage"]["completion_tokens"],
            finish_reason=choice["finish_reason"],
            latency=latency,
        )
