"""Completions to come, which whoever waits for them may have canceled."""

from concurrent.futures import Future, InvalidStateError
from contextlib import suppress

from pipelines.llms.messages import Completion


def settle(future: "Future[Completion]", completion: Completion) -> None:
    """Give `completion` to whoever waits for it, if anyone still does."""
    with suppress(InvalidStateError):
        future.set_result(completion)


def fail(future: "Future[Completion]", error: BaseException) -> None:
    """Raise `error` in whoever waits, if anyone still does."""
    with suppress(InvalidStateError):
        future.set_exception(error)
