"""What of a text that is still being written is certain, for a client that reads along.

A text may turn out to be something else by its end: thinking, a token that closes the turn, a stop
sequence, a remark that nothing was changed. What could be is held back until it cannot.
"""

from collections.abc import Sequence

from builders.critique.parse import ParsedReply, parse_reply
from builders.critique.render import BLOCKS
from builders.critique.replies.foreign_text import before_closing_token
from builders.critique.replies.reasoning import split_reasoning
from builders.critique.replies.refinement import opens_by_declining

# Longer than any token that closes a turn.
_HELD = 40
# A mark of thinking is at the beginning, and shorter than this.
_FIRST = 40
# A refinement of this length may say that nothing was changed, or decline (`replies.refinement`).
_REMARK = 200
# A refinement that no reading of it rejects, in place of one that is not there yet.
_ANY = "It says more. " * 40
_HEADING = BLOCKS["refinement"]("").strip()


def certain_draft(text: str, stops: Sequence[str] = ()) -> str:
    """The beginning of the draft that `text` is the beginning of.

    >>> certain_draft("x" * 100) == "x" * 60, certain_draft("<think>" + "x" * 100)
    (True, '')
    """
    if len(text) < _FIRST:
        return ""
    return _held_back(split_reasoning(text).answer.lstrip(), stops)


def _held_back(text: str, stops: Sequence[str]) -> str:
    """`text` before the first stop sequence, or without its end, in which one may begin."""
    cut = before_stop(before_closing_token(text), stops)
    if len(cut) < len(text):
        return cut.rstrip()
    held = max([_HELD, *map(len, stops)])
    # Space at the end of a text is taken off it.
    return text[:-held].rstrip()


def before_stop(text: str, stops: Sequence[str]) -> str:
    """`text` up to the first stop sequence.

    >>> before_stop("One. Two. Three.", ["Three", "Two"])
    'One. '
    """
    return text[: min([at for stop in stops if (at := text.find(stop)) >= 0], default=len(text))]


class CertainRefinement:
    """Of a critic's reply that grows, the beginning of its refinement.

    It begins once the critique before it can be read, and the refinement is too long for a remark.
    """

    def __init__(self, stops: Sequence[str] = ()) -> None:
        self._stops = stops
        # Where the refinement begins in the reply; -1 if that cannot be told before its end.
        self._start: int | None = None

    def of(self, reply: str) -> str:
        if self._start is None:
            self._start = self._find(reply)
        if self._start is None or self._start < 0:
            return ""
        text = reply[self._start :].lstrip()
        if len(text) <= _REMARK + _HELD or opens_by_declining(text):
            return ""
        return _held_back(text, self._stops)

    def whole(self, reply: str) -> str:
        """The refinement as it stands in a whole reply of which `of` gave the beginning."""
        return before_stop(reply[self._start :], self._stops).strip()

    def _find(self, reply: str) -> int | None:
        critique, heading, _ = reply.partition(f"\n{_HEADING}\n")
        if not heading:
            return None
        # The careful parser reads the whole reply at its end, of any form; here only the form that
        # was asked for is read.
        parsed = parse_reply(f"{critique}{heading}{_ANY}", "", "stop")
        is_read = isinstance(parsed, ParsedReply) and not parsed.score_problem
        return len(critique) + len(heading) if is_read else -1
