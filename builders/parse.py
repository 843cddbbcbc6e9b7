"""A critic's reply, read: the critique and the refinement, or the reason why there is neither.

What is let through here is published and trained on, so a reply that can be read in two ways is
rejected. The reasons are looked for in this order, and the first that applies is given:

1. of the whole reply: `reply_empty`, `template_echoed`, `bad_json`
2. of its sections: `template_echoed`, `refusal` or `headings_missing` where there are none,
   `sections_ambiguous`, `reply_truncated`, `weaknesses_missing`, `suggestions_missing`,
   `refinement_missing`
3. of the refinement: `refinement_empty`, `refinement_truncated`, `refinement_refused`

A review without a usable score is no rejection: it keeps the reason as `score_problem`. An
assessment is nothing but its score, and there the same reason rejects.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from builders.scores import Score, read_json_score, read_score, read_score_in_prose
from builders.sections import (
    Outline,
    Section,
    arrange,
    drop_nothings,
    find_code,
    find_headings,
    is_blank,
    read_items,
)


@dataclass(frozen=True, slots=True)
class Critique:
    weaknesses: list[str]
    suggestions: list[str]
    score: int | None

    def as_row(self) -> dict[str, Any]:
        """The critique in the shape of `schema.CRITIQUE`."""
        return {
            "weaknesses": list(self.weaknesses),
            "suggestions": list(self.suggestions),
            "score": self.score,
        }


@dataclass(frozen=True, slots=True)
class Review:
    """`refinement` is None in an assessment only; `score_problem` is a key of REASONS."""

    critique: Critique
    refinement: str | None
    no_change: bool
    score_problem: str | None


@dataclass(frozen=True, slots=True)
class Rejection:
    """`reason` is a key of REASONS; `detail` quotes what was found, in up to 200 characters."""

    reason: str
    detail: str


def _storable(text: str) -> str:
    """`text` without lone surrogates, which no UTF-8 file can hold, and without NUL."""
    return re.sub("[\x00\ud800-\udfff]", "\ufffd", text)


class _Rejected(Exception):
    def __init__(self, reason: str, found: str = "") -> None:
        super().__init__(reason)
        # Half a character may come in as an escape in JSON.
        quote = " ".join(_storable(found[:1000]).split())[:200]
        self.rejection = Rejection(reason, quote)


# Wording of the prompts that no critic comes upon by itself. tests/builders/test_parse.py
# compares it with the templates.
PROMPT_PHRASES = (
    "you review a response that an assistant gave to an instruction",
    "judge the response by what was asked, and add no requirement of your own",
    "close the review with a line of its own that reads",
    "so that somebody else could carry it out without asking back",
    "1 is useless or harmful, 5 is usable with real faults, 10 leaves nothing to improve",
    "write the whole answer anew with your suggestions carried out",
    "answer with one json object and nothing else",
    "review your last response, and then improve it. stay with the instruction",
)

_CANNOT = (
    "i (?:can ?not|can't|won't|will not|must decline to)|i(?: a|')m (?:unable|not able) to"
    "|i (?:do not|don't) feel comfortable|i'm not comfortable"
)
_HELP = (
    "(?:answer|assist|comply|create|discuss|evaluat|fulfill?|generat|help(?:ing)? (?:you|with|that)"
    "|improv|produc|provid|respond|review|revis|rewrit|writ)"
)
# An apology alone may be the answer ("I'm sorry to hear that"); these decline to give one.
_DECLINES = re.compile(
    rf"\b(?:{_CANNOT}) (?:with )?{_HELP}|\bagainst my (?:guidelines|programming)"
    r"|kann (?:ich )?(?:(?:dir|ihnen|dabei|dazu|das|diese[mnrs]?) ){0,3}(?:\w{1,30} ){0,2}nicht "
    r"(?:helfen|beantworten|bearbeiten|erstellen|weiterhelfen)"
    r"|je ne (?:peux|puis) pas (?:vous |t')?(?:aider|répondre|fournir|créer)"
    r"|no puedo (?:ayudar|asistir|cumplir|proporcionar|responder|crear)"
    r"|não posso (?:ajudar|atender|fornecer|responder|criar)"
    r"|non posso (?:aiutar|fornire|rispondere|creare)"
    r"|не могу (?:помочь|выполнить|предоставить|ответить)"
    r"|(?:我|抱歉|对不起|對不起).{0,6}(?:无法|不能|無法)(?:为您|为你)?(?:提供|协助|帮助|回答|满足|完成|生成|協助)"
    r"|(?:お手伝い|お答え|対応|提供)(?:することは?|は)?(?:でき(?:ません|ない|かねます)|いたしかねます)"
    r"|(?:도와|도움|답변|제공).{0,10}(?:수 없|어렵)"
)
# What a reply without one section opens with when it declines to review.
_APOLOGISES = re.compile(
    rf"(?:i'm |i am |we're |so |very )*sorry\b|(?:my |i |we )?apolog|unfortunately,? i\b|{_CANNOT}"
    r"|as an ai\b|es tut mir leid|tut mir leid|leider kann|ich kann .{0,40}nicht|entschuldigung"
    r"|(?:je suis )?(?:vraiment )?désolée?|je ne (?:peux|puis) pas|malheureusement"
    r"|lo siento|lamento|no puedo|desculpe|sinto muito|não posso|mi dispiace|non posso"
    r"|het spijt me|ik kan .{0,40}niet|przepraszam|nie mogę|üzgünüm|xin lỗi|maaf"
    r"|извините|простите|к сожалению|я не могу"
    r"|(?:非常|很)?抱歉|对不起|對不起|我(?:无法|不能|無法)|申し訳|すみません|죄송|미안|عذر|آسف|क्षमा"
)

_PLACEHOLDER = re.compile(
    r"(?:n/?a|none|tbd|not applicable|see (?:above|below)|as above|same as above"
    r"|(?:the )?(?:improved|refined|revised) (?:response|answer|version)"
    r"|(?:here is|here's|below is) (?:the|an|my) (?:improved|refined|revised) (?:response|answer)"
    r"|(?:insert )?(?:your|the) (?:improved |refined |revised )?(?:response|answer) here)?"
)
_BRACKETS = {"[": "]", "<": ">", "(": ")", "{": "}"}
_BRACKETED_WORDS = re.compile(
    r"\b(?:here|improved|insert|refined|refinement|response|revised|rewritten|your)\b"
)

_CHANGE = "(?:change|improvement|revision|modification|edit|refinement|correction|adjustment)s?"
_NO_CHANGE = (
    f"(?:there (?:is|are) )?no (?:further |additional |other |major |significant )?{_CHANGE}"
    f"(?: or {_CHANGE})?(?: (?:is|are|was|were))?(?: (?:needed|necessary|required|made|warranted))?"
)
_GIVEN = (
    "(?:the |this )?(?:original |given |current |initial |provided |existing )?(?:response|answer)"
)
_GOOD = (
    "(?:accurate|clear|complete|comprehensive|concise|correct|excellent|fine|flawless|good|great"
    "|ideal|optimal|perfect|satisfactory|strong|sufficient|well[- ]written)"
)
_IS_GOOD = (
    f"{_GIVEN} (?:is|was) (?:already )?(?:very |quite |fully )?{_GOOD}"
    f"(?:,? and (?:very |quite |fully )?{_GOOD})?(?: as (?:it )?is)?"
)
_AND = "[,;.:–—-]? ?(?:(?:and|as|because|since|so|therefore|thus),? )?"
_SAYS_NO_CHANGE = re.compile(
    "(?:(?:n/?a|none(?: needed)?)[ :;,.(–—-]{1,4})?(?:none (?:needed|necessary|required)|unchanged"
    rf"|{_NO_CHANGE}(?: to {_GIVEN})?(?:{_AND}{_IS_GOOD})?|{_IS_GOOD}(?:{_AND}{_NO_CHANGE})?"
    rf"|(?:the )?(?:same as|identical to) (?:{_GIVEN}|(?:the )?(?:original|draft))"
    rf"|{_GIVEN} (?:(?:needs|requires) {_NO_CHANGE}|(?:does not|doesn't) (?:need|require) "
    rf"(?:any )?{_CHANGE}|(?:(?:can|should) (?:remain|stand|stay)|is|remains|stays) "
    "(?:as it is|the same|unchanged)))"
    "|keine (?:änderungen?|verbesserungen?)(?: (?:nötig|notwendig|erforderlich))?"
    "|aucune (?:modification|amélioration)(?: (?:nécessaire|requise))?"
    "|no se necesitan (?:cambios|mejoras)|无需(?:修改|改进|更改)|不需要(?:修改|改进)"
)
_META = re.compile(
    r"(?:the |an? )?(?:improved|refined|revised) (?:response|answer) "
    r"(?:would|should|could|might|is (?:given|shown|provided|above|below)|can be found)\b"
    rf"|to improve {_GIVEN}[,:]"
    rf"|{_GIVEN} (?:should|could|needs to|can) be (?:improved|revised|refined)\b"
)

_CUT_END = re.compile(
    r"(?:[,，、[{（【「《]|(?<![:;=-])\(|[a-zà-ÿ]{3}-)$"
    r"|(?:^|\s)(?:and|or|but|nor|because|although|whereas|the|an|und|oder|aber|et|ou|les|des)$"
    r"|\s(?:as|at|by|for|from|in|into|like|of|on|such|that|to|with) a$"
)
_FENCE_LINE = re.compile(r"\s*(`{3,}+|~{3,}+)([^`]*)")

_JSON_OBJECT = re.compile(r"\{|\[\s*\{")
_REFINEMENT_KEYS = ("refinement", "improved_response")

# --- the reply as text ---


def _clean(text: str) -> str:
    """`text` with line ends of one kind and nothing that cannot be stored."""
    return _storable(text.replace("\r\n", "\n").replace("\r", "\n"))


def _plain(text: str) -> str:
    """For comparison with the patterns above: one line, small letters, straight quotes."""
    return " ".join(text.lower().replace("’", "'").replace("‘", "'").split())


def _without_reasoning(text: str) -> str:
    """The reply after the `<think>` block that reasoning models begin with."""
    if not text.startswith("<think>"):
        return text
    _, closed, rest = text.partition("</think>")
    if not closed:
        raise _Rejected("reply_truncated", text)
    return rest.lstrip()


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
    opening = _FENCE_LINE.fullmatch(lines[first])
    info = opening[2].strip().lower() if opening else None
    if info not in ("", "markdown", "md", "text", "txt", "plaintext"):
        return lines, False
    inner = lines[first + 1 : last]
    code, is_open = find_code(lines[first:last])
    if is_open and all(code):
        cut = find_code(lines[first : last + 1])[1]
        return (lines[first + 1 :], True) if cut else (inner, False)
    ending = _FENCE_LINE.fullmatch(lines[last])
    # Fences of the same length inside end the outer one, by the letter; its name says otherwise.
    if info in ("markdown", "md") and ending and not ending[2] and not find_code(inner)[1]:
        return inner, False
    return lines, False


def _reject_echo(text: str, draft: str) -> None:
    plain = _plain(text)
    for phrase in PROMPT_PHRASES:
        if phrase in plain and phrase not in _plain(draft):
            raise _Rejected("template_echoed", phrase)


# --- the refinement ---


def _is_placeholder(text: str) -> bool:
    if is_blank(text) or not text.strip("\ufffd \n"):
        return True
    if len(text) > 200:
        return False
    plain = _plain(text).replace("_", " ").strip("*`\"' ")
    closing = _BRACKETS.get(plain[:1])
    if closing and plain.endswith(closing) and _BRACKETED_WORDS.search(plain):
        return True
    return _PLACEHOLDER.fullmatch(plain.strip("[]<>(){}.…:!- ")) is not None


def _fence_left_open(text: str) -> bool:
    """True where a code block has no end, whether fences of one length are nested or not."""
    lines = text.split("\n")
    if not find_code(lines)[1]:
        return False
    depth = 0
    for line in lines:
        fence = _FENCE_LINE.fullmatch(line)
        if fence:
            depth += 1 if fence[2].strip() or depth == 0 else -1
    return depth > 0


def _opens_by_declining(text: str) -> bool:
    opening = _plain(text[:300])
    return bool(_APOLOGISES.match(opening) or _DECLINES.search(opening))


def _judge_refinement(text: str, draft: str, finish_reason: str | None) -> tuple[str, bool]:
    """The refinement, and whether it leaves the draft as it was. Raises `_Rejected`."""
    if is_blank(text):
        raise _Rejected("refinement_empty")
    if finish_reason == "length":
        raise _Rejected("refinement_truncated", text[-200:])
    if text.split() == draft.split():
        return draft, True
    unchanged = len(text) <= 200 and _SAYS_NO_CHANGE.fullmatch(
        _plain(text).strip("*_`[](){}<>\"' .!。")
    )
    if unchanged and not is_blank(draft):
        return draft, True
    if unchanged or _is_placeholder(text):
        raise _Rejected("refinement_empty", text)
    if len(text) <= 600:
        opening = _plain(text[:120])
        declined = _DECLINES.search(opening) and not _opens_by_declining(draft)
        if declined or (len(text) <= 300 and _META.match(opening)):
            raise _Rejected("refinement_refused", text)
    cut = finish_reason != "stop" and _CUT_END.search(text[-60:].rstrip())
    if cut or _fence_left_open(text):
        raise _Rejected("refinement_truncated", text[-200:])
    return text, False


def _dedent(lines: Sequence[str]) -> list[str]:
    """The lines without the indentation they share, where the first of them has some."""
    first = next((line for line in lines if line.strip()), "")
    if not first[:1].isspace():
        return list(lines)
    margin = min(len(line) - len(line.lstrip(" ")) for line in lines if line.strip())
    return [line[margin:] if line.strip() else line for line in lines]


# --- replies under headings ---


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
        raise _Rejected("template_echoed", outline.echoed)
    if outline.unclear is not None:
        raise _Rejected("sections_ambiguous", outline.unclear)
    return _Reply(lines, code, code_is_open, outline, "length" if cut else finish_reason)


def _review_of_text(text: str, draft: str, finish_reason: str | None) -> Review:
    reply = _read(text, draft, finish_reason)
    sections, truncated = reply.outline.sections, reply.finish_reason == "length"
    improved = reply.section("improved")
    if not any(map(reply.section, ("weaknesses", "suggestions", "score", "improved"))):
        if _opens_by_declining(text):
            raise _Rejected("refusal", text)
        raise _Rejected("reply_truncated" if truncated else "headings_missing", text)
    if truncated and sections[-1] is not improved:
        raise _Rejected("reply_truncated", text[-200:])
    for name in ("weaknesses", "suggestions"):
        if reply.section(name) is None:
            raise _Rejected(f"{name}_missing", text)
    if improved is None:
        raise _Rejected("refinement_missing", text[-200:])
    if sections[-1] is not improved and reply.is_unsound(sections[-1]):
        # The heading that ended the improved response may have been the answer's own.
        raise _Rejected("sections_ambiguous", text[-200:])
    score = reply.score()
    refinement, no_change = _judge_refinement(
        reply.refinement(improved), draft, reply.finish_reason
    )
    critique = Critique(reply.items("weaknesses"), reply.items("suggestions"), score.value)
    return Review(critique, refinement, no_change, score.problem)


def _assessment_of_text(text: str, finish_reason: str | None) -> Review:
    reply = _read(text, "", finish_reason)
    sections = reply.outline.sections
    score = reply.score()
    if score.value is None and not sections and _opens_by_declining(text):
        raise _Rejected("refusal", text)
    unfinished = sections and sections[-1].name in ("weaknesses", "suggestions")
    if reply.finish_reason == "length" and (unfinished or score.value is None):
        raise _Rejected("reply_truncated", text[-200:])
    if score.problem:
        raise _Rejected(score.problem, score.found)
    critique = Critique(reply.items("weaknesses"), reply.items("suggestions"), score.value)
    return Review(critique, None, False, None)


# --- replies as JSON ---


def _find_json(text: str) -> str | None:
    """The JSON of a reply that is one object, in a code fence or not; None for other replies."""
    body = text.strip()
    if _JSON_OBJECT.match(body):
        return body
    opening, _, rest = body.partition("\n")
    fence = _FENCE_LINE.fullmatch(opening)
    if not fence:
        return None
    named = fence[2].strip().lower() == "json"
    if not named and (fence[2].strip() or not _JSON_OBJECT.match(rest.lstrip())):
        return None
    return rest.removesuffix(fence[1])


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    mapping = dict(pairs)
    if len(mapping) < len(pairs):
        raise ValueError("a key appears twice")
    return mapping


def _parse_int(digits: str) -> int:
    if len(digits) > 18:
        raise ValueError("a number too long to be a score")
    return int(digits)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _load_object(body: str) -> dict[str, Any]:
    try:
        loaded = json.loads(
            body,
            object_pairs_hook=_unique,
            parse_int=_parse_int,
            parse_constant=_refuse_constant,
        )
    except (ValueError, RecursionError) as error:
        raise _Rejected("bad_json", f"{error}: {body[:100]}") from None
    if not isinstance(loaded, dict):
        raise _Rejected("bad_json", body)
    unknown = loaded.keys() - {"weaknesses", "suggestions", "score", *_REFINEMENT_KEYS}
    if unknown or set(_REFINEMENT_KEYS) <= loaded.keys():
        raise _Rejected("bad_json", f"keys: {', '.join(sorted(loaded))}")
    return loaded


def _json_items(loaded: dict[str, Any], name: str) -> list[str]:
    items = loaded.get(name, [])
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        raise _Rejected("bad_json", f"{name}: {items!r}"[:200])
    return drop_nothings([_clean(item).strip() for item in items])


def _read_json(body: str) -> tuple[dict[str, Any], Critique, str | None]:
    """The object, the critique in it, and what is wrong with its score."""
    loaded = _load_object(body)
    if isinstance(loaded.get("score"), list | dict):
        raise _Rejected("bad_json", f"score: {loaded['score']!r}"[:200])
    score = read_json_score(loaded.get("score"))
    weaknesses, suggestions = (_json_items(loaded, name) for name in ("weaknesses", "suggestions"))
    return loaded, Critique(weaknesses, suggestions, score.value), score.problem


def _review_of_json(body: str, draft: str, finish_reason: str | None) -> Review:
    try:
        loaded, critique, problem = _read_json(body)
    except _Rejected:
        if finish_reason != "length":
            raise
        begun = any(f'"{key}"' in body for key in _REFINEMENT_KEYS)
        reason = "refinement_truncated" if begun else "reply_truncated"
        raise _Rejected(reason, body[-200:]) from None
    for name in ("weaknesses", "suggestions"):
        if name not in loaded:
            raise _Rejected(f"{name}_missing", body)
    text = next((loaded[key] for key in _REFINEMENT_KEYS if key in loaded), None)
    if text is None:
        raise _Rejected("refinement_missing", body)
    if not isinstance(text, str):
        raise _Rejected("bad_json", f"refinement: {text!r}"[:200])
    refinement, no_change = _judge_refinement(_clean(text).strip(), draft, finish_reason)
    return Review(critique, refinement, no_change, problem)


def _assessment_of_json(body: str, finish_reason: str | None) -> Review:
    try:
        _, critique, problem = _read_json(body)
    except _Rejected:
        if finish_reason != "length":
            raise
        raise _Rejected("reply_truncated", body[-200:]) from None
    if problem:
        raise _Rejected(problem, body)
    return Review(critique, None, False, None)


# --- both ---


def _prepare(reply: str, draft: str) -> str:
    text = _without_reasoning(_clean(reply).lstrip("\ufeff\u200b\u2060 \t\n"))
    if is_blank(text):
        raise _Rejected("reply_empty")
    _reject_echo(text, draft)
    return text


def parse_review(reply: str, draft: str, finish_reason: str | None = None) -> Review | Rejection:
    """Read a critic's review of `draft`, with the improved response; it never raises.

    `finish_reason` is the endpoint's: "length" means that the reply was cut, "stop" that the
    model ended it. Without either, an ending in the middle of a sentence counts as cut.
    """
    draft = _storable(draft)
    try:
        text = _prepare(reply, draft)
        body = _find_json(text)
        if body is not None:
            return _review_of_json(body, draft, finish_reason)
        return _review_of_text(text, draft, finish_reason)
    except _Rejected as rejected:
        return rejected.rejection


def parse_assessment(reply: str, finish_reason: str | None = None) -> Review | Rejection:
    """Read an independent score, with the weaknesses and suggestions if any; it never raises.

    An improved response that comes with it is ignored. Without a usable score, the reason why
    there is none rejects.
    """
    try:
        text = _prepare(reply, "")
        body = _find_json(text)
        if body is not None:
            return _assessment_of_json(body, finish_reason)
        return _assessment_of_text(text, finish_reason)
    except _Rejected as rejected:
        return rejected.rejection
