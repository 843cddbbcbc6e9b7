import asyncio

import httpx
import pytest

from services.chat.answerer import Answer
from services.chat.errors import ChatError
from tests.chat_server import running_chat


class Repeater:
    """Answers with the last message, word by word; what it says otherwise is asked for by words.

    `running` answers are in progress, and `canceled` were given up.
    """

    name = "org/repeater"

    def __init__(self):
        self.asked = []
        self.running = 0
        self.peak = 0
        self.canceled = 0

    async def answer(self, asked, put=None):
        self.asked.append(asked)
        self.running += 1
        self.peak = max(self.peak, self.running)
        try:
            return await self._answer(asked, put)
        except asyncio.CancelledError:
            self.canceled += 1
            raise
        finally:
            self.running -= 1

    async def _answer(self, asked, put):
        text = asked.turns[-1][1]
        if text == "too long":
            raise ChatError(400, "too long", param="messages", code="context_length_exceeded")
        if text == "broken":
            raise ZeroDivisionError
        words = text.split(" ")
        for word in words[:-1]:
            if put:
                put(f"{word} ")
            await asyncio.sleep(0)
        if text.endswith("and hang"):
            await asyncio.Event().wait()
        if text.endswith("and break"):
            raise ZeroDivisionError
        if text.endswith("slowly"):
            await asyncio.sleep(0.2)
        return Answer(text, "stop", 3, len(words), {"seed": asked.seed})


@pytest.fixture
def repeater():
    return Repeater()


@pytest.fixture
def server(repeater):
    with running_chat(repeater) as url:
        yield url


@pytest.fixture
def http(server):
    with httpx.Client(base_url=server, timeout=30) as client:
        yield client


@pytest.fixture
def chat(http):
    """Posts a request about a text, with these fields."""

    def post(text="Hi there", **fields):
        messages = [{"role": "user", "content": text}]
        body = {"model": "org/repeater", "messages": messages, **fields}
        return http.post("/v1/chat/completions", json=body)

    return post
