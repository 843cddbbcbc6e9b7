import os
import threading

import pytest
from huggingface_hub import CommitOperationAdd, CommitOperationCopy, CommitOperationDelete
from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError, RepositoryNotFoundError


def add(path, content=b"text"):
    return CommitOperationAdd(path, content)


def test_a_repository_is_created_once_and_deleted(api, hub):
    for repo_type, page in (("dataset", "/datasets/org/once"), ("model", "/org/once")):
        named = {"repo_id": "org/once", "repo_type": repo_type}
        assert api.create_repo(**named) == hub.url + page
        assert api.create_repo(**named, exist_ok=True) == hub.url + page
        with pytest.raises(HfHubHTTPError, match="already created this"):
            api.create_repo(**named)
        assert api.list_repo_files(**named) == [".gitattributes"]
        api.delete_repo(**named)
        with pytest.raises(RepositoryNotFoundError):
            api.repo_info(**named)
        with pytest.raises(RepositoryNotFoundError):
            api.delete_repo(**named)
        api.delete_repo(**named, missing_ok=True)


def test_a_repository_without_a_namespace_is_the_users(api):
    assert api.create_repo("mine", repo_type="dataset").repo_id == "local/mine"


def test_a_commit_adds_and_deletes_together(api, repo, tmp_path):
    large = tmp_path / "weights.safetensors"
    large.write_bytes(os.urandom(3_000_000))
    first = api.create_commit(
        **repo.named,
        operations=[add("a/b/c.txt", b"1"), add("a/d.txt", b"2"), add("w.bin", large.read_bytes())],
        commit_message="one\n\nwith a description",
    )
    files = api.list_repo_files(**repo.named)
    assert files == [".gitattributes", "a/b/c.txt", "a/d.txt", "w.bin"]
    info = api.repo_info(**repo.named, files_metadata=True)
    assert info.sha == first.oid
    by_name = {file.rfilename: file for file in info.siblings}
    assert by_name["w.bin"].lfs.size == by_name["w.bin"].size == 3_000_000
    assert by_name["a/d.txt"].lfs is None

    api.create_commit(
        **repo.named,
        operations=[
            CommitOperationDelete("a/"),
            CommitOperationDelete("w.bin"),
            add("e.txt"),
            # Deleted with its folder, then added again.
            add("a/d.txt", b"3"),
        ],
        commit_message="two",
    )
    assert api.list_repo_files(**repo.named) == [".gitattributes", "a/d.txt", "e.txt"]
    # Earlier revisions do not change.
    assert api.list_repo_files(**repo.named, revision=first.oid) == files
    titles = [commit.title for commit in api.list_repo_commits(**repo.named)]
    assert titles == ["two", "one", "initial commit"]


def test_a_file_may_take_the_place_of_a_folder_whose_files_go(api, repo):
    api.create_commit(**repo.named, operations=[add("a/b/c.txt")], commit_message="one")
    api.create_commit(
        **repo.named,
        operations=[CommitOperationDelete("a/b/c.txt"), add("a", b"a file")],
        commit_message="two",
    )
    assert "a" in api.list_repo_files(**repo.named)


def test_a_large_file_is_uploaded_once_and_copied_without_its_bytes(api, dataset, hub):
    content = os.urandom(100_000)
    for path in ("one.parquet", "two.parquet"):
        api.create_commit(**dataset.named, operations=[add(path, content)], commit_message=path)
    copy = CommitOperationCopy("one.parquet", "three.parquet")
    api.create_commit(**dataset.named, operations=[copy], commit_message="copy")
    paths = ["one.parquet", "two.parquet", "three.parquet"]
    (oid,) = {info.lfs.sha256 for info in api.get_paths_info(paths=paths, **dataset.named)}
    (held,) = hub.folder.glob(f"lfs/*/*/{oid}")
    assert held.read_bytes() == content


def test_a_stale_parent_is_rejected_without_changes(api, repo):
    head = api.repo_info(**repo.named).sha
    made = api.create_commit(
        **repo.named, operations=[add("a")], commit_message="one", parent_commit=head
    )
    with pytest.raises(HfHubHTTPError, match="A commit has happened since") as refused:
        api.create_commit(
            **repo.named, operations=[add("b")], commit_message="two", parent_commit=head
        )
    assert refused.value.response.status_code == 412
    assert api.repo_info(**repo.named).sha == made.oid
    short = api.create_commit(
        **repo.named, operations=[add("b")], commit_message="two", parent_commit=made.oid[:7]
    )
    assert api.repo_info(**repo.named).sha == short.oid


