"""A connection to an Argilla server; every error is one line in plain words.

The API key comes from the environment and goes into a header of the client. No message shows it.
"""

import ipaddress
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from builders.errors import BadInput, RunFailed, SrtError, reason_of

if TYPE_CHECKING:
    import httpx
    from argilla import Argilla

# The versions (major, minor) whose REST API reviews are tested with.
TESTED_VERSIONS = ("2.8",)
ROLES = ("owner", "admin")

_OFFER = "`srt serve argilla --dir my-argilla` starts one on this machine and prints what to set"
_RESUME = "the same command resumes"
# Seconds between the attempts of a request that is safe to repeat.
_WAITS_S = (0.5, 1.0, 2.0, 4.0, 8.0)
# Seconds to connect, to answer the first requests, and between two signs of life later: on a busy
# machine a server needs time for 500 records.
_CONNECT_S, _ANSWER_S, _SILENCE_S = 10.0, 60.0, 300.0


@dataclass(frozen=True)
class Server:
    """An Argilla that accepted our key; `role` is one of ROLES, `warning` a line to show or None.

    `client` is Argilla's own, for single operations on workspaces, users and a dataset's settings;
    `plain_errors` translates what it raises.
    """

    client: "Argilla" = field(repr=False)
    url: str
    user: str
    role: str
    version: str
    warning: str | None

    def request(self, method: str, path: str, *, body: Any = None, **params: Any) -> Any:
        """The JSON response of `path` (without /api/v1/); `body` is sent as JSON.

        Requests that are safe to repeat (all but POST) are repeated for about 15 seconds if the
        connection is lost or the server fails. Raises the errors of `plain_errors`.
        """
        content = None if body is None else json.dumps(body).encode()
        with self.plain_errors():
            response = self.send(method, path, content, **params)
            return response.json() if response.content else None

    def send(
        self, method: str, path: str, content: bytes | None = None, **params: Any
    ) -> "httpx.Response":
        """Like `request` for JSON as bytes: returns the response and raises httpx errors."""
        import httpx

        session = self.client.http_client
        url, headers = f"/api/v1/{path}", {"Content-Type": "application/json"} if content else {}
        waits = () if method == "POST" else _WAITS_S
        for wait in (*waits, None):
            try:
                response = session.request(
                    method, url, content=content, headers=headers, params=params
                )
                if wait is None or response.status_code < 500:
                    response.raise_for_status()
                    return response
            except httpx.TransportError:
                if wait is None:
                    raise
            time.sleep(wait)
        raise AssertionError("the last attempt returns or raises")

    def accepts(self, name: str, password: str) -> bool:
        """Whether the user of this name signs in with this password."""
        with self.plain_errors():
            session = self.client.http_client
            data = {"username": name, "password": password}
            response = session.post("/api/v1/token", data=data)
            if response.status_code == 401:
                return False
            response.raise_for_status()
            return True

    @contextmanager
    def plain_errors(self) -> Iterator[None]:
        """Turn the errors of the server and the connection into one line.

        BadInput if the user or the data must change, RunFailed if a later attempt may succeed.
        """
        import httpx
        from argilla._exceptions import ArgillaError

        try:
            yield
        except httpx.HTTPStatusError as error:
            raise self._refusal(error.response.status_code, detail(error.response)) from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise RunFailed(
                f"the connection to {self.url} failed ({reason_of(error)}); {_RESUME}"
            ) from None
        except ArgillaError as error:
            raise self._refusal(getattr(error, "status_code", 422), error) from None
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            # The response of a proxy.
            raise RunFailed(
                f"{self.url} did not respond like an Argilla server ({reason_of(error)}); {_RESUME}"
            ) from None

    def _refusal(self, status: int, detail: object) -> SrtError:
        """The error of a response with an HTTP status of 400 or more."""
        if status == 401:
            return _key_refused(self.url)
        if status == 403:
            return BadInput(
                f"{self.url}: {self.user} ({self.role}) does not have permission for this; an "
                "owner does, and an admin within the workspaces that they belong to"
            )
        if status == 404:
            return BadInput(f"{self.url}: not found, possibly deleted ({reason_of(detail)})")
        if status >= 500 or status == 429:
            return RunFailed(f"{self.url} responded with {status} ({reason_of(detail)}); {_RESUME}")
        return BadInput(f"{self.url}: {reason_of(detail)}")


