"""The routes, and the handlers behind them."""

import sys
import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import aclosing, contextmanager
from typing import Any, TypeVar

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from builders.errors import SrtError
from services.chat.answerer import Answer, Answerer
from services.chat.errors import ChatError
from services.chat.fields import ChatRequest, read_request
from services.chat.guard import LoopbackOnly
from services.chat.shapes import DONE, Reply, event, model_shape
from services.chat.work import Piece, all_answers, pieces, unless_hung_up

T = TypeVar("T")
_INTERNAL = ChatError(500, "internal error; see the server's output")
_MAX_BODY = 8 * 2**20
# Choices of all requests. Each waits in memory.
_MOST_IN_PROGRESS = 1024


def make_app(answerer: Answerer) -> Starlette:
    chat = _Chat(answerer)
    routes = [
        Route("/v1/models", chat.models),
        Route("/v1/models/{name:path}", chat.model),
        Route("/v1/chat/completions", chat.completions, methods=["POST"]),
    ]
    handlers = {
        ChatError: _on_chat_error,
        SrtError: _on_srt_error,
        HTTPException: _on_http_error,
        ClientDisconnect: _on_hang_up,
        Exception: _on_unexpected,
    }
    return Starlette(
        routes=routes, middleware=[Middleware(LoopbackOnly)], exception_handlers=handlers
    )


class _Chat:
    def __init__(self, answerer: Answerer) -> None:
        self._answerer = answerer
        self._created = int(time.time())
        self._in_progress = 0

    async def models(self, _: Request) -> Response:
        return JSONResponse({"object": "list", "data": [self._model()]})

    async def model(self, request: Request) -> Response:
        self._require_model(request.path_params["name"])
        return JSONResponse(self._model())

    async def completions(self, request: Request) -> Response:
        asked = read_request(await _body_of(request))
        self._require_model(asked.model)
        if asked.stream:
            return await self._streamed(request, asked)
        with self._room(asked.choices):
            work = all_answers(self._answerer, asked.asked())
            answers = await unless_hung_up(request, _reported(work))
        return JSONResponse(Reply(asked.model).whole(answers))

    async def _streamed(self, request: Request, asked: ChatRequest) -> Response:
        """A stream that begins with the first piece: what fails before has a status of its own."""
        events = self._events(asked)
        try:
            first = await unless_hung_up(request, _reported(anext(events)))
        except BaseException:
            await events.aclose()
            raise
        return _EventStream(first, events)

    async def _events(self, asked: ChatRequest) -> AsyncIterator[bytes]:
        reply, ends = Reply(asked.model), dict[int, Answer]()
        sent: dict[int, int] = {}
        with self._room(asked.choices):
            async with aclosing(pieces(self._answerer, asked.asked())) as arriving:
                async for index, piece in arriving:
                    for chunk in _chunks(reply, sent, (index, piece)):
                        yield chunk
                    if isinstance(piece, Answer):
                        ends[index] = piece
        if asked.with_usage:
            yield event(reply.last_chunk(list(ends.values())))
        yield DONE

    @contextmanager
    def _room(self, choices: int) -> Iterator[None]:
        if self._in_progress and self._in_progress + choices > _MOST_IN_PROGRESS:
            message = f"more than {_MOST_IN_PROGRESS:,} answers in progress; try again later"
            raise ChatError(429, message, code="rate_limit_exceeded")
        self._in_progress += choices
        try:
            yield
        finally:
            self._in_progress -= choices

    def _model(self) -> dict[str, Any]:
        return model_shape(self._answerer.name, self._created)

    def _require_model(self, name: str) -> None:
        if name != self._answerer.name:
            message = f"no model {name!r} here; this server has {self._answerer.name!r}"
            raise ChatError(404, message, param="model", code="model_not_found")


def _chunks(reply: Reply, sent: dict[int, int], piece: Piece) -> Iterator[bytes]:
    """The events of a piece; `sent` counts the characters of each choice that are out."""
    index, text = piece
    if index not in sent:
        sent[index] = 0
        yield event(reply.chunk(index, {"role": "assistant", "content": ""}))
    if isinstance(text, Answer):
        if rest := text.text[sent[index] :]:
            yield event(reply.chunk(index, {"content": rest}))
        yield event(reply.chunk(index, {}, end=text))
    else:
        sent[index] += len(text)
        yield event(reply.chunk(index, {"content": text}))


class _EventStream(StreamingResponse):
    """Events that have begun. The work for them ends with the response, however it ends."""

    media_type = "text/event-stream"

    def __init__(self, first: bytes, rest: AsyncIterator[bytes]) -> None:
        super().__init__(_after(first, rest), headers={"Cache-Control": "no-cache"})
        self._rest = rest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self.body_iterator.aclose()
            await self._rest.aclose()


async def _after(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    try:
        async for chunk in rest:
            yield chunk
    # The status is out: the error is an event, as OpenAI's client reads one.
    except (ChatError, SrtError) as error:
        yield event(_chat_error(error).body)
    except Exception:
        yield event(_unexpected().body)


async def _reported(work: Awaitable[T]) -> T:
    """The result of `work`; an unexpected error is on stderr, and a 500 for the client."""
    try:
        return await work
    except (ChatError, SrtError):
        raise
    except Exception:
        raise _unexpected() from None


def _unexpected() -> ChatError:
    traceback.print_exc(file=sys.stderr)
    return _INTERNAL


async def _body_of(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MAX_BODY:
            raise ChatError(413, f"the body has more than {_MAX_BODY // 2**20} MiB")
    return bytes(body)


def _chat_error(error: ChatError | SrtError) -> ChatError:
    return error if isinstance(error, ChatError) else ChatError(502, str(error))


async def _on_chat_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, ChatError)
    # What is left of a body must not be read as the next request.
    headers = {"Connection": "close"} if error.status == 413 else None
    return JSONResponse(error.body, error.status, headers)


async def _on_srt_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, SrtError)
    return await _on_chat_error(request, _chat_error(error))


async def _on_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    message = f"{request.method} {request.url.path}: {error.detail}"
    return JSONResponse(ChatError(error.status_code, message).body, error.status_code)


async def _on_unexpected(_: Request, error: Exception) -> Response:
    traceback.print_exception(error, file=sys.stderr)
    return JSONResponse(_INTERNAL.body, _INTERNAL.status)


async def _on_hang_up(_request: Request, _error: Exception) -> Response:
    # Nobody reads it.
    return Response(status_code=499)
