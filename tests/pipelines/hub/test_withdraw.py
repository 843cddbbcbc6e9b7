"""A version that nobody should use any more: who is told, and what stays."""

import json
import os
import subprocess
import sys

import pytest

from builders.errors import BadInput, GateRefused, RunFailed
from builders.manifest import parse_manifest
from builders.release.withdrawn import read_withdrawals
from pipelines.hub.remote import file_at
from pipelines.hub.verify import verify
from pipelines.hub.withdraw import plan_withdrawal
from tests.pipelines.hub.conftest import ROOT
from tests.pipelines.hub.proxy import on
from tests.pipelines.hub.test_foreign import put

REASON = "its test rows were in train"


def withdraw(remote, version="1.0.0", reason=REASON, api=None):
    planned = plan_withdrawal(f"{remote.repo}@v{version}", reason, api=api or remote.api)
    return planned.carry_out()


def on_main(remote, name):
    return file_at(remote.api, remote.repo, "dataset", "main", name).decode()


def test_one_commit_says_so_and_the_tag_stays(remote, releases, tmp_path):
    first = remote.publish(releases["1.0.0"])
    commit = withdraw(remote)
    assert remote.commits()[:2] == ["Withdraw v1.0.0", "Release v1.0.0"]
    assert remote.tags() == {"v1.0.0": first}
    assert remote.contents("v1.0.0", tmp_path / "there") == remote.as_sent(releases["1.0.0"])
    card, log = on_main(remote, "README.md"), on_main(remote, "CHANGELOG.md")
    found = read_withdrawals(on_main(remote, "withdrawn.json").encode())
    assert found["1.0.0"].reason == REASON
    assert f"> **Version 1.0.0 is withdrawn** ({found['1.0.0'].date}): {REASON}" in card
    assert card.startswith("---\n")
    assert f"## 1.0.0\n\n**Withdrawn** on {found['1.0.0'].date}: {REASON}\n\nThe first" in log
    # The main branch is a release whose files have the hashes of its manifest.
    manifest = parse_manifest(on_main(remote, "manifest.json").encode(), "main")
    assert {"README.md", "CHANGELOG.md", "withdrawn.json"} <= manifest.files.keys()
    for name in ("README.md", "CHANGELOG.md", "withdrawn.json"):
        assert manifest.files[name].bytes == len(on_main(remote, name).encode())
    # Again, it is done.
    assert withdraw(remote) == commit
    assert len(remote.commits()) == 3


def test_another_reason_takes_the_place_of_the_first(remote, releases):
    remote.publish(releases["1.0.0"])
    withdraw(remote)
    withdraw(remote, reason="a key was in it")
    card = on_main(remote, "README.md")
    assert card.count("is withdrawn") == card.count("a key was in it") == 1
    assert REASON not in card
    assert on_main(remote, "CHANGELOG.md").count("**Withdrawn**") == 1


def test_later_versions_say_so_too_and_nothing_is_anothers(remote, releases, tmp_path):
    remote.publish(releases["1.0.0"])
    withdraw(remote)
    plan = remote.plan(releases["1.0.1"])
    assert (plan.card_difference, plan.foreign, plan.deleted) == (None, (), ())
    remote.publish(releases["1.0.1"])
    there = remote.contents("v1.0.1", tmp_path / "there")
    assert b"Version 1.0.0 is withdrawn" in there["README.md"]
    assert "withdrawn.json" in there
    assert verify(f"{remote.repo}@v1.0.1", api=remote.api).wrong == []
    assert remote.plan(releases["1.0.1"]).todo == "nothing"
    # Also where another version is withdrawn since.
    withdraw(remote, "1.0.1", "empty rows")
    assert remote.plan(releases["1.0.1"]).todo == remote.plan(releases["1.0.0"]).todo == "nothing"
    card = on_main(remote, "README.md")
    assert card.index("Version 1.0.1 is withdrawn") < card.index("Version 1.0.0 is withdrawn")


def test_verify_refuses_it(remote, releases):
    remote.publish(releases["1.0.0"])
    remote.publish(releases["1.0.1"])
    withdraw(remote)
    found = verify(f"{remote.repo}@v1.0.0", api=remote.api)
    (sentence,) = found.wrong
    assert sentence.startswith("withdrawn on ")
    assert sentence.endswith(f": {REASON}")
    with pytest.raises(GateRefused, match=r"@v1\.0\.0 does not hold: withdrawn"):
        found.refuse()
    assert verify(f"{remote.repo}@v1.0.1", api=remote.api).wrong == []


