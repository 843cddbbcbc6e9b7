"""What is published, what is refused, and who is told what."""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor

import pyarrow.parquet as pq
import pytest

from builders.errors import BadInput, GateRefused, RunFailed, SrtError
from pipelines.hub.client import connect
from pipelines.hub.package import hashed
from pipelines.hub.publish import RepositorySettings
from tests.pipelines.hub.conftest import HubRepository, Watcher, contents
from tests.pipelines.hub.proxy import on


def copied(release, folder):
    return shutil.copytree(release, folder / release.name)


def signed(release):
    """`release` with a manifest that has the hashes of its files as they are now."""
    path = release / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["files"] = {
        name: {"sha256": hashed(release / name).sha256, "bytes": (release / name).stat().st_size}
        for name in contents(release).keys() - {"manifest.json"}
    }
    path.write_text(json.dumps(manifest))
    return release


def test_versions_follow_each_other(remote, releases, tmp_path):
    watcher = Watcher()
    first = remote.publish(releases["1.0.0"], observer=watcher)
    sizes = {name: len(content) for name, content in remote.as_sent(releases["1.0.0"]).items()}
    assert watcher.bytes == sizes
    plan = remote.plan(releases["1.0.1"])
    assert (plan.new, plan.deleted, plan.remote.head) == ((), (), first)
    assert "manifest.json" in plan.changed
    assert plan.upload_bytes == sum(plan.package.files[name].size for name in plan.changed)
    second = remote.publish(releases["1.0.1"])
    assert remote.commits()[:2] == ["Release v1.0.1", "Release v1.0.0"]
    assert remote.tags() == {"v1.0.0": first, "v1.0.1": second}
    for version in ("1.0.0", "1.0.1"):
        there_now = remote.contents(f"v{version}", tmp_path / version)
        assert there_now == remote.as_sent(releases[version])
    # Of another version nothing is left, and the Hub's own file stays.
    assert remote.api.file_exists(remote.repo, ".gitattributes", repo_type="dataset")


def test_the_same_release_again_is_complete(remote, releases):
    commit = remote.publish(releases["1.0.0"])
    plan = remote.plan(releases["1.0.0"])
    assert (plan.todo, plan.commit, plan.upload_bytes) == ("nothing", commit, 0)
    remote.publish(releases["1.0.1"])
    # Also when the branch has gone on.
    assert remote.publish(releases["1.0.0"]) == commit
    assert len(remote.tags()) == 2


def test_a_tag_is_never_moved(remote, releases, tmp_path):
    commit = remote.publish(releases["1.0.0"])
    other = copied(releases["1.0.0"], tmp_path)
    (other / "CHANGELOG.md").write_text("# Another\n")
    with pytest.raises(BadInput, match=r"has v1\.0\.0 with different content.*never moved"):
        remote.publish(signed(other))
    assert remote.tags() == {"v1.0.0": commit}
    assert remote.commits()[:-1] == ["Release v1.0.0"]


def test_versions_go_forward(remote, releases):
    remote.publish(releases["1.1.0"])
    with pytest.raises(BadInput, match=r"is at v1\.1\.0; v1\.0\.1 would go backward"):
        remote.publish(releases["1.0.1"])
    # Tags that are no versions are nobody's business.
    remote.api.create_tag(remote.repo, tag="v9-draft", repo_type="dataset")
    assert remote.plan(releases["1.1.0"]).todo == "nothing"


def test_another_publisher_between_plan_and_commit(hub, remote, proxy, through, releases):
    other = connect(hub.url, hub.token)
    first = remote.publish(releases["1.0.0"])
    proxy.fault = on("/commit/", None, lambda: remote.publish(releases["1.0.1"], other))
    with pytest.raises(RunFailed, match=rf"another publisher moved it from {first} to \w+ mean"):
        remote.publish(releases["1.1.0"], through)
    assert remote.commits()[:-1] == ["Release v1.0.1", "Release v1.0.0"]
    assert remote.tags().keys() == {"v1.0.0", "v1.0.1"}
    # Told, they look at it, and go on from there.
    remote.publish(releases["1.1.0"], through)
    assert remote.commits()[0] == "Release v1.1.0"


def test_two_who_publish_the_same_make_one_release(hub, remote, proxy, through, releases):
    other = connect(hub.url, hub.token)
    proxy.fault = on("/commit/", None, lambda: remote.publish(releases["1.0.0"], other))
    commit = remote.publish(releases["1.0.0"], through)
    assert remote.commits()[:-1] == ["Release v1.0.0"]
    assert remote.tags() == {"v1.0.0": commit}


def test_another_publisher_before_the_tag(hub, remote, proxy, through, releases):
    def theirs():
        remote.api.create_tag(remote.repo, tag="v1.0.0", revision=first, repo_type="dataset")

    remote.api.create_repo(remote.repo, repo_type="dataset")
    first = remote.api.dataset_info(remote.repo).sha
    proxy.fault = on("POST .*/tag/", None, theirs)
    with pytest.raises(RunFailed, match=r"another publisher gave v1\.0\.0 to commit"):
        remote.publish(releases["1.0.0"], through)
    assert remote.tags() == {"v1.0.0": first}


