import pytest
from huggingface_hub import CommitOperationAdd
from huggingface_hub.errors import BadRequestError, HfHubHTTPError, RevisionNotFoundError


def commit(api, repo, path, **kwargs):
    operations = [CommitOperationAdd(path, path.encode())]
    return api.create_commit(**repo.named, operations=operations, commit_message=path, **kwargs).oid


def test_tags_stay_and_branches_move(api, repo):
    first = commit(api, repo, "one.txt")
    api.create_tag(**repo.named, tag="v1.0.0")
    api.create_tag(**repo.named, tag="noted", tag_message="with a note")
    api.create_branch(**repo.named, branch="work/more", revision="v1.0.0")
    second = commit(api, repo, "two.txt")
    other = commit(api, repo, "three.txt", revision="work/more")

    refs = api.list_repo_refs(**repo.named)
    assert {tag.name: tag.target_commit for tag in refs.tags} == {"v1.0.0": first, "noted": first}
    assert {branch.name: branch.target_commit for branch in refs.branches} == {
        "main": second,
        "work/more": other,
    }
    assert {tag.ref for tag in refs.tags} == {"refs/tags/v1.0.0", "refs/tags/noted"}
    for revision, sha in (
        ("v1.0.0", first),
        ("noted", first),
        ("refs/tags/v1.0.0", first),
        ("main", second),
        ("refs/heads/work/more", other),
        (first, first),
    ):
        assert api.repo_info(**repo.named, revision=revision).sha == sha
    assert "three.txt" in api.list_repo_files(**repo.named, revision="work/more")

    api.delete_tag(**repo.named, tag="v1.0.0")
    api.delete_branch(**repo.named, branch="work/more")
    with pytest.raises(RevisionNotFoundError):
        api.repo_info(**repo.named, revision="v1.0.0")
    assert api.repo_info(**repo.named, revision=other).sha == other


def test_a_tag_is_created_once(api, dataset):
    api.create_tag(**dataset.named, tag="v1")
    before = api.list_repo_refs(**dataset.named)
    commit(api, dataset, "one.txt")
    with pytest.raises(HfHubHTTPError, match="Tag already exists") as refused:
        api.create_tag(**dataset.named, tag="v1")
    assert refused.value.response.status_code == 409
    api.create_tag(**dataset.named, tag="v1", exist_ok=True)
    assert api.list_repo_refs(**dataset.named).tags == before.tags
    # A revision must not be ambiguous.
    for take in (
        lambda: api.create_branch(**dataset.named, branch="v1"),
        lambda: api.create_tag(**dataset.named, tag="main"),
        lambda: api.create_tag(**dataset.named, tag="v1/below"),
    ):
        with pytest.raises(HfHubHTTPError) as refused:
            take()
        assert refused.value.response.status_code == 409


@pytest.mark.parametrize(
    "name", ["refs/pr/5", "a..b", "a b", ".hidden", "x.lock", "f" * 40, "x" * 300, "a\x01b", "HEAD"]
)
def test_ambiguous_or_invalid_ref_names_are_rejected(api, dataset, name):
    with pytest.raises(BadRequestError, match="Invalid reference for a tag"):
        api.create_tag(**dataset.named, tag=name)
    assert api.list_repo_refs(**dataset.named).tags == []


def test_missing_revisions_are_not_found(api, dataset):
    for ask in (
        lambda: api.repo_info(**dataset.named, revision="v9"),
        lambda: api.repo_info(**dataset.named, revision="0" * 40),
        lambda: api.repo_info(**dataset.named, revision="../../main"),
        lambda: api.create_tag(**dataset.named, tag="v9", revision="v8"),
        lambda: api.create_branch(**dataset.named, branch="b", revision="v8"),
        lambda: api.delete_tag(**dataset.named, tag="v9"),
        lambda: api.delete_branch(**dataset.named, branch="gone"),
        lambda: api.list_repo_commits(**dataset.named, revision="v9"),
        lambda: commit(api, dataset, "x", revision="v9"),
    ):
        with pytest.raises(RevisionNotFoundError):
            ask()
    with pytest.raises(HfHubHTTPError, match="main cannot be deleted"):
        api.delete_branch(**dataset.named, branch="main")


def test_commits_only_go_to_branches(api, dataset):
    head = commit(api, dataset, "one.txt")
    api.create_tag(**dataset.named, tag="v1")
    for revision in ("v1", head):
        with pytest.raises(RevisionNotFoundError):
            commit(api, dataset, "two.txt", revision=revision)


def test_a_long_history_is_paginated(api, dataset):
    for number in range(55):
        commit(api, dataset, f"{number}.txt")
    found = api.list_repo_commits(**dataset.named)
    assert [one.title for one in found] == [
        *(f"{number}.txt" for number in reversed(range(55))),
        "initial commit",
    ]
    assert len({one.commit_id for one in found}) == 56
