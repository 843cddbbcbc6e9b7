"""The request loop: limit, deadline, retries, and which failures stop a run."""

import asyncio
import hashlib
import logging
import random
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from builders.errors import BadInput, RunFailed, SrtError
from pipelines.llms.base import Completion, Request
from pipelines.llms.budget import Account
from pipelines.llms.chat_body import ChatBody
from pipelines.llms.http_replies import (
    Answered,
    Failed,
    Outcome,
    Rejected,
    one_line,
    read_choices,
    redact,
    rejection,
    rejection_reason,
)
from pipelines.llms.http_session import Endpoint, HttpSession
from pipelines.llms.limiter import AdaptiveLimit
from pipelines.llms.loop_thread import LoopThread

T = TypeVar("T")
# Is told of each answer: the index of the request, the number of the sample, the answer.
Done = Callable[[int, int, Completion], None]

# Seconds. An endpoint that asks for more has a daily quota, and the run can be continued then.
MAX_PAUSE = 3600.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Policy:
    """How hard to try; times in seconds. 429s have a cap of their own, of those in a row."""

    in_flight: int = 32
    deadline: float = 120.0
    max_attempts: int = 6
    max_throttled: int = 20
    backoff_base: float = 0.5
    backoff_cap: float = 30.0


@dataclass(slots=True)
class _Call:
    """What has become of one request so far. Tokens count every reply that was paid for."""

    failures: list[str] = field(default_factory=list)
    attempts: int = 0
    failed: int = 0
    throttled: int = 0
    seconds: float = 0.0
    tokens_in: int = 0
    tokens_out: int = 0


@dataclass(frozen=True, slots=True)
class _Batch:
    """The requests of one `run`, and the answers to each of their samples so far."""

    requests: Sequence[Request]
    answers: list[list[Completion | None]]
    group: asyncio.TaskGroup
    done: Done | None

    def take(self, index: int, sample: int, completion: Completion) -> None:
        self.answers[index][sample] = completion
        if self.done:
            self.done(index, sample, completion)


