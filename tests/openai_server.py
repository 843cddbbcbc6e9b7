"""An OpenAI-compatible server on this machine that answers and fails as scripted, and counts.

    with OpenAIServer(lambda body, n: status(503) if n == 0 else "Fine.") as server:
        OpenAILLM(model="m", base_url=server.url, api_key_env=None).complete(requests)

`python -m tests.openai_server --latency 0.2` serves from a process of its own, which a bench
wants: it prints the port, and runs until it is killed.
"""

import argparse
import asyncio
import contextlib
import json
import random
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

from aiohttp import web

from tests import reply_bank

Body = dict[str, Any]
Fault = Callable[[web.Request], Awaitable[web.StreamResponse]]
Choice = str | Body
Reply = Callable[[Body, int], Choice | list[Choice] | Fault]
HOST = "127.0.0.1"


class OpenAIServer:
    """`reply` takes a request's body and its number, from 0, and returns what comes back.

    That is the text of an answer, a whole JSON body, a list of such where `n` is honoured, or
    one of the faults below. It is called when a request arrives, before `latency` (seconds, or
    a function that draws them). With `key`, a request without it is refused. `requests` are the
    bodies in order of arrival, `headers` what came with them; `active` requests are open now
    and `peak` is the most so far.
    """

    def __init__(
        self,
        reply: Reply | None = None,
        *,
        key: str | None = None,
        latency: float | Callable[[], float] = 0.0,
        models: tuple[str, ...] = ("test-model",),
        port: int = 0,
    ) -> None:
        self.reply = reply or (lambda body, n: f"Reply {n}.")
        self.key = key
        self.latency = latency
        self.models = models
        self.port = port
        self.requests: list[Body] = []
        self.headers: list[dict[str, str]] = []
        self.active = 0
        self.peak = 0
        self._ready = threading.Event()

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}/v1"

    def __enter__(self) -> "OpenAIServer":
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self._thread.start()
        if not self._ready.wait(10):
            raise RuntimeError("the server did not start")
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/v1/chat/completions", self._chat),
            web.get("/v1/models", self._models),
        ]

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        app = web.Application(client_max_size=2**28)
        app.add_routes(self.routes())
        # Handlers end when their client hangs up, so that `active` is the truth.
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0)
        await runner.setup()
        site = web.TCPSite(runner, HOST, self.port, backlog=1024)
        await site.start()
        self.port = runner.addresses[0][1]
        self._ready.set()
        await self._stop.wait()
        await runner.cleanup()

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        self.active += 1
        self.peak = max(self.peak, self.active)
        try:
            body = await request.json()
            number = len(self.requests)
            self.requests.append(body)
            self.headers.append(dict(request.headers))
            if refused := self._refused(request):
                return refused
            reply = self.reply(body, number)
            if seconds := self.latency() if callable(self.latency) else self.latency:
                await asyncio.sleep(seconds)
            if callable(reply):
                return await reply(request)
            if isinstance(reply, str):
                reply = answer(reply, body)
            if isinstance(reply, list):
                reply = choices(reply, body)
            return web.json_response(reply)
        finally:
            self.active -= 1

    async def _models(self, request: web.Request) -> web.Response:
        models = [{"id": model, "object": "model"} for model in self.models]
        return self._refused(request) or web.json_response({"object": "list", "data": models})

    def _refused(self, request: web.Request) -> web.Response | None:
        if self.key is None or request.headers.get("Authorization") == f"Bearer {self.key}":
            return None
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        error = {
            "message": f"Incorrect API key provided: {given}.",
            "type": "invalid_request_error",
            "code": "invalid_api_key",
        }
        return web.json_response({"error": error}, status=401)


def answer(text: str | None, body: Body | None = None, **changes: Any) -> Body:
    """A reply's JSON; `changes` are to the choice (finish_reason) or its message (refusal)."""
    prompt = "".join(str(message["content"]) for message in (body or {}).get("messages", ()))
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    for name, value in changes.items():
        (choice if name in choice else message)[name] = value
    usage = {"prompt_tokens": len(prompt.split()), "completion_tokens": len((text or "").split())}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "model": (body or {}).get("model"),
        "choices": [choice],
        "usage": usage | {"total_tokens": sum(usage.values())},
    }


def choices(replies: list[Choice], body: Body | None = None) -> Body:
    """One reply of several answers, whose prompt is counted once."""
    whole = [answer(one, body) if isinstance(one, str) else one for one in replies]
    numbered = [{**one["choices"][0], "index": index} for index, one in enumerate(whole)]
    tokens = [one["usage"]["completion_tokens"] for one in whole]
    usage = {**answer("", body)["usage"], "completion_tokens": sum(tokens)}
    return {**whole[0], "choices": numbered, "usage": usage}


