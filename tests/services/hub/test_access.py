import subprocess
import sys

import pytest
from huggingface_hub import CommitOperationAdd, HfApi
from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError

from tests.hub import running_hub


@pytest.mark.parametrize("role", ["write", "read"])
def test_whoami_returns_the_role(hub, role):
    me = HfApi(endpoint=hub.url, token=f"hf_{role}").whoami()
    assert (me["name"], me["auth"]["accessToken"]["role"]) == ("local", role)


def test_a_wrong_token_is_reported_as_such(hub, dataset):
    stranger = HfApi(endpoint=hub.url, token="hf_wrong")
    with pytest.raises(HfHubHTTPError, match="Invalid user token"):
        stranger.whoami()
    for act in (
        lambda: stranger.create_repo("org/new", repo_type="dataset"),
        lambda: stranger.dataset_info(dataset.name),
        lambda: stranger.create_tag(**dataset.named, tag="v1"),
    ):
        with pytest.raises(HfHubHTTPError) as refused:
            act()
        assert refused.value.response.status_code == 401
        assert not isinstance(refused.value, RepositoryNotFoundError)
        assert "Invalid credentials in Authorization header" in str(refused.value)


WRITES = [
    ("POST", "/api/repos/create"),
    ("DELETE", "/api/repos/delete"),
    ("PUT", "/api/datasets/{}/settings"),
    ("GET", "/api/datasets/{}/auth-check/write"),
    ("POST", "/api/datasets/{}/preupload/main"),
    ("POST", "/api/datasets/{}/commit/main"),
    ("POST", "/api/datasets/{}/super-squash/main"),
    ("POST", "/api/datasets/{}/tag/main"),
    ("DELETE", "/api/datasets/{}/tag/v1"),
    ("POST", "/api/datasets/{}/branch/b"),
    ("DELETE", "/api/datasets/{}/branch/b"),
    ("POST", "/datasets/{}.git/info/lfs/objects/batch"),
    ("POST", "/api/collections"),
    ("PATCH", "/api/collections/org/x-" + "0" * 24),
    ("DELETE", "/api/collections/org/x-" + "0" * 24),
    ("POST", "/api/collections/org/x-" + "0" * 24 + "/items"),
    ("PATCH", "/api/collections/org/x-" + "0" * 24 + "/items/0"),
    ("DELETE", "/api/collections/org/x-" + "0" * 24 + "/items/0"),
]


@pytest.mark.parametrize(("method", "path"), WRITES)
def test_every_write_needs_the_write_token(ask, dataset, method, path):
    path = path.format(dataset.name)
    for token, status in (("hf_read", 403), (None, 401), ("hf_wrong", 401)):
        refused = ask(method, path, token=token, json={})
        assert refused.status_code == status
        assert refused.json()["error"]
        assert "hf_" not in refused.text


def test_a_private_repository_needs_a_token(hub, api, ask, dataset):
    api.update_repo_settings(**dataset.named, private=True)
    assert api.dataset_info(dataset.name).private is True
    for token, status in (("hf_read", 200), (None, 404)):
        for path in (
            f"/api/datasets/{dataset.name}",
            f"/datasets/{dataset.name}/resolve/main/.gitattributes",
            f"/datasets/{dataset.name}",
        ):
            assert ask("GET", path, token=token).status_code == status
        listed = ask("GET", "/api/datasets", token=token).json()
        assert (dataset.name in {one["id"] for one in listed}) == (status == 200)
        assert (dataset.name in ask("GET", "/", token=token).text) == (status == 200)
    with pytest.raises(RepositoryNotFoundError):
        HfApi(endpoint=hub.url, token=False).dataset_info(dataset.name)
    api.update_repo_settings(**dataset.named, private=False)
    assert HfApi(endpoint=hub.url, token=False).dataset_info(dataset.name).private is False


def test_a_gated_repository_is_visible_but_its_files_need_a_token(hub, api, dataset, tmp_path):
    api.update_repo_settings(**dataset.named, gated="auto")
    stranger = HfApi(endpoint=hub.url, token=False)
    assert stranger.dataset_info(dataset.name).gated == "auto"
    named = {**dataset.named, "filename": ".gitattributes", "cache_dir": tmp_path}
    with pytest.raises(GatedRepoError):
        stranger.hf_hub_download(**named)
    with pytest.raises(GatedRepoError):
        stranger.auth_check(**dataset.named)
    assert api.hf_hub_download(**named)
    api.auth_check(**dataset.named, write=True)


