"""The improved response: whether it is an answer, is complete, and changes the draft."""

import re

from builders.critique.replies.fences import FENCE_LINE, find_code
from builders.critique.replies.result import UnreadableReply
from builders.critique.replies.text import is_blank, plain

_CANNOT = (
    "i (?:can ?not|can't|won't|will not|must decline to)|i(?: a|')m (?:unable|not able) to"
    "|i (?:do not|don't) feel comfortable|i'm not comfortable"
)
_HELP = (
    "(?:answer|assist|comply|create|discuss|evaluat|fulfill?|generat|help(?:ing)? (?:you|with|that)"
    "|improv|produc|provid|respond|review|revis|rewrit|writ)"
)
# An apology alone can be an answer ("I'm sorry to hear that"). These phrases decline to give one.
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
# How a reply without any section begins if it declines to criticize.
_APOLOGIZES = re.compile(
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
_THE_DRAFT = (
    "(?:the |this )?(?:original |given |current |initial |provided |existing )?(?:response|answer)"
)
_GOOD = (
    "(?:accurate|clear|complete|comprehensive|concise|correct|excellent|fine|flawless|good|great"
    "|ideal|optimal|perfect|satisfactory|strong|sufficient|well[- ]written)"
)
_IS_GOOD = (
    f"{_THE_DRAFT} (?:is|was) (?:already )?(?:very |quite |fully )?{_GOOD}"
    f"(?:,? and (?:very |quite |fully )?{_GOOD})?(?: as (?:it )?is)?"
)
_AND = "[,;.:–—-]? ?(?:(?:and|as|because|since|so|therefore|thus),? )?"
_SAYS_NO_CHANGE = re.compile(
    "(?:(?:n/?a|none(?: needed)?)[ :;,.(–—-]{1,4})?(?:none (?:needed|necessary|required)|unchanged"
    rf"|{_NO_CHANGE}(?: to {_THE_DRAFT})?(?:{_AND}{_IS_GOOD})?|{_IS_GOOD}(?:{_AND}{_NO_CHANGE})?"
    rf"|(?:the )?(?:same as|identical to) (?:{_THE_DRAFT}|(?:the )?(?:original|draft))"
    rf"|{_THE_DRAFT} (?:(?:needs|requires) {_NO_CHANGE}|(?:does not|doesn't) (?:need|require) "
    rf"(?:any )?{_CHANGE}|(?:(?:can|should) (?:remain|stand|stay)|is|remains|stays) "
    "(?:as it is|the same|unchanged)))"
    "|keine (?:änderungen?|verbesserungen?)(?: (?:nötig|notwendig|erforderlich))?"
    "|aucune (?:modification|amélioration)(?: (?:nécessaire|requise))?"
    "|no se necesitan (?:cambios|mejoras)|无需(?:修改|改进|更改)|不需要(?:修改|改进)"
)
_META = re.compile(
    r"(?:the |an? )?(?:improved|refined|revised) (?:response|answer) "
    r"(?:would|should|could|might|is (?:given|shown|provided|above|below)|can be found)\b"
    rf"|to improve {_THE_DRAFT}[,:]"
    rf"|{_THE_DRAFT} (?:should|could|needs to|can) be (?:improved|revised|refined)\b"
)

_CUT_END = re.compile(
    r"(?:[,，、[{（【「《]|(?<![:;=-])\(|[a-zà-ÿ]{3}-)$"
    r"|(?:^|\s)(?:and|or|but|nor|because|although|whereas|the|an|und|oder|aber|et|ou|les|des)$"
    r"|\s(?:as|at|by|for|from|in|into|like|of|on|such|that|to|with) a$"
)


def _is_placeholder(text: str) -> bool:
    if is_blank(text) or not text.strip("\ufffd \n"):
        return True
    if len(text) > 200:
        return False
    words = plain(text).replace("_", " ").strip("*`\"' ")
    closing = _BRACKETS.get(words[:1])
    if closing and words.endswith(closing) and _BRACKETED_WORDS.search(words):
        return True
    return _PLACEHOLDER.fullmatch(words.strip("[]<>(){}.…:!- ")) is not None


def _has_open_fence(text: str) -> bool:
    """True if a code block is not closed, whether or not fences of one length are nested."""
    if "```" not in text and "~~~" not in text:
        return False
    lines = text.split("\n")
    if not find_code(lines)[1]:
        return False
    depth = 0
    for line in lines:
        fence = FENCE_LINE.fullmatch(line)
        if fence:
            depth += 1 if fence[2].strip() or depth == 0 else -1
    return depth > 0


def _ends(text: str) -> list[str]:
    """The first word and the last: texts that differ in them need not be split into all."""
    return [*text.split(None, 1)[:1], *text.rsplit(None, 1)[-1:]]


def opens_by_declining(text: str) -> bool:
    """True if `text` begins with an apology or declines in its first 300 characters."""
    opening = plain(text[:300])
    return bool(_APOLOGIZES.match(opening) or _DECLINES.search(opening))


def read_refinement(text: str, draft: str, finish_reason: str | None) -> tuple[str, bool]:
    """The refinement, and whether it leaves the draft unchanged. Raises `UnreadableReply`."""
    if is_blank(text):
        raise UnreadableReply("refinement_empty")
    if finish_reason == "length":
        raise UnreadableReply("refinement_truncated", text[-200:])
    if _ends(text) == _ends(draft) and text.split() == draft.split():
        return draft, True
    says_no_change = len(text) <= 200 and _SAYS_NO_CHANGE.fullmatch(
        plain(text).strip("*_`[](){}<>\"' .!。")
    )
    if says_no_change and not is_blank(draft):
        return draft, True
    if says_no_change or _is_placeholder(text):
        raise UnreadableReply("refinement_empty", text)
    if len(text) <= 600:
        opening = plain(text[:120])
        declines = _DECLINES.search(opening) and not opens_by_declining(draft)
        if declines or (len(text) <= 300 and _META.match(opening)):
            raise UnreadableReply("refinement_refused", text)
    is_cut = finish_reason != "stop" and _CUT_END.search(text[-60:].rstrip())
    if is_cut or _has_open_fence(text):
        raise UnreadableReply("refinement_truncated", text[-200:])
    return text, False
