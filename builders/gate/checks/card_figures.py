"""The check `card-figures`: whether manifest and card state the figures of the files."""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from builders.files.folder import files_in
from builders.files.hashes import sha256_of_files
from builders.gate.checks.human_agreement import BROKEN, wrong_summaries
from builders.ledger.funnel import Funnel
from builders.manifest import FILE, Check, Manifest
from builders.release.evaluations import raw_win_rates
from builders.release.reviews.agreement import FIGURES_VERSION, REVIEW_FIGURES, lasting_figures
from cards.front_matter import FrontMatterError, read_front_matter

_ABSENT = object()
# How many figures were compared, and a phrase on each that differs.
Compared = tuple[int, list[str]]


class CardFigures:
    """Compares the figures stated with those of the release's rows, counted again in `funnel`."""

    def __init__(self, folder: Path, manifest: Manifest, funnel: Funnel) -> None:
        self._folder = folder
        self._manifest = manifest
        self._funnel = funnel

    def result(
        self, rows: Mapping[tuple[str, str], int], review: Mapping[str, Any] | None
    ) -> Check:
        """`rows` counts those read, by config and split; `review` is what `review_of` says."""
        counts = {f"{config}/{split}": count for (config, split), count in rows.items()}
        comparisons = [
            self._counted(counts),
            self._review(review),
            self._summaries(),
            self._evaluations(),
            self._card(counts),
            self._files(),
        ]
        compared = sum(number for number, _ in comparisons)
        wrong = [phrase for _, phrases in comparisons for phrase in phrases]
        figures = {"compared": compared, "different": len(wrong), "first": wrong[:20]}
        if not wrong:
            sentence = f"All {compared:,} stated figures and hashes are those of the files."
            return Check(name="card-figures", status="pass", sentence=sentence, figures=figures)
        more = f"; and {len(wrong) - 1} more" if len(wrong) > 1 else ""
        return Check(
            name="card-figures", status="fail", sentence=f"{wrong[0]}{more}.", figures=figures
        )

    def _counted(self, counts: Mapping[str, int]) -> Compared:
        facts = self._manifest.facts
        stated = {
            "rows": {
                f"{config}/{split}": in_split.rows
                for config, splits in self._manifest.configs.items()
                for split, in_split in splits.items()
            },
            "funnel": facts.get("funnel"),
            "statistics": facts.get("statistics"),
            "sources": _by_source(facts.get("sources", [])),
        }
        found = {
            "rows": counts,
            "funnel": self._funnel.as_facts(),
            "statistics": self._funnel.statistics(),
            "sources": _by_source(self._funnel.source_facts()),
        }
        return _compare(stated, found)

    def _review(self, review: Mapping[str, Any] | None) -> Compared:
        """The figures on verdicts; of an older release, those that are still computed alike."""
        stated = self._manifest.review
        if review is None and stated is None:
            return 0, []
        if review and stated and stated.get("figures") != FIGURES_VERSION:
            try:
                return _compare(lasting_figures(stated), lasting_figures(review), "review.")
            except (KeyError, TypeError):
                return 1, ["review has not the figures of an older release"]
        named = {f"review.{key}": stated.get(key) for key in REVIEW_FIGURES} if stated else {}
        found = {f"review.{key}": (review or {}).get(key) for key in REVIEW_FIGURES}
        return _compare(named, found)

    def _evaluations(self) -> Compared:
        """The raw win rates, by the judgments in the config `evaluations`."""
        stated = {
            f"evaluations.{one['name']}.{part}.raw": figures["raw"]["value"]
            for one in self._manifest.evaluations or ()
            for part, figures in one["parts"].items()
            if figures["raw"]["value"] is not None
        }
        try:
            rates = raw_win_rates(self._folder)
        except BROKEN:
            # The check `schema` names the file.
            return 0, []
        found = {f"evaluations.{name}.{part}.raw": value for (name, part), value in rates.items()}
        return _compare(stated, found)

    def _summaries(self) -> Compared:
        """The summaries of verdicts in `feedback`."""
        try:
            wrong = list(wrong_summaries(self._folder))
        except BROKEN:
            # The check `schema` names the file.
            return 0, []
        if not wrong:
            return 0, []
        more = f", and of {len(wrong) - 1} more rows" if len(wrong) > 1 else ""
        return 0, [f"human_verdict of row {wrong[0]}{more} is not what its verdicts say"]

    def _card(self, counts: Mapping[str, int]) -> Compared:
        """The rows in the card's front matter, if there is a card already."""
        path = self._folder / "README.md"
        if not path.is_file():
            return 0, []
        try:
            infos = read_front_matter(path).get("dataset_info") or []
            infos = [infos] if isinstance(infos, Mapping) else infos
            stated = {
                f"{info.get('config_name', 'default')}/{split['name']}": split["num_examples"]
                for info in infos
                for split in info["splits"]
            }
        except FrontMatterError as error:
            return 1, [f"README.md: its front matter cannot be read ({error})"]
        except Exception as error:  # a card that somebody edited can hold anything
            return 1, [f"README.md: its front matter cannot be read ({type(error).__name__})"]
        return _compare(stated, counts, "README.md: ")

    def _files(self) -> Compared:
        """The hash of each file, if there is a manifest already."""
        if not (self._folder / FILE).is_file():
            return 0, []
        paths = [path for name, path in files_in(self._folder) if name != FILE]
        stated = {name: file.sha256 for name, file in self._manifest.files.items()}
        return _compare(stated, sha256_of_files(paths, self._folder), "sha256 of ")


def _by_source(sources: list[Mapping[str, Any]]) -> dict[str, dict[str, int]]:
    return {
        f"{source['name']} ({source['license']})": {
            "rows": source["rows"],
            "kept": source["kept"],
        }
        for source in sources
    }


def _compare(stated: Mapping[str, Any], found: Mapping[str, Any], where: str = "") -> Compared:
    """Compare all figures, however nested; `where` begins each phrase.

    >>> _compare({"rows": {"train": 9}}, {"rows": {"train": 8}})
    (1, ['rows.train is stated as 9, and is 8'])
    """
    left, right = dict(_leaves(stated)), dict(_leaves(found))
    wrong = []
    for key in sorted(left.keys() | right.keys()):
        one, other = left.get(key, _ABSENT), right.get(key, _ABSENT)
        if not _is_same(one, other):
            wrong.append(f"{where}{key} is stated as {_shown(one)}, and is {_shown(other)}")
    return len(left.keys() | right.keys()), wrong


def _leaves(value: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Each value that is no list or mapping, by its dotted key."""
    if isinstance(value, list):
        value = dict(enumerate(value))
    if not isinstance(value, Mapping):
        yield prefix, value
        return
    for name, child in value.items():
        yield from _leaves(child, f"{prefix}.{name}" if prefix else str(name))


def _is_same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, int | float):
        # Sums of the same numbers in another order differ in the last digits.
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-12)
    return one is not _ABSENT and other is not _ABSENT and one == other


def _shown(value: Any) -> str:
    return "missing" if value is _ABSENT else f"{value!r:.80}"
