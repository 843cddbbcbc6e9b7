"""Xet: only where the Hub offers it, unless the user says no."""

import pytest
from huggingface_hub import constants

from builders.errors import BadInput, RunFailed
from pipelines.hub import xet
from pipelines.hub.client import connect
from pipelines.hub.xet import offers_xet, without_xet
from tests.ledger_rows import kept_rows
from tests.pipelines.hub.conftest import Watcher, tiny_release
from tests.pipelines.hub.proxy import response
from tests.xet_hub import TOKEN, xet_hub


@pytest.fixture(autouse=True)
def _xet_enabled(monkeypatch):
    """As in a process whose environment does not switch it off."""
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", False)


@pytest.fixture
def with_xet(hub, tmp_path):
    with xet_hub(hub, tmp_path / "store") as running:
        yield running


def large(release):
    return sorted(release.rglob("*.parquet"))


def test_files_go_by_xet_where_the_hub_offers_it(remote, with_xet, unsent, tmp_path):
    api, watcher = connect(with_xet.url, remote.hub.token), Watcher()
    with_xet.expect(large(unsent) + sorted(unsent.rglob("*.png")))
    commit = remote.publish(unsent, api, observer=watcher)
    assert remote.commits()[:-1] == ["Release v1.0.0"]
    assert remote.tags() == {"v1.0.0": commit}
    assert remote.contents("v1.0.0", tmp_path / "there") == remote.as_sent(unsent)
    # Nothing went by LFS, and every chunk is in the store.
    asked = [request for request in with_xet.requests if "lfs" in request or "PUT" in request]
    assert asked == []
    assert with_xet.lacks(large(unsent)) == 0
    assert len([request for request in with_xet.requests if "/commit/" in request]) == 1
    sizes = {name: len(content) for name, content in remote.as_sent(unsent).items()}
    assert watcher.bytes == sizes
    (told,) = [stage for stage in watcher.stages if "were new to the Hub" in stage]
    assert told.startswith(f"of {sum(sizes.values()):,} bytes, ")


def test_the_next_version_sends_less(remote, with_xet, tmp_path):
    api, new = connect(with_xet.url, remote.hub.token), []
    for version, rows in (("1.0.0", kept_rows(900)), ("1.1.0", kept_rows(905))):
        release = tiny_release(tmp_path, version, rows)
        with_xet.expect(large(release) + sorted(release.rglob("*.png")))
        watcher = Watcher()
        remote.publish(release, api, observer=watcher)
        (told,) = [stage for stage in watcher.stages if "were new to the Hub" in stage]
        new.append(int(told.split("bytes, ")[1].split()[0].replace(",", "")))
    assert new[0] > 0
    assert new[1] < new[0]


def test_a_hub_without_it_gets_whole_files(remote, proxy, through, unsent):
    remote.publish(unsent, through)
    assert [request for request in proxy.requests if "/xet-write-token/" in request]
    assert [request for request in proxy.requests if request.startswith("PUT ")]
    # The client's switch is as the user has it.
    assert constants.HF_HUB_DISABLE_XET is False


def test_a_user_who_switched_it_off_is_not_asked_twice(remote, with_xet, unsent, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    remote.publish(unsent, connect(with_xet.url, remote.hub.token))
    assert not [request for request in with_xet.requests if "/xet-write-token/" in request]
    assert [request for request in with_xet.requests if request.startswith("PUT ")]
    assert not any(with_xet.store.iterdir())


def test_importing_leaves_the_users_environment_alone(srt, remote, with_xet, unsent):
    with_xet.expect(large(unsent) + sorted(unsent.rglob("*.png")))
    words = ("publish", unsent, "--repo", remote.repo)
    ended = srt(*words, endpoint=with_xet.url, env={"HF_HUB_DISABLE_XET": None})
    assert "were new to the Hub" in ended.stderr
    assert remote.tags().keys() == {"v1.0.0"}


@pytest.mark.parametrize(
    ("body", "status", "offered"),
    [
        (b'{"casUrl": "https://cas"}', "200 OK", True),
        (b"{}", "200 OK", False),
        (b"<html>", "200 OK", False),
        (b"", "404 Not Found", False),
        (b"", "501 Not Implemented", False),
    ],
    ids=["offered", "nothing in it", "no JSON", "no such address", "not implemented"],
)
def test_what_a_hub_says_about_it(proxy, through, body, status, offered):
    proxy.answers[TOKEN] = lambda: response(body, status)
    assert offers_xet(through, "org/name", "dataset") is offered


def test_a_hub_that_says_no_or_not_now(remote, proxy, through, unsent):
    proxy.answers[TOKEN] = lambda: response(b"", "403 Forbidden")
    with pytest.raises(BadInput, match="denies this to the token"):
        remote.publish(unsent, through)
    proxy.answers[TOKEN] = lambda: response(b"", "503 Service Unavailable")
    with pytest.raises(RunFailed, match="the same command continues"):
        remote.publish(unsent, through)
    assert remote.tags() == {}
    proxy.answers.clear()
    remote.publish(unsent, through)


def test_a_store_that_fails_is_one_line(remote, with_xet, unsent, monkeypatch):
    """The store's folder is a file: the client cannot write to it."""
    with_xet.store.rmdir()
    with_xet.store.write_bytes(b"")
    with pytest.raises(RunFailed, match=r"by Xet failed \(.*HF_HUB_DISABLE_XET=1"):
        remote.publish(unsent, connect(with_xet.url, remote.hub.token))
    assert remote.tags() == {}


def test_the_switch_is_back_after_the_last_block():
    with without_xet:
        with without_xet:
            assert constants.HF_HUB_DISABLE_XET is True
        assert constants.HF_HUB_DISABLE_XET is True
    assert constants.HF_HUB_DISABLE_XET is False
    assert xet.without_xet is without_xet
