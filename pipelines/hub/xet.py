"""Xet: where the Hub offers it, only the chunks of a file that it lacks are sent.

huggingface.co offers it; another Hub may not, and the client does not find out by itself: it would
fail there. So each repository is asked once for a token to write with. HF_HUB_DISABLE_XET is the
user's: if it is set, nothing is asked, and whole files are sent.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from importlib.util import find_spec
from typing import Any

import httpx2
from huggingface_hub import HfApi, constants
from huggingface_hub.errors import HfHubHTTPError
from huggingface_hub.utils import (
    _xet_progress_reporting,
    are_progress_bars_disabled,
    build_hf_headers,
    disable_progress_bars,
    enable_progress_bars,
    get_session,
    hf_raise_for_status,
)

from builders.errors import RunFailed, SrtError, reason_of

# Called with the bytes of each file so far, by its path here, and the bytes that went to the Hub.
XetProgress = Callable[[Mapping[str, int], int], None]

# The client's reporter is one for all threads.
_ONE_UPLOAD = threading.Lock()
# What a Hub without Xet answers: no such address, or that it does not do this.
_NOT_OFFERED = (
    HTTPStatus.NOT_FOUND,
    HTTPStatus.METHOD_NOT_ALLOWED,
    HTTPStatus.NOT_IMPLEMENTED,
)


def offers_xet(api: HfApi, repo: str, repo_type: str) -> bool:
    """Whether files can go to this repository by Xet, by the user's environment and the Hub's word.

    Raises what the client raises where the Hub gives another answer.
    """
    if constants.HF_HUB_DISABLE_XET or find_spec("hf_xet") is None:
        return False
    response = get_session().get(
        f"{api.endpoint}/api/{repo_type}s/{repo}/xet-write-token/main",
        headers=build_hf_headers(token=api.token),
        follow_redirects=True,
    )
    if response.status_code in _NOT_OFFERED:
        return False
    hf_raise_for_status(response)
    try:
        return bool(response.json()["casUrl"])
    except (ValueError, KeyError, TypeError):
        return False


@contextmanager
def by_xet(repo: str, progress: XetProgress) -> Iterator[None]:
    """Uploads in the block go by Xet. RunFailed, with what its client says, if that fails.

    The client shows bars of its own; `progress` is called in their place.
    """

    class Reporter:
        """What the client makes for each upload, in place of its bars."""

        def update_progress(self, group: Any, items: Mapping[Any, Any]) -> None:
            done = {item.item_name: item.bytes_completed for item in items.values()}
            progress(done, group.total_transfer_bytes_completed)

        def close(self) -> None: ...

    try:
        with _ONE_UPLOAD, _reported_by(Reporter):
            yield
    except (HfHubHTTPError, httpx2.HTTPError, SrtError):
        raise
    except Exception as error:
        raise RunFailed(
            f"{repo}: the upload by Xet failed ({reason_of(error)}); the same command continues, "
            "and HF_HUB_DISABLE_XET=1 sends whole files in its place"
        ) from None


@contextmanager
def _reported_by(reporter: type) -> Iterator[None]:
    """Make the client report its uploads to such objects, also where its own bars are hidden."""
    module, hidden = _xet_progress_reporting, are_progress_bars_disabled()
    theirs = module.XetUploadProgressReporter
    # The environment has the last word: with it, files are reported only when they are done.
    show = hidden and not constants.HF_HUB_DISABLE_PROGRESS_BARS
    module.XetUploadProgressReporter = reporter
    try:
        if show:
            enable_progress_bars()
        yield
    finally:
        module.XetUploadProgressReporter = theirs
        if show:
            disable_progress_bars()


class _WithoutXet:
    """Switches the client's Xet off while any block is in it; threads share the client's switch."""

    def __init__(self) -> None:
        self._lock, self._blocks, self._was = threading.Lock(), 0, False

    def __enter__(self) -> None:
        with self._lock:
            if not self._blocks:
                self._was, constants.HF_HUB_DISABLE_XET = constants.HF_HUB_DISABLE_XET, True
            self._blocks += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._blocks -= 1
            if not self._blocks:
                constants.HF_HUB_DISABLE_XET = self._was


without_xet = _WithoutXet()
