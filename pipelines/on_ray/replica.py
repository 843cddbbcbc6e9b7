"""What a worker holds: one copy of a model, and the tasks that ask it."""

from pipelines import dag
from pipelines.llms.base import ChatLLM
from pipelines.on_ray.keeper import SharedStore


class Replica:
    """An actor, whose methods Ray calls from several threads; what they raise reaches the driver.

    The tasks of equal model blocks share one, as they share one LLM in a process.
    """

    def __init__(self, llm: ChatLLM, store: SharedStore | None, number: int, replicas: int) -> None:
        """Give this replica its part of the requests that the endpoint gets at once."""
        if in_flight := getattr(llm, "in_flight", None):
            llm.in_flight = max(1, in_flight // replicas + (number < in_flight % replicas))
        if store:
            llm.keep_in(store)
        self._llm = llm
        self._store = store
        self._steps: dict[str, dag.Step] = {}

    def load(self, step: dag.Step) -> None:
        """Take on a task; SrtError where its model does not load, or nobody answers."""
        # It came with a copy of its own.
        step.llm = self._llm
        step.load()
        self._llm.check()
        self._steps[step.name] = step

    def process(self, name: str, batch: list[dag.Row]) -> list[dag.Row]:
        """A task's batch, done, and every answer that was paid for on the driver's disk."""
        try:
            return next(self._steps[name].process_applying_mappings(batch))
        finally:
            self._flush()

    def close(self) -> None:
        """End what is under way; what has been answered by then is kept."""
        self._llm.unload()
        self._flush()

    def _flush(self) -> None:
        if self._store:
            self._store.flush()
