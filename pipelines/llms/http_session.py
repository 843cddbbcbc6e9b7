"""HTTP to one endpoint: a request goes out, a reply or the reason for none comes back."""

import errno
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.request import getproxies, proxy_bypass

import aiohttp
from yarl import URL

from pipelines.llms.http_replies import Failed

MAX_BODY = 20_000_000
# Seconds. Below the 5 s of uvicorn, which vLLM and others run on: of two ends that close an
# idle connection at the same moment the client must be first, or its next request is lost.
KEEP_ALIVE = 4.0
CONNECT_DEADLINE = 20.0


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the requests go. `key_env` is the name of the variable that held the key."""

    url: URL
    key: str | None = field(default=None, repr=False)
    key_env: str | None = None

    def path(self, path: str) -> URL:
        return (self.url / path).with_query(self.url.query)

    def __str__(self) -> str:
        # A query may carry a secret of its own.
        return str(self.url.with_query(None)).rstrip("/")


@dataclass(frozen=True, slots=True)
class Reply:
    """`body` is None if it was larger than anybody should send."""

    status: int
    headers: Mapping[str, str]
    body: bytes | None


class HttpSession:
    """Kept-alive connections to one endpoint; belongs to the event loop it was made on."""

    def __init__(self, endpoint: Endpoint, deadline: float) -> None:
        self._deadline = deadline
        self._chat = endpoint.path("chat/completions")
        self._models = endpoint.path("models")
        headers = {"Content-Type": "application/json", "User-Agent": "srt-feedback"}
        if endpoint.key:
            headers["Authorization"] = f"Bearer {endpoint.key}"
        self._session = aiohttp.ClientSession(
            headers=headers,
            proxy=_proxy_for(endpoint.url),
            # Connecting ends first, so that an unreachable host is told from a slow answer.
            timeout=aiohttp.ClientTimeout(
                total=deadline, sock_connect=min(CONNECT_DEADLINE, deadline / 2)
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE),
        )

    async def chat(self, payload: bytes) -> Reply | Failed:
        return await self._fetch("POST", self._chat, payload)

    async def models(self) -> Reply | Failed:
        return await self._fetch("GET", self._models, None)

    async def _fetch(self, method: str, url: URL, payload: bytes | None) -> Reply | Failed:
        try:
            # A POST that follows a redirect becomes a GET.
            async with self._session.request(
                method, url, data=payload, allow_redirects=False
            ) as response:
                return Reply(response.status, response.headers, await _read_body(response))
        except (aiohttp.ClientError, OSError) as error:
            return _failure(error, self._deadline)

    async def close(self) -> None:
        await self._session.close()


async def _read_body(response: aiohttp.ClientResponse) -> bytes | None:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > MAX_BODY:
            response.close()
            return None
    return bytes(body)


def _failure(error: Exception, deadline: float) -> Failed:
    # The text of aiohttp's own errors is left out: it can quote the request's headers.
    match error:
        case aiohttp.ConnectionTimeoutError():
            return Failed("timeout while connecting", connected=False)
        case aiohttp.ClientConnectorCertificateError():
            return Failed("cannot connect: its certificate is not trusted", connected=False)
        case aiohttp.ClientConnectorSSLError():
            cause = getattr(error.os_error, "reason", None) or type(error.os_error).__name__
            return Failed(f"cannot connect: TLS handshake failed ({cause})", connected=False)
        case aiohttp.ClientConnectorError():
            return Failed(f"cannot connect: {_cause(error.os_error)}", connected=False)
        case TimeoutError():
            return Failed(f"timeout after {deadline:g} s")
        case aiohttp.ClientPayloadError():
            return Failed("body is cut short")
        case aiohttp.ClientResponseError():
            return Failed("reply is not HTTP")
        case aiohttp.ServerDisconnectedError():
            return Failed("connection closed without an answer")
        case OSError(errno=errno.ECONNRESET | errno.EPIPE):
            return Failed("connection reset")
        case OSError():
            return Failed(f"connection failed: {_cause(error)}")
    return Failed(f"connection failed: {type(error).__name__}")


def _cause(error: OSError) -> str:
    # asyncio puts the address into strerror; the number still has the plain words.
    if error.errno in errno.errorcode:
        return os.strerror(error.errno)
    return error.strerror or type(error).__name__


def _proxy_for(url: URL) -> str | None:
    """The proxy that the environment names, as other clients use it; never for this machine."""
    if url.host in ("localhost", "127.0.0.1", "::1") or proxy_bypass(url.host):
        return None
    proxies = getproxies()
    proxy = proxies.get(url.scheme) or proxies.get("all")
    return proxy if proxy and proxy.startswith("http") else None