def test_a_race_has_one_winner(hub, releases):
    remote = HubRepository(hub)
    remote.publish(releases["1.0.0"])
    clients = [connect(hub.url, hub.token) for _ in range(4)]
    chosen = [releases["1.0.1"], releases["1.1.0"]] * 2

    def attempt(api, release):
        try:
            return remote.publish(release, api)
        except SrtError as error:
            return str(error)

    with ThreadPoolExecutor(4) as pool:
        said = list(pool.map(attempt, clients, chosen))
    tags = remote.tags()
    won = {tag: commit for tag, commit in tags.items() if tag != "v1.0.0"}
    assert won
    for answer in said:
        assert answer in won.values() or "meanwhile" in answer or "go forward" in answer
    assert len(remote.commits()) == len(tags) + 1


def test_a_file_that_is_not_the_released_one(remote, releases, tmp_path):
    broken = copied(releases["1.0.0"], tmp_path)
    name = "preferences/train-00000-of-00001.parquet"
    content = (broken / name).read_bytes()
    (broken / name).write_bytes(content[:-1] + b"?")
    with pytest.raises(BadInput, match=f"{name} is not the file that was released"):
        remote.publish(broken)
    (broken / name).unlink()
    with pytest.raises(BadInput, match=f"{name} is missing"):
        remote.publish(broken)
    (broken / name).write_bytes(content)
    (broken / "notes.txt").write_text("mine")
    with pytest.raises(BadInput, match=r"notes\.txt is not in the release's manifest"):
        remote.publish(broken)
    assert not remote.api.repo_exists(remote.repo, repo_type="dataset")


def halved(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def without_a_row(path):
    table = pq.read_table(path)
    pq.write_table(table.slice(1), path)


def without_a_column(path):
    table = pq.read_table(path)
    pq.write_table(table.drop_columns(["margin"]), path)


def broken_page(path):
    """The first page's head is not one, and the footer as it was."""
    content = bytearray(path.read_bytes())
    content[4:60] = bytes(56)
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (halved, "does not load|cannot be read"),
        (without_a_row, "has 19 rows, but 20 in the manifest"),
        (without_a_column, ": its columns are not those on the card"),
        (broken_page, "cannot be read"),
    ],
)
def test_a_parquet_file_that_was_broken_before_it_was_hashed(
    remote, releases, tmp_path, change, reason
):
    broken = copied(releases["1.0.0"], tmp_path)
    change(broken / "preferences/train-00000-of-00001.parquet")
    with pytest.raises(RunFailed, match=f"gets no tag: .*({reason})"):
        remote.publish(signed(broken))
    assert remote.tags() == {}


def test_what_the_hub_kept_wrongly_gets_no_tag(remote, unsent, hub, monkeypatch):
    """The Hub says the right hash of a file and gives other bytes."""
    sha256 = hashed(unsent / "ledger/train-00000-of-00001.parquet").sha256

    class Spoiling(Watcher):
        def stage(self, sentence):
            if sentence.startswith("reloading"):
                (kept,) = (path for path in hub.folder.rglob(f"*{sha256}*") if path.is_file())
                kept.chmod(0o600)
                content = bytearray(kept.read_bytes())
                content[len(content) // 2] ^= 1
                kept.write_bytes(content)

    with pytest.raises(RunFailed, match=r"gets no tag: ledger/train-\S+ is another file"):
        remote.publish(unsent, observer=Spoiling())
    assert remote.tags() == {}


def test_the_gate_comes_before_anything_is_asked_of_the_hub(remote, releases):
    def refuse(folder):
        raise GateRefused(f"{folder.name}: 3 rows with a key in them")

    with pytest.raises(GateRefused, match=r"tiny@v1\.0\.0: 3 rows"):
        remote.plan(releases["1.0.0"], check=refuse)
    assert not remote.api.repo_exists(remote.repo, repo_type="dataset")


def test_private_and_gated_come_before_the_content(remote, proxy, through, releases):
    remote.publish(releases["1.0.0"], through, RepositorySettings(private=True, gated="manual"))
    info = remote.api.dataset_info(remote.repo)
    assert (info.private, info.gated) == (True, "manual")
    order = [request for request in proxy.requests if "/settings" in request or "PUT" in request]
    assert "/settings" in order[0]
    public = HubRepository(remote.hub)
    public.publish(releases["1.0.0"])
    with pytest.raises(BadInput, match="exists and is public"):
        public.publish(releases["1.0.1"], settings=RepositorySettings(private=True))


@pytest.mark.parametrize(
    ("token", "reason"),
    [("hf_read", "is read-only; create one with write access"), ("hf_other", "does not know this")],
)
def test_a_token_that_will_not_do_is_told_first(hub, remote, proxy, releases, token, reason):
    api = connect(proxy.url, token)
    with pytest.raises(BadInput, match=reason) as error:
        remote.publish(releases["1.0.0"], api)
    assert token not in str(error.value)
    assert proxy.requests == ["GET /api/whoami-v2"]
