"""Names of releases, and their versions: X.Y.Z, semantic and without suffixes, with tags vX.Y.Z."""

import re

from builders.errors import BadInput

Version = tuple[int, int, int]

# Nine digits at most: a version sorts and prints as numbers everywhere.
_NUMBER = r"(0|[1-9][0-9]{0,8})"
_VERSION = re.compile(rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def is_name(text: str) -> bool:
    """Whether `text` can be a release's name."""
    return _NAME.fullmatch(text) is not None


def check_name_and_version(name: str, version: str) -> None:
    """Raise `BadInput` unless `name` and `version` can name a folder, a repository and a tag."""
    if not is_name(name):
        raise BadInput(
            f"name {name!r}: use letters, digits, '.', '_' and '-', and begin with a letter or a "
            "digit"
        )
    parse_version(version)


def parse_version(text: str) -> Version:
    """The three numbers of `text`; BadInput unless it is X.Y.Z.

    >>> parse_version("1.10.0") > parse_version("1.9.3")
    True
    """
    if (version := _version_of(text)) is None:
        raise BadInput(f"version {text!r}: write it as X.Y.Z, such as 1.0.0, without a 'v'")
    return version


def version_of_tag(tag: str) -> Version | None:
    """The version that `tag` stands for, or None if it is not vX.Y.Z.

    >>> version_of_tag("v1.0.2"), version_of_tag("1.0.2")
    ((1, 0, 2), None)
    """
    return _version_of(tag.removeprefix("v")) if tag.startswith("v") else None


def next_version(version: Version, level: str) -> Version:
    """The least version above `version` by `level`: "patch", "minor" or "major".

    >>> next_version((1, 4, 2), "minor")
    (1, 5, 0)
    """
    major, minor, patch = version
    return {
        "major": (major + 1, 0, 0),
        "minor": (major, minor + 1, 0),
        "patch": (major, minor, patch + 1),
    }[level]


def _version_of(text: str) -> Version | None:
    match = _VERSION.fullmatch(text)
    if match is None:
        return None
    major, minor, patch = map(int, match.groups())
    return major, minor, patch
