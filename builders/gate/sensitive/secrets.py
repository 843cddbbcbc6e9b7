"""Keys and tokens in a text, recognized by the forms that their issuers give them.

The plugins of detect-secrets know most of the forms. Its plugins for entropy, keywords and
passwords in URLs are not used: in prose and teaching code they mostly find examples. Its plugins
for JWT, npm, OpenAI and private keys are replaced: they miss newer tokens or the end of a token,
and some take quadratic time on a text made for that.
"""

import re
from collections.abc import Iterator
from functools import cache

from builders.gate.sensitive.spans import Span

KIND = "SECRET"

_BEFORE = r"(?<![A-Za-z0-9_-])"
_KEY_HEAD = r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY[A-Z ]{0,10}-----"
_KEY_END = r"-----END [A-Z0-9 ]{0,30}PRIVATE KEY[A-Z ]{0,10}-----"
# By a string that every match contains: searching for it costs next to nothing.
_OWN = {
    "sk-": rf"{_BEFORE}sk-(?=[A-Za-z0-9_-]*?[A-Za-z0-9]{{16}})[A-Za-z0-9_-]{{20,}}",
    "hf_": rf"{_BEFORE}hf_[A-Za-z0-9]{{30,}}",
    "github_pat_": rf"{_BEFORE}github_pat_[A-Za-z0-9_]{{50,}}",
    "AIza": rf"{_BEFORE}AIza[A-Za-z0-9_-]{{35}}",
    "npm_": rf"{_BEFORE}npm_[A-Za-z0-9]{{36}}",
    ".eyJ": rf"{_BEFORE}eyJ[A-Za-z0-9_-]{{10,}}\.eyJ[A-Za-z0-9_-]{{10,}}\.[A-Za-z0-9_-]*",
    "PRIVATE KEY": (
        rf"{_KEY_HEAD}(?:[\s\S]{{0,8000}}?{_KEY_END}|(?:\s{{0,4}}[A-Za-z0-9+/=]{{40,}})*)"
    ),
}
# Strings of which every match of a plugin contains one, in lower case.
_PLUGINS = {
    "aws.AWSKeyDetector": ("a3t", "abia", "acca", "akia", "asia", "aws"),
    "azure_storage_key.AzureStorageKeyDetector": ("accountkey=",),
    "discord.DiscordBotTokenDetector": (".",),
    "github_token.GitHubTokenDetector": ("ghp_", "gho_", "ghu_", "ghs_", "ghr_"),
    "gitlab_token.GitLabTokenDetector": ("gl", "gr1348941"),
    "mailchimp.MailchimpDetector": ("-us",),
    "pypi_token.PypiTokenDetector": ("pypi-",),
    "sendgrid.SendGridDetector": ("sg.",),
    "slack.SlackDetector": ("xox", "hooks.slack.com"),
    "square_oauth.SquareOAuthDetector": ("sq0csp-",),
    "stripe.StripeDetector": ("k_live_",),
    "telegram_token.TelegramBotTokenDetector": (":",),
    "twilio.TwilioKeyDetector": ("ac", "sk"),
}
# Every form has so many of these characters in a row, and few texts do. A search in bytes takes a
# twentieth of the time of a pattern.
_RUN = b"0" * 16
_TO_RUNS = bytes(
    ord("0") if chr(byte).isascii() and (chr(byte).isalnum() or chr(byte) in "+/_-") else 32
    for byte in range(256)
)
_REST = re.compile(r"[A-Za-z0-9_-]*")
_FILLER = re.compile(r"(?i)example|your|([x0*.])\1{7}")


@cache
def _patterns() -> list[tuple[tuple[str, ...], list[re.Pattern[str]]]]:
    from importlib import import_module

    patterns = [((mark.lower(),), [re.compile(pattern)]) for mark, pattern in _OWN.items()]
    for name, marks in _PLUGINS.items():
        module, plugin = name.split(".")
        found = getattr(import_module(f"detect_secrets.plugins.{module}"), plugin)
        patterns.append((marks, list(found.denylist)))
    return patterns


def secret_patterns() -> list[re.Pattern[str]]:
    """The patterns of all forms. Of each finding, one of them matches the text."""
    return [pattern for _, patterns in _patterns() for pattern in patterns]


def find_secrets(text: str) -> Iterator[Span]:
    """The keys and tokens in `text`, without those that documentation uses as examples."""
    if _RUN not in text.encode(errors="replace").translate(_TO_RUNS) and "PRIVATE KEY" not in text:
        return
    lower = text.lower()
    for marks, patterns in _patterns():
        if not any(mark in lower for mark in marks):
            continue
        for pattern in patterns:
            for match in pattern.finditer(text):
                start, end = match.span()
                inside_word = start and text[start].isalnum() and text[start - 1].isalnum()
                if inside_word or _FILLER.search(match.group()):
                    continue
                # A form of fixed length may be only the beginning of a longer token.
                yield Span(start, _REST.match(text, end).end(), KIND)
