"""Replies with their sections under headings, as the prompts request them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from builders.critique.replies.fences import FENCE_LINE, find_code
from builders.critique.replies.headings import BOLD_RANK, find_headings
from builders.critique.replies.items import read_items
from builders.critique.replies.json_object import mentions_object
from builders.critique.replies.quoted import is_quoted
from builders.critique.replies.refinement import opens_by_declining, read_refinement
from builders.critique.replies.result import Critique, ParsedReply, UnreadableReply
from builders.critique.replies.scores import Score, read_score, read_score_in_prose
from builders.critique.replies.sections import Section, arrange
from builders.critique.replies.text import is_blank


def reply_from_markdown(text: str, draft: str, finish_reason: str | None) -> ParsedReply:
    reply = _read(text, draft, finish_reason)
    if not reply.has_any("weaknesses", "suggestions", "score", "improved"):
        raise _without_sections(reply)
    improved, last = reply.section("improved"), reply.sections[-1]
    if reply.is_cut and last is not improved:
        raise UnreadableReply("reply_truncated", text[-200:])
    reply.require("weaknesses", "suggestions")
    if improved is None:
        raise UnreadableReply("refinement_missing", text[-200:])
    if last is not improved and (reply.code_is_open or reply.is_empty(last)):
        # The heading that ended the improved response may have been part of it.
        raise UnreadableReply("sections_ambiguous", text[-200:])
    score = reply.score()
    refinement, no_change = read_refinement(
        reply.refinement(improved), draft, "length" if reply.is_cut else finish_reason
    )
    return ParsedReply(reply.critique(score.value), refinement, no_change, score.problem)


def assessment_from_markdown(text: str, finish_reason: str | None) -> ParsedReply:
    reply = _read(text, "", finish_reason)
    if not reply.sections and mentions_object(text):
        raise _without_sections(reply)
    score = reply.score()
    if score.value is None and not reply.sections and opens_by_declining(text):
        raise UnreadableReply("refusal", text)
    is_unfinished = reply.sections and reply.sections[-1].name in ("weaknesses", "suggestions")
    if reply.is_cut and (is_unfinished or score.value is None):
        raise UnreadableReply("reply_truncated", text[-200:])
    if score.problem:
        raise UnreadableReply(score.problem, score.quote)
    return ParsedReply(reply.critique(score.value), None, False, None)


def critique_from_markdown(text: str) -> Critique:
    """A critique without a refinement. A score in it is ignored."""
    reply = _read(text, "", None)
    if not reply.has_any("weaknesses", "suggestions"):
        raise UnreadableReply("headings_missing", text)
    reply.require("weaknesses", "suggestions")
    if (improved := reply.section("improved")) is not None:
        raise UnreadableReply("sections_ambiguous", reply.lines[improved.line])
    return reply.critique(None)


def _without_sections(reply: "_Reply") -> UnreadableReply:
    text = reply.text
    if opens_by_declining(text):
        return UnreadableReply("refusal", text)
    if reply.is_cut:
        return UnreadableReply("reply_truncated", text[-200:])
    if mentions_object(text):
        return UnreadableReply("bad_json", f"one JSON object with words before it: {text}")
    if any(reply.code) and find_headings(reply.lines, [False] * len(reply.lines)):
        return UnreadableReply("headings_missing", f"the sections are in a code block: {text}")
    return UnreadableReply("headings_missing", text)


@dataclass(frozen=True, slots=True)
class _Reply:
    text: str  # the whole reply
    lines: list[str]  # without a fence around all of them
    code: list[bool]
    code_is_open: bool
    sections: list[Section]
    is_cut: bool

    def section(self, name: str) -> Section | None:
        return next((section for section in self.sections if section.name == name), None)

    def has_any(self, *names: str) -> bool:
        return any(section.name in names for section in self.sections)

    def require(self, *names: str) -> None:
        for name in names:
            if self.section(name) is None:
                raise UnreadableReply(f"{name}_missing", self.text)

    def is_empty(self, section: Section) -> bool:
        return is_blank("".join([section.inline, *self.lines[section.start : section.stop]]))

    def critique(self, score: int | None) -> Critique:
        return Critique(self._items("weaknesses"), self._items("suggestions"), score)

    def _items(self, name: str) -> list[str]:
        section = self.section(name)
        if section is None:
            return []
        return read_items(
            [section.inline, *self.lines[section.start : section.stop]],
            [False, *self.code[section.start : section.stop]],
        )

    def refinement(self, section: Section) -> str:
        lines = self.lines[section.start : section.stop]
        if section.inline:
            return "\n".join([section.inline, *lines]).strip()
        return "\n".join(_dedent(lines)).strip()

    def score(self) -> Score:
        """The score of the critique; figures in the improved response do not count."""
        if self.code_is_open and self._follows_code():
            return Score(None, "score_missing", "a code block before it is not closed")
        if all(item.name == "score" and item.rank >= BOLD_RANK for item in self.sections):
            return read_score_in_prose(self.lines, self.code)
        score_regions = []
        remarks = list(self._prose(0, self.sections[0].line))
        for section in self.sections:
            lines = [section.inline, *self._prose(section.start, section.stop)]
            if section.name == "score":
                score_regions.append("\n".join(lines))
            elif section.name != "improved":
                remarks += lines
        return read_score(score_regions, remarks)

    def _follows_code(self) -> bool:
        """Whether there is code before the score: what opened may have been meant to close."""
        scores = [section.line for section in self.sections if section.name == "score"]
        return any(self.code[: max(scores, default=len(self.code))])

    def _prose(self, start: int, stop: int) -> Iterator[str]:
        return (self.lines[index] for index in range(start, stop) if not self.code[index])


def _read(text: str, draft: str, finish_reason: str | None) -> _Reply:
    lines, fence_is_open = _unwrap(text.split("\n"))
    code, code_is_open = find_code(lines)
    outline = arrange(find_headings(lines, code), len(lines), draft)
    if outline.echoed:
        raise UnreadableReply("template_echoed", outline.echoed)
    if outline.unclear is not None:
        raise UnreadableReply("sections_ambiguous", outline.unclear)
    is_cut = fence_is_open or finish_reason == "length"
    return _Reply(text, lines, code, code_is_open, outline.sections, is_cut)


def _unwrap(lines: list[str]) -> tuple[list[str], bool]:
    """The lines inside a fence around the whole reply, and whether that fence is not closed.

    `lines` without such a fence are returned as they are. At least one of them is not blank.

    >>> _unwrap(["Here is my review:", "```markdown", "### Weaknesses", "None.", "```"])
    (['### Weaknesses', 'None.'], False)
    """
    not_blank = [index for index, line in enumerate(lines) if not is_blank(line)]
    first, last = not_blank[0], not_blank[-1]
    if len(not_blank) > 1 and _introduces(lines[first], lines[not_blank[1] :]):
        first = not_blank[1]
    opening = FENCE_LINE.fullmatch(lines[first])
    language = opening[2].strip().lower() if opening else None
    if language not in ("", "markdown", "md", "text", "txt", "plaintext"):
        return lines, False
    inner = lines[first + 1 : last]
    code, is_open = find_code(lines[first:last])
    if is_open and all(code):
        # Nothing before the last line closes the fence. Without its end, the reply was cut.
        _, is_cut = find_code(lines[first : last + 1])
        return (lines[first + 1 :], True) if is_cut else (inner, False)
    ending = FENCE_LINE.fullmatch(lines[last])
    # To the letter of Markdown, an inner fence of the same length has closed the outer one. The
    # name of the language says that the outer one contains it.
    is_markdown = language in ("markdown", "md")
    if is_markdown and ending and not ending[2] and not find_code(inner)[1]:
        return inner, False
    return lines, False


def _introduces(line: str, block: Sequence[str]) -> bool:
    """Whether `line` is a sentence such as "Here is my review:" before a fence with sections."""
    if not line.rstrip().endswith((":", "：")) or not FENCE_LINE.fullmatch(block[0]):
        return False
    if find_headings([line], [False]) or is_quoted(line, ""):
        return False
    names = {heading.name for heading in find_headings(block, [False] * len(block))}
    # A score alone in a fence may be quoted.
    return not names.isdisjoint(("weaknesses", "suggestions", "improved"))


def _dedent(lines: Sequence[str]) -> list[str]:
    """The lines without their common indentation, if the first that is not blank is indented."""
    first = next((line for line in lines if line.strip()), "")
    if not first[:1].isspace():
        return list(lines)
    margin = min(len(line) - len(line.lstrip(" ")) for line in lines if line.strip())
    return [line[margin:] if line.strip() else line for line in lines]
