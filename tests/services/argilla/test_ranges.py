import asyncio

import pytest

from services.argilla.inside.ranges import ShortRanges

LONG = b"bytes=" + b",".join(b"%d-%d" % (n, n) for n in range(0, 24_000, 2))


@pytest.mark.parametrize(
    ("value", "passed"), [(b"bytes=0-99", True), (b"bytes=-5", True), (LONG, False)]
)
def test_a_long_list_of_ranges_is_no_range(value, passed):
    seen = []

    async def app(scope, receive, send):
        seen.append(scope["headers"])

    headers = [(b"host", b"localhost"), (b"Range", value)]
    asyncio.run(ShortRanges(app)({"type": "http", "headers": headers}, None, None))
    asyncio.run(ShortRanges(app)({"type": "lifespan"} | {"headers": ()}, None, None))
    assert ((b"Range", value) in seen[0]) == passed
    assert (b"host", b"localhost") in seen[0]
