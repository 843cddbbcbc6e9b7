"""An OpenAI-compatible server on this machine that has a batch API too.

    with BatchServer(critic, polls=2) as server:
        build_in_batches(recipe(server.url), ...)

A batch is answered, by the same `reply` that live requests get, when it has been looked at
`polls` times.
"""

import json
from collections.abc import Callable
from typing import Any

from aiohttp import web

from tests.openai_server import Body, OpenAIServer, Reply, answer

Batch = dict[str, Any]


class BatchServer(OpenAIServer):
    """`files` are the contents by id, `batches` the batches in the order of their creation.

    `ends` maps a batch's number, from 0, to how it ends: "completed" if not named, else
    "failed", or "expired" or "cancelled" with every second line answered. A `reply` that is a
    fault of `openai_server` (`status(500)`, ...) becomes a line of the error file. `fault` is
    called before every request to files and batches, by method and path. With `drop_created`,
    that many batches are created without an answer being sent. `live` counts chat completions.
    """

    def __init__(
        self,
        reply: Reply | None = None,
        *,
        polls: int = 0,
        ends: dict[int, str] | None = None,
        fault: Callable[[str, str], web.Response | None] | None = None,
        drop_created: int = 0,
        page: int = 100,
        **settings: Any,
    ) -> None:
        super().__init__(reply, **settings)
        self.polls = polls
        self.ends = ends or {}
        self.fault = fault or (lambda method, path: None)
        self.drop_created = drop_created
        self.page = page
        self.files: dict[str, bytes] = {}
        self.batches: list[Batch] = []
        self.lines: list[Body] = []

    @property
    def live(self) -> int:
        return len(self.requests)

    def routes(self) -> list[web.RouteDef]:
        return [
            *super().routes(),
            web.post("/v1/files", self._upload),
            web.get("/v1/files/{id}/content", self._content),
            web.post("/v1/batches", self._create),
            web.get("/v1/batches", self._list),
            web.get("/v1/batches/{id}", self._get),
            web.post("/v1/batches/{id}/cancel", self._cancel),
        ]

    def _stopped(self, request: web.Request) -> web.Response | None:
        return self._refused(request) or self.fault(request.method, request.path)

    async def _upload(self, request: web.Request) -> web.Response:
        if stopped := self._stopped(request):
            return stopped
        form = await request.post()
        if form["purpose"] != "batch" or not form["file"].filename.endswith(".jsonl"):
            return _error(400, "Only .jsonl files are supported for purpose 'batch'")
        return web.json_response({"id": self._add(form["file"].file.read()), "object": "file"})

    async def _content(self, request: web.Request) -> web.Response:
        content = self.files.get(request.match_info["id"])
        return self._stopped(request) or (
            _error(404, "No such File object") if content is None else web.Response(body=content)
        )

    async def _create(self, request: web.Request) -> web.StreamResponse:
        if stopped := self._stopped(request):
            return stopped
        given = await request.json()
        assert given["endpoint"] == "/v1/chat/completions"
        assert given["completion_window"] == "24h"
        lines = [json.loads(line) for line in self.files[given["input_file_id"]].splitlines()]
        assert len({line["body"]["model"] for line in lines}) == 1, "one model for each batch"
        assert len({line["custom_id"] for line in lines}) == len(lines)
        batch = {
            **given,
            "id": f"batch_{len(self.batches):04d}",
            "object": "batch",
            "status": "validating",
            "created_at": 1_700_000_000,
            "request_counts": {"total": len(lines), "completed": 0, "failed": 0},
            "looked_at": 0,
        }
        self.batches.append(batch)
        if self.drop_created:
            self.drop_created -= 1
            request.transport.abort()
        return web.json_response(batch)

    async def _list(self, request: web.Request) -> web.Response:
        if stopped := self._stopped(request):
            return stopped
        newest_first = self.batches[::-1]
        ids = [batch["id"] for batch in newest_first]
        start = ids.index(after) + 1 if (after := request.query.get("after")) else 0
        end = start + min(self.page, int(request.query.get("limit", 20)))
        page = newest_first[start:end]
        more = end < len(newest_first)
        return web.json_response({"object": "list", "data": page, "has_more": more})

    async def _get(self, request: web.Request) -> web.Response:
        if stopped := self._stopped(request):
            return stopped
        for number, batch in enumerate(self.batches):
            if batch["id"] == request.match_info["id"]:
                if batch["status"] in ("validating", "in_progress"):
                    await self._go_on(number, batch)
                return web.json_response(batch)
        return _error(404, "No batch found")

    async def _cancel(self, request: web.Request) -> web.Response:
        for batch in self.batches:
            if batch["id"] == request.match_info["id"]:
                batch["status"] = "cancelled"
                return web.json_response(batch)
        return _error(404, "No batch found")

    async def _go_on(self, number: int, batch: Batch) -> None:
        batch["looked_at"] += 1
        if batch["looked_at"] <= self.polls:
            batch["status"] = "in_progress"
            return
        status = self.ends.get(number, "completed")
        batch["status"] = status
        batch["completed_at"] = batch["created_at"] + 3600
        if status == "failed":
            errors = [{"code": "token_limit_exceeded", "message": "Enqueued token limit reached"}]
            batch["errors"] = {"object": "list", "data": errors}
            return
        good, bad = [], []
        for at, line in enumerate(self.files[batch["input_file_id"]].splitlines()):
            request = json.loads(line)
            if status != "completed" and at % 2:
                bad.append(_line(request, None, {"code": f"batch_{status}", "message": status}))
                continue
            response = await self._answer(request["body"])
            (good if response["status_code"] == 200 else bad).append(_line(request, response, None))
        # In no order, as the API has it.
        batch["output_file_id"] = self._add(b"".join(reversed(good))) if good else None
        batch["error_file_id"] = self._add(b"".join(bad)) if bad else None
        counts = {"completed": len(good), "failed": len(bad)}
        batch["request_counts"] = {"total": len(good) + len(bad), **counts}

    async def _answer(self, body: Body) -> Body:
        reply = self.reply(body, len(self.lines))
        self.lines.append(body)
        if isinstance(reply, str):
            reply = answer(reply, body)
        if callable(reply):
            response = await reply(None)
            content = json.loads(response.body)
            return {"status_code": response.status, "request_id": "r", "body": content}
        return {"status_code": 200, "request_id": "r", "body": reply}

    def _add(self, content: bytes) -> str:
        file_id = f"file-{len(self.files):04d}"
        self.files[file_id] = content
        return file_id


def _line(request: Body, response: Body | None, error: Body | None) -> bytes:
    line = {"id": "batch_req", "custom_id": request["custom_id"]}
    return json.dumps({**line, "response": response, "error": error}).encode() + b"\n"


def _error(status: int, message: str) -> web.Response:
    error = {"message": message, "type": "invalid_request_error", "code": None}
    return web.json_response({"error": error}, status=status)
