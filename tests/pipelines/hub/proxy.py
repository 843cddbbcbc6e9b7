"""A proxy between a client and a Hub that cuts connections, at the request that it is told to.

Each connection carries one request: the proxy reads it whole, counts it, and asks what to do
with it. `before` closes the connection with the request unsent, `after` once the server has
answered, with the answer untold: the client cannot tell the two apart.
"""

import re
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Literal
from urllib.parse import urlsplit

Cut = Literal["before", "after"] | None
# Given the request's number, counted from 1, and its `METHOD /path`.
Fault = Callable[[int, str], Cut]


def none(_number: int, _request: str) -> Cut:
    return None


def at(wanted: int, cut: Cut, *, then_down: bool = False) -> Fault:
    """Cut the request with that number, and all later ones where the way is then down."""

    def fault(number: int, _request: str) -> Cut:
        if number == wanted:
            return cut
        return "before" if then_down and number > wanted else None

    return fault


def on(pattern: str, cut: Cut, do: Callable[[], None] = lambda: None) -> Fault:
    """Cut the first request whose `METHOD /path` has `pattern`, after doing something."""
    done = threading.Event()

    def fault(_number: int, request: str) -> Cut:
        if done.is_set() or not re.search(pattern, request):
            return None
        done.set()
        do()
        return cut

    return fault


def nth(pattern: str, wanted: int, cut: Cut) -> Fault:
    """Cut at the so-manieth request that has `pattern`, and all that come later."""
    lock, seen = threading.Lock(), []

    def fault(number: int, request: str) -> Cut:
        with lock:
            if re.search(pattern, request):
                seen.append(number)
            if len(seen) < wanted:
                return None
            return cut if number == seen[wanted - 1] else "before"

    return fault


class Proxy:
    """Forwards to the server at `url`; `fault` may be set anew at any time."""

    def __init__(self, url: str) -> None:
        self._upstream = (urlsplit(url).hostname, urlsplit(url).port)
        self.fault: Fault = none
        # What the proxy itself answers to requests whose `METHOD /path` has a pattern: whole
        # HTTP responses.
        self.answers: dict[str, Callable[[], bytes]] = {}
        self.requests: list[str] = []
        self._lock = threading.Lock()
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"

    def __enter__(self) -> "Proxy":
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listening.close()

    def heal(self) -> None:
        """Cut nothing more, and count from the beginning."""
        with self._lock:
            self.fault, self.requests = none, []

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, suppress(OSError):
            request = _read_request(client)
            if request is None:
                return
            line = request.split(b"\r\n", 1)[0].decode().rsplit(" ", 1)[0]
            with self._lock:
                self.requests.append(line)
                number, fault = len(self.requests), self.fault
            cut = fault(number, line)
            if cut == "before":
                return
            for pattern, answer in self.answers.items():
                if re.search(pattern, line):
                    client.sendall(answer())
                    return
            with socket.create_connection(self._upstream) as server:
                server.sendall(_without_keep_alive(request))
                while block := server.recv(2**16):
                    if cut is None:
                        client.sendall(block)


def response(body: bytes, status: str = "200 OK", **headers: str) -> bytes:
    """A whole HTTP response; underscores in the names of headers become dashes."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def _read_request(client: socket.socket) -> bytes | None:
    """Head and body of the one request, or None where the client leaves without one."""
    data = b""
    while b"\r\n\r\n" not in data:
        block = client.recv(2**16)
        if not block:
            return None
        data += block
    head, end, rest = data.partition(b"\r\n\r\n")
    length = re.search(rb"(?im)^content-length: *(\d+)", head)
    chunked = re.search(rb"(?im)^transfer-encoding: *chunked", head)
    body, wanted = bytearray(rest), int(length[1]) if length else 0
    while not (body.endswith(b"0\r\n\r\n") if chunked else len(body) >= wanted):
        block = client.recv(2**16)
        if not block:
            return None
        body += block
    return head + end + bytes(body)


def _without_keep_alive(request: bytes) -> bytes:
    """The request, after whose answer the server closes: then the answer has an end."""
    head, end, body = request.partition(b"\r\n\r\n")
    head = re.sub(rb"(?im)^connection:[^\r\n]*\r\n", b"", head + b"\r\n").removesuffix(b"\r\n")
    return head + b"\r\nConnection: close" + end + body
