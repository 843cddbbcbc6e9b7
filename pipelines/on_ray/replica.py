"""What a worker runs: one copy of a model, and the tasks that call it."""

from builders.rows import Row
from pipelines import dag
from pipelines.llms.base import ChatLLM
from pipelines.on_ray.keeper import SharedStore


class Replica:
    """An actor whose methods Ray calls from several threads; their exceptions reach the driver.

    The tasks of equal model blocks share one, as they share one LLM in a process.
    """

    def __init__(self, llm: ChatLLM, store: SharedStore | None, number: int, replicas: int) -> None:
        """Give this replica its share of the endpoint's requests in flight."""
        if in_flight := getattr(llm, "in_flight", None):
            llm.in_flight = max(1, in_flight // replicas + (number < in_flight % replicas))
        if store:
            llm.keep_in(store)
        self._llm = llm
        self._store = store
        self._steps: dict[str, dag.Step] = {}

    def load(self, step: dag.Step) -> None:
        """Add a task; SrtError if its model does not load, or its endpoint does not answer."""
        # It was sent with a copy of the LLM.
        step.llm = self._llm
        step.load()
        self._llm.check()
        self._steps[step.name] = step

    def process(self, name: str, batch: list[Row]) -> list[Row]:
        """A task's batch, processed, with every paid completion on the driver's disk."""
        try:
            return next(self._steps[name].process_applying_mappings(batch))
        finally:
            self._flush()

    def close(self) -> None:
        """End what is in progress; completions that have arrived are kept."""
        self._llm.unload()
        self._flush()

    def _flush(self) -> None:
        if self._store:
            self._store.flush()
