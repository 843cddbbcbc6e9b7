"""The part of OpenAI's API that takes files of requests and answers them within a day.

POST /files, GET /files/{id}/content, and POST and GET on /batches, as OpenAI documents them.
"""

import asyncio
import json
import random
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import aiohttp
from yarl import URL

from builders.atomic import atomic_file
from builders.errors import BadInput, RunFailed, SrtError
from pipelines.llms.http_replies import (
    Failed,
    Rejected,
    load_json,
    one_line,
    redact,
    rejection,
    retry_after,
)
from pipelines.llms.http_session import CONNECT_DEADLINE, Endpoint, HttpSession, Reply, _failure
from pipelines.llms.loop_thread import LoopThread

T = TypeVar("T")

ENDPOINT = "/v1/chat/completions"
# Seconds: for 200 MB to go up, and between attempts.
_UPLOAD_DEADLINE = 3600.0
_LONGEST_PAUSE = 60.0
_ATTEMPTS = 6
# Batches on a page of the list, and how many pages back an unrecorded one is looked for.
_PAGE, _PAGES = 100, 20


class BatchApi:
    """One endpoint's files and batches. What it raises is BadInput or RunFailed, in one line.

    `deadline` is for one reply, in seconds; whatever may pass is tried again after `backoff`
    seconds, twice as many each time. No text from here holds the key.
    """

    def __init__(self, endpoint: Endpoint, deadline: float, backoff: float = 0.5) -> None:
        self._endpoint = endpoint
        self._deadline = deadline
        self._backoff = backoff
        self._session: _Session | None = None
        self._thread = LoopThread("batch API", self._close_session)

    def __str__(self) -> str:
        return str(self._endpoint)

    def close(self) -> None:
        self._thread.close()

    def check(self) -> None:
        """BadInput unless the key is good and the endpoint has batches; nothing is paid for."""
        url = self._url("batches").update_query(limit=1)
        self._run(self._json(lambda: self._open().call("GET", url)))

    def upload(self, path: Path) -> str:
        """Send a file of requests, and return its id."""
        reply = self._run(self._json(lambda: self._open().upload(self._url("files"), path)))
        return self._id(reply, "the file")

    def create(self, file_id: str, token: str) -> dict[str, Any]:
        """The batch over an uploaded file; where there is one already, that one.

        Only an answer of the endpoint says whether a batch was made. Where none came, the list
        is asked before another one is made and paid for.
        """
        payload = {
            "input_file_id": file_id,
            "endpoint": ENDPOINT,
            "completion_window": "24h",
            "metadata": {"srt_batch": token},
        }
        batch = self._run(self._create(json.dumps(payload).encode(), file_id, token))
        self._id(batch, "the batch")
        return batch

    def find(self, file_id: str, token: str) -> dict[str, Any] | None:
        """The batch that was made over a file, where its id was lost."""
        return self._run(self._find(file_id, token))

    def batch(self, batch_id: str) -> dict[str, Any]:
        url = self._url(f"batches/{quote(batch_id, safe='')}")
        return self._run(self._json(lambda: self._open().call("GET", url), what=batch_id))

    def download(self, file_id: str, path: Path) -> None:
        """Write a file's content to `path`; it is there whole or not at all."""
        url = self._url(f"files/{quote(file_id, safe='')}/content")

        async def fetch() -> None:
            with atomic_file(path) as temporary:
                await self._ask(lambda: self._open().download(url, temporary), file_id)

        self._run(fetch())

    def refusal(self, rejected: Rejected, what: str | None = None) -> SrtError:
        """The error that a rejection ends the run with; `what` is the id that was asked for."""
        status, said = rejected.status, self.say(rejected.message)
        where = self._endpoint
        if status in (401, 403):
            if where.key_env is None:
                return BadInput(f"{where} wants a key, set api_key_env ({status}): {said}")
            return BadInput(f"{where} refused the key in ${where.key_env} ({status}): {said}")
        if status == 404 and what:
            return RunFailed(f"{where}: has no {what} (404): {said}")
        if status in (404, 405, 410, 501):
            return BadInput(f"{where} speaks no batch API ({status}): set execution.kind to local")
        if 300 <= status < 400:
            return BadInput(f"{where} redirects to {said} ({status}): set base_url to it")
        if status in (400, 413, 422):
            return BadInput(f"{where} takes no such batch ({status}): {said}")
        again = "the same command continues the run"
        return RunFailed(f"{where}: {rejected.name}: {said}; {again}")

    def say(self, text: str) -> str:
        return one_line(redact(text, self._endpoint.key))

    def _url(self, path: str) -> URL:
        return self._endpoint.path(path)

    def _run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        try:
            return self._thread.run(coroutine)
        except CancelledError:
            raise RunFailed(f"{self._endpoint}: closed while something was outstanding") from None

    async def _create(self, payload: bytes, file_id: str, token: str) -> dict[str, Any]:
        for attempt in range(_ATTEMPTS):
            if attempt and (found := await self._find(file_id, token)):
                return found
            reply = await self._open().call("POST", self._url("batches"), payload)
            if (wait := self._wait(reply, attempt)) is None:
                return self._object(reply)
            await asyncio.sleep(wait)
        raise AssertionError("the last attempt returns or raises")

    async def _find(self, file_id: str, token: str) -> dict[str, Any] | None:
        url = self._url("batches").update_query(limit=_PAGE)
        for _ in range(_PAGES):
            page = await self._json(lambda url=url: self._open().call("GET", url))
            batches = page.get("data")
            batches = [one for one in batches or () if isinstance(one, dict)]
            for batch in batches:
                metadata = batch.get("metadata")
                marked = isinstance(metadata, dict) and metadata.get("srt_batch") == token
                if marked or batch.get("input_file_id") == file_id:
                    return batch
            if not page.get("has_more") or not batches:
                return None
            url = url.update_query(after=str(batches[-1].get("id")))
        return None

    async def _json(
        self, send: Callable[[], Awaitable[Reply | Failed]], what: str | None = None
    ) -> dict[str, Any]:
        return self._object(await self._ask(send, what))

    async def _ask(
        self, send: Callable[[], Awaitable[Reply | Failed]], what: str | None = None
    ) -> Reply:
        for attempt in range(_ATTEMPTS):
            reply = await send()
            if (wait := self._wait(reply, attempt, what)) is None:
                return reply
            await asyncio.sleep(wait)
        raise AssertionError("the last attempt returns or raises")

    def _wait(self, reply: Reply | Failed, attempt: int, what: str | None = None) -> float | None:
        """None where a reply is good, else the seconds until it is asked for again."""
        last = attempt + 1 >= _ATTEMPTS
        pause = min(_LONGEST_PAUSE, self._backoff * 2**attempt)
        if isinstance(reply, Failed):
            if last:
                raise RunFailed(
                    f"cannot reach {self._endpoint}: {self.say(reply.failure)} ({_ATTEMPTS} "
                    "attempts); the same command continues the run"
                )
            return random.uniform(pause / 2, pause)  # noqa: S311
        if 200 <= reply.status < 300:
            return None
        rejected = rejection(reply.status, reply.body or b"")
        if last or not rejected.may_pass or "insufficient_quota" in rejected.code:
            raise self.refusal(rejected, what)
        return max(pause, min(_LONGEST_PAUSE, retry_after(reply.headers) or 0.0))

    def _object(self, reply: Reply) -> dict[str, Any]:
        try:
            value = load_json(reply.body or b"")
        except ValueError:
            value = None
        if not isinstance(value, dict):
            raise RunFailed(f"{self._endpoint}: the reply is not a JSON object; is it a batch API?")
        return value

    def _id(self, value: dict[str, Any], what: str) -> str:
        if not isinstance(value.get("id"), str) or not value["id"]:
            raise RunFailed(f"{self._endpoint}: gave {what} no id")
        return value["id"]

    def _open(self) -> "_Session":
        if self._session is None:
            self._session = _Session(self._endpoint, self._deadline)
        return self._session

    async def _close_session(self) -> None:
        if self._session is not None:
            await self._session.close()


