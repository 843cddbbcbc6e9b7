"""The request loop: limit, deadline, retries, and which failures stop a run."""

import asyncio
import hashlib
import logging
import random
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from builders.errors import RunFailed, SrtError
from pipelines.llms.budget import Account
from pipelines.llms.endpoint.address import Endpoint
from pipelines.llms.endpoint.chat_body import ChatBody
from pipelines.llms.endpoint.http_replies import (
    AnsweredRequest,
    FailedRequest,
    RejectedRequest,
    RequestOutcome,
    read_choices,
    rejection,
    rejection_reason,
)
from pipelines.llms.endpoint.http_session import HttpSession
from pipelines.llms.endpoint.limiter import AdaptiveLimit
from pipelines.llms.endpoint.loop_thread import LoopThread
from pipelines.llms.endpoint.refusals import stopping_error
from pipelines.llms.messages import Completion, Request

T = TypeVar("T")
# Called with each completion: the index of its request, the number of the sample, itself.
OnCompletion = Callable[[int, int, Completion], None]

# Seconds. An endpoint that asks for more has a daily quota; the run can be continued then.
MAX_PAUSE = 3600.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Policy:
    """How hard to try; times in seconds. `max_throttled` counts 429s in a row, which
    `max_attempts` leaves out."""

    in_flight: int = 32
    deadline: float = 120.0
    max_attempts: int = 6
    max_throttled: int = 20
    backoff_base: float = 0.5
    backoff_cap: float = 30.0


@dataclass(slots=True)
class _Call:
    """The state of one sample: its attempts so far, and the tokens of every paid reply."""

    failures: list[str] = field(default_factory=list)
    attempts: int = 0
    failed: int = 0
    throttled: int = 0
    seconds: float = 0.0
    tokens_in: int = 0
    tokens_out: int = 0


