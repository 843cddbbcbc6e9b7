"""Quotation marks of all languages around and before a score."""

import pytest

from builders.critique.parse import parse_reply
from builders.critique.replies.headings import opens_quote
from builders.critique.replies.result import ParsedReply

CLOSED = [
    "Write “please”.",
    "Eine Frage mit „bitte“ schreiben.",
    "Mit „bitte” und »danke« schreiben.",
    "Écrire « s'il vous plaît ».",
    "Skriv ”tack”.",
    "「ください」と書く。",
    'Ask for a 5" pipe.',
    "It isn’t “clear” (“polite” is).",
]
OPEN = [
    "It ends with “this",
    "Es endet mit „so",
    "Es endet mit »so",
    "Il finit par « ainsi",
    "は「次",
]


@pytest.mark.parametrize("text", CLOSED)
def test_a_score_after_a_closed_quotation_is_the_critics(text):
    assert not opens_quote(text)
    reply = f"### Weaknesses\n1. It is rude.\n\n### Suggestions\n1. {text}\n\nOverall Score: [[4]]"
    parsed = parse_reply(f"{reply}\n\n### Improved Response\nPlease.", "Now!")
    assert isinstance(parsed, ParsedReply)
    assert parsed.critique.score == 4
    assert list(parsed.critique.suggestions) == [text]


@pytest.mark.parametrize("text", OPEN)
def test_a_score_in_an_open_quotation_is_not(text):
    assert opens_quote(text)
    reply = f"### Weaknesses\n1. It is rude.\n\n### Suggestions\n1. {text}\n\nOverall Score: [[4]]"
    parsed = parse_reply(f"{reply}\n\n### Improved Response\nPlease.", "Now!")
    assert not isinstance(parsed, ParsedReply)
