"""Argilla's client as we use it: who is asking, and what goes wrong in one line.

The API key is read from the environment and goes into a header of the client; no message has it.
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

from builders.errors import BadInput, RunFailed, SrtError

if TYPE_CHECKING:
    import httpx
    from argilla import Argilla

# The versions (major, minor) whose REST API reviews were tested with.
KNOWN_VERSIONS = ("2.8",)
ROLES = ("owner", "admin")

_OFFER = "`srt serve argilla --dir my-argilla` runs one on this machine and says what to set"
_AGAIN = "the same command continues"
# Seconds between the attempts of a request that may be repeated.
_WAITS_S = (0.5, 1.0, 2.0, 4.0, 8.0)
# Seconds to connect, to say who one is, and between two signs of life: on a busy machine a server
# takes its time over 500 records.
_CONNECT_S, _ANSWER_S, _SILENCE_S = 10.0, 60.0, 300.0


@dataclass(frozen=True)
class Server:
    """An Argilla that knows our key; `role` is one of ROLES, `warning` a line to show or None.

    `client` is Argilla's own, for what happens once: workspaces, users, a dataset's settings. Its
    errors become ours inside `complaints`.
    """

    client: "Argilla" = field(repr=False)
    url: str
    user: str
    role: str
    version: str
    warning: str | None

    def ask(self, method: str, path: str, *, body: Any = None, **params: Any) -> Any:
        """The JSON that `path` (without /api/v1/) answers; `body` is sent as JSON.

        What may be repeated without harm (all but POST) is, after a lost connection or an error
        of the server, for about a quarter of a minute. Raises as `complaints` does.
        """
        content = None if body is None else json.dumps(body).encode()
        with self.complaints():
            answer = self.send(method, path, content, **params)
            return answer.json() if answer.content else None

    def send(
        self, method: str, path: str, content: bytes | None = None, **params: Any
    ) -> "httpx.Response":
        """As `ask`, for JSON that is already bytes, and the whole answer; raises httpx's errors."""
        import httpx

        session = self.client.http_client
        url, headers = f"/api/v1/{path}", {"Content-Type": "application/json"} if content else {}
        waits = () if method == "POST" else _WAITS_S
        for wait in (*waits, None):
            try:
                answer = session.request(
                    method, url, content=content, headers=headers, params=params
                )
                if wait is None or answer.status_code < 500:
                    answer.raise_for_status()
                    return answer
            except httpx.TransportError:
                if wait is None:
                    raise
            time.sleep(wait)
        raise AssertionError("the last attempt returns or raises")

    @contextmanager
    def complaints(self) -> Iterator[None]:
        """What the server or the way to it complains of inside the block, in one line.

        BadInput where the key may not do this, something is not there (any more) or is refused as
        it is; RunFailed where the connection or the server failed, and trying again may help.
        """
        import httpx
        from argilla._exceptions import ArgillaError

        try:
            yield
        except httpx.HTTPStatusError as error:
            raise self._refusal(error.response.status_code, detail(error.response)) from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise RunFailed(
                f"the connection to {self.url} failed ({reason(error)}); {_AGAIN}"
            ) from None
        except ArgillaError as error:
            raise self._refusal(getattr(error, "status_code", 422), error) from None
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            # A proxy answered.
            raise RunFailed(
                f"{self.url} did not answer as an Argilla ({reason(error)}); {_AGAIN}"
            ) from None

    def _refusal(self, status: int, detail: object) -> SrtError:
        if status == 401:
            return BadInput(f"{self.url} does not know the key in ARGILLA_API_KEY any more")
        if status == 403:
            return BadInput(
                f"{self.url}: {self.user} ({self.role}) may not do this; an owner may, and an "
                "admin inside the workspaces that the admin belongs to"
            )
        if status >= 500 or status == 429:
            return RunFailed(f"{self.url} answered {status} ({reason(detail)}); {_AGAIN}")
        return BadInput(f"{self.url}: {reason(detail)}")


