"""The store and the budget of a run, served to the replicas from the driver's own node.

SQLite cannot be shared over a network file system, and replicas that count separately would
exceed the budget: one process has both, and the LLMs get stand-ins with the same methods.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from pipelines.llms.budget import Budget
from pipelines.llms.messages import Completion
from pipelines.llms.store import CompletionStore
from pipelines.on_ray.errors import plain_errors


class Keeper:
    """An actor with one thread, so that its calls run one after the other."""

    def __init__(self, path: Path | None, budget: tuple[float, str, float] | None) -> None:
        """`budget` is its limit, its unit and the amount spent."""
        self._store = CompletionStore(path) if path else None
        self._budget = Budget(*budget) if budget else None

    async def get(self, keys: Sequence[bytes]) -> dict[bytes, Completion]:
        return self._store.get(keys)

    async def put(self, key: bytes, model: str, endpoint: str, completion: Completion) -> None:
        self._store.put(key, model, endpoint, completion)

    async def reserve(self, amount: float) -> None:
        await self._budget.reserve(amount)

    async def settle(self, reserved: float, spent: float) -> None:
        self._budget.settle(reserved, spent)

    async def count(self, spent: float) -> None:
        self._budget.count(spent)


def start_keeper(store: CompletionStore | None, budget: Budget | None) -> Any:
    """A Keeper on this process's node."""
    node = ray.get_runtime_context().get_node_id()
    here = NodeAffinitySchedulingStrategy(node, soft=False)
    actor = ray.remote(Keeper).options(num_cpus=0, scheduling_strategy=here)
    return actor.remote(
        store.path.absolute() if store else None,
        (budget.limit, budget.unit, budget.spent) if budget else None,
    )


class SharedStore:
    """`CompletionStore` at a replica. A `put` is sent at once, and on disk after `flush`."""

    def __init__(self, keeper: Any, path: Path) -> None:
        self.path = path
        self._keeper = keeper
        self._lock = threading.Lock()
        self._unconfirmed: deque[Any] = deque()

    def __reduce__(self) -> tuple[Any, ...]:
        return SharedStore, (self._keeper, self.path)

    def get(self, keys: Sequence[bytes]) -> dict[bytes, Completion]:
        with plain_errors():
            return ray.get(self._keeper.get.remote(keys)) if keys else {}

    def put(self, key: bytes, model: str, endpoint: str, completion: Completion) -> None:
        # Called on the thread that all requests share, which a round trip would block.
        self._unconfirmed.append(self._keeper.put.remote(key, model, endpoint, completion))

    def flush(self) -> None:
        """Wait until every `put` so far is on disk; raises what the keeper raised."""
        # A second caller has to wait too: the first may be waiting for its completions.
        with self._lock, plain_errors():
            ray.get([self._unconfirmed.popleft() for _ in range(len(self._unconfirmed))])


class SharedBudget:
    """`Budget` at a replica."""

    def __init__(self, keeper: Any, unit: str) -> None:
        self.unit = unit
        self._keeper = keeper
        # One `reserve` at a time: waiting ones would fill the keeper's queue, and no `settle`
        # could get past them.
        self._turn = asyncio.Lock()

    def __reduce__(self) -> tuple[Any, ...]:
        return SharedBudget, (self._keeper, self.unit)

    async def reserve(self, amount: float) -> None:
        async with self._turn:
            with plain_errors():
                await self._keeper.reserve.remote(amount)

    def settle(self, reserved: float, spent: float) -> None:
        self._keeper.settle.remote(reserved, spent)

    def count(self, spent: float) -> None:
        with plain_errors():
            ray.get(self._keeper.count.remote(spent))