@dataclass(frozen=True, slots=True)
class _RequestGroup:
    """The requests of one `run`, and the completions of their samples so far."""

    requests: Sequence[Request]
    completions: list[list[Completion | None]]
    tasks: asyncio.TaskGroup
    on_completion: OnCompletion | None

    def put(self, index: int, sample: int, completion: Completion) -> None:
        self.completions[index][sample] = completion
        if self.on_completion:
            self.on_completion(index, sample, completion)


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
        # As the recipe has it, for the keys: a request stays the same if the endpoint refuses
        # one of its fields, or wants it under another name.
        self._recipe_body = replace(body, limit_field="max_tokens", with_seed=True)
        self._has_warned = False
        self._is_seeded = body.with_seed
        self._account = account
        self._limit = AdaptiveLimit(policy.in_flight)
        self._session: HttpSession | None = None
        # Every `run` in progress, and the error of another one that stopped it.
        self._runs: dict[asyncio.Task[Any], SrtError | None] = {}
        self._thread = LoopThread("chat requests", self._close_session)

    @property
    def alive(self) -> bool:
        return self._thread.alive

    def run(
        self, requests: Sequence[Request], on_completion: OnCompletion | None = None
    ) -> list[list[Completion]]:
        """The samples of each request, in order; SrtError if the run has to stop.

        `on_completion` is called as each arrives, while its slot is still taken.
        """
        return self._wait_for(self._run(requests, on_completion))

    def submit(self, request: Request) -> "Future[list[list[Completion]]]":
        """As `run` of one request, for a caller that does not wait; canceling it hangs up."""
        return self._thread.submit(self._run([request], None))

    def key(self, request: Request, sample: int = 0) -> bytes:
        """Hash of the request: model, messages, sampling parameters, seed, schema, sample."""
        single = replace(request, samples=1) if request.samples > 1 else request
        body = self._recipe_body.encode(single)
        sample_of = b"\0%d" % sample if sample else b""
        seedless = b"" if self._is_seeded else b"\0seedless"
        return hashlib.sha256(b"openai\0" + body + sample_of + seedless).digest()

    def check(self) -> None:
        """Does the endpoint answer, and accept the key? Nothing is paid for."""
        self._wait_for(self._check())

    def close(self) -> None:
        self._thread.close()

    def _wait_for(self, coroutine: Coroutine[Any, Any, T]) -> T:
        try:
            return self._thread.run(coroutine)
        except CancelledError:
            pass
        raise RunFailed(f"{self._endpoint}: unloaded while requests were outstanding")

    async def _run(
        self, requests: Sequence[Request], on_completion: OnCompletion | None
    ) -> list[list[Completion]]:
        task = asyncio.current_task()
        self._runs[task] = None
        try:
            async with asyncio.TaskGroup() as tasks:
                completions = [[None] * request.samples for request in requests]
                group = _RequestGroup(requests, completions, tasks, on_completion)
                for index, request in enumerate(requests):
                    calls = {sample: _Call() for sample in range(request.samples)}
                    tasks.create_task(self._complete(group, index, calls))
            return completions
        except ExceptionGroup as errors:
            stop = errors.exceptions[0]
        except asyncio.CancelledError:
            stop = self._runs[task]
            if stop is None:
                raise
        finally:
            del self._runs[task]
        if isinstance(stop, SrtError):
            for other in self._runs:
                self._runs[other] = stop
                other.cancel()
            # Raised in several threads, each of which adds its own traceback.
            raise type(stop)(*stop.args)
        raise stop

    async def _complete(self, group: _RequestGroup, index: int, calls: dict[int, _Call]) -> None:
        """Get the samples that `calls` has, in as many attempts as it takes."""
        clock = asyncio.get_running_loop().time
        again = False
        while calls:
            samples = list(calls)
            request = group.requests[index].only(samples)
            outcomes: list[RequestOutcome] = []
            wait = 0.0
            reserved = await self._reserve(request)
            try:
                ticket = await self._limit.acquire(again)
                start, body = clock(), self._body
                try:
                    outcomes = await self._fetch(request, body)
                    for sample, outcome in zip(samples, outcomes, strict=False):
                        call = calls[sample]
                        call.attempts += 1
                        decision = self._decide(call, outcome, body, ticket)
                        if isinstance(decision, AnsweredRequest):
                            call.seconds += clock() - start
                            completion = self._completion(calls.pop(sample), decision, body)
                            group.put(index, sample, completion)
                        else:
                            wait = max(wait, decision)
                finally:
                    self._limit.release()
            finally:
                self._settle(reserved, outcomes)
            # An endpoint that returned fewer choices than requested may know only one.
            for sample in samples[len(outcomes) :]:
                group.tasks.create_task(self._complete(group, index, {sample: calls.pop(sample)}))
            if not calls:
                return
            again = True
            await asyncio.sleep(wait)
            for call in calls.values():
                call.seconds += clock() - start

    async def _reserve(self, request: Request) -> float:
        """Wait until the budget has room for the longest possible reply."""
        if self._account is None:
            return 0.0
        size = len(self._recipe_body.encode(request))
        amount = self._account.at_most(size, self._recipe_body.max_tokens * request.samples)
        await self._account.budget.reserve(amount)
        return amount

    def _settle(self, reserved: float, outcomes: Sequence[RequestOutcome]) -> None:
        if self._account is None:
            return
        paid = [outcome for outcome in outcomes if not isinstance(outcome, RejectedRequest)]
        tokens_in = sum(outcome.tokens_in for outcome in paid)
        tokens_out = sum(outcome.tokens_out for outcome in paid)
        self._account.budget.settle(reserved, self._account.amount(tokens_in, tokens_out))

    async def _fetch(self, request: Request, body: ChatBody) -> list[RequestOutcome]:
        """One outcome for each sample, or for fewer; at least one."""
        payload = body.encode(request)
        reply = await self._open_session().chat(payload)
        if isinstance(reply, FailedRequest):
            return [reply] * request.samples
        outcomes = read_choices(
            reply.status, reply.body, reply.headers, request.samples, len(payload)
        )
        if any(isinstance(outcome, AnsweredRequest) for outcome in outcomes):
            self._limit.succeeded()
        if not self._has_warned and any(getattr(one, "estimated", ()) for one in outcomes):
            self._has_warned = True
            logger.warning(
                "%s does not say how many tokens it used: the budget counts the most that they "
                "can be, and the ledger's calls have none",
                self._endpoint,
            )
        return outcomes

    def _decide(
        self, call: _Call, outcome: RequestOutcome, body: ChatBody, ticket: int
    ) -> AnsweredRequest | float:
        """The answer, or the seconds to wait before the next attempt."""
        if isinstance(outcome, AnsweredRequest):
            if outcome.reason == "call_failed":
                call.failures.append(self._endpoint.printable(outcome.detail))
            return outcome
        if isinstance(outcome, FailedRequest):
            call.failures.append(self._endpoint.printable(outcome.failure))
            call.tokens_in += outcome.tokens_in
            call.tokens_out += outcome.tokens_out
            return self._retry(call, outcome.failure, connected=outcome.connected)
        call.failures.append(outcome.name)
        if outcome.status == 429:
            return self._throttle(call, outcome, ticket)
        detail = f"{outcome.name}: {outcome.message}"
        if outcome.may_pass:
            wait = self._retry(call, detail)
            return wait if isinstance(wait, AnsweredRequest) else max(wait, self._pause(outcome))
        if changes := body.changes(outcome):
            self._adapt(changes)
            return 0.0
        if reason := rejection_reason(outcome):
            return AnsweredRequest(None, reason=reason, detail=detail)
        if error := self._stopping_error(outcome):
            raise error
        return AnsweredRequest(None, reason="call_failed", detail=detail)

    def _retry(self, call: _Call, failure: str, connected: bool = True) -> AnsweredRequest | float:
        call.throttled = 0
        call.failed += 1
        if call.failed < self._policy.max_attempts:
            return self._backoff(call.failed)
        if not connected:
            raise RunFailed(
                f"cannot reach {self._endpoint}: {self._endpoint.printable(failure)} "
                f"({call.failed} attempts); the same command continues the run"
            )
        if call.failed > 1:
            failure = f"{failure} (the last of {call.failed} failures)"
        return AnsweredRequest(None, reason="call_failed", detail=failure)

    def _throttle(self, call: _Call, rejected: RejectedRequest, ticket: int) -> float:
        call.throttled += 1
        self._limit.throttled(ticket)
        message = self._endpoint.printable(rejected.message)
        if "insufficient_quota" in rejected.code:
            raise RunFailed(f"{self._endpoint}: the account's quota is used up (429): {message}")
        if call.throttled >= self._policy.max_throttled:
            raise RunFailed(
                f"{self._endpoint}: rate limited, {call.throttled} refusals in a row (429): "
                f"{message}"
            )
        return max(self._backoff(call.throttled), self._pause(rejected))

    def _pause(self, rejected: RejectedRequest) -> float:
        """Stop sending for as long as the endpoint asks; returns those seconds, or 0."""
        seconds = rejected.retry_after
        if seconds is None:
            return 0.0
        if seconds > MAX_PAUSE:
            raise RunFailed(
                f"{self._endpoint}: asks to wait {seconds:.0f} s ({rejected.name}): "
                f"{self._endpoint.printable(rejected.message)}; "
                "the same command continues the run"
            )
        if self._limit.pause(seconds) and seconds >= 10:
            logger.warning("%s asks to wait %.0f s", self._endpoint, seconds)
        return seconds

    def _backoff(self, failures: int) -> float:
        longest = self._policy.backoff_base * 2 ** min(failures - 1, 30)
        return random.uniform(0, min(self._policy.backoff_cap, longest))  # noqa: S311

    def _adapt(self, changes: Mapping[str, Any]) -> None:
        """Change the body of later requests; several in flight may ask for the same change."""
        adapted = replace(self._body, **changes)
        if adapted == self._body:
            return
        self._body = adapted
        if "with_schema" in changes:
            logger.warning("%s takes no response_format: continuing without it", self._endpoint)
        if "with_seed" in changes:
            logger.warning(
                "%s takes no seed: continuing without it; the ledger's calls have none",
                self._endpoint,
            )

    def _stopping_error(self, rejected: RejectedRequest) -> SrtError | None:
        missing = f"no model {self._body.model!r} or no chat completions there"
        return stopping_error(self._endpoint, rejected, missing, self._body)

    async def _check(self) -> None:
        reply = await self._open_session().models()
        if isinstance(reply, FailedRequest):
            if not reply.connected:
                failure = self._endpoint.printable(reply.failure)
                raise RunFailed(f"cannot reach {self._endpoint}: {failure}")
        elif reply.status not in (401, 403):
            return
        # A gateway or a restricted key may not list the models, and chat all the same. A request
        # without messages is refused for that, or for its key.
        chat = await self._open_session().chat(self._body.encode(Request([], seed=0)))
        if isinstance(chat, FailedRequest) or chat.status not in (401, 403):
            return
        raise self._stopping_error(rejection(chat.status, chat.body or b"", chat.headers))

    def _open_session(self) -> HttpSession:
        if self._session is None:
            self._session = HttpSession(self._endpoint, self._policy.deadline)
        return self._session

    async def _close_session(self) -> None:
        if self._session is not None:
            await self._session.close()

    def _completion(self, call: _Call, answered: AnsweredRequest, body: ChatBody) -> Completion:
        return answered.completion(
            self._endpoint.printable,
            latency=call.seconds,
            attempts=call.attempts,
            failures=tuple(call.failures),
            tokens_in=call.tokens_in,
            tokens_out=call.tokens_out,
            seeded=body.with_seed,
        )
