"""Models written by tests: the functions that `kind: scripted` recipes name."""

import os
import re
import signal

from builders.errors import BadInput
from pipelines.llms.messages import Completion
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
    if messages[-1]["content"].startswith("Your reply could not be read"):
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
    if not request.startswith("Critique your last response"):
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


def rubric_critic(messages, seed):
    """A critic who scores by the criteria that it is shown, low where it is shown none."""
    text = messages[-1]["content"]
    _, shown, rest = text.partition("criteria:\n" if "last response" in text else "### Criteria\n")
    score = 3 + len(rest.split("\n")[1]) % 7 if shown else 1
    review = (
        f"### Weaknesses\n1. By {rest.split(chr(10))[1] if shown else 'none'}: no.\n\n"
        f"### Suggestions\n1. Say more.\n\nOverall Score: [[{score}]]"
    )
    if "### Improved Response" not in text:
        return review
    return f"{review}\n\n### Improved Response\nA better answer, with more in it."


def judge(messages, seed):
    """A judge who reads the quality that an answer states, whatever the words of the request."""
    return _scored(int(_quality(messages)))


def noisy_judge(messages, seed):
    """The same, one to three points off in half of the answers."""
    off = (seed // 7) % 7 - 3 if seed % 2 else 0
    return _scored(min(10, max(1, int(_quality(messages)) + off)))


def coin_judge(messages, seed):
    return _scored(1 + seed % 10)


def rubbish_judge(messages, seed):
    return "I am not sure what to say about that."


_judged = 0


def judge_killed_after_300(messages, seed):
    global _judged
    _judged += 1
    if _judged > 300:
        os.kill(os.getpid(), signal.SIGKILL)
    return judge(messages, seed)


def _quality(messages):
    return re.findall(r"quality (\d+)", " ".join(turn["content"] for turn in messages))[-1]


def _scored(score):
    return (
        "### Weaknesses\n1. It is short.\n\n### Suggestions\n1. Say more.\n\n"
        f"Overall Score: [[{score}]]"
    )


def pair_judge(messages, seed):
    """Prefers the answer that states more quality, or that says "Better" more often."""
    first, second = map(_worth, _compared(messages))
    verdict = "tie" if first == second else "A" if first > second else "B"
    return f"The difference is in what they state.\nVerdict: [[{verdict}]]"


def always_a(messages, seed):
    return "Verdict: [[A]]"


def length_judge(messages, seed):
    first, second = map(len, _compared(messages))
    return "[[tie]]" if first == second else "[[A]]" if first > second else "[[B]]"


def undecided_judge(messages, seed):
    """Cannot be read in a third of the comparisons."""
    return pair_judge(messages, seed) if seed % 3 else "Both have merits: [[A]] or [[B]]."


_compared_so_far = 0


def pair_judge_killed_after_50(messages, seed):
    global _compared_so_far
    _compared_so_far += 1
    if _compared_so_far > 50:
        os.kill(os.getpid(), signal.SIGKILL)
    return pair_judge(messages, seed)


def _compared(messages):
    text = messages[-1]["content"]
    answers = text.partition("### Response A\n")[2].partition("\n### Requirements\n")[0]
    return answers.split("### Response B\n")


def _worth(answer):
    quality = re.findall(r"quality (\d+)", answer)
    return 10 * answer.count("Better") + (int(quality[-1]) if quality else 0)


def served(messages, seed):
    """A trained model as a server asks it, which says how many words it read and wrote.

    It repeats an instruction after its seed; its critique cannot be read where that says
    "unreadable". A long refinement goes on for 100 words.
    """
    request = messages[-1]["content"]
    asked = messages[-3]["content"] if len(messages) > 2 else ""
    if not request.startswith("Critique your last response"):
        text = f"Draft {seed} of {len(messages)}: {request}"
    elif "unreadable" in asked:
        text = "It is fine as it is, I think."
    else:
        more = " ".join(f"word{number}" for number in range(100)) if "long" in asked else "more"
        text = (
            "### Weaknesses\n1. It is short.\n\n### Suggestions\n1. Say more.\n\n"
            f"Overall Score: [[4]]\n\n### Improved Response\n{messages[-2]['content']}, {more}."
        )
    words = sum(len(message["content"].split()) for message in messages)
    return Completion(text, tokens_in=words, tokens_out=len(text.split()), finish_reason="stop")
