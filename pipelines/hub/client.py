"""The Hub's client as we use it: its settings, and the checks of repository and token."""

import os
from typing import Any

import httpx2
from huggingface_hub import HfApi, constants, get_token
from huggingface_hub.errors import HFValidationError
from huggingface_hub.utils import (
    disable_progress_bars,
    get_session,
    hf_raise_for_status,
    logging,
    validate_repo_id,
)

from builders.errors import BadInput, reason_of
from pipelines.hub.errors import hub_errors
from pipelines.hub.patience import be_patient

# The client reads its environment when it is imported, which may have happened already: so its
# constant is set as well.
constants.HF_HUB_DISABLE_TELEMETRY = True
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"

# The client has no timeouts of its own. In seconds; a commit of many files takes the Hub minutes.
_TIMEOUT = httpx2.Timeout(600, connect=30)
_THE_HUB = "https://huggingface.co"
# What the Hub gives to CI in exchange for its identity (trusted publishing): it is for one
# repository, which has to exist, and of no user, so that the Hub does not say whose it is.
_OF_ONE_REPOSITORY = "hf_jwt_"


def connect(endpoint: str | None = None, token: str | None = None) -> HfApi:
    """The Hub's client, by default for HF_ENDPOINT and the token that the client finds itself."""
    disable_progress_bars()
    logging.set_verbosity_error()
    be_patient(_TIMEOUT)
    return HfApi(endpoint=endpoint, token=token)


def check_repo(repo: str) -> str:
    """Return `repo` if it is ORG/NAME; BadInput otherwise."""
    try:
        validate_repo_id(repo)
    except HFValidationError as error:
        raise BadInput(f"{repo!r} cannot name a repository: {reason_of(error)}") from None
    if "/" not in repo:
        raise BadInput(f"{repo!r} cannot name a repository: write it as ORG/NAME")
    return repo


def check_token(api: HfApi, repo: str) -> None:
    """BadInput if the token is missing, unknown or read-only, or its user is not a member of ORG.

    The permissions of a fine-grained token, and of one for a single repository, are known only at
    the first write, which comes before any upload.
    """
    with hub_errors(api, repo):
        token = api.token or get_token()
    if token is None and api.endpoint == _THE_HUB:
        raise BadInput(
            "no token: store one with `hf auth login`, or set HF_TOKEN; or publish to a Hub on "
            "this machine: `srt serve hub --dir hub` prints the HF_ENDPOINT to set"
        )
    if is_of_one_repository(api):
        return
    # Not api.whoami, which requires a token: a Hub on this machine may need none.
    headers = {"authorization": f"Bearer {token}"} if token else {}
    with hub_errors(api, repo):
        response = get_session().get(f"{api.endpoint}/api/whoami-v2", headers=headers)
        if response.status_code == 401:
            raise BadInput(
                f"{api.endpoint} does not know this token; store another with `hf auth login`"
                if token
                else f"{api.endpoint} requires a token: store one with `hf auth login`, or set "
                "HF_TOKEN"
            )
        hf_raise_for_status(response)
        user = response.json()
    check_may_write(user)
    if api.endpoint == _THE_HUB:
        # A Hub on this machine creates an organization with its first repository.
        check_belongs(user, repo)


def is_of_one_repository(api: HfApi) -> bool:
    """Whether the token is for one repository: from trusted publishing, for a job of CI."""
    token = api.token or get_token()
    return isinstance(token, str) and token.startswith(_OF_ONE_REPOSITORY)


def check_may_write(user: Any) -> None:
    """BadInput if the token of `user`, the Hub's answer to whoami, is read-only."""
    token = (user.get("auth") or {}).get("accessToken") or {}
    if token.get("role") == "read":
        raise BadInput(
            f"the token {token.get('displayName', '')!r} of {user.get('name')} is read-only; "
            "create one with write access"
        )


def check_belongs(user: Any, repo: str) -> None:
    """BadInput if `user`, the Hub's answer to whoami, may not write to the repository's ORG."""
    owner = repo.partition("/")[0]
    if owner.lower() == str(user.get("name")).lower():
        return
    roles = {str(org.get("name")).lower(): org.get("roleInOrg") for org in user.get("orgs") or ()}
    if owner.lower() not in roles:
        raise BadInput(f"{user.get('name')} is not a member of {owner}, and cannot publish {repo}")
    if roles[owner.lower()] == "read":
        raise BadInput(f"{user.get('name')} can only read in {owner}, and cannot publish {repo}")
