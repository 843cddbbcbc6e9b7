"""What is published, what is refused, and who is told what."""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor

import pyarrow.parquet as pq
import pytest

from builders.errors import BadInput, GateRefused, RunFailed, SrtError
from pipelines.hub.client import connect
from pipelines.hub.package import hashed
from pipelines.hub.publish import Wishes
from tests.pipelines.hub.conftest import There, Watcher, contents
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


def test_versions_follow_each_other(there, releases, tmp_path):
    watcher = Watcher()
    first = there.publish(releases["1.0.0"], observer=watcher)
    sizes = {name: len(content) for name, content in contents(releases["1.0.0"]).items()}
    assert watcher.bytes == sizes
    plan = there.plan(releases["1.0.1"])
    assert (plan.new, plan.deleted, plan.remote.head) == ((), (), first)
    assert "manifest.json" in plan.changed
    assert plan.upload_bytes == sum(len(contents(releases["1.0.1"])[name]) for name in plan.changed)
    second = there.publish(releases["1.0.1"])
    assert there.commits()[:2] == ["Release v1.0.1", "Release v1.0.0"]
    assert there.tags() == {"v1.0.0": first, "v1.0.1": second}
    for version in ("1.0.0", "1.0.1"):
        there_now = there.contents(f"v{version}", tmp_path / version)
        assert there_now == contents(releases[version])
    # Of another version nothing is left, and the Hub's own file stays.
    assert there.api.file_exists(there.repo, ".gitattributes", repo_type="dataset")


def test_the_same_release_again_is_complete(there, releases):
    commit = there.publish(releases["1.0.0"])
    plan = there.plan(releases["1.0.0"])
    assert (plan.todo, plan.commit, plan.upload_bytes) == ("nothing", commit, 0)
    there.publish(releases["1.0.1"])
    # Also when the branch has gone on.
    assert there.publish(releases["1.0.0"]) == commit
    assert len(there.tags()) == 2


def test_what_is_there_and_not_in_the_release_goes(there, releases):
    there.api.create_repo(there.repo, repo_type="dataset")
    for name, text in (("old/part.parquet", b"PAR1"), (".gitignore", b"*.parquet\n")):
        there.api.upload_file(
            path_or_fileobj=text, path_in_repo=name, repo_id=there.repo, repo_type="dataset"
        )
    plan = there.plan(releases["1.0.0"])
    assert plan.deleted == (".gitignore", "old/part.parquet")
    there.publish(releases["1.0.0"])
    assert there.plan(releases["1.0.0"]).todo == "nothing"


def test_a_tag_is_never_moved(there, releases, tmp_path):
    commit = there.publish(releases["1.0.0"])
    other = copied(releases["1.0.0"], tmp_path)
    (other / "CHANGELOG.md").write_text("# Another\n")
    with pytest.raises(BadInput, match=r"has a v1\.0\.0 with other content.*never moved"):
        there.publish(signed(other))
    assert there.tags() == {"v1.0.0": commit}
    assert there.commits()[:-1] == ["Release v1.0.0"]


def test_versions_go_forward(there, releases):
    there.publish(releases["1.1.0"])
    with pytest.raises(BadInput, match=r"is at v1\.1\.0, and versions go forward; v1\.0\.1"):
        there.publish(releases["1.0.1"])
    # Tags that are no versions are nobody's business.
    there.api.create_tag(there.repo, tag="v9-draft", repo_type="dataset")
    assert there.plan(releases["1.1.0"]).todo == "nothing"


def test_another_publisher_between_plan_and_commit(hub, there, proxy, through, releases):
    other = connect(hub.url, hub.token)
    first = there.publish(releases["1.0.0"])
    proxy.fault = on("/commit/", None, lambda: there.publish(releases["1.0.1"], other))
    with pytest.raises(RunFailed, match=rf"another publisher moved it from {first} to \w+ mean"):
        there.publish(releases["1.1.0"], through)
    assert there.commits()[:-1] == ["Release v1.0.1", "Release v1.0.0"]
    assert there.tags().keys() == {"v1.0.0", "v1.0.1"}
    # Told, they look at it, and go on from there.
    there.publish(releases["1.1.0"], through)
    assert there.commits()[0] == "Release v1.1.0"


def test_two_who_publish_the_same_make_one_release(hub, there, proxy, through, releases):
    other = connect(hub.url, hub.token)
    proxy.fault = on("/commit/", None, lambda: there.publish(releases["1.0.0"], other))
    commit = there.publish(releases["1.0.0"], through)
    assert there.commits()[:-1] == ["Release v1.0.0"]
    assert there.tags() == {"v1.0.0": commit}


