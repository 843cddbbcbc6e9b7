"""The limit on requests in flight, on a loop whose clock jumps to the next timer."""

import asyncio
import selectors

import pytest

from pipelines.llms.endpoint.limiter import AdaptiveLimit


class JumpingSelector(selectors.DefaultSelector):
    """Lets the time pass that the loop wants to wait, without waiting."""

    now = 0.0

    def select(self, timeout=None):
        if timeout is None:
            raise AssertionError("everybody waits, and nothing will ever happen")
        self.now += max(0.0, timeout)
        return super().select(0)


class SimulatedLoop(asyncio.SelectorEventLoop):
    def __init__(self):
        self.clock = JumpingSelector()
        super().__init__(self.clock)

    def time(self):
        return self.clock.now


def simulate(coroutine):
    with asyncio.Runner(loop_factory=SimulatedLoop) as runner:
        return runner.run(coroutine)


def now():
    return asyncio.get_running_loop().time()


async def hold(limit, seconds, again=False):
    """Occupy a slot; returns when it was granted."""
    await limit.acquire(again)
    granted = now()
    await asyncio.sleep(seconds)
    limit.release()
    return granted


def test_no_more_than_the_limit_hold_a_slot():
    async def run():
        limit = AdaptiveLimit(3)
        return await asyncio.gather(*(hold(limit, 10) for _ in range(7)))

    assert simulate(run()) == [0, 0, 0, 10, 10, 10, 20]


def test_who_asks_again_goes_first():
    async def run():
        limit = AdaptiveLimit(1)
        holds = [hold(limit, 1), hold(limit, 1), hold(limit, 1, again=True)]
        return await asyncio.gather(*holds)

    assert simulate(run()) == [0, 2, 1]


def test_a_burst_of_refusals_halves_once():
    async def run():
        limit = AdaptiveLimit(32)
        tickets = [await limit.acquire() for _ in range(32)]
        for ticket in tickets:
            limit.throttled(ticket)
        return limit.limit

    assert simulate(run()) == 16


def test_a_refusal_under_the_lower_limit_halves_again_and_never_below_one():
    async def run():
        limit = AdaptiveLimit(8)
        seen = []
        for _ in range(5):
            limit.throttled(await limit.acquire())
            limit.release()
            seen.append(limit.limit)
        return seen

    assert simulate(run()) == [4, 2, 1, 1, 1]


def test_as_many_successes_as_the_limit_raise_it_by_one_up_to_the_ceiling():
    async def run():
        limit = AdaptiveLimit(8)
        limit.throttled(await limit.acquire())
        limit.release()
        seen = []
        for _ in range(4 + 5 + 6 + 7 + 50):
            limit.succeeded()
            seen.append(limit.limit)
        return seen

    seen = simulate(run())
    steps = [seen.index(level) + 1 for level in (5, 6, 7, 8)]
    assert steps == [4, 4 + 5, 4 + 5 + 6, 4 + 5 + 6 + 7]
    assert max(seen) == 8


def test_a_lowered_limit_holds_for_those_who_wait():
    async def run():
        limit = AdaptiveLimit(4)
        holds = [asyncio.create_task(hold(limit, 10)) for _ in range(8)]
        await asyncio.sleep(5)
        limit.throttled(0)
        return await asyncio.gather(*holds)

    assert simulate(run()) == [0, 0, 0, 0, 10, 10, 20, 20]


def test_a_raised_limit_lets_one_more_in_at_once():
    async def run():
        limit = AdaptiveLimit(2)
        limit.throttled(0)
        first, second = (asyncio.create_task(hold(limit, 10)) for _ in range(2))
        await asyncio.sleep(5)
        limit.succeeded()
        return await first, await second

    assert simulate(run()) == (0, 5)


def test_a_pause_holds_everybody_back_and_the_longest_counts():
    async def run():
        limit = AdaptiveLimit(4)
        first = limit.pause(30)
        second = limit.pause(10)
        granted = await asyncio.gather(*(hold(limit, 1) for _ in range(3)))
        return first, second, granted

    assert simulate(run()) == (True, False, [30, 30, 30])


def test_a_pause_that_is_extended_meanwhile():
    async def run():
        limit = AdaptiveLimit(4)
        limit.pause(10)
        waiting = asyncio.create_task(hold(limit, 1))
        await asyncio.sleep(5)
        limit.pause(20)
        return await waiting

    assert simulate(run()) == 25


def test_requests_in_flight_outlive_a_pause():
    async def run():
        limit = AdaptiveLimit(1)
        running = asyncio.create_task(hold(limit, 2))
        await asyncio.sleep(1)
        limit.pause(5)
        return await running, await hold(limit, 1)

    assert simulate(run()) == (0, 6)


@pytest.mark.parametrize("after_the_grant", [False, True])
def test_a_cancelled_waiter_leaves_no_slot_behind(after_the_grant):
    async def run():
        limit = AdaptiveLimit(1)
        await limit.acquire()
        waiting = asyncio.create_task(limit.acquire())
        await asyncio.sleep(0)
        if after_the_grant:
            limit.release()
            waiting.cancel()
        else:
            waiting.cancel()
            limit.release()
        await asyncio.wait([waiting])
        assert waiting.cancelled()
        assert limit.active == 0
        return await hold(limit, 1)

    assert simulate(run()) == 0


def test_throughput_settles_where_the_endpoint_can_follow():
    """An endpoint that serves four at once refuses the rest: every request gets its answer."""

    async def run():
        limit, served, most = AdaptiveLimit(32), 0, 4

        async def request():
            nonlocal served
            again = False
            while True:
                ticket = await limit.acquire(again)
                again = True
                refused = limit.active > most
                await asyncio.sleep(0.1 if refused else 1)
                limit.release()
                if not refused:
                    limit.succeeded()
                    served += 1
                    return
                limit.throttled(ticket)
                await asyncio.sleep(0.5)

        await asyncio.gather(*(request() for _ in range(200)))
        return served, limit.limit, now()

    served, last, seconds = simulate(run())
    assert served == 200
    assert last <= 8
    assert seconds < 2 * 200 / 4
