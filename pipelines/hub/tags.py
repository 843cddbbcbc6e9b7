"""The tags of releases."""

import re

_TAG = re.compile(r"v(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})", re.ASCII)


def version_of(tag: str) -> tuple[int, int, int] | None:
    """(X, Y, Z) of `vX.Y.Z`; None for any other tag."""
    found = _TAG.fullmatch(tag)
    if found is None:
        return None
    major, minor, patch = map(int, found.groups())
    return major, minor, patch
