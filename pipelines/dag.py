"""The only module that imports distilabel: its steps, tasks and pipelines, and how we run them.

distilabel describes a pipeline (DAG, Steps, Tasks, serialization). Its own runner gives every step
a process and a queue, fills a batch with None when one row fails, hangs when a worker dies, and
exits with status 0 after an interruption; and forking after torch was used deadlocks. So `stream`
runs the same DAG in this process: a thread takes each batch through the steps, results come out in
order, an exception ends the run, and memory is bounded by the number of batches in progress.
"""

import gc
import os
import sys
import threading
import warnings
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from typing import Any

from builders.rows import Row

os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
_excepthook = sys.excepthook
# pydantic 2.12 and later warns about how distilabel writes defaults, in subclasses too.
warnings.filterwarnings("ignore", message="The 'default' attribute with value None")
# distilabel imports Argilla if it can, which takes a fifth of its time; no step of ours needs it.
_argilla = sys.modules.get("argilla")
sys.modules["argilla"] = None  # type: ignore[assignment]
try:
    from distilabel.models.llms.base import LLM
    from distilabel.pipeline import Pipeline, RayPipeline
    from distilabel.steps import GeneratorStep, Step, StepInput, StepResources
    from distilabel.steps.tasks.base import Task
finally:
    if _argilla is None:
        del sys.modules["argilla"]
    else:
        sys.modules["argilla"] = _argilla

# distilabel installs tracebacks that print local variables, API keys among them.
sys.excepthook = _excepthook

__all__ = [
    "LLM",
    "GeneratorStep",
    "Pipeline",
    "RayPipeline",
    "Step",
    "StepInput",
    "StepResources",
    "Task",
    "chain",
    "load",
    "process_of",
    "stream",
    "width",
]

# Rows in progress for each request in flight: the slowest requests of real endpoints take 20 times
# the mean.
_ROWS_PER_REQUEST = 16
# Each batch has a thread, and its rows are in memory.
_MAX_BATCHES = 64


def chain(pipeline: Pipeline) -> list[Any]:
    """The steps from the generator to the leaf; ValueError unless they form one chain."""
    pipeline.dag.validate()
    names = list(pipeline.dag)
    for name, successor in zip(names, [*names[1:], None], strict=True):
        if list(pipeline.dag.get_step_successors(name)) != ([successor] if successor else []):
            raise ValueError(f"{name}: steps have to form a chain")
    return [pipeline.dag.get_step(name)["step"] for name in names]


def width(step: Step, batch_size: int) -> int:
    """How many batches a step may work on at the same time: more than one only if it waits.

    Batches leave in order, so one slow request holds back the finished batches behind it. An
    endpoint is kept busy only with many more rows in progress than it answers at a time.
    """
    llm = getattr(step, "llm", None)
    replicas = step.resources.replicas
    if in_flight := getattr(llm, "in_flight", None):
        enough = min(-(-_ROWS_PER_REQUEST * in_flight // batch_size) + 1, _MAX_BATCHES)
        return max(enough, replicas)
    return getattr(llm, "concurrent_batches", 1) * replicas


def load(pipeline: Pipeline) -> list[Any]:
    """Load the models of a pipeline that is a chain; its steps, first to last."""
    steps = chain(pipeline)
    for step in steps:
        step.load()
    _keep_loaded()
    return steps


@cache
def _keep_loaded() -> None:
    """What is loaded stays: looking through it for garbage takes a tenth of a row's time."""
    gc.freeze()


def process_of(step: Any) -> Callable[[list[Row]], Iterator[list[Row]]]:
    """How a batch goes through a step; with no columns to rename, distilabel only copies rows."""
    is_plain = isinstance(step, Step) and not (
        step.input_mappings or step.output_mappings or step._built_from_decorator
    )
    return step.process if is_plain else step.process_applying_mappings


def stream(
    steps: list[Any],
    stop: threading.Event | None = None,
    passed: Callable[[str, list[Row]], None] | None = None,
) -> Iterator[list[Row]]:
    """Run loaded `steps`, and yield the batches of the last one, in order, as they are done.

    At most as many batches are in progress as the widest step takes, plus one. An exception of a
    step is raised here, after the batches before it were yielded; those behind it are abandoned.
    Once `stop` is set, no further batch is drawn. `passed` is called, from several threads, with
    the name of a step and each batch that it has finished.
    """
    generator, *steps = steps
    widths = [width(step, generator.batch_size) for step in steps]
    processes = [process_of(step) for step in steps]
    slots = [threading.Semaphore(places) for places in widths]
    window = 1 + max(widths)
    closing = threading.Event()

    def carry(batch: list[Row]) -> list[Row]:
        for step, process, slot in zip(steps, processes, slots, strict=True):
            with slot:
                if closing.is_set():
                    return []
                batch = next(process(batch))
            if passed:
                passed(step.name, batch)
        return batch

    pool = ThreadPoolExecutor(max_workers=window, thread_name_prefix="batch")
    in_progress: deque[Future[list[Row]]] = deque()
    try:
        for batch, _ in generator.process_applying_mappings():
            in_progress.append(pool.submit(carry, batch))
            if len(in_progress) >= window:
                yield in_progress.popleft().result()
            if stop and stop.is_set():
                break
        while in_progress:
            yield in_progress.popleft().result()
    finally:
        closing.set()
        # Unload first: it ends the requests that a batch may still be waiting for.
        for step in steps:
            step.unload()
        pool.shutdown(wait=True, cancel_futures=True)