def cut_off(text: str = "The first reason is that the") -> Body:
    return answer(text, finish_reason="length")


def refusal(text: str = "I'm sorry, but I can't help with that.") -> Body:
    return answer(None, refusal=text)


def null_content() -> Body:
    return answer(None)


def filtered() -> Body:
    return answer(None, finish_reason="content_filter")


def empty_choices() -> Body:
    return answer("") | {"choices": []}


def long(characters: int = 100_000) -> Body:
    return answer("All work and no play. " * (characters // 22) + "x" * (characters % 22))


def status(
    code: int,
    message: str = "The server had an error.",
    error_code: str | None = None,
    headers: dict[str, str] | None = None,
) -> Fault:
    """An error body as OpenAI writes it; `headers` such as {"Retry-After": "1"}."""
    error = {"message": message, "type": "error", "param": None, "code": error_code}
    return raw(json.dumps({"error": error}).encode(), status=code, headers=headers)


def raw(
    body: bytes,
    status: int = 200,
    content_type: str = "application/json",
    headers: dict[str, str] | None = None,
) -> Fault:
    async def send(request: web.Request) -> web.Response:
        return web.Response(body=body, status=status, content_type=content_type, headers=headers)

    return send


def html(code: int = 200) -> Fault:
    page = b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"
    return raw(page, code, "text/html")


def truncated_json(text: str = "An answer that breaks off") -> Fault:
    whole = json.dumps(answer(text)).encode()
    return raw(whole[: len(whole) // 2])


def invalid_utf8(text: bytes = b"caf\xe9 \xff\xfe") -> Fault:
    return raw(json.dumps(answer("PLACE")).encode().replace(b"PLACE", text))


def dribble(text: str) -> Fault:
    """The answer in chunks of one byte."""

    async def send(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        response.enable_chunked_encoding()
        await response.prepare(request)
        for byte in json.dumps(answer(text)).encode():
            await response.write(bytes([byte]))
        await response.write_eof()
        return response

    return send


def cut_body() -> Fault:
    """Headers that promise more bytes than come before the connection closes."""

    async def send(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b'{"choices": [')
        request.transport.close()
        return response

    return send


async def hang(request: web.Request) -> web.StreamResponse:
    await asyncio.Event().wait()
    raise AssertionError("nobody sets that event")


async def reset(request: web.Request) -> web.StreamResponse:
    """Close the connection with a TCP reset."""
    connection = request.transport.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    request.transport.abort()
    return web.Response()


def unused_url() -> str:
    """Where nobody listens."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return f"http://{HOST}:{probe.getsockname()[1]}/v1"


def lognormal(mean: float, sigma: float = 1.0, seed: int = 0) -> Callable[[], float]:
    """Draws of seconds with that mean, most of them below it and a few far above."""
    draw = random.Random(seed)
    center = mean / 2.718281828459045 ** (sigma * sigma / 2)
    return lambda: center * draw.lognormvariate(0, sigma)


def critic(body: Body, n: int) -> str:
    """A whole model: drafts, reviews and independent scores, distinguished by the prompt."""
    prompt = str(body["messages"][-1]["content"])
    _, review, rest = prompt.partition("### Instruction\n")
    if not review:
        return f"It depends on the case, but mostly on what was meant by: {prompt[:200]}"
    instruction, _, rest = rest.partition("\n### Response\n")
    response, _, requirements = rest.partition("\n### Requirements\n")
    refined = "### Improved Response" in requirements
    return reply_bank.good(_shown(instruction), _shown(response), n, refined)


def _shown(section: str) -> str:
    """The text of a prompt's section, without the marks around it."""
    return section.strip().partition("\n")[2].rpartition("\n")[0]


@contextlib.contextmanager
def server_process(*arguments: str) -> Iterator[str]:
    """The URL of a server in another process, started with these command-line arguments."""
    command = [sys.executable, "-m", "tests.openai_server", *arguments]
    root = Path(__file__).parents[1]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield f"http://{HOST}:{int(process.stdout.readline())}/v1"
        finally:
            process.kill()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency", type=float, default=0.0, help="mean, in seconds")
    parser.add_argument("--lognormal", action="store_true", help="draw it, instead of fixed")
    parser.add_argument("--key")
    parser.add_argument("--critic", action="store_true", help="answer with critiques")
    options = parser.parse_args()
    latency = lognormal(options.latency) if options.lognormal else options.latency
    reply = critic if options.critic else None
    server = OpenAIServer(reply, key=options.key, latency=latency, port=options.port)
    with server:
        print(server.port, flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
