"""One model that many callers ask at the same time, as a server's clients do.

A pipeline hands over batches of requests that are sampled alike, and waits for them. Here each
request comes by itself and has its own sampling. Weights in this process decode all of them
together, an endpoint gets each as it comes, and other kinds work through a queue.
"""

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Protocol

from pipelines.llms.answers import read_answer
from pipelines.llms.base import ChatLLM
from pipelines.llms.endpoint.openai import OpenAILLM
from pipelines.llms.futures import fail, settle
from pipelines.llms.messages import Completion, Request

OnText = Callable[[str], None]
# How long a call in progress may take when the model is closed, in seconds.
_PATIENCE_S = 5.0
# Requests that vLLM gets together, and batches itself.
_TOGETHER = {"vllm": 64}


class Live(Protocol):
    """Threads may share it, until `close`."""

    def start(
        self, request: Request, future: "Future[Completion]", on_text: OnText | None = None
    ) -> None:
        """Begin a request of one sample; `future` gets its completion, or the error.

        Canceling the future ends the work on it, where that can be. `on_text` is called, from
        another thread, with pieces of the text as they come, by kinds that have them.
        """

    def first_tokens(self, text: str, count: int) -> str:
        """The beginning of `text` with at most `count` tokens; all, where none can be counted."""

    def close(self) -> None:
        """End the work, and whatever is not answered."""


def live_model(llm: ChatLLM) -> Live:
    """`llm`, loaded, for many callers; BadInput if it does not load."""
    if isinstance(llm, OpenAILLM):
        return _Endpoint(llm)
    if llm.endpoint in ("transformers", "embedded"):
        from pipelines.llms.weights.continuous import ContinuousDecoder

        return ContinuousDecoder(llm)
    return _Queue(llm)


class _Endpoint:
    """Each request goes out as it comes; the endpoint's limit holds for all of them."""

    def __init__(self, llm: OpenAILLM) -> None:
        llm.load()
        llm.check()
        self._llm = llm

    def start(
        self, request: Request, future: "Future[Completion]", _on_text: OnText | None = None
    ) -> None:
        call = self._llm.submit(request)

        def copy(call: "Future[list[list[Completion]]]") -> None:
            if call.cancelled():
                future.cancel()
            elif (error := call.exception()) is not None:
                fail(future, error)
            else:
                ((completion,),) = call.result()
                limit = self._llm.sampling_of(request).max_new_tokens
                settle(future, read_answer(completion, limit))

        call.add_done_callback(copy)
        future.add_done_callback(lambda future: future.cancelled() and call.cancel())

    def first_tokens(self, text: str, _count: int) -> str:
        return text

    def close(self) -> None:
        self._llm.unload()


class _Queue:
    """Threads that take requests in the order in which they come; a call is not interrupted."""

    def __init__(self, llm: ChatLLM) -> None:
        llm.load()
        self._llm = llm
        self._together = _TOGETHER.get(llm.endpoint, 1)
        self._waiting: queue.Queue[tuple[Request, Future[Completion]] | None] = queue.Queue()
        self._threads = [
            threading.Thread(target=self._main, name=f"model {number}", daemon=True)
            for number in range(llm.concurrent_batches)
        ]
        for thread in self._threads:
            thread.start()

    def start(
        self, request: Request, future: "Future[Completion]", _on_text: OnText | None = None
    ) -> None:
        self._waiting.put((request, future))

    def first_tokens(self, text: str, _count: int) -> str:
        return text

    def close(self) -> None:
        for _ in self._threads:
            self._waiting.put(None)
        for thread in self._threads:
            thread.join(_PATIENCE_S / len(self._threads))
        if not any(thread.is_alive() for thread in self._threads):
            self._llm.unload()

    def _main(self) -> None:
        while (first := self._waiting.get()) is not None:
            calls = [one for one in (first, *self._more()) if not one[1].cancelled()]
            if not calls:
                continue
            try:
                completions = self._llm.complete([request for request, _ in calls])
            # Whatever happens, later requests are served.
            except Exception as error:
                for _, future in calls:
                    fail(future, error)
            else:
                for (_, future), completion in zip(calls, completions, strict=True):
                    settle(future, completion)

    def _more(self) -> list[tuple[Request, "Future[Completion]"]]:
        """What waits already, as much as may go together with another one."""
        calls: list[tuple[Request, Future[Completion]]] = []
        while len(calls) < self._together - 1:
            try:
                one = self._waiting.get_nowait()
            except queue.Empty:
                break
            if one is None:
                self._waiting.put(None)
                break
            calls.append(one)
        return calls
