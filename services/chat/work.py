"""The choices of a request at the same time, for as long as the client waits for them."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect, Request

from services.chat.answerer import Answer, Answerer, Asked

T = TypeVar("T")
# The index of a choice, and a piece of its text or, at its end, the whole answer.
Piece = tuple[int, str | Answer]


async def all_answers(answerer: Answerer, asked: Sequence[Asked]) -> list[Answer]:
    """The answers in order. The first error ends the others' work, and is raised."""
    try:
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(answerer.answer(one)) for one in asked]
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return [task.result() for task in running]


async def pieces(answerer: Answerer, asked: Sequence[Asked]) -> AsyncIterator[Piece]:
    """The pieces of all answers as they come. Closing the iterator ends the work."""
    arrived: asyncio.Queue[Piece | None] = asyncio.Queue()

    async def work(index: int, one: Asked) -> None:
        answer = await answerer.answer(one, lambda text: arrived.put_nowait((index, text)))
        arrived.put_nowait((index, answer))

    async def work_on_all() -> None:
        try:
            async with asyncio.TaskGroup() as tasks:
                for index, one in enumerate(asked):
                    tasks.create_task(work(index, one))
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None
        finally:
            arrived.put_nowait(None)

    task = asyncio.create_task(work_on_all())
    try:
        while (piece := await arrived.get()) is not None:
            yield piece
        await task
    finally:
        task.cancel()


async def unless_hung_up(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`, which is canceled if the client hangs up: ClientDisconnect.

    The request's body has to be read before.
    """

    async def hang_up() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    working, waiting = asyncio.create_task(work), asyncio.create_task(hang_up())
    try:
        await asyncio.wait((working, waiting), return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        raise ClientDisconnect
    finally:
        working.cancel()
        waiting.cancel()
        # An iterator can be closed only once the task that waits for it has ended.
        await asyncio.gather(working, waiting, return_exceptions=True)
