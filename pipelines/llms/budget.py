"""What a run may spend, and how it stops before it has spent more."""

import asyncio
import threading
from dataclasses import dataclass

from builders.errors import RunFailed

# A prompt has fewer tokens than this share of its UTF-8 bytes; English has a quarter.
_TOKENS_PER_BYTE = 0.5
_WAIT = 0.02  # seconds between looks at whether requests under way have left something over


class Budget:
    """An amount shared by all of a run's paid models, in money or in tokens.

    A request is sent only if the amount suffices for the longest answer it could bring; what
    it does not use goes back. So the limit is never passed, whatever is in flight. Threads may
    share a budget.
    """

    def __init__(self, limit: float, unit: str, spent: float = 0.0) -> None:
        self.limit = limit
        self.unit = unit
        self.spent = spent
        self._held = 0.0
        self._requests = 0
        self._closed = False
        self._lock = threading.Lock()

    async def hold(self, amount: float) -> None:
        """Set `amount` aside; RunFailed where it is not there and nothing is left to come back."""
        while True:
            with self._lock:
                # Closed once and for all: a smaller request that still fitted would be on its
                # way, and paid for, when the first refusal ends the run.
                room = self.spent + self._held + amount <= self.limit
                if room and not self._closed:
                    self._held += amount
                    self._requests += 1
                    return
                if self._closed or not self._requests:
                    self._closed = True
                    raise RunFailed(
                        f"the budget of {self._say(self.limit)} is used up "
                        f"({self._say(self.spent)} spent, and the next request may take "
                        f"{self._say(amount)}); the same command with a larger one continues"
                    )
            await asyncio.sleep(_WAIT)

    def settle(self, held: float, spent: float) -> None:
        """Give back what was held for a request, and take what it cost."""
        with self._lock:
            self._held -= held
            self._requests -= 1
            self.spent += spent

    def count(self, spent: float) -> None:
        """Take what was paid before: an answer that came out of the store."""
        with self._lock:
            self.spent += spent

    def _say(self, amount: float) -> str:
        return f"{amount:,.0f} tokens" if self.unit == "tokens" else f"{amount:,.4f}"


@dataclass(frozen=True)
class Account:
    """A model's way of drawing on the budget; prices per million tokens."""

    budget: Budget
    input_price: float
    output_price: float

    def at_most(self, prompt_bytes: int, max_new_tokens: int) -> float:
        """The most that a request can take."""
        return self.amount(int(prompt_bytes * _TOKENS_PER_BYTE), max_new_tokens)

    def amount(self, tokens_in: int, tokens_out: int) -> float:
        if self.budget.unit == "tokens":
            return tokens_in + tokens_out
        return (tokens_in * self.input_price + tokens_out * self.output_price) / 1e6
