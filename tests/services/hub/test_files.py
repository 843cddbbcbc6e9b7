import hashlib
import os
from pathlib import Path

import pytest
from huggingface_hub import CommitOperationAdd, get_hf_file_metadata, hf_hub_download, hf_hub_url
from huggingface_hub.errors import EntryNotFoundError, RepositoryNotFoundError

LARGE = os.urandom(2_500_000)


@pytest.fixture
def filled(api, repo):
    repo.sha = api.create_commit(
        **repo.named,
        operations=[
            CommitOperationAdd("data/large file.bin", LARGE),
            CommitOperationAdd("data/ü/small.txt", b"0123456789"),
            CommitOperationAdd("empty.txt", b""),
        ],
        commit_message="files",
    ).oid
    prefix = "/datasets/" if repo.type == "dataset" else "/"
    repo.files = f"{prefix}{repo.name}/resolve"
    return repo


def test_downloads_equal_uploads(hub, filled, tmp_path):
    for path, content in (("data/large file.bin", LARGE), ("data/ü/small.txt", b"0123456789")):
        for revision in ("main", filled.sha):
            got = hf_hub_download(
                **filled.named,
                filename=path,
                revision=revision,
                endpoint=hub.url,
                token="hf_read",
                cache_dir=tmp_path,
            )
            assert Path(got).read_bytes() == content


def test_metadata_names_the_commit_and_the_content(hub, filled):
    for path, etag, size in (
        ("data/large file.bin", hashlib.sha256(LARGE).hexdigest(), len(LARGE)),
        ("data/ü/small.txt", hashlib.sha1(b"blob 10\0" + b"0123456789").hexdigest(), 10),
    ):
        url = hf_hub_url(**filled.named, filename=path, endpoint=hub.url)
        found = get_hf_file_metadata(url, token="hf_read")
        assert (found.commit_hash, found.etag, found.size) == (filled.sha, etag, size)
        assert found.xet_file_data is None


@pytest.mark.parametrize(
    ("wanted", "first", "after"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=3-6", 3, 7),
        ("bytes=5-", 5, None),
        ("bytes=-4", -4, None),
        ("bytes=2-99999999", 2, None),
    ],
)
def test_range_requests(ask, filled, wanted, first, after):
    for path, content in (("data/large file.bin", LARGE), ("data/ü/small.txt", b"0123456789")):
        got = ask("GET", f"{filled.files}/main/{path}", headers={"Range": wanted})
        assert got.status_code == 206
        assert got.content == content[first:after]
        begin = first % len(content)
        assert got.headers["Content-Range"] == (
            f"bytes {begin}-{begin + len(got.content) - 1}/{len(content)}"
        )


def test_ranges_that_cannot_be_served(ask, filled):
    address = f"{filled.files}/main/data/ü/small.txt"
    beyond = ask("GET", address, headers={"Range": "bytes=10-"})
    assert (beyond.status_code, beyond.headers["Content-Range"]) == (416, "bytes */10")
    # Not a single byte range, so the whole file is a valid response.
    for unread in ("bytes=1-2,4-5", "bytes=x", "lines=1-2"):
        got = ask("GET", address, headers={"Range": unread})
        assert (got.status_code, got.content) == (200, b"0123456789")
    stale = ask("GET", address, headers={"Range": "bytes=1-2", "If-Range": '"other"'})
    assert (stale.status_code, stale.content) == (200, b"0123456789")
    etag = stale.headers["ETag"]
    assert ask("GET", address, headers={"If-None-Match": etag}).status_code == 304
    assert ask("GET", f"{filled.files}/main/empty.txt").content == b""
    head = ask("HEAD", address)
    assert (head.content, head.headers["Content-Length"]) == (b"", "10")


def test_missing_files_and_revisions_are_named(ask, filled):
    for path, code in (
        (f"{filled.files}/main/no.txt", "EntryNotFound"),
        (f"{filled.files}/main/data", "EntryNotFound"),
        (f"{filled.files}/v9/empty.txt", "RevisionNotFound"),
        (f"{filled.files.replace(filled.name, 'org/none')}/main/empty.txt", "RepoNotFound"),
    ):
        for method in ("GET", "HEAD"):
            got = ask(method, path)
            assert (got.status_code, got.headers["X-Error-Code"]) == (404, code)


def test_browsers_never_get_an_executable_page(api, ask, dataset):
    page = b"<script>alert(1)</script>"
    operations = [CommitOperationAdd(name, page) for name in ("x.html", "x.svg", "x.txt")]
    api.create_commit(**dataset.named, operations=operations, commit_message="pages")
    for name in ("x.html", "x.svg", "x.txt"):
        got = ask("GET", f"/datasets/{dataset.name}/resolve/main/{name}")
        assert got.content == page
        assert got.headers["Content-Type"] in ("application/octet-stream", "text/plain")
        assert "sandbox" in got.headers["Content-Security-Policy"]


def test_the_tree_is_listed_folder_by_folder_and_whole(api, filled):
    top = {entry.path for entry in api.list_repo_tree(**filled.named)}
    assert top == {".gitattributes", "data", "empty.txt"}
    inner = {entry.path for entry in api.list_repo_tree(**filled.named, path_in_repo="data")}
    assert inner == {"data/large file.bin", "data/ü"}
    whole = {entry.path: entry for entry in api.list_repo_tree(**filled.named, recursive=True)}
    assert set(whole) == top | inner | {"data/ü/small.txt"}
    assert whole["data/large file.bin"].lfs.sha256 == hashlib.sha256(LARGE).hexdigest()
    with pytest.raises(EntryNotFoundError):
        list(api.list_repo_tree(**filled.named, path_in_repo="none"))
    with pytest.raises(RepositoryNotFoundError):
        list(api.list_repo_tree("org/none"))


def test_expanded_entries_name_the_commit_that_changed_them_last(api, filled):
    later = api.create_commit(
        **filled.named,
        operations=[CommitOperationAdd("data/ü/small.txt", b"new")],
        commit_message="later",
    ).oid
    found = {
        entry.path: entry.last_commit
        for entry in api.list_repo_tree(**filled.named, recursive=True, expand=True)
    }
    assert found["data/ü/small.txt"].oid == found["data"].oid == later
    assert found["data/large file.bin"].oid == filled.sha
    assert found[".gitattributes"].title == "initial commit"


def test_paths_info_omits_missing_paths(api, filled):
    paths = ["empty.txt", "data", "data/large file.bin", "none", "../x", "", "data/ü/small.txt"]
    found = {entry.path: entry for entry in api.get_paths_info(**filled.named, paths=paths)}
    assert set(found) == {"empty.txt", "data", "data/large file.bin", "data/ü/small.txt"}
    assert found["data/large file.bin"].size == len(LARGE)
    (one,) = api.get_paths_info(**filled.named, paths="empty.txt", expand=True)
    assert one.last_commit.oid == filled.sha


def test_a_large_tree_is_paginated(api, dataset):
    names = {f"folder {n % 7}/{n:04}.txt" for n in range(1100)}
    operations = [CommitOperationAdd(name, b"x") for name in names]
    api.create_commit(**dataset.named, operations=operations, commit_message="many")
    listed = api.list_repo_tree(**dataset.named, recursive=True)
    files = [entry.path for entry in listed if not hasattr(entry, "tree_id")]
    assert len(files) == 1101
    assert set(files) == names | {".gitattributes"}
    below = api.list_repo_tree(**dataset.named, path_in_repo="folder 3", expand=True)
    assert {entry.path for entry in below} == {name for name in names if name[:8] == "folder 3"}
