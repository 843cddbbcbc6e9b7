"""Requests for ranges of a file, of which the server's version of Starlette reads a long list in
the square of its length: one header of 60 kB stopped the server for 8 seconds."""

# Ranges are for downloads that go on; that is one of them.
_LONGEST = 100


class ShortRanges:
    """An ASGI application that passes requests to `app`, without a range that is a long list.

    A server may answer with the whole file (RFC 9110, 14.2).
    """

    def __init__(self, app) -> None:
        self._app = app

    async def __call__(self, scope, receive, send) -> None:
        if any(_is_long(header) for header in scope.get("headers", ())):
            headers = [header for header in scope["headers"] if not _is_long(header)]
            scope = {**scope, "headers": headers}
        await self._app(scope, receive, send)


def _is_long(header: tuple[bytes, bytes]) -> bool:
    name, value = header
    return name.lower() == b"range" and len(value) > _LONGEST
