"""Replies under headings."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from builders.replies.items import read_items
from builders.replies.outcome import Critique, Rejected, Review
from builders.replies.refinement import judge_refinement, opens_by_declining
from builders.replies.scores import Score, read_score, read_score_in_prose
from builders.replies.sections import (
    FENCE_LINE,
    Outline,
    Section,
    arrange,
    find_code,
    find_headings,
    is_blank,
)


def _unwrap(lines: list[str]) -> tuple[list[str], bool]:
    """The lines inside the one fence around a whole reply, and whether that fence is open.

    Some line is not blank.
    """
    shown = (index for index, line in enumerate(lines) if not is_blank(line))
    first = next(shown)
    last = next(index for index in range(len(lines) - 1, -1, -1) if not is_blank(lines[index]))
    if lines[first].rstrip().endswith(":") and not find_headings([lines[first]], [False]):
        # "Here is my review:" before the fence.
        first = next(shown, first)
    opening = FENCE_LINE.fullmatch(lines[first])
    info = opening[2].strip().lower() if opening else None
    if info not in ("", "markdown", "md", "text", "txt", "plaintext"):
        return lines, False
    inner = lines[first + 1 : last]
    code, is_open = find_code(lines[first:last])
    if is_open and all(code):
        cut = find_code(lines[first : last + 1])[1]
        return (lines[first + 1 :], True) if cut else (inner, False)
    ending = FENCE_LINE.fullmatch(lines[last])
    # Fences of the same length inside end the outer one, by the letter; its name says otherwise.
    if info in ("markdown", "md") and ending and not ending[2] and not find_code(inner)[1]:
        return inner, False
    return lines, False


def _dedent(lines: Sequence[str]) -> list[str]:
    """The lines without the indentation they share, where the first of them has some."""
    first = next((line for line in lines if line.strip()), "")
    if not first[:1].isspace():
        return list(lines)
    margin = min(len(line) - len(line.lstrip(" ")) for line in lines if line.strip())
    return [line[margin:] if line.strip() else line for line in lines]


@dataclass(frozen=True, slots=True)
class _Reply:
    lines: list[str]
    code: list[bool]
    code_is_open: bool
    outline: Outline
    finish_reason: str | None

    def section(self, name: str) -> Section | None:
        return next((part for part in self.outline.sections if part.name == name), None)

    def is_unsound(self, part: Section) -> bool:
        """True of a last section with nothing in it, or with code that hides what follows."""
        empty = is_blank("".join([part.inline, *self.lines[part.start : part.stop]]))
        return empty or self.code_is_open

    def items(self, name: str) -> list[str]:
        part = self.section(name)
        if part is None:
            return []
        return read_items(
            [part.inline, *self.lines[part.start : part.stop]],
            [False, *self.code[part.start : part.stop]],
        )

    def refinement(self, part: Section) -> str:
        lines = self.lines[part.start : part.stop]
        if part.inline:
            return "\n".join([part.inline, *lines]).strip()
        return "\n".join(_dedent(lines)).strip()

    def _prose(self, start: int, stop: int) -> Iterator[str]:
        return (self.lines[at] for at in range(start, stop) if not self.code[at])

    def score(self) -> Score:
        """The score of the feedback part; nothing in the improved response counts."""
        sections = self.outline.sections
        if not sections:
            return read_score_in_prose(list(self._prose(0, len(self.lines))))
        scored = [part for part in sections if part.name == "score"]
        regions = ["\n".join([p.inline, *self._prose(p.start, p.stop)]) for p in scored]
        remarks = list(self._prose(0, sections[0].line))
        for part in sections:
            if part.name not in ("score", "improved"):
                remarks += [part.inline, *self._prose(part.start, part.stop)]
        return read_score(regions, remarks)


def _read(text: str, draft: str, finish_reason: str | None) -> _Reply:
    lines, cut = _unwrap(text.split("\n"))
    code, code_is_open = find_code(lines)
    outline = arrange(find_headings(lines, code), len(lines), draft)
    if outline.echoed:
        raise Rejected("template_echoed", outline.echoed)
    if outline.unclear is not None:
        raise Rejected("sections_ambiguous", outline.unclear)
    return _Reply(lines, code, code_is_open, outline, "length" if cut else finish_reason)


def review_of_text(text: str, draft: str, finish_reason: str | None) -> Review:
    reply = _read(text, draft, finish_reason)
    sections, truncated = reply.outline.sections, reply.finish_reason == "length"
    improved = reply.section("improved")
    if not any(map(reply.section, ("weaknesses", "suggestions", "score", "improved"))):
        if opens_by_declining(text):
            raise Rejected("refusal", text)
        raise Rejected("reply_truncated" if truncated else "headings_missing", text)
    if truncated and sections[-1] is not improved:
        raise Rejected("reply_truncated", text[-200:])
    for name in ("weaknesses", "suggestions"):
        if reply.section(name) is None:
            raise Rejected(f"{name}_missing", text)
    if improved is None:
        raise Rejected("refinement_missing", text[-200:])
    if sections[-1] is not improved and reply.is_unsound(sections[-1]):
        # The heading that ended the improved response may have been the answer's own.
        raise Rejected("sections_ambiguous", text[-200:])
    score = reply.score()
    refinement, no_change = judge_refinement(reply.refinement(improved), draft, reply.finish_reason)
    critique = Critique(reply.items("weaknesses"), reply.items("suggestions"), score.value)
    return Review(critique, refinement, no_change, score.problem)


def assessment_of_text(text: str, finish_reason: str | None) -> Review:
    reply = _read(text, "", finish_reason)
    sections = reply.outline.sections
    score = reply.score()
    if score.value is None and not sections and opens_by_declining(text):
        raise Rejected("refusal", text)
    unfinished = sections and sections[-1].name in ("weaknesses", "suggestions")
    if reply.finish_reason == "length" and (unfinished or score.value is None):
        raise Rejected("reply_truncated", text[-200:])
    if score.problem:
        raise Rejected(score.problem, score.found)
    critique = Critique(reply.items("weaknesses"), reply.items("suggestions"), score.value)
    return Review(critique, None, False, None)


def critique_of_text(text: str) -> Critique:
    """A critique alone; a score in it is not read."""
    reply = _read(text, "", None)
    if not any(map(reply.section, ("weaknesses", "suggestions"))):
        raise Rejected("headings_missing", text)
    for name in ("weaknesses", "suggestions"):
        if reply.section(name) is None:
            raise Rejected(f"{name}_missing", text)
    if (improved := reply.section("improved")) is not None:
        raise Rejected("sections_ambiguous", reply.lines[improved.line])
    return Critique(reply.items("weaknesses"), reply.items("suggestions"), None)
