"""Why a reply ended: the words of all endpoints, folded into those of OpenAI's."""

import re

# An upper-case word of Google's has the same letters; `_` and spaces do not count.
_WORDS = {
    "length": (
        "length maxtokens maxoutputtokens maxlength maxnewtokens maxcompletiontokens modellength "
        "tokenlimit limit modelcontextwindowexceeded"
    ),
    "content_filter": (
        "contentfilter contentfiltered safety recitation blocklist prohibitedcontent spii "
        "imagesafety guardrailintervened sensitive"
    ),
    "stop": "stop eos eostoken endturn endofturn stopsequence complete completed endofsequence",
    "error": "error networkerror insufficientsystemresource abort aborted malformedresponse",
}
_FOLDED = {word: reason for reason, words in _WORDS.items() for word in words.split()}


def fold_finish_reason(reason: str | None) -> str | None:
    """`stop`, `length`, `content_filter` or `error` where the word means that, or the word itself.

    >>> fold_finish_reason("FINISH_REASON_MAX_TOKENS"), fold_finish_reason("tool_calls")
    ('length', 'tool_calls')
    """
    if reason is None or reason in _WORDS:
        return reason
    for part in (reason, *reason.split(":")):
        word = re.sub("[^a-z]", "", part.lower()).removeprefix("finishreason")
        if word in _FOLDED:
            return _FOLDED[word]
    return reason
