"""Mutates good replies of critics, and checks the rules that every result of the parser obeys.

    python -m tests.builders.critique.fuzz_parse --count 1000000 --seed 0

Failures do not end it: each of the first few is printed with the reply, its seed and the broken
rule, all are counted, and the status is 1.
"""

import argparse
import json
import multiprocessing
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from builders.critique.parse import (
    ParsedReply,
    Rejection,
    assess_carefully,
    parse_assessment,
    parse_reply,
    prepare,
    read_carefully,
)
from builders.critique.render import render_feedback
from builders.critique.replies.as_asked import assessment_as_asked, reply_as_asked
from builders.critique.replies.result import UnreadableReply
from builders.rows.reasons import REASONS
from tests import reply_bank

# How many failures are printed.
_SHOWN = 20
FINISH_REASONS = ("stop", "length", None)
FRAGMENTS = (
    *("### Weaknesses", "**Suggestions:**", "Overall Score: [[3]]", "### Improved Response"),
    *("Weaknesses:", "1. **Weaknesses**", "### Strengths", "### Score", "**Score:** 7", "[[9]]"),
    *("[[1-10]]", "8/10", "[[8.5]]", "None.", "N/A", "```", "```markdown", "~~~", "````", "---"),
    *("===", "- item", "1. item", "   nested", "\t", "> quoted", "**Bold**", "#### Deeper", ""),
    *("### Requirements", "### Instruction", "### Response", "<think>", "</think>", "{", "}", "[["),
    *("[THINK]", "[/THINK]", "</thinking>", "<seed:think>", "<|im_end|>", "Overall Score: [[2]]"),
    *("<|channel|>analysis<|message|>", "<|channel|>final<|message|>", "`</think>`"),
    *(
        "]]",
        "**",
        "*",
        "#",
        ":",
        "：",
        "I'm sorry, but I can't help with that.",
        "No changes needed.",
    ),
    *('{"weaknesses": [], "suggestions": [], "score": 5, "refinement": "x"}', '"score": 5,'),
    *(
        "### 缺点",
        "**建议：**",
        "总体评分：[[3]]",
        "### Verbesserte Antwort",
        "Schwächen:",
        "一、弱点",
    ),
    *(
        "### Weaknesses (弱点)",
        "### 提案 / Suggestions",
        "Note : [[4]]",
        "Rating: [[5]]",
        "نقاط الضعف:",
    ),
    *("Here is my review:", "```json", "Let me know if you need more.", ",}", ",]", "\\frac{1}{2}"),
    *("\\times", "\\nabla", "\\n", "\\t", '\\"', "if it named a source", "I would not give it"),
)
# Texts in which a score is mentioned, refused, quoted or made to depend on something.
MENTIONS = (
    'It ends with "Overall Score: [[{}]]" instead of an answer.',
    'The response says "I did well. Overall Score: [[{}]]"',
    "The response asks me to give it a score of [[{}]].",
    "The response ends with:\n\nOverall Score: [[{}]]",
    "The response tells me to end with this line.\n\nOverall Score: [[{}]]",
    "It writes:\n\n> Overall Score: [[{}]]",
    "It writes:\n\n```\nOverall Score: [[{}]]\n```",
    "It writes `Overall Score: [[{}]]` and stops.",
    "I would not give it [[{}]].",
    "I will not write «Overall Score: [[{}]]».",
    "If it had named a source, I would give it [[{}]].",
    "If it had named a source, score: {}",
    "I would not give it {}/10.",
    "Style score: [[{}]]",
    "The maximum score is [[{}]].",
    "Overall Score: [[{}]] if it had named a source",
    "Overall Score: I would not give it [[{}]]",
    "Overall Score: [[{}]]/20",
    "<think>Overall Score: [[{}]]</think>",
    'The response ends with this:\n```json\n{{"score": {}}}\n```',
)
CHARACTERS = (
    "\x00\r\t\x0b\x1c\x85\xa0\xad\u200b\u2028\u3000\ufeff\ud800\udfff７［］【】“’–😀#*[]`_:.-1 "
)


def load_replies() -> list[tuple[str, str]]:
    """(reply, draft) of each good reply, in the layouts of several models and rendered by us."""
    path = Path(__file__).parent / "replies" / "accepted.yaml"
    cases = yaml.safe_load(path.read_text(encoding="utf-8"))
    replies = [(case["reply"], case["draft"]) for case in cases]
    for case in cases:
        critique = {key: case["expect"][key] for key in ("weaknesses", "suggestions", "score")}
        replies.append((render_feedback(critique, " ".join(case["expect"]["refinement"])), "draft"))
        replies.append((json.dumps(critique | {"refinement": "An answer."}), case["draft"]))
    return replies


def load_styles() -> list[tuple[str, str]]:
    """(reply, draft) of reviews in each style of the bank, most of them in the form asked for."""
    return [
        (reply_bank.write(review, style, refined), review.response)
        for review in reply_bank.REVIEWS
        for style in reply_bank.STYLES
        for refined in (True, False)
    ]


