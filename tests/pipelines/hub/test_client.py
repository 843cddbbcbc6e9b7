"""What the Hub's answer to whoami says about who may publish where."""

import pytest
from huggingface_hub import constants
from hypothesis import given
from hypothesis import strategies as st

from builders.errors import BadInput
from pipelines.hub.client import check_belongs, check_may_write, check_repo, connect
from tests.pipelines.hub.conftest import HubRepository
from tests.pipelines.hub.proxy import Proxy, response
from tests.running_hub import running_hub

USER = {
    "type": "user",
    "name": "Ada",
    "orgs": [
        {"type": "org", "name": "Lab", "roleInOrg": "contributor"},
        {"type": "org", "name": "readers", "roleInOrg": "read"},
    ],
    "auth": {"type": "access_token", "accessToken": {"displayName": "laptop", "role": "write"}},
}


@pytest.mark.parametrize("repo", ["Ada/data", "ada/data", "Lab/data", "lab/data"])
def test_who_may_publish(repo):
    check_belongs(USER, repo)


@pytest.mark.parametrize(
    ("repo", "reason"),
    [
        ("other/data", "Ada is not a member of other, and cannot publish other/data"),
        ("readers/data", "Ada can only read in readers, and cannot publish readers/data"),
    ],
)
def test_who_may_not(repo, reason):
    with pytest.raises(BadInput, match=reason):
        check_belongs(USER, repo)


def test_what_a_token_may_do():
    check_may_write(USER)
    fine_grained = {"displayName": "ci", "role": "fineGrained", "fineGrained": {"scoped": []}}
    check_may_write(USER | {"auth": {"accessToken": fine_grained}})
    # Neither kind of account has an access token.
    check_may_write({"type": "user", "name": "Ada", "auth": {"type": "oauth"}})
    check_may_write({"type": "org", "name": "Lab"})
    with pytest.raises(BadInput, match="the token 'laptop' of Ada is read-only"):
        check_may_write(USER | {"auth": {"accessToken": {"displayName": "laptop", "role": "read"}}})


@given(st.text(st.characters(codec="ascii") | st.sampled_from("/.-_é"), max_size=120))
def test_a_repository_is_org_and_name_or_is_refused(text):
    try:
        found = check_repo(text)
    except BadInput:
        return
    owner, name = found.split("/")
    assert owner
    assert name
    assert len(text) <= 96
    assert not {"--", ".."} & {text[i : i + 2] for i in range(len(text))}


def test_a_token_for_one_repository_is_not_asked_whose_it_is(tmp_path, proxy, releases):
    """The Hub does not answer whoami to it, nor lets it create a repository."""
    with running_hub(tmp_path / "hub", token="hf_jwt_of_ci") as hub, Proxy(hub.url) as between:
        between.answers["whoami"] = lambda: response(b"", "401 Unauthorized")
        remote = HubRepository(hub)
        api = connect(between.url, "hf_jwt_of_ci")
        with pytest.raises(BadInput, match="does not exist, and this token is for one repository"):
            remote.publish(releases["1.0.0"], api)
        remote.api.create_repo(remote.repo, repo_type="dataset")
        commit = remote.publish(releases["1.0.0"], api)
        assert remote.tags() == {"v1.0.0": commit}
        assert not [request for request in between.requests if "whoami" in request]
        # A user's token that is not known is still told first.
        with pytest.raises(BadInput, match="does not know this token"):
            remote.publish(releases["1.0.1"], connect(between.url, "hf_other"))


def test_a_job_of_ci_without_an_identity(releases, remote, hub, monkeypatch, tmp_path):
    for name in ("HF_TOKEN", "HF_OIDC_ID_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_URL", "GITHUB_ACTIONS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_OIDC_RESOURCE", "datasets/org/name")
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "none"))
    with pytest.raises(BadInput, match="no token from the identity of this CI"):
        remote.plan(releases["1.0.0"], connect(hub.url))
