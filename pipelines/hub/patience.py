"""A Hub that has had too many requests says for how long: a short while is waited for, and said.

The client itself waits in some of its calls, for as long as it is told to and without a word, and
in others not at all; so this is below all of them.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from typing import Any

import httpx2
from huggingface_hub import set_client_factory
from huggingface_hub.utils import get_session, parse_ratelimit_headers

from builders.errors import RunFailed

# The Hub counts requests in windows of five minutes.
LONGEST_WAIT = 300
_TRIES = 5
_setting = threading.Lock()
_log = logging.getLogger(__name__)


def _to_the_log(sentence: str) -> None:
    _log.warning(sentence)


class _Told:
    """Who is told of a wait: the last one who asked to be. Threads share it."""

    def __init__(self) -> None:
        self.tell: Callable[[str], None] = _to_the_log


_told = _Told()


@contextmanager
def telling(tell: Callable[[str], None]) -> Iterator[None]:
    """While the block runs, `tell` is called with a sentence on each wait."""
    before, _told.tell = _told.tell, tell
    try:
        yield
    finally:
        _told.tell = before


def wait_of(headers: Mapping[str, str]) -> int | None:
    """The seconds to wait that a Hub's answer names, or None.

    >>> wait_of({"retry-after": "7"}), wait_of({"ratelimit": '"api";r=0;t=55'}), wait_of({})
    (7, 55, None)
    """
    retry_after = headers.get("retry-after", "").strip()
    if retry_after.isascii() and retry_after.isdecimal():
        return int(retry_after[:9])
    limit = parse_ratelimit_headers(headers)
    return limit.reset_in_seconds if limit is not None and limit.remaining == 0 else None


class PatientClient(httpx2.Client):
    """The client's connection, which waits where it is told to.

    RunFailed if the wait is over `LONGEST_WAIT` seconds, or does not end.
    """

    def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
        for left in reversed(range(_TRIES)):
            response = super().send(request, **options)
            if response.status_code != HTTPStatus.TOO_MANY_REQUESTS:
                return response
            seconds = wait_of(response.headers)
            if seconds is None:
                return response
            host = request.url.host
            if seconds > LONGEST_WAIT or not left:
                response.close()
                raise RunFailed(
                    f"{host} has had too many requests, and asks to wait {seconds:,} s; after "
                    "that, the same command continues"
                )
            _told.tell(f"{host} has had too many requests: waiting {seconds} s, as it asks")
            # What was read from a file is gone. Its sender reads it again, after the same wait.
            if not isinstance(request.stream, httpx2.ByteStream):
                return response
            response.close()
            time.sleep(seconds)
        raise AssertionError("the last try returns or raises")


def be_patient(timeout: httpx2.Timeout) -> None:
    """Make the Hub's client one that waits, with these timeouts."""
    with _setting:
        client = get_session()
        if not isinstance(client, PatientClient):
            set_client_factory(
                partial(
                    PatientClient,
                    event_hooks=client.event_hooks,
                    follow_redirects=client.follow_redirects,
                    timeout=timeout,
                )
            )
