"""Plain Ray tasks behind the interface of `concurrent.futures`, for the parts of a release."""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from typing import Any

from pipelines.on_ray.cluster import joined
from pipelines.recipe.execution import RayExecution


@contextmanager
def ray_pool(execution: RayExecution) -> Iterator[Executor]:
    """A pool of `replicas` tasks at once, with a CPU each. BadInput if the Ray cannot be joined.

    The workers see the runs and the releases under the same paths as this machine.
    """
    with joined(execution):
        yield RayPool(execution.replicas)


class RayPool(Executor):
    """Runs functions as Ray tasks. A function that is given again is sent only once."""

    def __init__(self, tasks: int) -> None:
        self._max_workers = tasks
        self._sent: list[tuple[Callable[..., Any], Any]] = []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        """Raises in the future what the function raised; RunFailed if its worker was lost."""
        import ray

        if not any(one is fn for one, _ in self._sent):
            self._sent = [(fn, ray.put(fn))]
        ((_, reference),) = self._sent
        outcome: Future[Any] = Future()
        outcome.set_running_or_notify_cancel()
        # Not again if its worker is lost: that one may still be writing the same file.
        task = ray.remote(_call).options(num_cpus=1, max_retries=0)
        result = task.remote(reference, args, kwargs)
        result.future().add_done_callback(lambda done: _settle(done, outcome))
        return outcome


def _call(fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return fn(*args, **kwargs)


def _settle(done: "Future[Any]", outcome: "Future[Any]") -> None:
    from pipelines.on_ray.errors import plain_errors

    try:
        with plain_errors():
            value = done.result()
    except BaseException as error:  # raised again where the result is used
        outcome.set_exception(error)
    else:
        outcome.set_result(value)
