"""A Hub that has had too many requests, and says for how long."""

import time
from types import SimpleNamespace

import pytest

from builders.errors import RunFailed
from pipelines.hub import patience
from pipelines.hub.client import connect
from pipelines.hub.patience import LONGEST_WAIT, telling, wait_of
from pipelines.hub.verify import verify
from tests.pipelines.hub.proxy import response

BUSY = "429 Too Many Requests"


@pytest.fixture
def waits(monkeypatch):
    """The seconds of each wait, which take no time."""
    found = []
    hurried = SimpleNamespace(**{**vars(time), "sleep": found.append})
    monkeypatch.setattr(patience, "time", hurried)
    return found


def busy(proxy, pattern, times, **headers):
    """The first requests with this pattern are too many."""
    left = [times]

    def answer():
        left[0] -= 1
        if left[0] <= 0:
            proxy.answers.pop(pattern, None)
        return response(b"", BUSY, **headers)

    proxy.answers[pattern] = answer


@pytest.mark.parametrize(
    "pattern",
    [
        "GET /api/whoami-v2",
        r"GET /api/datasets/\S+/tree/",
        "POST /api/repos/create",
        "POST .*/preupload/",
        "POST .*/commit/",
        "POST .*/tag/",
        "GET .*/resolve/.*manifest",
    ],
)
def test_a_short_wait_is_kept_and_said(remote, proxy, through, releases, waits, pattern):
    busy(proxy, pattern, 2, Retry_After="7")
    told = []
    with telling(told.append):
        commit = remote.publish(releases["1.0.0"], through)
    assert remote.tags() == {"v1.0.0": commit}
    assert remote.commits()[:-1] == ["Release v1.0.0"]
    assert waits == [7, 7]
    assert told == ["127.0.0.1 has had too many requests: waiting 7 s, as it asks"] * 2


def test_the_hubs_own_header(remote, proxy, through, releases, waits):
    busy(proxy, "GET /api/whoami-v2", 1, RateLimit='"api";r=0;t=55')
    remote.publish(releases["1.0.0"], through)
    assert waits == [55]


def test_a_reader_waits_too(remote, proxy, through, releases, waits):
    remote.publish(releases["1.0.0"])
    busy(proxy, r"GET /api/datasets/\S+/revision/", 1, Retry_After="3")
    assert verify(f"{remote.repo}@v1.0.0", api=through).wrong == []
    assert waits == [3]


@pytest.mark.parametrize(
    ("pattern", "seconds", "waited"),
    [
        ("GET /api/whoami-v2", LONGEST_WAIT + 1, 0),
        # The client itself would wait for an hour here, without a word.
        ("POST .*/preupload/", 3600, 0),
        ("GET /api/whoami-v2", 1, 4),
    ],
    ids=["too long", "where the client waits", "without end"],
)
def test_a_long_wait_is_the_users(
    remote, proxy, through, releases, waits, pattern, seconds, waited
):
    busy(proxy, pattern, 100, Retry_After=str(seconds))
    with pytest.raises(RunFailed, match=rf"asks to wait {seconds:,} s; after that, the same comm"):
        remote.publish(releases["1.0.0"], through)
    assert waits == [seconds] * waited
    proxy.answers.clear()
    remote.publish(releases["1.0.0"], through)


def test_without_a_time_it_is_as_before(remote, proxy, through, releases, waits):
    busy(proxy, "GET /api/whoami-v2", 100)
    with pytest.raises(RunFailed, match="has had too many requests; later, the same command"):
        remote.publish(releases["1.0.0"], through)
    assert waits == []


def test_large_files_are_sent_again_from_the_start(remote, proxy, through, unsent, waits, tmp_path):
    busy(proxy, "PUT ", 2, Retry_After="2")
    told = []
    with telling(told.append):
        remote.publish(unsent, through)
    assert len(told) == 2
    assert remote.contents("v1.0.0", tmp_path / "there") == remote.as_sent(unsent)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "0"}, 0),
        ({"retry-after": " 12 "}, 12),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "\u0663"}, None),
        ({"retry-after": "9" * 40}, 999_999_999),
        ({"ratelimit": '"api";r=3;t=55'}, None),
    ],
    ids=str,
)
def test_how_long(headers, seconds):
    assert wait_of(headers) == seconds


def test_one_client_waits_for_all(hub):
    from huggingface_hub.utils import get_session

    connect(hub.url)
    first = get_session()
    connect(hub.url)
    assert get_session() is first
