"""A model's thinking, told apart from its answer where both are in one text.

A mark of thinking is `<think>`, `[THINK]`, a channel of the harmony format and so on (`_OPENINGS`,
`_CLOSINGS`). What follows the last closing mark is the answer; all before it is thinking, also
words before the opening mark, and the beginning of a text whose opening mark was in the prompt. A
text whose last opening mark is not closed is all thinking: it was cut.

An answer may be about such marks. So one does not count

- in a code span, or a fenced block that is closed; but a closing mark alone on its line, in a
  block without its opening mark, counts: thinking often leaves a fence open;
- in quotes;
- in the middle of a sentence ("The <think> tag opens it, and </think> closes it."). Whether that
  is thinking cannot be known: it stays, and `foreign_text` finds it.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

_TAGS = "(?:think(?:ing)?|thoughts?|reasoning|seed:think)"
_TURN = r"(?:<\|end\|>\s*)?(?:<\|start\|>assistant)?<\|channel\|>"
_OPENINGS = (
    rf"<{_TAGS}>|(?-i:\[THINK\])|◁think▷|<\|begin_of_thought\|>|<\|START_THINKING\|>|<unused94>(?:thought)?"
    rf"|<\|channel>thought|{_TURN}(?:analysis|commentary)[^<\n]{{0,80}}<\|message\|>"
)
_CLOSINGS = (
    rf"</{_TAGS}>|(?-i:\[/THINK\])|◁/think▷|<\|end_of_thought\|>|<\|END_THINKING\|>|<unused95>"
    rf"|<channel\|>|{_TURN}final\b[^<\n]{{0,80}}(?:<\|constrain\|>\w*)?<\|message\|>"
    r"|\[BEGIN FINAL RESPONSE\]"
)
_MARK = re.compile(f"(?P<opening>{_OPENINGS})|(?P<closing>{_CLOSINGS})", re.IGNORECASE)
# Every mark has one of these: a text without them, as most are, is not searched.
_PARTS = ("think]", "think▷", "final response]")
_PARTS_OF_TAGS = (
    *("think>", "thinking>", "thought>", "thoughts>", "reasoning>"),
    *("_thought|>", "_thinking|>", "channel>", "channel|>", "<unused9"),
)
PART = re.compile("|".join(map(re.escape, (*_PARTS, *_PARTS_OF_TAGS))), re.IGNORECASE)
# Whole replies whose marks are words. Harmony's are what is left of its tokens once a server has
# removed them.
_IN_WORDS = (
    re.compile(r"\s*analysis(?=[^\s,.:;])(?P<thinking>.*)assistantfinal(?P<answer>.*)", re.DOTALL),
    re.compile(
        r"\s*here(?:'s| is) my thought process:(?P<thinking>.*?)\bhere(?:'s| is) my response:"
        r"(?P<answer>.*)",
        re.DOTALL | re.IGNORECASE,
    ),
)
# What some models put around the answer that follows their thinking.
_WRAPPED = (
    re.compile(r"<(answer|response|output|solution)>(?P<answer>.*)</\1>", re.DOTALL),
    re.compile(r"<\|begin_of_solution\|>(?P<answer>.*?)(?:<\|end_of_solution\|>)?", re.DOTALL),
    re.compile(r"<\|START_RESPONSE\|>(?P<answer>.*?)(?:<\|END_RESPONSE\|>)?", re.DOTALL),
    re.compile(r"(?P<answer>.*)\[END FINAL RESPONSE\](?:\s*<\|end\|>)?", re.DOTALL),
)

_FENCE = re.compile(
    r"^[ \t>]*(?:(?:[-*+•]|\d{1,3}[.)])[ \t]+)?(`{3,}|~{3,})([^\n`]*)$", re.MULTILINE
)
_SPAN = re.compile(r"(?<!`)(`+)(?!`)[^\n]*?(?<!`)\1(?!`)")
_QUOTES = frozenset("\"'`“”‘’„«»")
_UNFINISHED = re.compile(r"[\w,;–—-]\s*$")
_GOES_ON = re.compile(r"[ \t]+[a-zà-ÿ]|[ \t]*[,.;:)?!](?:\s|$)")

# A text with more marks than this repeats itself: they all count.
_MOST_MARKS = 64

Mark = re.Match[str]


class SplitReply(NamedTuple):
    """`reasoning` is None if there is none; `is_cut` if the answer never began."""

    answer: str
    reasoning: str | None = None
    is_cut: bool = False


def split_reasoning(text: str) -> SplitReply:
    """The answer in a model's text, and the thinking around it.

    >>> split_reasoning("<think>It is even.</think>It is 4.")
    SplitReply(answer='It is 4.', reasoning='It is even.', is_cut=False)
    >>> split_reasoning("Write `</think>` after it.")
    SplitReply(answer='Write `</think>` after it.', reasoning=None, is_cut=False)
    """
    for form in _IN_WORDS:
        if match := form.match(text):
            return SplitReply(match["answer"].strip(), match["thinking"].strip() or None)
    if not may_have_marks(text):
        return SplitReply(text)
    if len(marks := list(_MARK.finditer(text))) > _MOST_MARKS:
        last = marks[-1]
        end = last.end() if last["closing"] else len(text)
        return SplitReply(text[end:].strip(), text[:end].strip(), is_cut=end == len(text))
    thoughts: list[str] = []
    rest = text
    while (mark := next(_counting(rest), None)) is not None:
        thoughts.append(rest[: mark.start()])
        rest = rest[mark.end() :]
        if mark["closing"]:
            continue
        if (closing := _closing_of(rest)) is None:
            return SplitReply("", _joined([*thoughts, rest]), is_cut=True)
        thoughts.append(rest[: closing.start()])
        rest = rest[closing.end() :]
    if not thoughts:
        return SplitReply(text)
    return SplitReply(_unwrapped(rest.strip()), _joined(thoughts))


def stray_mark(text: str) -> str | None:
    """A mark of thinking in an answer, outside code and quotes; None if there is none."""
    if not may_have_marks(text):
        return None
    return next((mark[0] for mark in _counting(text, in_sentences=True)), None)


def without_code(text: str) -> str:
    """`text` without its code spans and closed fenced blocks."""
    if "`" not in text and "~~~" not in text:
        return text
    kept, start = [], 0
    for begin, end in _fenced(text):
        kept.append(text[start:begin])
        start = end
    return _SPAN.sub("", "".join([*kept, text[start:]]))


def may_have_marks(text: str) -> bool:
    """False for most texts without any mark of thinking."""
    lower = text.lower()
    has_part = lower.__contains__
    return any(map(has_part, _PARTS)) or (">" in lower and any(map(has_part, _PARTS_OF_TAGS)))


def _joined(thoughts: list[str]) -> str | None:
    return "\n\n".join(filter(None, (thought.strip() for thought in thoughts))) or None


def _unwrapped(answer: str) -> str:
    for form in _WRAPPED:
        if match := form.fullmatch(answer):
            return match["answer"].strip()
    return answer


def _counting(text: str, *, in_sentences: bool = False) -> Iterator[Mark]:
    """The marks that count in what may be an answer, in order."""
    marks = list(_MARK.finditer(text))
    if not marks:
        return
    fences = _fenced(text)
    spans = [match.span() for match in _SPAN.finditer(text)]
    mentioned = 0
    for at, mark in enumerate(marks):
        if mark.start() < mentioned or _around(mark, spans):
            continue
        if (fence := _around(mark, fences)) and (
            mark["opening"]
            or not _is_alone(mark)
            or any(other["opening"] and other.start() > fence[0] for other in marks[:at])
        ):
            continue
        pair = _pair_on_line(mark, marks[at + 1 : at + 2])
        is_mention = _is_quoted(text, mark.start(), pair.end()) or (
            not in_sentences and _is_in_sentence(text, mark, pair, is_last=at + 1 == len(marks))
        )
        if is_mention:
            mentioned = pair.end()
        else:
            yield mark


def _fenced(text: str) -> list[tuple[int, int]]:
    """The fenced blocks that are closed, by their first and last character."""
    blocks: list[tuple[int, int]] = []
    opening: re.Match[str] | None = None
    for fence in _FENCE.finditer(text):
        if opening is None:
            opening = fence
        elif fence[1].startswith(opening[1]) and not fence[2].strip():
            blocks.append((opening.start(), fence.end()))
            opening = None
    return blocks


def _closing_of(text: str) -> Mark | None:
    """The mark that ends the thinking with which `text` begins: the first that is not quoted.

    Code does not matter here: thinking leaves fences open.
    """
    closings = [mark for mark in _MARK.finditer(text) if mark["closing"]]
    bare = (mark for mark in closings if not _is_quoted(text, mark.start(), mark.end()))
    return next(bare, closings[0] if closings else None)


def _around(mark: Mark, spans: Sequence[tuple[int, int]]) -> tuple[int, int] | None:
    return next((span for span in spans if span[0] < mark.start() and mark.end() < span[1]), None)


def _pair_on_line(mark: Mark, later: Sequence[Mark]) -> Mark:
    """The closing mark on the line of an opening one; `mark` itself if there is none."""
    for other in later:
        if mark["opening"] and other["closing"] and other.start() < _line_of(mark)[1]:
            return other
    return mark


def _line_of(mark: Mark) -> tuple[int, int]:
    text = mark.string
    end = text.find("\n", mark.end())
    return text.rfind("\n", 0, mark.start()) + 1, len(text) if end < 0 else end


def _is_alone(mark: Mark) -> bool:
    """Whether the mark is all that its line has."""
    start, end = _line_of(mark)
    return mark.string[start:end].strip() == mark[0]


def _is_quoted(text: str, start: int, end: int) -> bool:
    return text[start - 1 : start] in _QUOTES and text[end : end + 1] in _QUOTES


def _is_in_sentence(text: str, mark: Mark, pair: Mark, *, is_last: bool) -> bool:
    """Whether a sentence goes on around the mark, or around it and its pair.

    An opening mark that nothing closes is thinking that was cut only if nothing stands before it,
    or it has a line of its own.
    """
    if mark["opening"] and is_last:
        return bool(text[: mark.start()].strip()) and not _is_alone(mark)
    start, _ = _line_of(mark)
    before = text[start : mark.start()]
    return bool(_UNFINISHED.search(before) and _GOES_ON.match(text, pair.end()))
