"""distilabel's RayPipeline with a loop that loses nothing: replicas there, batches in order here.

RayPipeline's own loop passes batches through queues to workers that take one at a time, so that
each batch waits for its slowest row; fills a batch with None if a step raises, and continues;
waits forever if a worker dies; hashes the pipeline and writes it to disk for every batch; and
returns the rows only at the end. So `dag.stream` runs the steps here too: an actor carries out
each step that calls a model, and Ray's exceptions are raised from its batch.
"""

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

import ray
from ray.exceptions import RayError

from builders.rows import Row
from pipelines import dag
from pipelines.on_ray.errors import plain_errors
from pipelines.on_ray.keeper import SharedStore
from pipelines.on_ray.replica import Replica

# Seconds for a replica to finish when the run ends.
_CLOSE_TIMEOUT = 10


class ReplicaPool:
    """The replicas of one model; any thread may give them a batch."""

    def __init__(self) -> None:
        self.replicas: list[Any] = []
        self.loading: list[Any] = []
        self._busy: list[int] = []
        self._lock = threading.Lock()

    def add(self, replica: Any) -> None:
        self.replicas.append(replica)
        self._busy.append(0)

    def process(self, name: str, batch: list[Row]) -> list[Row]:
        """The batch, processed by the least busy replica; RunFailed if that dies."""
        with self._lock:
            number = self._busy.index(min(self._busy))
            self._busy[number] += 1
        try:
            with plain_errors():
                return ray.get(self.replicas[number].process.remote(name, batch))
        finally:
            with self._lock:
                self._busy[number] -= 1

    def dismiss(self) -> None:
        replicas, self.replicas = self.replicas, []
        # A dead one cannot be closed, and one that is computing may not respond.
        with contextlib.suppress(RayError):
            ray.get([replica.close.remote() for replica in replicas], timeout=_CLOSE_TIMEOUT)
        for replica in replicas:
            ray.kill(replica)


class RemoteStep:
    """Stands in the chain for a step that a pool of replicas carries out."""

    def __init__(self, step: dag.Step, pool: ReplicaPool) -> None:
        self.name = step.name
        self.llm = step.llm
        self.resources = step.resources
        self._pool = pool

    def process_applying_mappings(self, batch: list[Row]) -> Iterator[list[Row]]:
        yield self._pool.process(self.name, batch)

    def unload(self) -> None:
        self._pool.dismiss()


class StreamingRayPipeline(dag.RayPipeline):
    """A RayPipeline that only places the replicas of its steps; `dag.stream` is the loop."""

    def load(self, store: SharedStore | None) -> list[Any]:
        """Start and load all replicas, and return the steps for `dag.stream`; those without a
        model run here. Waits for resources that other jobs of the cluster use.
        """
        self._store = store
        self._pools: dict[int, ReplicaPool] = {}
        self._chain = dag.chain(self)
        for step in self._chain:
            # As RayPipeline does: a pipeline cannot be pickled.
            step.pipeline = None
            if hasattr(step, "llm"):
                for replica in range(step.resources.replicas):
                    self._run_step(step, None, replica)
        with plain_errors():
            ray.get([loading for pool in self._pools.values() for loading in pool.loading])
        return [self._loaded(step) for step in self._chain]

    def _run_step(self, step: dag.Step, input_queue: None, replica: int) -> None:  # noqa: ARG002
        """Give a step to one of its model's replicas, which the model's first step starts."""
        pool = self._pools.setdefault(id(step.llm), ReplicaPool())
        if replica == len(pool.replicas):
            pool.add(self._start(step, replica))
        pool.loading.append(pool.replicas[replica].load.remote(step))

    def _start(self, step: dag.Step, number: int) -> Any:
        """An actor with a thread for each batch that it may get, and one to close it."""
        generator, *others = self._chain
        tasks = [one for one in others if getattr(one, "llm", None) is step.llm]
        batches = sum(dag.width(task, generator.batch_size) for task in tasks)
        resources = step.resources
        actor = ray.remote(Replica).options(
            num_cpus=resources.cpus,
            num_gpus=resources.gpus,
            max_concurrency=-(-batches // resources.replicas) + 1,
            scheduling_strategy="SPREAD",
        )
        return actor.remote(step.llm, self._store, number, resources.replicas)

    def _loaded(self, step: dag.Step) -> Any:
        if hasattr(step, "llm"):
            return RemoteStep(step, self._pools[id(step.llm)])
        step.load()
        return step