def connect(url: str | None = None) -> Server:
    """The Argilla at `url` or ARGILLA_API_URL, as the user whose key ARGILLA_API_KEY holds.

    BadInput in one line where one of them is missing or malformed, nobody or no Argilla is there,
    the key is not known, or it is an annotator's.
    """
    url = checked_url(url or os.environ.get("ARGILLA_API_URL", ""))
    key = checked_key(os.environ.get("ARGILLA_API_KEY", ""), url)
    version = _version(url)
    client, me = _sign_in(url, key)
    if me.role.value not in ROLES:
        raise BadInput(
            f"ARGILLA_API_KEY is the key of {me.username}, {_a(me.role.value)}; an owner's or "
            "an admin's is wanted, who may read everybody's answers"
        )
    return Server(client, url, me.username, str(me.role.value), version, _unknown(version, url))


def checked_url(url: str) -> str:
    """The address of a server, without a slash at its end; BadInput otherwise."""
    given, url = url, url.strip().rstrip("/")
    if not url:
        raise BadInput(f"no Argilla: --url or ARGILLA_API_URL names its address; {_OFFER}")
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if usable and "@" in parts.netloc:
        raise BadInput("an Argilla's address has no name or password in it; ARGILLA_API_KEY does")
    if not usable or not url.isprintable() or " " in url or parts.query or parts.fragment:
        raise BadInput(f"{given!r} is no address of an Argilla: write it as http://localhost:6900")
    return url


def checked_key(key: str, url: str) -> str:
    """The key without what a file or a paste puts around it; BadInput that does not say it."""
    key = key.strip()
    if not key:
        raise BadInput(f"ARGILLA_API_KEY is not set: your API key on {url}; {_OFFER}")
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise BadInput("ARGILLA_API_KEY is not an API key: it is one word of ASCII characters")
    return key


def reason(error: object) -> str:
    """What an error says, in one line of bearable length."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 300 else f"{text[:300]} …"


def _version(url: str) -> str:
    """What the server at `url` says it is; BadInput where that is no Argilla."""
    import httpx

    try:
        # A transport of its own is what Argilla's client has: neither looks for a proxy.
        patience = httpx.Timeout(_ANSWER_S, connect=_CONNECT_S)
        with httpx.Client(transport=httpx.HTTPTransport(), timeout=patience) as session:
            answer = session.get(f"{url}/api/v1/version")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise BadInput(f"no Argilla answers at {url} ({reason(error)}); {_OFFER}") from None
    if answer.is_redirect:
        raise BadInput(f"{url} sends us to {answer.headers['location']}: give the final address")
    try:
        version = answer.json()["version"]
    except (ValueError, KeyError, TypeError):
        version = None
    if answer.status_code != 200 or not isinstance(version, str):
        parts = urlsplit(url)
        hint = f"was {parts.scheme}://{parts.netloc} meant?" if parts.path else _OFFER
        raise BadInput(f"{url} is not an Argilla: it answered {answer.status_code}; {hint}")
    return version


def _sign_in(url: str, key: str) -> tuple["Argilla", Any]:
    import httpx
    from argilla import Argilla
    from argilla._exceptions import ArgillaCredentialsError, ArgillaError

    # On this machine, to compress costs more than it saves.
    headers = {"Accept-Encoding": "identity"} if _is_here(url) else {}
    patience = httpx.Timeout(_SILENCE_S, connect=_CONNECT_S)
    try:
        client = Argilla(api_url=url, api_key=key, timeout=patience, retries=2, headers=headers)
        return client, client.me
    except ArgillaCredentialsError:
        raise BadInput(f"{url} does not know the key in ARGILLA_API_KEY") from None
    except (httpx.HTTPError, ArgillaError, ValueError) as error:
        raise BadInput(f"{url} does not say whose key this is ({reason(error)})") from None


def _is_here(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _unknown(version: str, url: str) -> str | None:
    if version.rpartition(".")[0] in KNOWN_VERSIONS:
        return None
    known = " and ".join(KNOWN_VERSIONS)
    return f"{url} is Argilla {version}; reviews were tested with {known}"


def detail(answer: "httpx.Response") -> object:
    """What a server that refuses says about it."""
    try:
        return answer.json()["detail"]
    except (ValueError, KeyError, TypeError):
        return f"{answer.status_code} {answer.reason_phrase}"


def _a(role: str) -> str:
    return f"an {role}" if role[:1] in "aeiou" else f"a {role}"
