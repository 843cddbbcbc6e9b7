"""What the Hub's answer to whoami says about who may publish where."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.errors import BadInput
from pipelines.hub.client import check_belongs, check_may_write, check_repo

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
