"""The one door to distilabel: its steps, tasks and pipelines, and how we run them.

distilabel describes a pipeline (DAG, Steps, Tasks, serialisation). Its own runner gives every
step a process and a queue, None-fills a batch when one row fails, waits for ever when a worker
dies, and ends with status 0 after an interruption; and forking after torch has been used
deadlocks. `stream` therefore runs the same DAG in this process: each batch is carried through
the steps by a thread, results come out in order, an exception ends the run, and memory is
bounded by the number of batches under way.
"""

import os
import sys
import threading
import warnings
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
_excepthook = sys.excepthook
# pydantic 2.12 and later warns of distilabel's way of writing defaults, in subclasses too.
warnings.filterwarnings("ignore", message="The 'default' attribute with value None")
from distilabel.models.llms.base import LLM  # noqa: E402
from distilabel.pipeline import Pipeline, RayPipeline  # noqa: E402
from distilabel.steps import GeneratorStep, Step, StepInput, StepResources  # noqa: E402
from distilabel.steps.tasks.base import Task  # noqa: E402

# distilabel installs tracebacks that print local variables: keys among them.
sys.excepthook = _excepthook

__all__ = [
    "LLM",
    "GeneratorStep",
    "Pipeline",
    "RayPipeline",
    "Row",
    "Step",
    "StepInput",
    "StepResources",
    "Task",
    "chain",
    "load",
    "stream",
    "width",
]

Row = dict[str, Any]

# For each request in flight: latencies of real endpoints have tails of 20 times their mean.
_ROWS_AT_HAND = 16
# Each is a thread, and its rows are in memory.
_MOST_BATCHES = 64


def chain(pipeline: Pipeline) -> list[Any]:
    """The steps from the generator to the leaf; ValueError unless they form one chain."""
    pipeline.dag.validate()
    names = list(pipeline.dag)
    for name, successor in zip(names, [*names[1:], None], strict=True):
        if list(pipeline.dag.get_step_successors(name)) != ([successor] if successor else []):
            raise ValueError(f"{name}: steps have to form a chain")
    return [pipeline.dag.get_step(name)["step"] for name in names]


def width(step: Step, batch_size: int) -> int:
    """How many batches a step may work on at once: more than one only where it waits.

    Batches leave in order, so that one slow request holds back what was finished behind it: an
    endpoint has enough to do only while many times the rows are at hand that it takes at once.
    """
    llm = getattr(step, "llm", None)
    replicas = step.resources.replicas
    if in_flight := getattr(llm, "in_flight", None):
        enough = min(-(-_ROWS_AT_HAND * in_flight // batch_size) + 1, _MOST_BATCHES)
        return max(enough, replicas)
    return getattr(llm, "concurrent_batches", 1) * replicas


def load(pipeline: Pipeline) -> list[Any]:
    """Load the models of a pipeline that is one chain, and return its steps, first to last."""
    steps = chain(pipeline)
    for step in steps:
        step.load()
    return steps


def stream(
    steps: list[Any],
    stop: threading.Event | None = None,
    passed: Callable[[str, list[Row]], None] | None = None,
) -> Iterator[list[Row]]:
    """Run loaded `steps` and yield the batches of the last one, in order, as they are done.

    At most as many batches are under way as the widest step takes, and one more. What a step
    raises is raised here, after the batches before it have been yielded; those behind it are
    abandoned. Once `stop` is set no further batch is drawn. `passed` is told, from several
    threads, of each batch that a step is done with, by the step's name.
    """
    generator, *steps = steps
    widths = [width(step, generator.batch_size) for step in steps]
    slots = [threading.Semaphore(places) for places in widths]
    window = 1 + max(widths)
    closing = threading.Event()

    def carry(batch: list[Row]) -> list[Row]:
        for step, slot in zip(steps, slots, strict=True):
            with slot:
                if closing.is_set():
                    return []
                batch = next(step.process_applying_mappings(batch))
            if passed:
                passed(step.name, batch)
        return batch

    pool = ThreadPoolExecutor(max_workers=window, thread_name_prefix="batch")
    under_way: deque[Future[list[Row]]] = deque()
    try:
        for batch, _ in generator.process_applying_mappings():
            under_way.append(pool.submit(carry, batch))
            if len(under_way) >= window:
                yield under_way.popleft().result()
            if stop and stop.is_set():
                break
        while under_way:
            yield under_way.popleft().result()
    finally:
        closing.set()
        # First, because unloading ends the requests that a batch may still be waiting for.
        for step in steps:
            step.unload()
        pool.shutdown(wait=True, cancel_futures=True)
