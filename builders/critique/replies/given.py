"""Whether a score is given, or only mentioned.

A critic may quote a score ("It ends with 'Overall Score: [[10]]'"), refuse one ("I would not give
it [[8]]") or make one depend on something ("[[9]] if it named a source"). None of these is the
score of the answer. So a score is read only in a text that is a label or words that give it, the
score, and, below a label, an explanation that does not take it back.
"""

import re
from collections.abc import Sequence

from builders.critique.replies.headings import opens_quote, read_score_label
from builders.critique.replies.quoted import SENTENCE_ENDS, is_disowned
from builders.critique.replies.text import indent_of

# After the score, something that makes it another figure: `[[7]]-8`, `[[7]].5`, `[[7]]+`.
_OTHER_FIGURE = re.compile(
    r"[*_`]{0,3}(?:[+%?½°]|[.,]\d|\s{0,3}(?:[-–—~→>]{1,2}|to|or|and|bis|oder|à|ou|a|o|до|или|至|到|或"
    r"|から)\s{0,3}[*_`\[]{0,5}\d)",
    re.IGNORECASE,
)
# The highest score that the critic has in mind.
_SCALE = re.compile(
    r"[\s*_`(（,]{0,8}(?:/|(?:out )?of|on a scale of|on a scale from|von|sur|de|su|из|满分|滿分)"
    r"\s{0,3}(?:(?:0|1|zero|one)\s{0,2}(?:-|–|to)\s{0,2})?(?P<top>\d{1,4}|five|ten|hundred)",
    re.IGNORECASE,
)
_ALONE = re.compile(r"[\s*_`.!。．)]*+")
# An explanation is apart from the score, or begins in a script without spaces.
_APART = re.compile(r"[*_`]{0,3}(?:[\s:;,.!()（，。；：!！–—-]|[^\x00-\x7f])")
_IF = (
    "if|unless|when|once|provided|assuming|only if|even if|wenn|falls|sofern|hätte|si|sauf|se|caso"
    "|a menos que|a meno che|если|когда|如果|若|假如|除非|もし|만약|إذا|لو|यदि|अगर"
)
_TAKES_BACK = re.compile(
    rf"[\s*_`:;,.()（，。；：–—-]{{0,8}}(?:(?:{_IF}|is|was|were|would|should|could|cannot|can't|does"
    r"|has|had|will|might|may|must|never|at best|at most|or|minus|plus"
    r"|(?:the )?(?:draft|original|before|previous|initial|old|first)"
    r"|not (?:given|deserved|earned|mine|my|the))\b|如果|若|假如|除非|もし|만약|の場合|なら)"
    r"|.*\b(?:if|unless|provided that|assuming|had (?:it|the|this)|says?|said|claim(?:s|ed)?"
    r"|according to|ask(?:s|ed)|request(?:s|ed)|demand(?:s|ed)|want(?:s|ed)|told|instead of"
    r"|rather than|i (?:refuse|decline|(?:will|do|can|would)(?:n't| not)|won't|cannot|can't))\b",
    re.IGNORECASE,
)

_ANSWER = "(?:it|this|the (?:response|answer)|this (?:response|answer))"
_LABEL = "(?:overall |final |total )?(?:score|rating|grade)"
_BEFORE = re.compile(
    r"[\s*_]*+(?:(?:so|thus|hence|therefore|overall|finally|in total|in sum|all in all"
    r"|in conclusion|for (?:this|these) reasons?),? )?"
    rf"(?:(?:i|we) (?:therefore |thus |hence )?(?:give|rate|score|grade|assign|award)"
    rf"(?: {_ANSWER})?(?: with)?(?: as)?(?: at)?(?: (?:an?|the))?(?: {_LABEL}(?: of)?)?"
    rf"|{_ANSWER} (?:gets|receives|deserves|earns|merits|scores|rates)(?: an?)?(?: {_LABEL} of)?"
    rf"|(?:my|the|our) {_LABEL}(?: (?:for|of) {_ANSWER})?(?: (?:is|would be|:))?:?"
    r")\s*+(?=[*_`]{0,3}\[\[)",
    re.IGNORECASE,
)


def problem_after(tail: str, *, alone: bool = False) -> str | None:
    """Why the score before `tail`, the rest of its line, is not given: a key of REASONS or None.

    With `alone`, nothing may follow it.

    >>> problem_after(" - clear, with two gaps"), problem_after(" if it named a source")
    (None, 'score_missing')
    >>> problem_after("/5"), problem_after(".5"), problem_after(" - clear", alone=True)
    ('score_fraction', 'score_not_integer', 'score_missing')
    """
    if _ALONE.fullmatch(tail):
        return None
    if _OTHER_FIGURE.match(tail):
        return "score_not_integer"
    scale = _SCALE.match(tail)
    if scale and scale["top"].lower() not in ("10", "ten"):
        return "score_fraction"
    if alone or not _APART.match(tail) or _TAKES_BACK.match(tail):
        return "score_missing"
    return None


def gives(words: str) -> bool:
    """Whether `words`, the text before a score, give it: "I rate it "."""
    before = _BEFORE.match(f"{words}[[")
    return not words.strip("*_` \t") or (before is not None and before.end() == len(words))


def find_closing(lines: Sequence[str], code: Sequence[bool]) -> tuple[int, str] | None:
    """Where a reply without sections gives its score: the index of its line, and the score's text.

    That is the last line, or the last sentence in it, if it is a label or words that give a score,
    and the score. None if the reply ends in another way.

    >>> find_closing(["It is fine. Overall Score: [[7]]"], [False])
    (0, '[[7]]')
    >>> find_closing(['It says "Overall Score: [[7]]".'], [False])
    """
    shown = [index for index, line in enumerate(lines) if line.strip(" \t-_*=")]
    if not shown or code[shown[-1]] or indent_of(lines[shown[-1]]) > 1:
        return None
    last = shown[-1]
    previous = lines[shown[-2]] if len(shown) > 1 and not code[shown[-2]] else ""
    *sentences, closing = SENTENCE_ENDS.split(lines[last].strip())
    context = [*SENTENCE_ENDS.split(previous.strip()), *sentences]
    score = _given_in(closing)
    if score is None:
        return None
    is_bare = closing.strip("*_` \t").startswith("[[")
    before = next((sentence for sentence in reversed(context) if sentence.strip()), "")
    if before and not sentences and _is_label_alone(before):
        # The label has a line of its own.
        before = " ".join(context[:-1])
    elif before.rstrip("*_ \t").endswith((":", "：", ",", "，")):
        return None
    if is_bare and before and not SENTENCE_ENDS.search(f"{before.rstrip('*_ ')} "):
        return None
    text = "\n".join([*(lines[index] for index in shown[:-1]), *sentences])
    if previous.lstrip().startswith(">") or opens_quote(text) or is_disowned(before):
        return None
    return last, score


def _given_in(sentence: str) -> str | None:
    """The text of the score in a sentence that gives one, else None."""
    if before := _BEFORE.match(sentence):
        return sentence[before.end() :]
    label = read_score_label(sentence)
    if label is not None:
        return label
    bare = sentence.strip("*_ \t")
    return bare if bare.startswith("[[") else None


def _is_label_alone(line: str) -> bool:
    return read_score_label(f"{line.strip().rstrip('*_:： ')}: [[1]]") is not None
