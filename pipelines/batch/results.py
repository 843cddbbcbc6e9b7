"""From the output and error file of a batch, line by line, to completions in the store."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson

from builders.errors import SrtError
from pipelines.batch.api import BatchApi
from pipelines.batch.queue import PastAttempts, RequestQueue
from pipelines.llms.endpoint.chat_body import ChatBody
from pipelines.llms.endpoint.http_replies import (
    AnsweredRequest,
    FailedRequest,
    RejectedRequest,
    RequestOutcome,
    load_json,
    read_reply,
    rejection_reason,
)
from pipelines.llms.endpoint.openai import FINAL_REASONS, OpenAILLM
from pipelines.llms.endpoint.refusals import stopping_error
from pipelines.llms.store import CompletionStore


@dataclass
class ResultReader:
    """Reads one batch's results; reading them again, after a kill, changes nothing.

    `body` is what the requests were written with, `latency` the seconds that the batch took.
    """

    api: BatchApi
    store: CompletionStore
    queue: RequestQueue
    number: int
    body: ChatBody
    latency: float
    answered: int = 0
    failed: int = 0
    # To the bodies of later requests, where the endpoint refused a field.
    changes: dict[str, Any] = field(default_factory=dict)
    # An error that every other request would get too; raised when all lines have been read.
    stop: SrtError | None = None

    def read(self, path: Path) -> None:
        for key, outcome in _lines(path):
            past = self.queue.past_attempts(key, self.number)
            if past is not None:
                self._take(key, outcome, past)

    def finish(self, status: str) -> None:
        """Count requests without a result as failed, for instance because the batch expired."""
        while keys := self.queue.without_result(self.number):
            for key in keys:
                past = self.queue.past_attempts(key, self.number)
                self._fail(key, past, f"batch {status} without an answer")

    def _take(self, key: bytes, outcome: RequestOutcome, past: PastAttempts) -> None:
        match outcome:
            case AnsweredRequest():
                self._answer(key, outcome, past)
            case FailedRequest():
                paid = replace(
                    past,
                    tokens_in=past.tokens_in + outcome.tokens_in,
                    tokens_out=past.tokens_out + outcome.tokens_out,
                )
                self._fail(key, paid, self.api.endpoint.printable(outcome.failure))
            case RejectedRequest():
                self._reject(key, outcome, past)

    def _answer(self, key: bytes, answered: AnsweredRequest, past: PastAttempts) -> None:
        completion = answered.completion(
            self.api.endpoint.printable,
            latency=self.latency,
            attempts=past.attempts + 1,
            failures=past.failures,
            tokens_in=past.tokens_in,
            tokens_out=past.tokens_out,
            seeded=self.body.with_seed,
        )
        if completion.text is None and completion.reason not in FINAL_REASONS:
            detail = completion.detail
            self._fail(key, past, detail or "no text", reason=completion.reason, detail=detail)
            return
        self.store.put(key, self.body.model, OpenAILLM.endpoint, completion)
        self.queue.remove(key)
        self.answered += 1

    def _reject(self, key: bytes, rejected: RejectedRequest, past: PastAttempts) -> None:
        detail = self.api.endpoint.printable(f"{rejected.name}: {rejected.message}")
        if rejected.may_pass:
            self._fail(key, past, rejected.name, detail=detail)
        elif changes := self.body.changes(rejected):
            self.changes |= changes
            self.queue.release(self.number, key)
        elif reason := rejection_reason(rejected):
            self._fail(key, past, rejected.name, reason=reason, detail=detail)
        elif stop := stopping_error(
            self.api.endpoint, rejected, f"no model {self.body.model!r} for a batch", self.body
        ):
            self.stop = stop
            self.queue.release(self.number, key)
        else:
            self._fail(key, past, rejected.name, reason="call_failed", detail=detail)

    def _fail(self, key: bytes, past: PastAttempts, failure: str, **given_up: str | None) -> None:
        self.queue.record_failure(key, past, failure, **given_up)
        self.failed += 1


def _lines(path: Path) -> Iterator[tuple[bytes, RequestOutcome]]:
    """Each request's key and outcome; a line that cannot be read is ignored."""
    with path.open("rb") as file:
        for line in file:
            try:
                value = load_json(line)
                key = bytes.fromhex(value["custom_id"])
            except (ValueError, TypeError, KeyError):
                continue
            yield key, _outcome(value)


def _outcome(line: Mapping[str, Any]) -> RequestOutcome:
    response, error = line.get("response"), line.get("error")
    if not isinstance(response, dict):
        error = error if isinstance(error, dict) else {}
        return FailedRequest(str(error.get("message") or error.get("code") or "no response"))
    status = response.get("status_code")
    try:
        body = orjson.dumps(response.get("body"))
    except TypeError:
        return FailedRequest("body is not JSON")
    return read_reply(status if isinstance(status, int) else 200, body, {})
