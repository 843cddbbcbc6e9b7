"""What the Hub, or the connection to it, answers instead: one line that says what to do."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
from huggingface_hub import HfApi
from huggingface_hub.errors import (
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    OIDCError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from builders.errors import BadInput, RunFailed, reason_of

_RETRY = "the same command continues"


@contextmanager
def hub_errors(api: HfApi, repo: str) -> Iterator[None]:
    """Raise what the client raises as an SrtError that names `repo`.

    BadInput where the user has to change something; RunFailed where repeating may help.
    """
    try:
        yield
    except OIDCError as error:
        raise BadInput(
            f"{repo}: no token from the identity of this CI: {reason_of(error)}"
        ) from None
    except OfflineModeIsEnabled:
        raise BadInput(f"{repo}: HF_HUB_OFFLINE is set, and this needs the Hub") from None
    except RevisionNotFoundError as error:
        raise BadInput(f"{repo}: no such revision ({reason_of(error)})") from None
    except RepositoryNotFoundError:
        raise BadInput(
            f"{repo}: {api.endpoint} has no such repository, or this token may not see it"
        ) from None
    except HfHubHTTPError as error:
        raise _status_error(api, repo, error) from None
    except (httpx2.HTTPError, LocalEntryNotFoundError) as error:
        raise RunFailed(
            f"{repo}: the connection to {api.endpoint} failed ({reason_of(error)}); {_RETRY}"
        ) from None
    except (ValueError, HFValidationError) as error:
        raise BadInput(f"{repo}: {reason_of(error)}") from None


def _status_error(api: HfApi, repo: str, error: HfHubHTTPError) -> BadInput | RunFailed:
    status = error.response.status_code
    reason = reason_of(error.server_message or error)
    if status in (401, 403):
        return BadInput(f"{repo}: {api.endpoint} denies this to the token ({status}: {reason})")
    if status == 429:
        return RunFailed(f"{repo}: {api.endpoint} has had too many requests; later, {_RETRY}")
    return RunFailed(f"{repo}: {api.endpoint} answered {status} ({reason}); {_RETRY}")


def status_of(error: Exception) -> int | None:
    """The status of the Hub's answer, if it gave one."""
    return error.response.status_code if isinstance(error, HfHubHTTPError) else None


def is_lost(error: Exception) -> bool:
    """Whether the request may have been carried out: the answer was lost or is a 5xx."""
    if isinstance(error, HfHubHTTPError):
        return error.response.status_code >= 500
    return isinstance(error, httpx2.TransportError)