def test_one_of_eight_concurrent_commits_wins(api, dataset):
    head = api.repo_info(**dataset.named).sha
    start, ends = threading.Barrier(8), {}

    def race(number):
        start.wait()
        try:
            ends[number] = api.create_commit(
                **dataset.named,
                # The same path, so that a loser's file in the winner's commit would be seen.
                operations=[add("winner.txt", str(number).encode()), add(f"{number}.txt")],
                commit_message=f"racer {number}",
                parent_commit=head,
            ).oid
        except HfHubHTTPError as error:
            ends[number] = error.response.status_code

    racers = [threading.Thread(target=race, args=(number,)) for number in range(8)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
    (winner,) = [number for number, end in ends.items() if end != 412]
    assert len(ends) == 8
    assert api.repo_info(**dataset.named).sha == ends[winner]
    files = api.list_repo_files(**dataset.named)
    assert files == [".gitattributes", f"{winner}.txt", "winner.txt"]
    assert [commit.title for commit in api.list_repo_commits(**dataset.named)] == [
        f"racer {winner}",
        "initial commit",
    ]


@pytest.mark.parametrize(
    ("operations", "error", "words"),
    [
        ([CommitOperationDelete("missing.txt")], EntryNotFoundError, "A file with this name"),
        ([CommitOperationDelete("missing/")], EntryNotFoundError, "A folder with this name"),
        ([CommitOperationDelete("folder")], EntryNotFoundError, "A file with this name"),
        ([CommitOperationDelete("file.txt/")], EntryNotFoundError, "A folder with this name"),
        ([add("file.txt/below")], HfHubHTTPError, "is a file, not a folder"),
        ([add("folder")], HfHubHTTPError, "a folder with this name exists"),
    ],
)
def test_an_impossible_commit_is_rejected_completely(api, dataset, operations, error, words):
    made = api.create_commit(
        **dataset.named, operations=[add("file.txt"), add("folder/x")], commit_message="one"
    )
    with pytest.raises(error, match=words):
        api.create_commit(
            **dataset.named, operations=[add("fine.txt"), *operations], commit_message="two"
        )
    assert api.repo_info(**dataset.named).sha == made.oid


def test_unchanged_files_make_no_commit(api, dataset):
    operations = [add("a.txt"), add("b.parquet", b"PAR1")]
    made = api.create_commit(**dataset.named, operations=operations, commit_message="one")
    again = [add("a.txt"), add("b.parquet", b"PAR1")]
    assert api.create_commit(**dataset.named, operations=again, commit_message="2").oid == made.oid


def test_a_gitignore_excludes_files(api, dataset, tmp_path):
    for name in (".gitignore", "kept.txt", "left.log"):
        (tmp_path / name).write_text("*.log\n")
    api.upload_folder(**dataset.named, folder_path=tmp_path)
    assert api.list_repo_files(**dataset.named) == [".gitattributes", ".gitignore", "kept.txt"]


def test_history_can_be_squashed(api, repo):
    for number in range(3):
        api.create_commit(
            **repo.named, operations=[add(f"{number}.txt")], commit_message=str(number)
        )
    files = api.list_repo_files(**repo.named)
    api.super_squash_history(**repo.named, commit_message="all of it")
    assert [commit.title for commit in api.list_repo_commits(**repo.named)] == ["all of it"]
    assert api.list_repo_files(**repo.named) == files


def test_pull_requests_get_a_clear_error(api, dataset):
    with pytest.raises(HfHubHTTPError, match="has no pull requests"):
        api.create_commit(
            **dataset.named, operations=[add("a")], commit_message="a", create_pr=True
        )


def test_bad_front_matter_is_reported_before_the_commit(api, dataset):
    for front, words in (("a: [", "not YAML"), ("license: {a: b}", '"license" must be')):
        with pytest.raises(ValueError, match=words):
            api.create_commit(
                **dataset.named,
                operations=[add("README.md", f"---\n{front}\n---\n".encode())],
                commit_message="card",
            )
