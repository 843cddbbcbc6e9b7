"""The few pages of a Hub that reading one dataset takes, served from memory."""

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class HubServer:
    """One dataset with one tag; `url` goes into HF_ENDPOINT."""

    def __init__(self, repo: str, tag: str, files: dict[str, bytes]) -> None:
        self.repo, self.tag, self.files = repo, tag, files
        self.sha = hashlib.sha1(repr(files).encode()).hexdigest()
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                hub.answer(self, body=True)

            def do_HEAD(self) -> None:
                hub.answer(self, body=False)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "HubServer":
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, request: BaseHTTPRequestHandler, *, body: bool) -> None:
        path = request.path.partition("?")[0]
        api = f"/api/datasets/{self.repo}/revision/"
        resolve = f"/datasets/{self.repo}/resolve/{self.sha}/"
        headers = {"X-Repo-Commit": self.sha}
        if path in (api + self.tag, api + self.sha):
            siblings = [{"rfilename": name} for name in self.files]
            info = {"id": self.repo, "sha": self.sha, "siblings": siblings}
            content = json.dumps(info).encode()
            headers["Content-Type"] = "application/json"
        elif path == f"/api/datasets/{self.repo}/tree/{self.sha}":
            tree = [
                {
                    "type": "file",
                    "path": name,
                    "size": len(content),
                    "oid": hashlib.sha1(content).hexdigest(),
                }
                for name, content in self.files.items()
            ]
            content = json.dumps(tree).encode()
            headers["Content-Type"] = "application/json"
        elif path.removeprefix(resolve) in self.files:
            content = self.files[path.removeprefix(resolve)]
            headers["ETag"] = f'"{hashlib.sha1(content).hexdigest()}"'
        else:
            code = "RevisionNotFound" if path.startswith(api) else "RepoNotFound"
            request.send_response(404)
            request.send_header("X-Error-Code", code)
            request.send_header("Content-Length", "0")
            request.end_headers()
            return
        request.send_response(200)
        for key, value in {**headers, "Content-Length": str(len(content))}.items():
            request.send_header(key, value)
        request.end_headers()
        if body:
            request.wfile.write(content)