LOAD = """
import sys, warnings
from srt_feedback import load
from train.released import open_release
warnings.simplefilter("always")
repo, tag = sys.argv[1:]
print(load(f"{repo}@{tag}", split="train").num_rows)
print(open_release(repo, tag, None).facts().get("withdrawn"))
"""


@pytest.mark.parametrize(("version", "rows"), [("1.0.0", 20), ("1.0.1", 24)])
def test_who_loads_it_or_trains_on_it_is_warned(hub, remote, releases, tmp_path, version, rows):
    remote.publish(releases["1.0.0"])
    remote.publish(releases["1.0.1"])
    withdraw(remote, reason=f"{REASON} \x1b[31m")
    done = subprocess.run(
        [sys.executable, "-c", LOAD, remote.repo, f"v{version}"],
        cwd=tmp_path,
        env={**os.environ, **hub.env, "PYTHONPATH": str(ROOT), "HF_HOME": str(tmp_path / "hf")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    loaded, recorded = done.stdout.splitlines()
    assert int(loaded) == rows
    warned = f"UserWarning: {remote.repo} v{version} was withdrawn: {REASON} [31m ("
    assert done.stderr.count(warned) == {"1.0.0": 2, "1.0.1": 0}[version]
    assert recorded.startswith(REASON) is (version == "1.0.0")


def test_a_card_that_somebody_changed_keeps_what_they_wrote(remote, releases):
    remote.publish(releases["1.0.0"])
    card = on_main(remote, "README.md")
    put(remote, **{"README.md": f"{card}\n## Errata\n".encode()})
    withdraw(remote)
    assert "## Errata" in on_main(remote, "README.md")
    # And it is still theirs.
    assert "-## Errata" in remote.plan(releases["1.0.1"]).card_difference.splitlines()


@pytest.mark.parametrize("cut", ["before", "after"])
def test_one_lost_request_is_one_commit(remote, proxy, through, releases, cut):
    remote.publish(releases["1.0.0"])
    proxy.fault = on(r"POST .*/commit/", cut)
    withdraw(remote, api=through)
    assert remote.commits()[:-1] == ["Withdraw v1.0.0", "Release v1.0.0"]


def test_another_publisher_meanwhile(remote, proxy, through, releases):
    remote.publish(releases["1.0.0"])
    proxy.fault = on("/commit/", None, lambda: remote.publish(releases["1.0.1"]))
    with pytest.raises(RunFailed, match=r"another publisher moved it.*run this again"):
        withdraw(remote, api=through)
    withdraw(remote, api=through)
    assert "Version 1.0.0 is withdrawn" in on_main(remote, "README.md")


@pytest.mark.parametrize(
    ("release", "reason", "says"),
    [
        ("v9.0.0", REASON, "has no version v9.0.0; it has v1.0.0"),
        ("v1.0.0", " \n", "--reason: say in up to 500 characters why v1.0.0 should not be used"),
        ("v1.0.0", "x" * 501, "--reason: say in up to 500 characters"),
        ("main", REASON, "is not ORG/NAME@vX.Y.Z"),
    ],
)
def test_what_cannot_be_withdrawn(remote, releases, release, reason, says):
    remote.publish(releases["1.0.0"])
    with pytest.raises(BadInput, match=says):
        plan_withdrawal(f"{remote.repo}@{release}", reason, api=remote.api)
    assert remote.commits()[0] == "Release v1.0.0"


def test_the_command(srt, remote, releases):
    remote.publish(releases["1.0.0"])
    address = f"{remote.repo}@v1.0.0"
    done = srt("withdraw", address, "--reason", REASON)
    assert f"{address} is withdrawn: commit {remote.api.dataset_info(remote.repo).sha}" in (
        done.stdout.replace("\n", " ")
    )
    again = json.loads(srt("withdraw", address, "--reason", REASON, "--json").stdout)
    assert (again["tag"], again["reason"]) == ("v1.0.0", REASON)
    ended = srt("verify", address, expect=3)
    assert "WRONG  withdrawn: withdrawn on " in ended.stdout


def test_a_file_of_that_name_that_somebody_else_wrote(remote, releases):
    put(remote, **{"withdrawn.json": b"[1, 2"})
    plan = remote.plan(releases["1.0.0"])
    assert plan.foreign == ("withdrawn.json",)
    commit = remote.publish(releases["1.0.0"])
    assert remote.tags() == {"v1.0.0": commit}
