"""An event loop on a thread of its own, for callers that are not asynchronous."""

import asyncio
import os
import threading
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")


class LoopThread:
    """Runs coroutines for any number of threads until `close`.

    `cleanup` is awaited on the loop when it closes, after all its tasks have been canceled.
    """

    def __init__(self, name: str, cleanup: Callable[[], Awaitable[None]]) -> None:
        self._cleanup = cleanup
        self._loop = asyncio.new_event_loop()
        self._lock = threading.Lock()
        self._closed = False
        self._process = os.getpid()
        self._thread = threading.Thread(target=self._main, name=name, daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """False once closed, and in a forked child, which has no such thread."""
        return not self._closed and self._process == os.getpid()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """The coroutine's result; concurrent.futures.CancelledError if closed before its end.

        An interrupt of the calling thread cancels the coroutine.
        """
        result: Future[T] = Future()
        tasks: list[asyncio.Task[T]] = []  # read and written by the loop's thread only

        def start() -> None:
            task = self._loop.create_task(coroutine)
            tasks.append(task)
            task.add_done_callback(lambda task: _copy_result(task, result))

        def cancel() -> None:
            for task in tasks:
                task.cancel()

        try:
            with self._lock:
                if self._closed:
                    coroutine.close()
                    raise CancelledError
                # An interrupt can arrive here, when the coroutine is running already.
                self._loop.call_soon_threadsafe(start)
            return result.result()
        except BaseException:
            # A closed loop has canceled all of its tasks.
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(cancel)
            raise

    def submit(self, coroutine: Coroutine[Any, Any, T]) -> "Future[T]":
        """The coroutine's result to come; canceling it, or `close`, cancels the coroutine."""
        with self._lock:
            if self._closed:
                coroutine.close()
                raise CancelledError
            return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def close(self) -> None:
        # A forked child has a copy of the lock, perhaps a locked one.
        if not self.alive:
            return
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._loop.call_soon_threadsafe(self._loop.stop)
        # Garbage collection may call this from any thread, the loop's own included.
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _main(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        try:
            self._loop.run_until_complete(self._cancel_all())
        finally:
            self._loop.close()

    async def _cancel_all(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await self._cleanup()


def _copy_result(task: "asyncio.Task[T]", result: Future[T]) -> None:
    if task.cancelled():
        result.cancel()
    elif (error := task.exception()) is not None:
        result.set_exception(error)
    else:
        result.set_result(task.result())
