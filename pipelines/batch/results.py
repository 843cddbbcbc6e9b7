"""The output and error file of a batch, line by line, as answers in the store."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson

from builders.errors import BadInput, RunFailed, SrtError
from pipelines.batch.api import BatchApi
from pipelines.batch.waiting import Tries, Waiting
from pipelines.llms.base import Completion
from pipelines.llms.chat_body import ChatBody
from pipelines.llms.http_replies import (
    Answered,
    Failed,
    Outcome,
    Rejected,
    load_json,
    read_reply,
    rejection_reason,
)
from pipelines.llms.openai import PAID_FOR, OpenAILLM
from pipelines.llms.store import ResponseStore

# An error of these statuses is every request's, and no fault of a row.
_OF_ALL = (401, 402, 403, 404, 405, 410)


@dataclass
class Reader:
    """Reads one batch's lines; reading them again, after a kill, changes nothing.

    `body` is what the requests were written with, `latency` the seconds that the batch took.
    """

    api: BatchApi
    store: ResponseStore
    waiting: Waiting
    number: int
    body: ChatBody
    latency: float
    answered: int = 0
    failed: int = 0
    # To the bodies of later requests, as the endpoint asks for them.
    changes: dict[str, Any] = field(default_factory=dict)
    # What every other request would meet too; raised when all lines have been read.
    stop: SrtError | None = None

    def read(self, path: Path) -> None:
        for key, outcome in _lines(path):
            tries = self.waiting.tries(key, self.number)
            if tries is not None:
                self._take(key, outcome, tries)

    def _take(self, key: bytes, outcome: Outcome, tries: Tries) -> None:
        match outcome:
            case Answered():
                self._answer(key, outcome, tries)
            case Failed():
                paid = replace(
                    tries,
                    tokens_in=tries.tokens_in + outcome.tokens_in,
                    tokens_out=tries.tokens_out + outcome.tokens_out,
                )
                self._fail(key, paid, self.api.say(outcome.failure))
            case Rejected():
                self._reject(key, outcome, tries)

    def _answer(self, key: bytes, answer: Answered, tries: Tries) -> None:
        detail = self.api.say(answer.detail) if answer.detail else None
        completion = Completion(
            text=answer.text,
            tokens_in=tries.tokens_in + answer.tokens_in,
            tokens_out=tries.tokens_out + answer.tokens_out,
            finish_reason=answer.finish_reason,
            reason=answer.reason,
            detail=detail,
            latency=self.latency,
            attempts=tries.attempts + 1,
            failures=tries.failures,
        )
        if completion.text is None and completion.reason not in PAID_FOR:
            self._fail(key, tries, detail or "no text", reason=answer.reason, detail=detail)
            return
        self.store.put(key, self.body.model, OpenAILLM.endpoint, completion)
        self.waiting.answered(key)
        self.answered += 1

    def _reject(self, key: bytes, rejected: Rejected, tries: Tries) -> None:
        said = self.api.say(f"{rejected.name}: {rejected.message}")
        if rejected.may_pass:
            self._fail(key, tries, rejected.name, detail=said)
        elif changes := self.body.changes(rejected):
            self.changes |= changes
            self.waiting.release(self.number, key)
        elif reason := rejection_reason(rejected):
            self._fail(key, tries, rejected.name, reason=reason, detail=said)
        elif rejected.status in _OF_ALL or "unsupported_" in rejected.code:
            error = RunFailed if rejected.status == 402 else BadInput
            self.stop = error(f"{self.api} refused the requests of a batch: {said}")
            self.waiting.release(self.number, key)
        else:
            self._fail(key, tries, rejected.name, reason="call_failed", detail=said)

    def finish(self, status: str) -> None:
        """What the batch has not mentioned failed, for instance because it expired first."""
        while keys := self.waiting.without_line(self.number):
            for key in keys:
                tries = self.waiting.tries(key, self.number)
                self._fail(key, tries, f"batch {status} without an answer")

    def _fail(self, key: bytes, tries: Tries, failure: str, **given_up: str | None) -> None:
        self.waiting.failed(key, tries, failure, **given_up)
        self.failed += 1


def _lines(path: Path) -> Iterator[tuple[bytes, Outcome]]:
    """Each request's key, and what came of it; a line that cannot be read is none."""
    with path.open("rb") as file:
        for line in file:
            try:
                value = load_json(line)
                key = bytes.fromhex(value["custom_id"])
            except (ValueError, TypeError, KeyError):
                continue
            yield key, _outcome(value)


def _outcome(line: Mapping[str, Any]) -> Outcome:
    response, error = line.get("response"), line.get("error")
    if not isinstance(response, dict):
        error = error if isinstance(error, dict) else {}
        return Failed(str(error.get("message") or error.get("code") or "no response"))
    status = response.get("status_code")
    try:
        body = orjson.dumps(response.get("body"))
    except TypeError:
        return Failed("body is not JSON")
    return read_reply(status if isinstance(status, int) else 200, body, {})
