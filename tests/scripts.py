"""Models written by tests: the functions that `kind: scripted` recipes name."""

import os
import signal

from builders.errors import BadInput
from pipelines.llms.base import Completion
from tests.openai_server import critic as server_critic
from tests.reply_bank import BROKEN


def draft(messages, seed):
    return f"A first answer to: {messages[-1]['content'][:60]} (sample {seed % 1000})"


def critic(messages, seed):
    """A critic whose every fourth review is broken, each time in another way."""
    broken = sorted(BROKEN)
    if seed % 4 == 0 and "### Improved Response" in messages[-1]["content"]:
        replies = BROKEN[broken[seed // 4 % len(broken)]]
        return replies[seed % len(replies)]
    return server_critic({"messages": messages}, seed)


def mending_critic(messages, seed):
    """Breaks its first review, mends every other one when told, and the rest never."""
    if messages[-1]["content"].startswith("Your review could not be read"):
        if seed % 2:
            return "### Weaknesses\n1. Still no score."
        return server_critic({"messages": messages[:1]}, seed)
    if "### Improved Response" in messages[-1]["content"]:
        return server_critic({"messages": messages}, seed).replace("[[", "[").replace("]]", "]")
    return server_critic({"messages": messages}, seed)


def good_critic(messages, seed):
    return server_critic({"messages": messages}, seed)


def failing(messages, seed):
    return Completion(None, reason="call_failed", detail="HTTP 500 five times", attempts=5)


def sometimes_failing(messages, seed):
    return failing(messages, seed) if seed % 5 == 0 else draft(messages, seed)


def refused(messages, seed):
    raise BadInput("http://127.0.0.1:1/v1 refused the key in $KEY (401)")


def empty(messages, seed):
    return "  "


_answered = 0


def killed_after_forty(messages, seed):
    """Answers forty times and then dies as a machine does that loses its power."""
    global _answered
    _answered += 1
    if _answered > 40:
        os.kill(os.getpid(), signal.SIGKILL)
    return draft(messages, seed)


def trained(messages, seed):
    """A model that stage 1 trained: it drafts, and reviews its last answer when asked to.

    Each refinement is better than what it refines, up to the third, and every seventh is not.
    """
    request = messages[-1]["content"]
    if not request.startswith("Review your last response"):
        return f"An answer ({sum(map(ord, request)) % 97})."
    answer = messages[-2]["content"]
    improved = answer.count("Better") + 1
    score = min(3 + 2 * answer.count("Better"), 7)
    if "(7" in answer and improved == 2:
        score = 3
    review = (
        f"### Weaknesses\n1. It is short.\n\n### Suggestions\n1. Say more.\n\n"
        f"Overall Score: [[{score}]]"
    )
    if "### Improved Response" not in request:
        return review
    return f"{review}\n\n### Improved Response\n{answer} Better."
