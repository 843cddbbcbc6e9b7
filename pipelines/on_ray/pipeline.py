"""distilabel's RayPipeline with a loop that loses nothing: replicas there, batches in order here.

RayPipeline's own loop passes batches through queues to workers that take one at a time, so that
each batch waits for its slowest row; fills a batch with None where a step raises, and goes on;
waits for ever where a worker dies; hashes the pipeline and writes it to disk for every batch; and
gives the rows back when the last one is done. So `dag.stream` runs the steps here as well: a step
that calls a model is carried out by an actor, and what Ray raises is raised from its batch.
"""

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

import ray
from ray.exceptions import RayError

from pipelines import dag
from pipelines.on_ray.errors import plain_errors
from pipelines.on_ray.keeper import SharedStore
from pipelines.on_ray.replica import Replica

# Seconds for a replica to end what it is doing when the run ends.
_TO_CLOSE = 10


class Crew:
    """The replicas of one model; any thread may hand them a batch."""

    def __init__(self) -> None:
        self.replicas: list[Any] = []
        self.loading: list[Any] = []
        self._busy: list[int] = []
        self._lock = threading.Lock()

    def add(self, replica: Any) -> None:
        self.replicas.append(replica)
        self._busy.append(0)

    def process(self, name: str, batch: list[dag.Row]) -> list[dag.Row]:
        """The batch, done by the replica that has least to do; RunFailed if it dies meanwhile."""
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
        # One that has died cannot be closed, and a model at work may not listen.
        with contextlib.suppress(RayError):
            ray.get([replica.close.remote() for replica in replicas], timeout=_TO_CLOSE)
        for replica in replicas:
            ray.kill(replica)


class RemoteStep:
    """Stands in the chain for a step that a crew carries out."""

    def __init__(self, step: dag.Step, crew: Crew) -> None:
        self.name = step.name
        self.llm = step.llm
        self.resources = step.resources
        self._crew = crew

    def process_applying_mappings(self, batch: list[dag.Row]) -> Iterator[list[dag.Row]]:
        yield self._crew.process(self.name, batch)

    def unload(self) -> None:
        self._crew.dismiss()


class StreamingRayPipeline(dag.RayPipeline):
    """A RayPipeline that places the replicas of its steps and leaves the loop to `dag.stream`."""

    def load(self, store: SharedStore | None) -> list[Any]:
        """Start and load all replicas. The steps for `dag.stream`; those without a model run here.

        Waits for resources that other jobs of the cluster hold.
        """
        self._store = store
        self._crews: dict[int, Crew] = {}
        self._chain = dag.chain(self)
        for step in self._chain:
            # As RayPipeline does: a pipeline cannot be pickled.
            step.pipeline = None
            if hasattr(step, "llm"):
                for replica in range(step.resources.replicas):
                    self._run_step(step, None, replica)
        with plain_errors():
            ray.get([loading for crew in self._crews.values() for loading in crew.loading])
        return [self._loaded(step) for step in self._chain]

    def _run_step(self, step: dag.Step, input_queue: None, replica: int) -> None:  # noqa: ARG002
        """Hand a step to one of its model's replicas, which the first of the steps starts."""
        crew = self._crews.setdefault(id(step.llm), Crew())
        if replica == len(crew.replicas):
            crew.add(self._start(step, replica))
        crew.loading.append(crew.replicas[replica].load.remote(step))

    def _start(self, step: dag.Step, number: int) -> Any:
        """An actor with a thread for each batch that it may have, and one to close it by."""
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
            return RemoteStep(step, self._crews[id(step.llm)])
        step.load()
        return step