def test_another_publisher_before_the_tag(hub, there, proxy, through, releases):
    def theirs():
        there.api.create_tag(there.repo, tag="v1.0.0", revision=first, repo_type="dataset")

    there.api.create_repo(there.repo, repo_type="dataset")
    first = there.api.dataset_info(there.repo).sha
    proxy.fault = on("POST .*/tag/", None, theirs)
    with pytest.raises(RunFailed, match=r"another publisher gave v1\.0\.0 to commit"):
        there.publish(releases["1.0.0"], through)
    assert there.tags() == {"v1.0.0": first}


def test_a_race_has_one_winner(hub, releases):
    there = There(hub)
    there.publish(releases["1.0.0"])
    clients = [connect(hub.url, hub.token) for _ in range(4)]
    chosen = [releases["1.0.1"], releases["1.1.0"]] * 2

    def attempt(api, release):
        try:
            return there.publish(release, api)
        except SrtError as error:
            return str(error)

    with ThreadPoolExecutor(4) as pool:
        said = list(pool.map(attempt, clients, chosen))
    tags = there.tags()
    won = {tag: commit for tag, commit in tags.items() if tag != "v1.0.0"}
    assert won
    for answer in said:
        assert answer in won.values() or "meanwhile" in answer or "go forward" in answer
    assert len(there.commits()) == len(tags) + 1


def test_a_file_that_is_not_the_released_one(there, releases, tmp_path):
    broken = copied(releases["1.0.0"], tmp_path)
    name = "preferences/train-00000-of-00001.parquet"
    content = (broken / name).read_bytes()
    (broken / name).write_bytes(content[:-1] + b"?")
    with pytest.raises(BadInput, match=f"{name} is not the file that was released"):
        there.publish(broken)
    (broken / name).unlink()
    with pytest.raises(BadInput, match=f"{name} is missing"):
        there.publish(broken)
    (broken / name).write_bytes(content)
    (broken / "notes.txt").write_text("mine")
    with pytest.raises(BadInput, match=r"notes\.txt is not in the release's manifest"):
        there.publish(broken)
    assert not there.api.repo_exists(there.repo, repo_type="dataset")


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
        (without_a_row, "has 19 rows, and 20 by the manifest"),
        (without_a_column, "has other columns than the card says"),
        (broken_page, "cannot be read"),
    ],
)
def test_a_parquet_file_that_was_broken_before_it_was_hashed(
    there, releases, tmp_path, change, reason
):
    broken = copied(releases["1.0.0"], tmp_path)
    change(broken / "preferences/train-00000-of-00001.parquet")
    with pytest.raises(RunFailed, match=f"has no tag: .*({reason})"):
        there.publish(signed(broken))
    assert there.tags() == {}


def test_what_the_hub_kept_wrongly_gets_no_tag(there, unsent, hub, monkeypatch):
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

    with pytest.raises(RunFailed, match=r"has no tag: ledger/train-\S+ is another file"):
        there.publish(unsent, observer=Spoiling())
    assert there.tags() == {}


def test_the_gate_comes_before_anything_is_asked_of_the_hub(there, releases):
    def refuse(folder):
        raise GateRefused(f"{folder.name}: 3 rows with a key in them")

    with pytest.raises(GateRefused, match=r"tiny@v1\.0\.0: 3 rows"):
        there.plan(releases["1.0.0"], check=refuse)
    assert not there.api.repo_exists(there.repo, repo_type="dataset")


def test_private_and_gated_come_before_the_content(there, proxy, through, releases):
    there.publish(releases["1.0.0"], through, Wishes(private=True, gated="manual"))
    info = there.api.dataset_info(there.repo)
    assert (info.private, info.gated) == (True, "manual")
    order = [request for request in proxy.requests if "/settings" in request or "PUT" in request]
    assert "/settings" in order[0]
    public = There(there.hub)
    public.publish(releases["1.0.0"])
    with pytest.raises(BadInput, match="exists and is public"):
        public.publish(releases["1.0.1"], wishes=Wishes(private=True))


@pytest.mark.parametrize(
    ("token", "reason"),
    [("hf_read", "is read-only; make one with write access"), ("hf_other", "does not know this")],
)
def test_a_token_that_will_not_do_is_told_first(hub, there, proxy, releases, token, reason):
    api = connect(proxy.url, token)
    with pytest.raises(BadInput, match=reason) as error:
        there.publish(releases["1.0.0"], api)
    assert token not in str(error.value)
    assert proxy.requests == ["GET /api/whoami-v2"]