def test_settings_are_checked(ask, dataset):
    for body in ({"private": "yes"}, {"gated": "maybe"}, {"visibility": "secret"}, []):
        refused = ask("PUT", f"/api/datasets/{dataset.name}/settings", json=body)
        assert refused.status_code == 400


def test_an_upload_url_is_only_valid_for_its_content(ask, dataset):
    oid = "0" * 64
    wanted = {"operation": "upload", "objects": [{"oid": oid, "size": 3}]}
    batch = ask("POST", f"/datasets/{dataset.name}.git/info/lfs/objects/batch", json=wanted)
    (item,) = batch.json()["objects"]
    href = item["actions"]["upload"]["href"]
    # The URL is only for this content, and needs no token, because the client sends none.
    for address, content, status, words in (
        (href, b"abc", 400, "SHA-256 is"),
        (href, b"ab", 400, "Content-Length is 2, expected 3"),
        (href.replace("size=3", "size=4"), b"abcd", 403, "signature of this upload URL is wrong"),
        (href.replace(oid, "1" * 64), b"abc", 403, "signature of this upload URL is wrong"),
        (href[:-1] + "?", b"abc", 403, "signature of this upload URL is wrong"),
        (href.partition("&")[0], b"abc", 403, "signature of this upload URL is wrong"),
    ):
        refused = ask("PUT", address, token=None, data=content)
        assert (refused.status_code, words in refused.json()["error"]) == (status, True)
    again = ask("POST", f"/datasets/{dataset.name}.git/info/lfs/objects/batch", json=wanted)
    assert "actions" in again.json()["objects"][0]


def test_requests_from_other_sites_pages_are_rejected(ask):
    assert ask("GET", "/", headers={"Host": "evil.example"}).status_code == 403
    assert ask("GET", "/", headers={"Host": "[::1"}).status_code in (400, 403)
    for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}):
        refused = ask("POST", "/api/repos/create", headers=headers, json={"name": "x"})
        assert refused.status_code == 403


def test_without_tokens_every_local_client_may_write(tmp_path):
    with running_hub(tmp_path / "hub") as hub:
        for token in (False, "hf_any"):
            api = HfApi(endpoint=hub.url, token=token)
            api.create_repo("org/open", repo_type="dataset", private=True, exist_ok=True)
            api.create_commit(
                "org/open",
                [CommitOperationAdd("a.parquet", b"PAR1")],
                commit_message="open",
                repo_type="dataset",
            )
        assert HfApi(endpoint=hub.url, token="hf_any").whoami()["auth"]["accessToken"] == {
            "displayName": "write token",
            "role": "write",
        }


def test_tokens_are_never_printed_or_stored(tmp_path):
    """Neither in the server's output, even for internal errors, nor in its folder."""
    script = (
        "import sys; from pathlib import Path\n"
        "from services.hub import server\n"
        "from services.hub.http import api_account\n"
        "from services.hub.access import Tokens\n"
        "def fail(request): raise RuntimeError('a fault of its own')\n"
        "api_account.whoami = fail\n"
        "tokens = Tokens('hf_secret_write', 'hf_secret_read')\n"
        "print(tokens, flush=True)\n"
        "server.serve(Path(sys.argv[1]), 0, tokens, lambda url: print(url, flush=True))\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, tmp_path / "hub"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    shown = process.stdout.readline()
    url = process.stdout.readline().strip()
    with pytest.raises(HfHubHTTPError, match="internal error"):
        HfApi(endpoint=url, token="hf_secret_write").whoami()
    HfApi(endpoint=url, token="hf_secret_write").create_repo("org/x")
    process.terminate()
    out, err = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "a fault of its own" in err
    assert "secret" not in shown + out + err
    for path in (tmp_path / "hub").rglob("*"):
        assert not path.is_file() or b"secret" not in path.read_bytes()
