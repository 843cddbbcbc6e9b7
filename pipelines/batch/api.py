"""An endpoint's files and batches, through OpenAI's client.

A batch takes a file of requests and answers them within a day, at a lower price.
"""

import random
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import openai

from builders.errors import BadInput, RunFailed, SrtError
from builders.files.atomic import atomic_file
from pipelines.batch.remote_batch import RemoteBatch
from pipelines.llms.endpoint.address import Endpoint
from pipelines.llms.endpoint.http_replies import RejectedRequest, load_json, rejection
from pipelines.llms.endpoint.http_session import CONNECT_DEADLINE
from pipelines.llms.endpoint.refusals import stopping_error

CHAT_PATH = "/v1/chat/completions"
# Seconds: for 200 MB to go up, and between two attempts.
_UPLOAD_DEADLINE = 3600.0
_BACKOFF, _MAX_BACKOFF = 0.5, 60.0
_ATTEMPTS = 6
# Batches on a page of the list, and pages in which an unrecorded one is looked for.
_PAGE, _PAGES = 100, 20


class BatchApi:
    """One endpoint's batch API. It raises BadInput or RunFailed, in one line without the key.

    `deadline` is for connecting and between two bytes of a reply, in seconds. Failures that may
    pass are retried.
    """

    def __init__(self, endpoint: Endpoint, deadline: float) -> None:
        self.endpoint = endpoint
        # Values for everything that openai would otherwise read from the environment.
        self._client = openai.OpenAI(
            api_key=endpoint.key or "none",
            admin_api_key="",
            organization="",
            project="",
            webhook_secret="",
            base_url=str(endpoint),
            default_query=dict(endpoint.url.query),
            max_retries=_ATTEMPTS - 1,
            timeout=httpx2.Timeout(deadline, connect=min(CONNECT_DEADLINE, deadline / 2)),
            http_client=httpx2.Client(
                trust_env=False,
                transport=_Transport(endpoint),
            ),
        )

    def __str__(self) -> str:
        return str(self.endpoint)

    def close(self) -> None:
        self._client.close()

    def check(self) -> None:
        """BadInput unless the endpoint accepts the key and has batches; nothing is paid for."""
        self._list(limit=1)

    def upload(self, path: Path) -> str:
        """Send a file of requests, and return its id."""
        files = self._client.with_options(timeout=_UPLOAD_DEADLINE).files.with_raw_response
        with path.open("rb") as file, self._one_line_errors():
            content = (path.name, file, "application/jsonl")
            reply = files.create(file=content, purpose="batch").content
        return self._id_of(self._object(reply), "the file")

    def create(self, file_id: str, token: str) -> RemoteBatch:
        """The batch of an uploaded file, created unless it exists.

        Only a reply tells whether a batch was created. Without one, the list of batches is
        searched before another attempt, because each batch is paid for.
        """
        batches = self._client.with_options(max_retries=0).batches.with_raw_response
        for attempt in range(_ATTEMPTS):
            if attempt and (batch := self.find(file_id, token)):
                return batch
            try:
                reply = batches.create(
                    input_file_id=file_id,
                    endpoint=CHAT_PATH,
                    completion_window="24h",
                    metadata={"srt_batch": token},
                ).content
                return self._batch(self._object(reply))
            except (openai.APIConnectionError, openai.APIStatusError) as error:
                if attempt + 1 == _ATTEMPTS or not _may_pass(error):
                    raise self._run_error(error) from None
                time.sleep(_wait(error, attempt))
        raise AssertionError("the last attempt returns or raises")

    def find(self, file_id: str, token: str) -> RemoteBatch | None:
        """The batch that was created for a file, if its id was lost."""
        after: str | openai.Omit = openai.omit
        for _ in range(_PAGES):
            page = self._list(limit=_PAGE, after=after)
            data = page.get("data")
            batches = (
                [one for one in data if isinstance(one, dict)] if isinstance(data, list) else []
            )
            for batch in batches:
                metadata = batch.get("metadata")
                marked = isinstance(metadata, dict) and metadata.get("srt_batch") == token
                if marked or batch.get("input_file_id") == file_id:
                    return self._batch(batch)
            if not page.get("has_more") or not batches:
                return None
            after = str(batches[-1].get("id"))
        return None

    def retrieve(self, batch_id: str) -> RemoteBatch:
        with self._one_line_errors(batch_id):
            reply = self._client.batches.with_raw_response.retrieve(batch_id).content
        return self._batch(self._object(reply))

    def download(self, file_id: str, path: Path) -> None:
        """Write a file's content to `path`, completely or not at all."""
        files = self._client.files.with_streaming_response
        with atomic_file(path) as temporary, self._one_line_errors(file_id):
            for attempt in range(_ATTEMPTS):
                try:
                    with files.content(file_id) as reply:
                        reply.stream_to_file(temporary)
                    return
                # The body was cut short: the client retries only until it has begun.
                except httpx2.TransportError as error:
                    if attempt + 1 == _ATTEMPTS:
                        raise
                    time.sleep(_wait(error, attempt))

    def _list(self, **options: Any) -> dict[str, Any]:
        with self._one_line_errors():
            reply = self._client.batches.with_raw_response.list(**options).content
        return self._object(reply)

    @contextmanager
    def _one_line_errors(self, id_: str | None = None) -> Iterator[None]:
        """`id_` is that of a batch or file which the endpoint should have."""
        try:
            yield
        except (openai.APIError, httpx2.TransportError) as error:
            raise self._run_error(error, id_) from None

    def _run_error(self, error: Exception, id_: str | None = None) -> SrtError:
        if not isinstance(error, openai.APIStatusError):
            cause = error.__cause__ or error
            reason = self.endpoint.printable(str(cause) or type(cause).__name__)
            return RunFailed(
                f"cannot reach {self}: {reason} ({_ATTEMPTS} attempts); "
                "the same command continues the run"
            )
        rejected = _rejection(error)
        status, message = rejected.status, self.endpoint.printable(rejected.message)
        if status == 404 and id_:
            return RunFailed(f"{self} has no {id_} (404): {message}")
        missing = "no batch API there, set execution.kind to local"
        if stop := stopping_error(self.endpoint, rejected, missing):
            return stop
        if status in (400, 413, 422):
            return BadInput(f"{self} does not accept this batch ({status}): {message}")
        return RunFailed(f"{self}: {rejected.name}: {message}; the same command continues the run")

    def _object(self, reply: bytes) -> dict[str, Any]:
        try:
            value = load_json(reply)
        except ValueError:
            value = None
        if not isinstance(value, dict):
            raise RunFailed(f"{self}: the reply is not a JSON object; is it a batch API?")
        return value

    def _batch(self, value: dict[str, Any]) -> RemoteBatch:
        self._id_of(value, "the batch")
        return RemoteBatch.read(value, self.endpoint.printable)

    def _id_of(self, value: dict[str, Any], what: str) -> str:
        if not isinstance(value.get("id"), str) or not value["id"]:
            raise RunFailed(f"{self}: the reply has no id of {what}")
        return value["id"]


