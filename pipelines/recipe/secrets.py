"""A key in a recipe is refused before it is used, printed or kept: recipes are copied into runs.

Keys are recognized by the forms that issuers give them, as in the gate, and by where they stand.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from builders.errors import BadInput
from builders.gate.sensitive.secrets import find_secrets

_REMEDY = "name the environment variable that has it in `api_key_env` or `headers`"
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# Names of what is secret, in an address's query or a request's body, without their punctuation.
_SECRET = re.compile(
    r"x?((api|access|auth|secret|subscription|account|private|ocpapimsubscription)?key"
    r"|(access|auth|api|bearer|id|refresh|session)?token|auth(orization)?|bearer|credentials?"
    r"|passw(or)?d|passphrase|(client)?secret|sig(nature)?)"
)
_KEY_ENV = "api_key_env"


def refuse_secrets(values: Mapping[str, Any], where: str) -> None:
    """BadInput, with the key's place and not the key, if `values` of a recipe or a model have one.

    `where` is the file they are from.
    """
    for path, text in _texts(values, ()):
        if reason := _reason(path, text):
            raise BadInput(f"{where}: {'.'.join(path)}: {reason}; {_REMEDY}")


def _texts(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every text in `value`, keys of mappings included, with the keys that lead to it."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield path, str(key)
            yield from _texts(inner, (*path, str(key)))
    elif isinstance(value, list | tuple):
        for place, inner in enumerate(value):
            yield from _texts(inner, (*path, str(place)))


def _reason(path: tuple[str, ...], text: str) -> str | None:
    if any(find_secrets(text)):
        return "this is a key or token"
    if not path:
        return None
    if path[-1] == _KEY_ENV and not _VARIABLE.fullmatch(text):
        return "this is no name of an environment variable, and may be the key itself"
    if len(path) > 1 and path[-2] == "headers" and not _VARIABLE.fullmatch(text):
        return "this is no name of an environment variable, and may be the value itself"
    if path[-1] == "base_url":
        return _in_address(text)
    if "extra_body" in path and _is_secret(path[-1]):
        return "this looks like a key or password by its name"
    return None


def _in_address(text: str) -> str | None:
    try:
        address = urlsplit(text)
        query = parse_qsl(address.query, keep_blank_values=True)
    except ValueError:
        return None
    if address.username or address.password:
        return "the address has a user name or password in it"
    if any(_is_secret(name) for name, _ in query):
        return "the address has a key in its query"
    return None


def _is_secret(name: str) -> bool:
    return bool(_SECRET.fullmatch(re.sub(r"[^a-z]", "", name.lower())))
