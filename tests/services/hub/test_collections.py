import pytest
from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError


def test_a_collection_holds_repositories(api, repo):
    made = api.create_collection("Feedback releases", namespace="org", description="All of them")
    assert made.slug.startswith("org/feedback-releases-")
    same = api.create_collection("Feedback releases", namespace="org", exists_ok=True)
    assert same.slug == made.slug

    api.add_collection_item(made.slug, repo.name, repo.type, note="the first")
    with pytest.raises(HfHubHTTPError, match="is already in the collection"):
        api.add_collection_item(made.slug, repo.name, repo.type)
    api.add_collection_item(made.slug, repo.name, repo.type, exists_ok=True)
    (item,) = api.get_collection(made.slug).items
    assert (item.item_id, item.item_type, item.note) == (repo.name, repo.type, "the first")

    api.create_repo("org/second", repo_type="dataset", exist_ok=True)
    api.add_collection_item(made.slug, "org/second", "dataset")
    api.update_collection_item(made.slug, item.item_object_id, note="the last", position=1)
    found = api.get_collection(made.slug)
    assert [(one.item_id, one.note, one.position) for one in found.items] == [
        ("org/second", None, 0),
        (repo.name, "the last", 1),
    ]
    api.delete_collection_item(made.slug, item.item_object_id)
    api.delete_collection_item(made.slug, item.item_object_id, missing_ok=True)
    assert len(api.get_collection(made.slug).items) == 1

    assert api.update_collection_metadata(made.slug, title="Renamed", private=True).private
    assert [one.title for one in api.list_collections(owner="org")] == ["Renamed"]
    api.delete_collection(made.slug)
    api.delete_collection(made.slug, missing_ok=True)
    with pytest.raises(HfHubHTTPError):
        api.get_collection(made.slug)


def test_invalid_collections_are_rejected(api, ask):
    made = api.create_collection("Refusals", namespace="org")
    with pytest.raises(RepositoryNotFoundError):
        api.add_collection_item(made.slug, "org/none", "dataset")
    with pytest.raises(RepositoryNotFoundError):
        api.add_collection_item(made.slug, "2306.00001", "paper")
    for body in (
        {"title": "", "namespace": "org"},
        {"title": "x" * 61, "namespace": "org"},
        {"title": "x", "namespace": "../org"},
        {"title": "x"},
        {"title": 3, "namespace": "org"},
        {"title": "x", "namespace": "org", "description": "x" * 151},
    ):
        assert ask("POST", "/api/collections", json=body).status_code == 400
    for slug in ("org/refusals", "..%2F..%2Fupload/key", f"org/{'x' * 300}"):
        assert ask("GET", f"/api/collections/{slug}").status_code == 404
    api.delete_collection(made.slug)