class _Session(HttpSession):
    """Files go to and from the disk, and are never in memory as a whole."""

    async def call(self, method: str, url: URL, payload: bytes | None = None) -> Reply | Failed:
        return await self._fetch(method, url, payload)

    async def upload(self, url: URL, path: Path) -> Reply | Failed:
        with path.open("rb") as file:
            form = aiohttp.MultipartWriter("form-data")
            form.append("batch").set_content_disposition("form-data", name="purpose")
            part = form.append(file, {"Content-Type": "application/jsonl"})
            part.set_content_disposition("form-data", name="file", filename=path.name)
            try:
                async with self._session.post(
                    url,
                    data=form,
                    headers={"Content-Type": form.content_type},
                    allow_redirects=False,
                    timeout=_long(None),
                ) as response:
                    return Reply(response.status, response.headers, await response.read())
            except (aiohttp.ClientError, OSError) as error:
                return _failure(error, _UPLOAD_DEADLINE)

    async def download(self, url: URL, path: Path) -> Reply | Failed:
        try:
            async with self._session.get(
                url, allow_redirects=False, timeout=_long(self._deadline)
            ) as response:
                if response.status != 200:
                    return Reply(response.status, response.headers, await response.read())
                with path.open("wb") as file:
                    async for chunk in response.content.iter_any():
                        file.write(chunk)
                return Reply(response.status, response.headers, None)
        except (aiohttp.ClientError, TimeoutError) as error:
            return _failure(error, self._deadline)


def _long(between_bytes: float | None) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(
        total=_UPLOAD_DEADLINE, sock_connect=CONNECT_DEADLINE, sock_read=between_bytes
    )
