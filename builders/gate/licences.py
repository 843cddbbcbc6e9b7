"""Whether the sources' licences let the release have its own: the check `licences`.

A licence is what it asks of those who pass the text on. The table knows the identifiers of the
Hub and of SPDX; it is no legal advice, and what it does not know fails.
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from builders.gate.check import Check, FirstRows


@dataclass(frozen=True)
class Terms:
    """What a licence asks for. `alike` names the licences that what is made of it may have."""

    attribution: bool = True
    alike: str | None = None
    commercial: bool = True
    derivatives: bool = True


_FREE = Terms(attribution=False)
_CREDIT = Terms()
_FREE_IDS = "cc0-1.0 pddl pddl-1.0 unlicense wtfpl 0bsd mit-0 public-domain"
_CREDIT_IDS = (
    "mit apache-2.0 bsd bsd-2-clause bsd-3-clause bsd-3-clause-clear isc zlib ncsa afl-3.0 "
    "artistic-2.0 ecl-2.0 ms-pl postgresql bsl-1.0 cc-by-1.0 cc-by-2.0 cc-by-2.5 cc-by-3.0 "
    "cc-by-4.0 cc-by odc-by odc-by-1.0 cdla-permissive-1.0 cdla-permissive-2.0 etalab-2.0 c-uda"
)
# Terms that travel with the text and that no other licence has.
_OWN_IDS = (
    "odbl odbl-1.0 cdla-sharing-1.0 gfdl mpl-2.0 epl-1.0 epl-2.0 eupl-1.1 eupl-1.2 osl-3.0 "
    "openrail openrail++ bigscience-openrail-m creativeml-openrail-m bigcode-openrail-m "
    "bigscience-bloom-rail-1.0 llama2 llama3 llama3.1 llama3.2 llama3.3 llama4 gemma "
    "deepfloyd-if-license"
)
_COMMONS = re.compile(r"cc-by(-nc)?(-sa|-nd)?(?:-[1-4]\.\d)?")
_GPL = re.compile(r"([al]?gpl)(?:-[23]\.\d)?")


def spelled(licence: str) -> str:
    """The licence's identifier as the Hub writes it: "CC BY 4.0" is "cc-by-4.0"."""
    name = re.sub(r"[\s_]+", "-", licence.strip().lower())
    return re.sub(r"-(?:only|or-later)$|\+$(?<!\+\+)", "", name)


def terms_of(licence: str) -> Terms | None:
    """What the licence asks for; None where the table does not know it."""
    name = spelled(licence)
    if name in _FREE_IDS.split():
        return _FREE
    if name in _CREDIT_IDS.split():
        return _CREDIT
    if name in _OWN_IDS.split():
        return Terms(alike=name)
    if match := _COMMONS.fullmatch(name):
        non_commercial, also = match.groups()
        family = f"cc-by{non_commercial or ''}-sa"
        return Terms(
            alike=family if also == "-sa" else None,
            commercial=not non_commercial,
            derivatives=also != "-nd",
        )
    if match := _GPL.fullmatch(name):
        return Terms(alike=match[1])
    return None


def conflict(source: str, release: str) -> str | None:
    """Why text under the licence `source` cannot be released under `release`, or None."""
    given, made = terms_of(source), terms_of(release)
    if made is None:
        return f"what the release's licence {release!r} allows is not known"
    if given is None:
        return f"what {source!r} asks for is not known"
    if not given.derivatives:
        return f"{source} allows no derived works"
    if given.alike and given.alike != made.alike:
        return f"{source} asks for its own terms, and {release} has others"
    if not given.commercial and made.commercial:
        return f"{source} allows no commercial use, and {release} does"
    return None


class Licences:
    """Compares each source's licence with `release`, that of the release."""

    def __init__(self, release: str) -> None:
        self._release = release
        self._sources: dict[tuple[str, str], FirstRows] = {}

    def see(self, row: Mapping[str, Any]) -> None:
        source = (row["source"], row["licence"])
        self._sources.setdefault(source, FirstRows()).add(row["id"])

    def result(self) -> Check:
        conflicts, rows, credit = {}, [], []
        for (name, licence), seen in sorted(self._sources.items()):
            if why := conflict(licence, self._release):
                conflicts[name] = why
                rows += seen.ids
            elif terms_of(licence).attribution and name not in credit:
                credit.append(name)
        counts: Counter[str] = Counter()
        for (_, licence), seen in self._sources.items():
            counts[licence] += seen.count
        figures = {
            "release": self._release,
            "rows_by_licence": dict(sorted(counts.items())),
            "conflicts": conflicts,
            "to_be_credited": credit,
        }
        if conflicts:
            listed = "; ".join(f"{name}: {why}" for name, why in conflicts.items())
            return Check("licences", "fail", f"{listed}.", figures, tuple(rows[:20]))
        release = terms_of(self._release)
        if credit and release and not release.attribution:
            named = ", ".join(credit)
            sentence = f"{self._release} asks for no credit, which is due to {named}."
            return Check("licences", "warn", sentence, figures)
        count = len(self._sources)
        sentence = f"{count} source{'s' * (count != 1)} may be released under {self._release}."
        if credit:
            sentence += f" Credit is due to {', '.join(credit)}."
        return Check("licences", "pass", sentence, figures)
