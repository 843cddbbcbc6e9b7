"""What the tests of the request loop share: requests, and waiting for another thread."""

import time

from pipelines.llms.messages import Request

KEY = "sk-test-0123456789abcdefghijklmnop"
SCHEMA = {"type": "object", "properties": {"score": {"type": "integer"}}}


def ask(text="Why is the sky blue?", seed=0, **changes):
    return Request([{"role": "user", "content": text}], seed, **changes)


def until(condition):
    """Wait for something that another thread is about to do."""
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.002)
