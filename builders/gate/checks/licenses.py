"""The check `licenses`: whether the licenses of the sources allow the license of the release.

A license is represented by what it requires of those who share the text. The table knows the
identifiers of the Hub and of SPDX. It is not legal advice, and an unknown license fails.
"""

import re
from collections import Counter
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from builders.gate.check import MOST_ROWS, FirstRows
from builders.manifest import Check
from builders.wording import counted


@dataclass(frozen=True)
class Terms:
    """What a license requires. `alike` names the licenses that derived works may have."""

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
# Terms that stay with the text and that no other license has.
_OWN_IDS = (
    "odbl odbl-1.0 cdla-sharing-1.0 gfdl mpl-2.0 epl-1.0 epl-2.0 eupl-1.1 eupl-1.2 osl-3.0 "
    "openrail openrail++ bigscience-openrail-m creativeml-openrail-m bigcode-openrail-m "
    "bigscience-bloom-rail-1.0 llama2 llama3 llama3.1 llama3.2 llama3.3 llama4 gemma "
    "deepfloyd-if-license"
)
_COMMONS = re.compile(r"cc-by(-nc)?(-sa|-nd)?(?:-[1-4]\.\d)?")
_GPL = re.compile(r"([al]?gpl)(?:-[23]\.\d)?")


def spelled(license: str) -> str:
    """The license's identifier as the Hub writes it: "CC BY 4.0" is "cc-by-4.0"."""
    name = re.sub(r"[\s_]+", "-", license.strip().lower())
    return re.sub(r"-(?:only|or-later)$|\+$(?<!\+\+)", "", name)


def terms_of(license: str) -> Terms | None:
    """What the license requires; None if the table does not know it."""
    name = spelled(license)
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
    """Why text under the license `source` cannot be released under `release`, or None."""
    required, granted = terms_of(source), terms_of(release)
    if granted is None:
        return f"the terms of the release's license {release!r} are not known"
    if required is None:
        return f"the terms of {source!r} are not known"
    if not required.derivatives:
        return f"{source} allows no derived works"
    if required.alike and required.alike != granted.alike:
        return f"{source} requires its own terms, and {release} has others"
    if not required.commercial and granted.commercial:
        return f"{source} allows no commercial use, and {release} does"
    return None


class Licenses:
    """Compares the license of each source with `release`, the release's."""

    def __init__(self, release: str) -> None:
        self._release = release
        self._sources: dict[tuple[str, str], FirstRows] = {}

    def see(self, rows: pa.Table) -> None:
        names, licenses = (
            rows[column].combine_chunks().dictionary_encode() for column in ("source", "license")
        )
        # One number for each pair of a name and a license.
        numbers = names.indices.to_numpy().astype(np.int64)
        pairs = numbers * len(licenses.dictionary) + licenses.indices.to_numpy()
        order = np.argsort(pairs, kind="stable")
        firsts = np.flatnonzero(np.diff(pairs[order], prepend=-1))
        for own in np.split(order, firsts[1:]) if len(order) else ():
            source = (names[own[0]].as_py(), licenses[own[0]].as_py())
            ids = rows["id"].combine_chunks().take(own)
            self._sources.setdefault(source, FirstRows()).add_all(ids)

    def add(self, other: "Licenses") -> None:
        """Take over the rows of another one, which come after these."""
        for source, rows in other._sources.items():
            self._sources.setdefault(source, FirstRows()).extend(rows)

    def result(self) -> Check:
        conflicts, rows, credit = {}, [], []
        for (name, license), seen in sorted(self._sources.items()):
            if reason := conflict(license, self._release):
                conflicts[name] = reason
                rows += seen.ids
            elif terms_of(license).attribution and name not in credit:
                credit.append(name)
        counts: Counter[str] = Counter()
        for (_, license), seen in self._sources.items():
            counts[license] += seen.count
        figures = {
            "release": self._release,
            "rows_by_license": dict(sorted(counts.items())),
            "conflicts": conflicts,
            "to_be_credited": credit,
        }
        if conflicts:
            listed = "; ".join(f"{name}: {reason}" for name, reason in conflicts.items())
            return Check(
                name="licenses",
                status="fail",
                sentence=f"{listed}.",
                figures=figures,
                rows=tuple(rows[:MOST_ROWS]),
            )
        names, release = ", ".join(credit), terms_of(self._release)
        if credit and release and not release.attribution:
            sentence = f"{self._release} requires no credit, and credit is due to {names}."
            return Check(name="licenses", status="warn", sentence=sentence, figures=figures)
        sources = counted(len(self._sources), "source")
        sentence = f"{sources} may be released under {self._release}."
        if credit:
            sentence += f" Credit is due to {names}."
        return Check(name="licenses", status="pass", sentence=sentence, figures=figures)
