"""Which field of a request an endpoint refuses, in any of the shapes in which servers say so."""

import re
from collections.abc import Iterable

from pipelines.llms.endpoint.http_replies import RejectedRequest

_REFUSES = re.compile(
    r"support|unknown|unrecogni[sz]ed|unexpected|extra (?:input|field)|not (?:permitted|allowed)"
    r"|forbidden|invalid|not (?:a )?valid|must (?:be|not)|should be|deprecated|out of range"
    r"|too (?:large|high|small|low)|(?:less|greater|more) than|exceeds",
    re.IGNORECASE,
)
# "model" is a word of nearly every message.
_NO_MODEL = re.compile(
    r"model.{0,80}(?:not (?:a )?valid|not found|not exist|unknown|invalid|not available)"
    r"|(?:not a valid|invalid|unknown) model",
    re.IGNORECASE,
)


def refused_field(rejected: RejectedRequest, sent: Iterable[str]) -> str | None:
    """The one of the fields `sent` that the rejection is about, or None.

    That is the one that the error body names in a place of its own (OpenAI's `param`, pydantic's
    `loc`); otherwise one that its message names.

    >>> refused_field(RejectedRequest(400, 'Unknown name "seed": Cannot find field.'), ["seed"])
    'seed'
    """
    sent = list(sent)
    for name in rejected.fields:
        return name if name in sent else None
    words = rejected.message
    if _REFUSES.search(words):
        for name in sent:
            if name != "model" and re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", words):
                return name
    return "model" if "model" in sent and _NO_MODEL.search(words) else None
