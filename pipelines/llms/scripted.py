"""A model that a test has written."""

import importlib
from collections.abc import Callable, Sequence
from typing import ClassVar

from pydantic import PrivateAttr

from builders.errors import BadInput
from pipelines.llms.base import ChatLLM, Completion, Message, Request

Script = Callable[[Sequence[Message], int], str | Completion]


class ScriptedLLM(ChatLLM):
    """For tests only: the answers come from a function, and no model is asked.

    `script` is "package.module:function"; the function takes the messages and the seed, and
    may be called from several threads. What it raises is raised.
    """

    endpoint: ClassVar[str] = "scripted"
    concurrent_batches: ClassVar[int] = 4

    model: str = "scripted"
    script: str

    _answer: Script | None = PrivateAttr(None)

    def load(self) -> None:
        """Import the function; BadInput if `script` does not name one."""
        super().load()
        self._answer = _resolve(self.script)

    def complete(self, requests: Sequence[Request]) -> list[Completion]:
        if self._answer is None:
            self.load()
        answers = [self._answer(request.messages, request.seed) for request in requests]
        return [
            Completion(answer, finish_reason="stop") if isinstance(answer, str) else answer
            for answer in answers
        ]


def _resolve(script: str) -> Script:
    module, _, name = script.partition(":")
    try:
        answer = getattr(importlib.import_module(module), name)
    except (ImportError, ValueError, AttributeError) as error:
        raise BadInput(f"script {script!r}: {error}") from None
    if not callable(answer):
        raise BadInput(f"script {script!r}: not a function")
    return answer
