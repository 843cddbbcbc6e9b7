"""The Hub's client as we use it: set up, checked for who is asking, and its errors in one line."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
from huggingface_hub import HfApi, constants, get_token
from huggingface_hub.errors import (
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils import (
    disable_progress_bars,
    get_session,
    hf_raise_for_status,
    logging,
    validate_repo_id,
)

from builders.errors import BadInput, RunFailed

# With Xet, what is one commit here becomes several on the Hub. The client reads its variables
# when it is imported, which may have been before ours.
constants.HF_HUB_DISABLE_XET = True
constants.HF_HUB_DISABLE_TELEMETRY = True
os.environ.update(HF_HUB_DISABLE_XET="1", HF_HUB_DISABLE_TELEMETRY="1")

# The client waits for ever. Seconds to connect, and between two signs of life: a commit of many
# files takes the Hub minutes.
_TIMEOUT = httpx2.Timeout(600, connect=30)
_THE_HUB = "https://huggingface.co"
_AGAIN = "the same command completes it"


def connect(endpoint: str | None = None, token: str | None = None) -> HfApi:
    """The Hub's client; by default where HF_ENDPOINT says, with the token it finds itself."""
    disable_progress_bars()
    logging.set_verbosity_error()
    get_session().timeout = _TIMEOUT
    return HfApi(endpoint=endpoint, token=token)


def check_repo(repo: str) -> str:
    """`repo`, which is ORG/NAME; BadInput otherwise."""
    try:
        validate_repo_id(repo)
    except HFValidationError as error:
        raise BadInput(f"{repo!r} cannot name a repository: {_one_line(error)}") from None
    if "/" not in repo:
        raise BadInput(f"{repo!r} cannot name a repository: write it as ORG/NAME")
    return repo


def check_token(api: HfApi, repo: str) -> None:
    """BadInput where the token is missing, wrong or read-only, or not of a member of ORG.

    What a fine-grained token may do is told by the Hub at the first write, which is before
    anything is uploaded.
    """
    token = api.token or get_token()
    if token is None and api.endpoint == _THE_HUB:
        raise BadInput(
            "no token: `hf auth login` stores one, HF_TOKEN gives one; or publish to a Hub on "
            "this machine: `srt serve hub --dir hub` says what to set HF_ENDPOINT to"
        )
    # Not api.whoami: a Hub on this machine may ask for no token.
    headers = {"authorization": f"Bearer {token}"} if token else {}
    with hub_errors(api, repo):
        answer = get_session().get(f"{api.endpoint}/api/whoami-v2", headers=headers)
        if answer.status_code == 401:
            raise BadInput(
                f"{api.endpoint} does not know this token; `hf auth login` stores another one"
                if token
                else f"{api.endpoint} wants a token: `hf auth login` stores one, HF_TOKEN gives one"
            )
        hf_raise_for_status(answer)
        user = answer.json()
    check_may_write(user)
    if api.endpoint == _THE_HUB:
        # A Hub on this machine makes an organisation when its first repository is made.
        check_belongs(user, repo)


def check_may_write(user: Any) -> None:
    """BadInput where `user`, the Hub's answer to whoami, has a token that only reads."""
    token = (user.get("auth") or {}).get("accessToken") or {}
    if token.get("role") == "read":
        raise BadInput(
            f"the token {token.get('displayName', '')!r} of {user.get('name')} is read-only; "
            "make one with write access"
        )


def check_belongs(user: Any, repo: str) -> None:
    """BadInput where `user`, the Hub's answer to whoami, may not write in the repository's ORG."""
    organisations = {org.get("name"): org.get("roleInOrg") for org in user.get("orgs") or ()}
    owner = repo.partition("/")[0]
    if owner.lower() == str(user.get("name")).lower():
        return
    roles = {str(name).lower(): role for name, role in organisations.items()}
    if owner.lower() not in roles:
        raise BadInput(f"{user.get('name')} is not a member of {owner}, and may not publish {repo}")
    if roles[owner.lower()] == "read":
        raise BadInput(f"{user.get('name')} may only read in {owner}, and not publish {repo}")


@contextmanager
def hub_errors(api: HfApi, repo: str) -> Iterator[None]:
    """What the Hub or the way to it complains of, as one line that says what to do."""
    try:
        yield
    except OfflineModeIsEnabled:
        raise BadInput("HF_HUB_OFFLINE is set; the Hub is wanted here") from None
    except RevisionNotFoundError as error:
        raise BadInput(f"{repo}: no such revision ({_one_line(error)})") from None
    except RepositoryNotFoundError:
        raise BadInput(
            f"{repo}: {api.endpoint} has no such repository, or this token may not see it"
        ) from None
    except HfHubHTTPError as error:
        raise _said(api, repo, error) from None
    except (httpx2.HTTPError, LocalEntryNotFoundError) as error:
        raise RunFailed(
            f"{repo}: the connection to {api.endpoint} failed ({_one_line(error)}); {_AGAIN}"
        ) from None
    except (ValueError, HFValidationError) as error:
        raise BadInput(f"{repo}: {_one_line(error)}") from None


def _said(api: HfApi, repo: str, error: HfHubHTTPError) -> BadInput | RunFailed:
    status = error.response.status_code
    said = _one_line(error.server_message or error)
    if status in (401, 403):
        return BadInput(f"{repo}: the token may not do this on {api.endpoint} ({status}: {said})")
    if status == 429:
        return RunFailed(f"{repo}: {api.endpoint} has had too many requests; later, {_AGAIN}")
    return RunFailed(f"{repo}: {api.endpoint} answered {status} ({said}); {_AGAIN}")


def is_lost(error: Exception) -> bool:
    """Whether nobody knows if the Hub did what it was asked: the answer did not come."""
    if isinstance(error, HfHubHTTPError):
        return error.response.status_code >= 500
    return isinstance(error, httpx2.TransportError)


def _one_line(error: object) -> str:
    text = " ".join(str(error).split())
    return text if len(text) <= 300 else f"{text[:300]} …"
