"""Fields of a JSON body, checked: untrusted text in, a value of the right type or a 400 out."""

from typing import Any

import orjson

from services.hub.errors import bad_request
from services.hub.names import is_sha256


def read_object(text: bytes) -> dict[str, Any]:
    """A JSON object; 400 for anything else."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise bad_request(f"the body is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise bad_request("the body is not a JSON object")
    return value


def text_field(body: dict[str, Any], key: str, default: str | None = None) -> str:
    """The string at `key`; 400 if it is missing without a default, or is not a string."""
    value = body.get(key, default)
    if not isinstance(value, str):
        raise bad_request(f"'{key}' must be a string")
    return value


def size_field(body: dict[str, Any]) -> int:
    """The number of bytes at `size`."""
    size = body.get("size")
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise bad_request("'size' must be a number of bytes")
    return size


def sha256_field(body: dict[str, Any]) -> str:
    """The SHA-256 at `oid`."""
    oid = text_field(body, "oid")
    if not is_sha256(oid):
        raise bad_request(f"'oid' must be a SHA-256 in hexadecimal, not {oid!r:.80}")
    return oid
