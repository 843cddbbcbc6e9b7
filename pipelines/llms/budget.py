"""A limit on what a run may spend, kept whatever is in flight."""

import asyncio
import threading
from dataclasses import dataclass

from builders.errors import RunFailed

# A text has fewer tokens than this share of its UTF-8 bytes; English has a quarter.
_TOKENS_PER_BYTE = 0.5
_POLL = 0.02  # seconds between looks at whether requests in flight have returned something


def tokens_at_most(size: int) -> int:
    """The most tokens that `size` bytes of text can be expected to have."""
    return int(size * _TOKENS_PER_BYTE)


class Budget:
    """An amount shared by all of a run's paid models, in money or in tokens.

    A request is sent only if the amount covers the longest reply it could bring; what it does
    not use is returned. So the limit is never exceeded, whatever is in flight. Threads may
    share a budget.
    """

    def __init__(self, limit: float, unit: str, spent: float = 0.0) -> None:
        self.limit = limit
        self.unit = unit
        self.spent = spent
        self._reserved = 0.0
        self._requests = 0
        self._closed = False
        self._lock = threading.Lock()

    async def reserve(self, amount: float) -> None:
        """Set `amount` aside; RunFailed if it does not fit and no request in flight can return
        enough."""
        while True:
            with self._lock:
                # Closed for good: a smaller request that still fits would be in flight, and
                # paid for, when the first refusal ends the run.
                fits = self.spent + self._reserved + amount <= self.limit
                if fits and not self._closed:
                    self._reserved += amount
                    self._requests += 1
                    return
                if self._closed or not self._requests:
                    self._closed = True
                    raise RunFailed(
                        f"the budget of {self._format(self.limit)} is used up "
                        f"({self._format(self.spent)} spent, and the next request may take "
                        f"{self._format(amount)}); the same command with a larger one continues"
                    )
            await asyncio.sleep(_POLL)

    def settle(self, reserved: float, spent: float) -> None:
        """Return what was reserved for a request, and take what it cost."""
        with self._lock:
            self._reserved -= reserved
            self._requests -= 1
            self.spent += spent

    def count(self, spent: float) -> None:
        """Take what was paid earlier: a completion that came out of the store."""
        with self._lock:
            self.spent += spent

    def _format(self, amount: float) -> str:
        return f"{amount:,.0f} tokens" if self.unit == "tokens" else f"{amount:,.4f}"


@dataclass(frozen=True)
class Account:
    """One model's view of the budget; prices per million tokens."""

    budget: Budget
    input_price: float
    output_price: float

    def at_most(self, prompt_bytes: int, max_new_tokens: int) -> float:
        """The most that a request can take."""
        return self.amount(tokens_at_most(prompt_bytes), max_new_tokens)

    def amount(self, tokens_in: int, tokens_out: int) -> float:
        if self.budget.unit == "tokens":
            return tokens_in + tokens_out
        return (tokens_in * self.input_price + tokens_out * self.output_price) / 1e6
