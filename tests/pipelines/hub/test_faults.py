"""The connection cut at each request in turn, then the same call once more."""

from contextlib import suppress
from itertools import count

import pytest

from builders.errors import RunFailed
from tests.pipelines.hub.conftest import HubRepository
from tests.pipelines.hub.proxy import at, nth, on


def numbers_of(requests, cut, part):
    """Half of the requests to cut.

    A reading whose answer is lost is one that was not made; and of the downloads, which run side
    by side in no order, every fourth will do.
    """
    reads = count()

    def is_chosen(request):
        if request.startswith(("POST ", "PUT ")):
            return True
        return cut == "before" and ("/resolve/" not in request or next(reads) % 4 == 0)

    chosen = [number for number, request in enumerate(requests, start=1) if is_chosen(request)]
    return chosen[part::2]


def check_published(remote, release, commit, folder):
    """One commit beside the repository's first, with the release in it, and its tag."""
    assert remote.commits()[:-1] == ["Release v1.0.0"]
    assert remote.tags() == {"v1.0.0": commit}
    assert remote.contents("v1.0.0", folder) == remote.as_sent(release)


@pytest.mark.parametrize("cut", ["before", "after"])
@pytest.mark.parametrize("part", [0, 1])
def test_the_hub_goes_away_at_each_request_in_turn(
    hub, proxy, through, releases, tmp_path, cut, part
):
    release = releases["1.0.0"]
    HubRepository(hub).publish(release, through)
    for number in numbers_of(proxy.requests, cut, part):
        remote = HubRepository(hub)
        proxy.heal()
        proxy.fault = at(number, cut, then_down=True)
        # The last answer may be lost, and all be done.
        with suppress(RunFailed):
            remote.publish(release, through)
        proxy.heal()
        commit = remote.publish(release, through)
        check_published(remote, release, commit, tmp_path / str(number))


@pytest.mark.parametrize("cut", ["before", "after"])
def test_the_hub_goes_away_at_each_upload(remote, proxy, through, unsent, tmp_path, cut):
    # Each time one file gets there: the one before the cut, or the one whose answer is lost.
    stopped = 0
    while True:
        proxy.fault = nth(r"^PUT ", 2 if stopped and cut == "before" else 1, cut)
        try:
            remote.publish(unsent, through)
        except RunFailed:
            stopped += 1
        else:
            break
    assert stopped >= 3
    proxy.heal()
    check_published(remote, unsent, remote.publish(unsent, through), tmp_path / "there")


@pytest.mark.parametrize("cut", ["before", "after"])
def test_one_lost_request_is_one_commit(remote, proxy, through, releases, cut):
    """Nobody can tell a commit that was not made from one whose answer was lost."""
    proxy.fault = on(r"POST .*/commit/", cut)
    commit = remote.publish(releases["1.0.0"], through)
    sent = [request for request in proxy.requests if "/commit/" in request]
    assert len(sent) == {"before": 2, "after": 1}[cut]
    assert remote.commits()[:-1] == ["Release v1.0.0"]
    assert remote.tags() == {"v1.0.0": commit}


@pytest.mark.parametrize("cut", ["before", "after"])
def test_one_lost_tag_is_one_tag(remote, proxy, through, releases, cut):
    proxy.fault = on(r"POST .*/tag/", cut)
    commit = remote.publish(releases["1.0.0"], through)
    sent = [request for request in proxy.requests if "/tag/" in request]
    assert len(sent) == {"before": 2, "after": 1}[cut]
    assert remote.tags() == {"v1.0.0": commit}


def test_a_commit_without_its_tag_is_tagged_and_not_made_again(remote, proxy, through, releases):
    def down(number, request):
        return "before" if "/tag/" in request else None

    proxy.fault = down
    with pytest.raises(RunFailed, match="the same command continues"):
        remote.publish(releases["1.0.0"], through)
    assert remote.tags() == {}
    proxy.heal()
    plan = remote.plan(releases["1.0.0"], through)
    assert (plan.todo, plan.uploads) == ("tag", ())
    commit = remote.publish(releases["1.0.0"], through)
    assert remote.tags() == {"v1.0.0": commit}
    assert not [request for request in proxy.requests if "/commit/" in request]


def test_what_the_hub_has_is_not_sent_again(remote, proxy, through, unsent):
    proxy.fault = lambda number, request: "before" if "/commit/" in request else None
    with pytest.raises(RunFailed):
        remote.publish(unsent, through)
    assert len([request for request in proxy.requests if request.startswith("PUT ")]) >= 3
    proxy.heal()
    remote.publish(unsent, through)
    assert not [request for request in proxy.requests if request.startswith("PUT ")]
