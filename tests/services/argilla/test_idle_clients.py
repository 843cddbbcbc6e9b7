"""Clients of a real Argilla server who take no byte of what they asked for."""

import socket
from contextlib import ExitStack, suppress
from urllib.parse import urlsplit

import pytest
import requests

pytestmark = pytest.mark.xdist_group("argilla")


def test_who_does_not_read_keeps_nobody_else_waiting(argilla_server):
    address = urlsplit(argilla_server.url)
    page = requests.get(argilla_server.url, timeout=60).text
    scripts = [part.split('"')[0] for part in page.split('src="')[1:] if part.startswith("/")]
    with ExitStack() as idle:
        for _ in range(30):
            client = idle.enter_context(socket.socket())
            # As little as the system allows on the way.
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
            client.connect((address.hostname, address.port))
            client.setblocking(False)
            for script in scripts:
                with suppress(BlockingIOError):
                    client.send(f"GET {script} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        for _ in range(20):
            served = requests.get(f"{argilla_server.url}/api/v1/version", timeout=30)
            assert served.status_code == 200
