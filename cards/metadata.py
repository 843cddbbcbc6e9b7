"""The front matter of a card as the Hub accepts it: its own lists, and what is wrong by them.

The licenses are those that the Hub names when it refuses another one (huggingface_hub#4218, of
2026-05); languages, creators and size categories are in the package `datasets`.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from cards.markdown import one_line

_LICENSES = (
    "apache-2.0 mit openrail bigscience-openrail-m creativeml-openrail-m "
    "bigscience-bloom-rail-1.0 bigcode-openrail-m afl-3.0 artistic-2.0 bsl-1.0 bsd bsd-2-clause "
    "bsd-3-clause bsd-3-clause-clear c-uda cc cc0-1.0 cc-by-2.0 cc-by-2.5 cc-by-3.0 cc-by-4.0 "
    "cc-by-sa-3.0 cc-by-sa-4.0 cc-by-nc-2.0 cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nd-4.0 "
    "cc-by-nc-nd-3.0 cc-by-nc-nd-4.0 cc-by-nc-sa-2.0 cc-by-nc-sa-3.0 cc-by-nc-sa-4.0 "
    "cdla-sharing-1.0 cdla-permissive-1.0 cdla-permissive-2.0 wtfpl ecl-2.0 epl-1.0 epl-2.0 "
    "etalab-2.0 eupl-1.1 eupl-1.2 agpl-3.0 gfdl gpl gpl-2.0 gpl-3.0 lgpl lgpl-2.1 lgpl-3.0 isc "
    "h-research intel-research lppl-1.3c ms-pl apple-ascl apple-amlr mpl-2.0 odc-by odbl "
    "openmdw-1.0 openrail++ osl-3.0 postgresql ofl-1.1 ncsa unlicense zlib pddl lgpl-lr "
    "deepfloyd-if-license fair-noncommercial-research-license llama2 llama3 llama3.1 llama3.2 "
    "llama3.3 llama4 grok2-community gemma unknown other array"
)
LICENSES = frozenset(_LICENSES.split())
OTHER = "other"
# The Hub takes these beside the ISO codes.
_NO_LANGUAGE = ("code", "multilingual")
_LICENSE_NAME = re.compile(r"[a-z0-9][a-z0-9.+_-]*")
_LINK = re.compile(r"https?://[^\s<>\"]+|[\w][\w./-]*", re.ASCII)
_SOURCE = re.compile(r"original|extended(\|.+)?|[\w.-]+(/[\w.-]+)?", re.ASCII)
_SHOWN = 80


@cache
def languages() -> frozenset[str]:
    """Codes of ISO 639 as the Hub writes them: of two letters where there are such, else three."""
    return frozenset([*_resource("languages.json"), *_NO_LANGUAGE])


@cache
def size_categories() -> tuple[str, ...]:
    """The Hub's classes of sizes, from `n<1K` on."""
    return tuple(name for name in _resource("size_categories.json") if name != "unknown")


@cache
def annotators() -> tuple[str, ...]:
    return tuple(_resource("creators.json")["annotations"])


def license_problem(license: str, name: str | None = None, link: str | None = None) -> str | None:
    """Why a card of ours cannot have this license, or None.

    Beyond what the Hub requires, `other` needs a name and a link.

    >>> license_problem("CC-BY-4.0")
    "'CC-BY-4.0' is written 'cc-by-4.0' on the Hub"
    >>> license_problem("cc-by-4.0"), license_problem("other", "my-terms", "https://example.org")
    (None, None)
    """
    if license not in LICENSES:
        spelled = "-".join(license.lower().split())
        if spelled in LICENSES:
            return f"{license!r} is written {spelled!r} on the Hub"
        return (
            f"{license!r:.{_SHOWN}} is no license of the Hub's list "
            "(https://huggingface.co/docs/hub/repositories-licenses); write `license: other` with "
            "`license_name` and `license_link`"
        )
    if license != OTHER:
        if name is not None or link is not None:
            return f"`license_name` and `license_link` are for `license: other`, not for {license}"
        return None
    if name is None or link is None:
        return "`other` needs `license_name` and `license_link`"
    if _LICENSE_NAME.fullmatch(name) is None:
        return f"license_name {name!r:.{_SHOWN}}: use small letters, digits, '.', '_', '+' and '-'"
    if _LINK.fullmatch(link) is None:
        return f"license_link {link!r:.{_SHOWN}} is neither a web address nor a file's name"
    return None


def license_terms(facts: Mapping[str, Any]) -> dict[str, str]:
    """The keys of a card that say which terms `license: other` stands for, if the facts do."""
    keys = ("license_name", "license_link")
    return {key: one_line(facts[key]) for key in keys if facts.get(key)}


def language_problem(code: str) -> str | None:
    """Why the Hub would not accept this language, or None.

    >>> language_problem("en")
    >>> language_problem("english")
    "'english' is no ISO 639 code that the Hub knows, such as en; nor is it code or multilingual"
    """
    if code in languages():
        return None
    return (
        f"{code!r:.{_SHOWN}} is no ISO 639 code that the Hub knows, such as en; nor is it code or "
        "multilingual"
    )


def metadata_problems(data: Mapping[str, Any]) -> Iterator[str]:
    """A sentence for each value of a card's front matter that the Hub refuses."""
    listed = sorted(LICENSES)
    yield from _others(data, "license", lambda value: value in LICENSES, f"one of {listed}")
    yield from _others(
        data,
        "language",
        lambda value: value in languages(),
        "one of the Hub's codes of ISO 639, or code or multilingual",
    )
    for key, allowed in (
        ("size_categories", (*size_categories(), "unknown")),
        ("annotations_creators", annotators()),
    ):
        yield from _others(data, key, lambda value, of=allowed: value in of, f"one of {allowed}")
    yield from _others(
        data,
        "source_datasets",
        lambda value: _SOURCE.fullmatch(value) is not None,
        "original, extended, extended|NAME or the name of a dataset",
    )


def _others(
    data: Mapping[str, Any], key: str, is_known: Callable[[str], bool], known: str
) -> Iterator[str]:
    values = data.get(key)
    for value in values if isinstance(values, list) else [values]:
        if value is not None and not (isinstance(value, str) and is_known(value)):
            yield f'"{key}" with value {value!r:.{_SHOWN}} is not valid: it must be {known}'


def _resource(name: str) -> Any:
    """A list that `datasets` carries; found without importing it, which takes seconds."""
    package = find_spec("datasets")
    if package is None or package.origin is None:
        raise ModuleNotFoundError("datasets is not installed")
    path = Path(package.origin).parent / "utils" / "resources" / name
    return json.loads(path.read_text(encoding="utf-8"))