class _Transport(httpx2.HTTPTransport):
    """Sends the endpoint's key and no header that openai or the environment adds.

    openai describes this machine, and sends $OPENAI_ORG_ID, $OPENAI_PROJECT_ID and
    $OPENAI_CUSTOM_HEADERS.
    """

    _KEPT = ("host", "connection", "accept", "content-type", "content-length")

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(verify=ssl.create_default_context(), proxy=endpoint.proxy())
        self._headers = {"User-Agent": "srt-feedback"}
        if endpoint.key:
            self._headers["Authorization"] = f"Bearer {endpoint.key}"
        self._headers |= dict(endpoint.headers)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        kept = {name: request.headers[name] for name in self._KEPT if name in request.headers}
        # A copy: the client reads its own headers again when the reply has come.
        bare = httpx2.Request(
            request.method,
            request.url,
            headers={**kept, **self._headers},
            stream=request.stream,
            extensions=request.extensions,
        )
        return super().handle_request(bare)


def _rejection(error: openai.APIStatusError) -> RejectedRequest:
    return rejection(error.status_code, error.response.content, error.response.headers)


def _may_pass(error: openai.APIError) -> bool:
    return not isinstance(error, openai.APIStatusError) or _rejection(error).may_pass


def _wait(error: Exception, attempt: int) -> float:
    """Seconds before the attempt after this one, counted from 0."""
    if isinstance(error, openai.APIStatusError):
        seconds = _rejection(error).retry_after
        if seconds is not None:
            return min(_MAX_BACKOFF, seconds)
    pause = min(_MAX_BACKOFF, _BACKOFF * 2**attempt)
    return random.uniform(pause / 2, pause)  # noqa: S311
