"""HTTP to one endpoint: a request goes out, a reply or a failure comes back."""

import errno
import os
from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp
from yarl import URL

from pipelines.llms.endpoint.address import Endpoint
from pipelines.llms.endpoint.http_replies import FailedRequest

MAX_BODY = 20_000_000
# Seconds. Below the 5 s of uvicorn, which vLLM and others run on: if both ends close an idle
# connection at about the same moment the client must be first, or its next request is lost.
KEEP_ALIVE = 4.0
CONNECT_DEADLINE = 20.0


@dataclass(frozen=True, slots=True)
class Reply:
    """`body` is None if it was larger than `MAX_BODY`."""

    status: int
    headers: Mapping[str, str]
    body: bytes | None


class HttpSession:
    """Kept-alive connections to one endpoint; belongs to the event loop that created it."""

    def __init__(self, endpoint: Endpoint, deadline: float) -> None:
        self._deadline = deadline
        self._chat = endpoint.path("chat/completions")
        self._models = endpoint.path("models")
        headers = {"Content-Type": "application/json", "User-Agent": "srt-feedback"}
        if endpoint.key:
            headers["Authorization"] = f"Bearer {endpoint.key}"
        headers |= dict(endpoint.headers)
        self._session = aiohttp.ClientSession(
            headers=headers,
            proxy=endpoint.proxy(),
            # Connecting times out first: an unreachable host differs from a slow reply.
            timeout=aiohttp.ClientTimeout(
                total=deadline, sock_connect=min(CONNECT_DEADLINE, deadline / 2)
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE),
        )

    async def chat(self, payload: bytes) -> Reply | FailedRequest:
        return await self._fetch("POST", self._chat, payload)

    async def models(self) -> Reply | FailedRequest:
        return await self._fetch("GET", self._models, None)

    async def _fetch(self, method: str, url: URL, payload: bytes | None) -> Reply | FailedRequest:
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


def _failure(error: Exception, deadline: float) -> FailedRequest:
    # The text of aiohttp's own errors is left out: it can quote the request's headers.
    match error:
        case aiohttp.ConnectionTimeoutError():
            return FailedRequest("timeout while connecting", connected=False)
        case aiohttp.ClientConnectorCertificateError():
            failure = (
                "cannot connect: its certificate is not trusted; if it is your own, put it into "
                "a file and name that in $SSL_CERT_FILE"
            )
            return FailedRequest(failure, connected=False)
        case aiohttp.ClientConnectorSSLError():
            cause = getattr(error.os_error, "reason", None) or type(error.os_error).__name__
            return FailedRequest(f"cannot connect: TLS handshake failed ({cause})", connected=False)
        case aiohttp.ClientConnectorError():
            return FailedRequest(f"cannot connect: {_cause(error.os_error)}", connected=False)
        case TimeoutError():
            return FailedRequest(f"timeout after {deadline:g} s")
        case aiohttp.ClientPayloadError():
            return FailedRequest("body is cut short")
        case aiohttp.ClientResponseError():
            return FailedRequest("reply is not HTTP")
        case aiohttp.ServerDisconnectedError():
            return FailedRequest("connection closed without a reply")
        case OSError(errno=errno.ECONNRESET | errno.EPIPE):
            return FailedRequest("connection reset")
        case OSError():
            return FailedRequest(f"connection failed: {_cause(error)}")
    return FailedRequest(f"connection failed: {type(error).__name__}")


def _cause(error: OSError) -> str:
    # asyncio puts the address into strerror; the number still gives the plain text.
    if error.errno in errno.errorcode:
        return os.strerror(error.errno)
    return error.strerror or type(error).__name__