def _key_refused(url: str) -> BadInput:
    return BadInput(f"{url} does not accept the API key in ARGILLA_API_KEY")


def connect(url: str | None = None) -> Server:
    """The Argilla at `url` or ARGILLA_API_URL, signed in with the key in ARGILLA_API_KEY.

    BadInput if one of these is missing or malformed, no Argilla responds, or the key is unknown or
    an annotator's.
    """
    url = checked_url(url or os.environ.get("ARGILLA_API_URL", ""))
    key = checked_key(os.environ.get("ARGILLA_API_KEY", ""), url)
    version = _version(url)
    client, me = _sign_in(url, key)
    role = str(me.role.value)
    if role not in ROLES:
        article = "an" if role[:1] in "aeiou" else "a"
        raise BadInput(
            f"ARGILLA_API_KEY is the key of {me.username}, {article} {role}; reviews need an "
            "owner's or an admin's key, which can read all responses"
        )
    warning = None
    if version.rpartition(".")[0] not in TESTED_VERSIONS:
        tested = " and ".join(TESTED_VERSIONS)
        warning = f"{url} is Argilla {version}; reviews are tested with {tested}"
    return Server(client, url, me.username, role, version, warning)


def checked_url(url: str) -> str:
    """The address of a server, without a trailing slash; BadInput if it is malformed."""
    original, url = url, url.strip().rstrip("/")
    if not url:
        raise BadInput(f"no Argilla address: set --url or ARGILLA_API_URL; {_OFFER}")
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if usable and "@" in parts.netloc:
        raise BadInput("an Argilla address has no name or password in it; set ARGILLA_API_KEY")
    if not usable or not url.isprintable() or " " in url or parts.query or parts.fragment:
        raise BadInput(f"{original!r} is not an Argilla address, such as http://localhost:6900")
    return url


def checked_key(key: str, url: str) -> str:
    """The key without surrounding whitespace; BadInput, without showing it, if it is malformed."""
    key = key.strip()
    if not key:
        raise BadInput(f"ARGILLA_API_KEY is not set; it is your API key on {url}; {_OFFER}")
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise BadInput("ARGILLA_API_KEY is not an API key, which is one word of ASCII characters")
    return key


def detail(response: "httpx.Response") -> object:
    """The server's reason for an error response."""
    try:
        return response.json()["detail"]
    except (ValueError, KeyError, TypeError):
        return f"{response.status_code} {response.reason_phrase}"


def _version(url: str) -> str:
    """The version of the Argilla at `url`; BadInput if there is none."""
    import httpx

    try:
        # Argilla's client has a transport of its own too: neither uses a proxy.
        timeout = httpx.Timeout(_ANSWER_S, connect=_CONNECT_S)
        with httpx.Client(transport=httpx.HTTPTransport(), timeout=timeout) as session:
            response = session.get(f"{url}/api/v1/version")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise BadInput(f"no Argilla responds at {url} ({reason_of(error)}); {_OFFER}") from None
    if response.is_redirect:
        raise BadInput(f"{url} redirects to {response.headers['location']}: use the final address")
    try:
        version = response.json()["version"]
    except (ValueError, KeyError, TypeError):
        version = None
    if response.status_code != 200 or not isinstance(version, str):
        parts = urlsplit(url)
        hint = f"did you mean {parts.scheme}://{parts.netloc}?" if parts.path else _OFFER
        raise BadInput(f"{url} is not an Argilla: it responded with {response.status_code}; {hint}")
    return version


def _sign_in(url: str, key: str) -> tuple["Argilla", Any]:
    import httpx
    from argilla import Argilla
    from argilla._exceptions import ArgillaCredentialsError, ArgillaError

    # Between two programs on one machine, compression costs more than it saves.
    headers = {"Accept-Encoding": "identity"} if _is_on_this_machine(url) else {}
    timeout = httpx.Timeout(_SILENCE_S, connect=_CONNECT_S)
    try:
        client = Argilla(api_url=url, api_key=key, timeout=timeout, retries=2, headers=headers)
        return client, client.me
    except ArgillaCredentialsError:
        raise _key_refused(url) from None
    except (httpx.HTTPError, ArgillaError, ValueError) as error:
        raise BadInput(f"signing in at {url} failed ({reason_of(error)})") from None


def _is_on_this_machine(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