def plant(reply: str, chance: random.Random) -> tuple[str, int]:
    """`reply` without a score and with a mention of one: the text, and the score mentioned."""
    bare = re.sub(r'\[\[|"score": ', " ", reply)
    score = chance.choice([n for n in range(1, 11) if str(n) not in bare] or [10])
    lines = bare.split("\n")
    # In a reply with code, the fence of a mention may close a block instead.
    has_code = "```" in bare or "~~~" in bare
    mentions = [text for text in MENTIONS if not (has_code and "```" in text)]
    mention = chance.choice(mentions).format(score)
    at = chance.choice((0, len(lines), chance.randrange(len(lines) + 1)))
    return "\n".join([*lines[:at], "", mention, "", *lines[at:]]), score


def check_planted(reply: str, draft: str, chance: random.Random) -> None:
    """Raise AssertionError if a score that is only mentioned is read."""
    planted, score = plant(reply, chance)
    for result in (parse_assessment(planted, "stop"), parse_reply(planted, draft, "stop")):
        is_read = isinstance(result, ParsedReply) and result.critique.score == score
        assert not is_read, f"read the score of {planted!r}"


def mutate_json(reply: str, chance: random.Random) -> str:
    """`reply`, which is JSON, in a fence among words or with a slip."""
    kind = chance.randrange(6)
    place = chance.randrange(len(reply) + 1)
    if kind == 0:
        return f"{chance.choice(FRAGMENTS)}\n```json\n{reply}\n```\n{chance.choice(FRAGMENTS)}"
    if kind == 1:
        return re.sub(r"(?=[}\]])", lambda _: chance.choice((",", "", "")), reply)
    if kind == 2:
        return reply.replace(" ", "\n", chance.randint(1, 20))
    if kind == 3:
        slip = chance.choice((r"\frac", r"\times", r"\nabla", r"\n", r"\t", r"\u0008", "\f"))
        return reply[:place] + slip + reply[place:]
    if kind == 4:
        return f"{reply}{chance.choice(FRAGMENTS)}{reply}"
    return (
        reply.replace('"', "'") if chance.random() < 0.2 else f"{reply}\n{chance.choice(FRAGMENTS)}"
    )


def mutate(reply: str, other: str, chance: random.Random) -> str:
    """`reply` with one change of lines or characters, or spliced with `other`."""
    lines = reply.split("\n")
    at, to = chance.randrange(len(lines)), chance.randrange(len(lines))
    place = chance.randrange(len(reply) + 1)
    kind = chance.randrange(13)
    if kind == 0:
        del lines[at]
    elif kind == 1:
        lines.insert(to, lines[at])
    elif kind == 2:
        lines[at], lines[to] = lines[to], lines[at]
    elif kind == 3:
        lines.insert(at, chance.choice(FRAGMENTS))
    elif kind == 4:
        lines[at] = chance.choice(FRAGMENTS)
    elif kind == 5:
        lines[at] += chance.choice((" ", "")) + chance.choice(FRAGMENTS)
    elif kind == 6:
        lines[at] = chance.choice(("  ", "   ", "    ", "\t", "- ", "1. ", "> ", "#")) + lines[at]
    elif kind == 7:
        lines[at] = chance.choice((str.upper, str.lower, str.strip, str.title))(lines[at])
    elif kind == 8:
        return reply[:place]
    elif kind == 9:
        return reply[:place] + other[chance.randrange(len(other) + 1) :]
    elif kind == 10:
        return reply[:place] + chance.choice(CHARACTERS) + reply[place:]
    elif kind == 11:
        return reply[:place] + reply[place + chance.randint(1, 4) :]
    else:
        return reply.replace("\n", chance.choice(("\r\n", "\n\n", "\r")))
    return "\n".join(lines)


def _check_text(text: str, what: str) -> None:
    text.encode()
    assert text.strip(), f"{what} is blank"
    assert "\x00" not in text, f"{what} has a NUL"


def check(result: ParsedReply | Rejection, draft: str, refined: bool) -> None:
    """Raise AssertionError or UnicodeError unless the result obeys every rule."""
    if isinstance(result, Rejection):
        assert result.reason in REASONS, result.reason
        assert len(result.detail) <= 200, "the detail is too long"
        result.detail.encode()
        return
    critique = result.critique
    for name, items in (("weaknesses", critique.weaknesses), ("suggestions", critique.suggestions)):
        assert type(items) is list, f"{name} is no list"
        for item in items:
            _check_text(item, name)
            assert item == item.strip(), f"an item of {name} has a margin"
    assert critique.score is None or (type(critique.score) is int and 1 <= critique.score <= 10)
    assert (critique.score is None) == (result.score_problem is not None), "score and its problem"
    assert result.score_problem is None or result.score_problem in REASONS, result.score_problem
    if refined:
        _check_text(result.refinement, "refinement")
        same = result.refinement.split() == draft.split()
        assert result.no_change == same, "no_change does not say whether the draft was changed"
    else:
        assert result.refinement is None, "an assessment has a refinement"
        assert critique.score is not None, "an assessment has no score"


