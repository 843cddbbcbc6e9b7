"""What may stand before a server: a gateway that forwards, and answers some requests by itself."""

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests

# Given `METHOD /path` and the length of the body in bytes: a status and a body, or None.
Answer = Callable[[str, int], tuple[int, str] | None]


class Gateway:
    """Forwards to the server at `url` what `answer` does not answer."""

    def __init__(self, url: str, answer: Answer) -> None:
        self.requests: list[tuple[str, int]] = []
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None: ...

            def serve(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                request = f"{self.command} {self.path}"
                gateway.requests.append((request, len(body)))
                if own := answer(request, len(body)):
                    self.tell(own[0], own[1].encode(), "text/html")
                    return
                given = requests.request(
                    self.command,
                    url + self.path,
                    data=body,
                    headers=dict(self.headers),
                    timeout=120,
                    allow_redirects=False,
                )
                self.tell(given.status_code, given.content, given.headers["content-type"])

            def tell(self, status: int, body: bytes, kind: str) -> None:
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                if 300 <= status < 400:
                    self.send_header("Location", body.decode())
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_PUT = do_POST = serve  # noqa: N815 - http.server's names

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "Gateway":
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
