"""Personal data in a text: addresses and numbers that may belong to a person.

A number counts only if it follows its issuer's rules, such as check digits. What is reserved for
documentation, for fiction or for private networks belongs to nobody and is no finding.
"""

import ipaddress
import re
from collections.abc import Iterator
from functools import partial

import phonenumbers
from phonenumbers import Leniency, PhoneNumberMatcher, PhoneNumberType
from stdnum import iban, luhn
from stdnum.us import ssn

from builders.gate.sensitive.spans import Finder, Span

# Most texts need this one search only: digits that look like part of a number.
_ANY = re.compile(
    r"\d(?:(?:[ \u00a0().\-–/]{0,2}\d){6}|\.?\d{0,2}\.\d{1,3}\.\d"
    r"|[0-9a-fA-F]{3}:[0-9a-fA-F:]|\d ?[A-Z0-9]{4} ?[A-Z0-9]{4})"
)

_EMAIL = re.compile(
    r"(?<![\w.+%-])(?P<local>[\w.+%-]{1,64})@(?P<domain>(?:[\w-]{1,63}\.){1,8}[A-Za-z]{2,24})"
    # `x@w.dot(y)` is a matrix product.
    r"(?!\w|\()"
)
_RESERVED_DOMAIN = re.compile(
    r"(?i)(?:^|\.)(?:example\.(?:com|org|net)|example|test|invalid|localhost|local)$"
)
# Mail to these addresses reaches no person.
_NO_PERSON = frozenset({"git", "noreply", "no-reply", "donotreply"})

_PHONE = re.compile(r"(?<![\w.+/=:#@$€£-])\+?\(?\d(?:[ \u00a0().\-–/]{0,2}\d){6,16}(?!\w|\.\d|%)")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
# Reserved for fiction by the North American Numbering Plan and by Ofcom.
_FICTION = re.compile(r"1\d{3}55501\d{2}|447700900\d{3}|4420794600\d{2}|441632960\d{3}")
# Numbers that businesses publish.
_BUSINESS = frozenset(
    {
        PhoneNumberType.TOLL_FREE,
        PhoneNumberType.PREMIUM_RATE,
        PhoneNumberType.SHARED_COST,
        PhoneNumberType.UAN,
    }
)

_IPV4 = re.compile(r"(?<![\w.])(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?!\w|\.\d)")
_IPV6 = re.compile(r"(?<![\w:.])[23][0-9a-fA-F]{3}:[0-9a-fA-F:]{2,34}(?![\w:])")
_VERSION = re.compile(r"(?i)(?:version|release|ver\.|v\.)\s*$")
_DOCUMENTATION = ipaddress.ip_network("3fff::/20")

_IBAN = re.compile(
    r"(?<![A-Za-z0-9])[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?(?![A-Za-z0-9])"
)
_CARD = re.compile(r"(?<![\w.-])[2-6](?:[ -]?[0-9]){12,18}(?![\w-]|\.\d)")
_ISSUED = re.compile(
    r"4\d{12}(?:\d{3}){0,2}|(?:5[1-5]|2[2-7])\d{14}|3[47]\d{13}|3(?:0|6|8)\d{12}"
    r"|(?:6011|65|35)\d{12,14}"
)
_SSN = re.compile(r"(?<![\w-])[0-9]{3}-[0-9]{2}-[0-9]{4}(?![\w-])")


# Of each finding, one of these matches the text.
PATTERNS = (_EMAIL, _ANY)


def personal_data_finder(phone_regions: tuple[str, ...]) -> Finder:
    """Finds emails, phone and US social security numbers, IP addresses, IBANs and bank cards.

    Phone numbers without `+` are found as they are written in `phone_regions`.
    """
    return partial(_find, phone_regions)


def _find(phone_regions: tuple[str, ...], text: str) -> Iterator[Span]:
    if "@" in text:
        yield from _emails(text)
    if _ANY.search(text):
        for finder in (_cards, _ibans, _ips, _ssns):
            yield from finder(text)
        yield from _phones(text, phone_regions)


def _emails(text: str) -> Iterator[Span]:
    for match in _EMAIL.finditer(text):
        if match["local"].lower() in _NO_PERSON or _RESERVED_DOMAIN.search(match["domain"]):
            continue
        yield Span(*match.span(), "EMAIL")


def _phones(text: str, regions: tuple[str, ...]) -> Iterator[Span]:
    for match in _PHONE.finditer(text):
        candidate = match.group()
        international = candidate.startswith("+")
        # Bare digits, or digits with a decimal point, can be any number.
        if not international and _NUMBER.fullmatch(candidate):
            continue
        if any(_is_phone(candidate, region) for region in ([None] if international else regions)):
            yield Span(*match.span(), "PHONE")


def _is_phone(candidate: str, region: str | None) -> bool:
    for match in PhoneNumberMatcher(candidate, region, Leniency.STRICT_GROUPING):
        number = match.number
        digits = f"{number.country_code}{number.national_number}"
        if _FICTION.fullmatch(digits):
            continue
        if phonenumbers.number_type(number) not in _BUSINESS:
            return True
    return False


def _ips(text: str) -> Iterator[Span]:
    for pattern in (_IPV4, _IPV6):
        for match in pattern.finditer(text):
            if _VERSION.search(text, max(0, match.start() - 12), match.start()):
                continue
            if _is_public(match.group()):
                yield Span(*match.span(), "IP")


def _is_public(candidate: str) -> bool:
    try:
        address = ipaddress.ip_address(candidate)
    except ValueError:
        return False
    if not address.is_global or address.is_multicast:
        return False
    if address.version == 6:
        return address not in _DOCUMENTATION
    # 1.2.3.4 is a section or a version; 8.8.8.8 and 1.1.1.1 are public services.
    return any(octet > 9 for octet in address.packed)


def _ibans(text: str) -> Iterator[Span]:
    for match in _IBAN.finditer(text):
        # Capital letters after a space may be the next word.
        end = match.end()
        while end > match.start():
            if iban.is_valid(text[match.start() : end]):
                yield Span(match.start(), end, "IBAN")
                break
            end = text.rfind(" ", match.start(), end)


def _cards(text: str) -> Iterator[Span]:
    for match in _CARD.finditer(text):
        digits = re.sub(r"[ -]", "", match.group())
        if _ISSUED.fullmatch(digits) and luhn.is_valid(digits):
            yield Span(*match.span(), "CARD")


def _ssns(text: str) -> Iterator[Span]:
    for match in _SSN.finditer(text):
        if ssn.is_valid(match.group()):
            yield Span(*match.span(), "SSN")