class RequestLoop:
    """One endpoint's loop, session and limit, shared by any number of threads."""

    def __init__(
        self,
        endpoint: Endpoint,
        policy: Policy,
        body: ChatBody,
        account: Account | None = None,
    ) -> None:
        self._endpoint = endpoint
        self._policy = policy
        self._body = body
        # As the recipe has it: what an endpoint makes us change is no other question.
        self._asked = body
        self._account = account
        self._limit = AdaptiveLimit(policy.in_flight)
        self._session: HttpSession | None = None
        # Every `run` in progress, and the error of another one that stopped it.
        self._batches: dict[asyncio.Task[Any], SrtError | None] = {}
        self._thread = LoopThread("chat requests", self._close_session)

    @property
    def alive(self) -> bool:
        return self._thread.alive

    def run(self, requests: Sequence[Request], done: Done | None = None) -> list[list[Completion]]:
        """The samples of each request, in order; SrtError if the run has to stop.

        `done` is told each as it arrives, while its slot is still taken.
        """
        return self._wait_for(self._batch(requests, done))

    def key(self, request: Request, sample: int = 0) -> bytes:
        """What is asked, hashed: model, messages, sampling parameters, seed, schema, sample."""
        asked = self._asked.encode(replace(request, samples=1) if request.samples > 1 else request)
        return hashlib.sha256(b"openai\0" + asked + (b"\0%d" % sample if sample else b"")).digest()

    def check(self) -> None:
        """Ask for the list of models: is anybody there, and is the key good?"""
        self._wait_for(self._check())

    def close(self) -> None:
        self._thread.close()

    def _wait_for(self, coroutine: Coroutine[Any, Any, T]) -> T:
        try:
            return self._thread.run(coroutine)
        except CancelledError:
            pass
        raise RunFailed(f"{self._endpoint}: unloaded while requests were outstanding")

    async def _batch(
        self, requests: Sequence[Request], done: Done | None
    ) -> list[list[Completion]]:
        task = asyncio.current_task()
        self._batches[task] = None
        try:
            async with asyncio.TaskGroup() as group:
                answers = [[None] * request.samples for request in requests]
                batch = _Batch(requests, answers, group, done)
                for index, request in enumerate(requests):
                    calls = {sample: _Call() for sample in range(request.samples)}
                    group.create_task(self._answer(batch, index, calls))
            return answers
        except ExceptionGroup as errors:
            stop = errors.exceptions[0]
        except asyncio.CancelledError:
            stop = self._batches[task]
            if stop is None:
                raise
        finally:
            del self._batches[task]
        if isinstance(stop, SrtError):
            for other in self._batches:
                self._batches[other] = stop
                other.cancel()
            # Raised in several threads, each of which adds its own traceback.
            raise type(stop)(*stop.args)
        raise stop

    async def _answer(self, batch: _Batch, index: int, calls: dict[int, _Call]) -> None:
        """Bring the samples that `calls` has, in as many attempts as it takes."""
        clock = asyncio.get_running_loop().time
        again = False
        while calls:
            samples = list(calls)
            request = batch.requests[index].only(samples)
            outcomes: list[Outcome] = []
            wait = 0.0
            held = await self._hold(request)
            try:
                ticket = await self._limit.acquire(again)
                begun, body = clock(), self._body
                try:
                    outcomes = await self._fetch(request, body)
                    for sample, outcome in zip(samples, outcomes, strict=False):
                        call = calls[sample]
                        call.attempts += 1
                        verdict = self._judge(call, outcome, body, ticket)
                        if isinstance(verdict, Answered):
                            call.seconds += clock() - begun
                            batch.take(index, sample, self._completion(calls.pop(sample), verdict))
                        else:
                            wait = max(wait, verdict)
                finally:
                    self._limit.release()
            finally:
                self._settle(held, outcomes)
            # An endpoint that gave fewer choices than it was asked for may know no more than one.
            for sample in samples[len(outcomes) :]:
                batch.group.create_task(self._answer(batch, index, {sample: calls.pop(sample)}))
            again = True
            await asyncio.sleep(wait)
            for call in calls.values():
                call.seconds += clock() - begun

    async def _hold(self, request: Request) -> float:
        """Wait until the budget has room for the longest answers there could be."""
        if self._account is None:
            return 0.0
        size = len(self._asked.encode(request))
        held = self._account.at_most(size, self._asked.max_tokens * request.samples)
        await self._account.budget.hold(held)
        return held

    def _settle(self, held: float, outcomes: Sequence[Outcome]) -> None:
        if self._account is None:
            return
        paid = [outcome for outcome in outcomes if not isinstance(outcome, Rejected)]
        tokens_in = sum(outcome.tokens_in for outcome in paid)
        tokens_out = sum(outcome.tokens_out for outcome in paid)
        self._account.budget.settle(held, self._account.amount(tokens_in, tokens_out))

    async def _fetch(self, request: Request, body: ChatBody) -> list[Outcome]:
        """One outcome for each sample, or for fewer; at least one."""
        reply = await self._open_session().chat(body.encode(request))
        if isinstance(reply, Failed):
            return [reply] * request.samples
        outcomes = read_choices(reply.status, reply.body, reply.headers, request.samples)
        if any(isinstance(outcome, Answered) for outcome in outcomes):
            self._limit.succeeded()
        return outcomes

    def _judge(
        self, call: _Call, outcome: Outcome, body: ChatBody, ticket: int
    ) -> Answered | float:
        """The answer, or the seconds to wait before the next attempt."""
        if isinstance(outcome, Answered):
            if outcome.reason == "call_failed":
                call.failures.append(self._say(outcome.detail))
            return outcome
        if isinstance(outcome, Failed):
            call.failures.append(self._say(outcome.failure))
            call.tokens_in += outcome.tokens_in
            call.tokens_out += outcome.tokens_out
            return self._retry(call, outcome.failure, connected=outcome.connected)
        call.failures.append(outcome.name)
        if outcome.status == 429:
            return self._throttle(call, outcome, ticket)
        said = f"{outcome.name}: {outcome.message}"
        if outcome.may_pass:
            wait = self._retry(call, said)
            return wait if isinstance(wait, Answered) else max(wait, self._pause(outcome))
        if changes := body.changes(outcome):
            self._adapt(changes)
            return 0.0
        if reason := rejection_reason(outcome):
            return Answered(None, reason=reason, detail=said)
        if error := self._refusal(outcome):
            raise error
        return Answered(None, reason="call_failed", detail=said)

    def _retry(self, call: _Call, said: str, connected: bool = True) -> Answered | float:
        call.throttled = 0
        call.failed += 1
        if call.failed < self._policy.max_attempts:
            return self._backoff(call.failed)
        if not connected:
            raise RunFailed(
                f"cannot reach {self._endpoint}: {self._say(said)} ({call.failed} attempts);"
                " the same command continues the run"
            )
        detail = f"{said} (the last of {call.failed} failures)" if call.failed > 1 else said
        return Answered(None, reason="call_failed", detail=detail)

    def _throttle(self, call: _Call, rejected: Rejected, ticket: int) -> float:
        call.throttled += 1
        self._limit.throttled(ticket)
        said = self._say(rejected.message)
        if "insufficient_quota" in rejected.code:
            raise RunFailed(f"{self._endpoint}: the account's quota is used up (429): {said}")
        if call.throttled >= self._policy.max_throttled:
            raise RunFailed(
                f"{self._endpoint}: rate limited, {call.throttled} refusals in a row (429): {said}"
            )
        return max(self._backoff(call.throttled), self._pause(rejected))

    def _pause(self, rejected: Rejected) -> float:
        """Stop sending for as long as the endpoint asks; returns those seconds, or 0."""
        seconds = rejected.retry_after
        if seconds is None:
            return 0.0
        if seconds > MAX_PAUSE:
            raise RunFailed(
                f"{self._endpoint}: asks to wait {seconds:.0f} s ({rejected.name}):"
                f" {self._say(rejected.message)}; the same command continues the run"
            )
        if self._limit.pause(seconds) and seconds >= 10:
            logger.warning("%s asks to wait %.0f s", self._endpoint, seconds)
        return seconds

    def _backoff(self, failures: int) -> float:
        longest = self._policy.backoff_base * 2 ** min(failures - 1, 30)
        return random.uniform(0, min(self._policy.backoff_cap, longest))  # noqa: S311

    def _adapt(self, changes: Mapping[str, Any]) -> None:
        """Write bodies differently from now on; requests in flight may find out the same."""
        adapted = replace(self._body, **changes)
        if adapted == self._body:
            return
        self._body = adapted
        if "with_schema" in changes:
            logger.warning("%s takes no response_format: going on without it", self._endpoint)

    def _refusal(self, rejected: Rejected) -> SrtError | None:
        """The error for a rejection that every other request would meet too."""
        status, said = rejected.status, self._say(rejected.message)
        if status in (401, 403):
            key = self._endpoint.key_env
            if key is None:
                return BadInput(f"{self._endpoint} wants a key, set api_key_env ({status}): {said}")
            return BadInput(f"{self._endpoint} refused the key in ${key} ({status}): {said}")
        if status in (404, 405, 410):
            return BadInput(
                f"{self._endpoint}: no model {self._body.model!r} or no chat completions there"
                f" ({status}): {said}"
            )
        if status == 402:
            return RunFailed(f"{self._endpoint}: payment required (402): {said}")
        if status < 400:
            return BadInput(f"{self._endpoint} redirects to {said} ({status}): set base_url to it")
        if "unsupported_" in rejected.code:
            return BadInput(f"{self._endpoint} refuses a setting of the recipe ({status}): {said}")
        return None

    async def _check(self) -> None:
        reply = await self._open_session().models()
        if isinstance(reply, Failed):
            raise RunFailed(f"cannot reach {self._endpoint}: {self._say(reply.failure)}")
        if reply.status in (401, 403):
            rejected = rejection(reply.status, reply.body or b"")
            # A key that is restricted to completions may not list the models.
            if "scope" not in rejected.message:
                raise self._refusal(rejected)

    def _open_session(self) -> HttpSession:
        if self._session is None:
            self._session = HttpSession(self._endpoint, self._policy.deadline)
        return self._session

    async def _close_session(self) -> None:
        if self._session is not None:
            await self._session.close()

    def _completion(self, call: _Call, answered: Answered) -> Completion:
        return Completion(
            text=answered.text,
            tokens_in=call.tokens_in + answered.tokens_in,
            tokens_out=call.tokens_out + answered.tokens_out,
            finish_reason=answered.finish_reason,
            reason=answered.reason,
            detail=self._say(answered.detail) if answered.detail else None,
            latency=call.seconds,
            attempts=call.attempts,
            failures=tuple(call.failures),
        )

    def _say(self, text: str) -> str:
        return one_line(redact(text, self._endpoint.key))
