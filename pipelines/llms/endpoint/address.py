"""Where an endpoint's requests go, and what may be said about it in an error."""

from dataclasses import dataclass, field
from urllib.request import getproxies, proxy_bypass

from yarl import URL

from builders.errors import BadInput
from pipelines.llms.endpoint.text import one_line, redact


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`key_env` is the name of the environment variable that held the key.

    `headers` are further ones of every request, whose values are secrets too.
    """

    url: URL
    key: str | None = field(default=None, repr=False)
    key_env: str | None = None
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    def path(self, path: str) -> URL:
        return (self.url / path).with_query(self.url.query)

    def __str__(self) -> str:
        # A query may carry a secret of its own.
        return str(self.url.with_query(None)).rstrip("/")

    def printable(self, text: str) -> str:
        """An endpoint's own words, as one line without the key."""
        for secret in (self.key, *(value for _, value in self.headers)):
            text = redact(text, secret)
        return one_line(text)

    def proxy(self) -> str | None:
        """The proxy that the environment names, as other clients use it; never for loopback."""
        if self.url.host in ("localhost", "127.0.0.1", "::1") or proxy_bypass(self.url.host):
            return None
        proxies = getproxies()
        proxy = proxies.get(self.url.scheme) or proxies.get("all")
        if not proxy:
            return None
        scheme, separator, _ = proxy.partition("://")
        if not separator:
            return f"http://{proxy}"
        if scheme.lower() not in ("http", "https"):
            raise BadInput(
                f"the proxy for {self} speaks {scheme}, which is not supported: name an HTTP proxy "
                f"in ${self.url.scheme.upper()}_PROXY, or {self.url.host} in $NO_PROXY"
            )
        return proxy


def base_of(address: str) -> URL:
    """The base of an endpoint's paths: its address, also where that is of the chat completions."""
    url = URL(address)
    path = url.path.rstrip("/").removesuffix("/chat/completions").rstrip("/")
    return url.with_path(path or "/").with_query(url.query)
