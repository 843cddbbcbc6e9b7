"""A stand-in for a model: a function that a test defines."""

import importlib
from collections.abc import Callable, Sequence
from typing import ClassVar

from pydantic import PrivateAttr

from builders.errors import BadInput
from pipelines.llms.base import ChatLLM
from pipelines.llms.messages import Completion, Message, Request

Script = Callable[[Sequence[Message], int], str | Completion]


class ScriptedLLM(ChatLLM):
    """For tests only: the completions come from a function, not from a model.

    `script` is "package.module:function"; the function takes the messages and the seed, and
    may be called from several threads. Its exceptions are not caught.
    """

    endpoint: ClassVar[str] = "scripted"
    concurrent_batches: ClassVar[int] = 4

    model: str = "scripted"
    script: str

    _function: Script | None = PrivateAttr(None)

    def load(self) -> None:
        """Import the function; BadInput if `script` does not name one."""
        super().load()
        self._function = _resolve(self.script)

    def _complete(self, requests: Sequence[Request]) -> list[Completion]:
        if self._function is None:
            self.load()
        replies = [self._function(request.messages, request.seed) for request in requests]
        return [
            Completion(reply, finish_reason="stop") if isinstance(reply, str) else reply
            for reply in replies
        ]


def _resolve(script: str) -> Script:
    module, _, name = script.partition(":")
    try:
        function = getattr(importlib.import_module(module), name)
    except (ImportError, ValueError, AttributeError) as error:
        raise BadInput(f"script {script!r}: {error}") from None
    if not callable(function):
        raise BadInput(f"script {script!r}: not a function")
    return function