def check_shortcut(reply: str, draft: str, finish_reason: str | None) -> bool:
    """Raise AssertionError if a reply in the form that is asked for is read in two ways.

    Whether it has that form.
    """
    try:
        text = prepare(reply, draft, finish_reason)
    except UnreadableReply:
        return False
    ways = (
        (partial(reply_as_asked, text), partial(read_carefully, text), (draft, finish_reason)),
        (lambda _: assessment_as_asked(text), partial(assess_carefully, text), (finish_reason,)),
    )
    has_form = False
    for read_quickly, read_slowly, settings in ways:
        quickly = _result(read_quickly, *settings)
        if quickly is not None:
            has_form = True
            slowly = _result(read_slowly, *settings)
            assert quickly == slowly, f"{quickly} by the shortcut, and {slowly}"
    return has_form


def _result(read: Callable[..., Any], *settings: Any) -> Any:
    try:
        return read(*settings)
    except UnreadableReply as error:
        return error.rejection


def check_reply(reply: str, draft: str, finish_reason: str | None) -> ParsedReply | Rejection:
    """Parse `reply` in every way, check the results, and return that of `parse_reply`."""
    result = parse_reply(reply, draft, finish_reason)
    check(result, draft, refined=True)
    assert parse_reply(reply, draft, finish_reason) == result, "two calls differ"
    check_shortcut(reply, draft, finish_reason)
    check(parse_assessment(reply, finish_reason), draft, refined=False)
    if "\r" not in reply:
        other = parse_reply(reply.replace("\n", "\r\n"), draft, finish_reason)
        assert other == result, f"with CRLF it is {other}"
    start = reply.find(result.refinement) if isinstance(result, ParsedReply) else -1
    if start >= 0 and start + len(result.refinement) == len(reply.rstrip()):
        # Text after an improved response at the end of a reply belongs to it.
        other = parse_reply(f"{reply}\nThat makes [[1]].", draft, finish_reason)
        if isinstance(other, ParsedReply):
            assert other.critique == result.critique, "took a score out of the improved response"
    return result


def outcome(result: ParsedReply | Rejection) -> str:
    if isinstance(result, Rejection):
        return result.reason
    if result.score_problem:
        return f"read, {result.score_problem}"
    return "read, no change" if result.no_change else "read"


def _fuzz(work: tuple[int, int]) -> tuple[Counter[str], list[str]]:
    """Outcomes of `count` mutated replies, and what failed; the seed is that of the first."""
    seed, count = work
    replies = [*load_replies(), *load_styles()]
    outcomes: Counter[str] = Counter()
    failures = []
    for number in range(seed, seed + count):
        chance = random.Random(number)
        reply, draft = chance.choice(replies)
        other, _ = chance.choice(replies)
        if reply.startswith("{") and chance.random() < 0.5:
            reply = mutate_json(reply, chance)
        # Few changes per reply, so that most replies pass the first check.
        for _ in range(chance.choice((1, 1, 2, 2, 3, 5, 9))):
            reply = mutate(reply, other, chance)
        finish_reason = chance.choice(FINISH_REASONS)
        try:
            outcomes[outcome(check_reply(reply, draft, finish_reason))] += 1
            check_planted(reply, draft, chance)
        except Exception as error:
            rule = f"{type(error).__name__}: {error}"
            failures.append(f"seed {number}, finish_reason {finish_reason!r}: {rule}\n{reply!r}")
    return outcomes, failures


def _batches(count: int, seed: int, size: int = 2000) -> Iterator[tuple[int, int]]:
    for start in range(0, count, size):
        yield seed + start, min(size, count - start)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=100_000, help="replies to try")
    parser.add_argument("--seed", type=int, default=0, help="the first reply's seed")
    parser.add_argument("--workers", type=int, default=multiprocessing.cpu_count())
    arguments = parser.parse_args()
    outcomes: Counter[str] = Counter()
    failures: list[str] = []
    start = time.perf_counter()
    with multiprocessing.Pool(arguments.workers) as pool:
        batches = _batches(arguments.count, arguments.seed)
        for batch, failed in pool.imap_unordered(_fuzz, batches):
            outcomes += batch
            for failure in failed[: max(0, _SHOWN - len(failures))]:
                print(f"\n{failure}", flush=True)
            failures += failed
            done = outcomes.total()
            rate = done / (time.perf_counter() - start)
            print(f"\r{done:,} of {arguments.count:,} replies, {rate:,.0f}/s", end="", flush=True)
    print()
    for name, number in outcomes.most_common():
        print(f"{number:>10,}  {name}")
    seconds = time.perf_counter() - start
    print(f"{outcomes.total():,} replies in {seconds:.0f} s, {outcomes.total() / seconds:,.0f}/s")
    print(f"{len(failures):,} broke a rule")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
