"""How many requests an endpoint gets at once: halved when it answers 429, then raised again."""

import asyncio
from collections import deque


class AdaptiveLimit:
    """Slots for requests in flight, with additive increase and multiplicative decrease.

    Belongs to one event loop and reads that loop's clock. Waiters are served in order of
    arrival, retries before first attempts.
    """

    def __init__(self, ceiling: int) -> None:
        self.ceiling = ceiling
        self.limit = ceiling
        self.active = 0
        self._cuts = 0
        self._successes = 0
        self._resume_at = 0.0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    async def acquire(self, again: bool = False) -> int:
        """Wait for a slot; the returned ticket goes to `throttled` if the reply is a 429."""
        if not self._waiting and self.active < self.limit and not self._resume_at:
            self.active += 1
            return self._cuts
        turn = asyncio.get_running_loop().create_future()
        if again:
            self._waiting.appendleft(turn)
        else:
            self._waiting.append(turn)
        self._wake()
        try:
            await turn
        except asyncio.CancelledError:
            # The slot may have been granted before the cancellation arrived.
            if turn.done() and not turn.cancelled():
                self.release()
            raise
        return self._cuts

    def release(self) -> None:
        self.active -= 1
        self._wake()

    def succeeded(self) -> None:
        """Count an answer: as many answers as the limit raise it by one."""
        if self.limit == self.ceiling:
            return
        self._successes += 1
        if self._successes >= self.limit:
            self._successes = 0
            self.limit += 1
            self._wake()

    def throttled(self, ticket: int) -> None:
        """Halve the limit, unless the request was sent before the last halving.

        An overloaded endpoint refuses all requests in flight together: those refusals are one
        signal, and only a refusal of what was sent under the lower limit is another.
        """
        if ticket == self._cuts:
            self._cuts += 1
            self._successes = 0
            self.limit = max(1, self.limit // 2)

    def pause(self, seconds: float) -> bool:
        """Send nothing for so long; of several pauses the one that ends last counts.

        False if a pause was in effect already.
        """
        now = asyncio.get_running_loop().time()
        sending = now >= self._resume_at
        self._resume_at = max(self._resume_at, now + seconds)
        return sending

    def _wake(self) -> None:
        while self._waiting and self.active < self.limit:
            if self._waiting[0].done():
                self._waiting.popleft()
                continue
            loop = asyncio.get_running_loop()
            if loop.time() < self._resume_at:
                if self._timer is None:
                    self._timer = loop.call_at(self._resume_at, self._resume)
                return
            self.active += 1
            self._waiting.popleft().set_result(None)

    def _resume(self) -> None:
        self._timer = None
        self._wake()
