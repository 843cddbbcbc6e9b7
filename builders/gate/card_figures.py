"""Whether the figures that manifest and card state are those of the files: `card-figures`."""

import hashlib
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from huggingface_hub import DatasetCard

from builders.funnel import Funnel
from builders.gate.check import Check
from builders.gate.human_agreement import BROKEN, wrong_summaries
from builders.release.agreement import REVIEW_FIGURES
from builders.release.statistics import ReleaseStatistics

_ABSENT = object()


class CardFigures:
    """Counts the release anew; `facts` are a card's facts or a release's manifest."""

    def __init__(self, folder: Path, facts: Mapping[str, Any]) -> None:
        self._folder = folder
        self._facts = facts
        self._funnel = Funnel()
        self._statistics = ReleaseStatistics()

    def see(self, row: Mapping[str, Any]) -> None:
        self._funnel.add(row)
        self._statistics.add(row)

    def result(
        self, rows: Mapping[tuple[str, str], int], review: Mapping[str, Any] | None
    ) -> Check:
        """`rows` are those read of each config and split, `review` what people said of them."""
        found = {
            "rows": {f"{config}/{split}": count for (config, split), count in rows.items()},
            "funnel": self._funnel.as_facts(),
            "statistics": self._statistics.as_facts(),
            "sources": _by_source(self._statistics.source_facts()),
        }
        stated = {
            "rows": dict(_stated_rows(self._facts.get("configs"))),
            "funnel": self._facts.get("funnel"),
            "statistics": self._facts.get("statistics"),
            "sources": _by_source(self._facts.get("sources")),
        }
        compared, wrong = _compare(stated, found)
        for more in (self._review(review), self._card_rows(found["rows"]), self._files()):
            compared += more[0]
            wrong += more[1]
        figures = {"compared": compared, "different": len(wrong), "first": wrong[:20]}
        if wrong:
            others = f"; and {len(wrong) - 1} more" if len(wrong) > 1 else ""
            return Check("card-figures", "fail", f"{wrong[0]}{others}.", figures)
        sentence = f"All {compared:,} stated figures and hashes are those of the files."
        return Check("card-figures", "pass", sentence, figures)

    def _review(self, found: Mapping[str, Any] | None) -> tuple[int, list[str]]:
        """The figures on verdicts, and the summaries of them in `feedback`."""
        compared, wrong = 0, []
        stated = self._facts.get("review")
        if found is not None or stated is not None:
            shown = REVIEW_FIGURES if isinstance(stated, Mapping) else ()
            named = {f"review.{key}": stated.get(key) for key in shown}
            present = {f"review.{key}": (found or {}).get(key) for key in REVIEW_FIGURES}
            compared, wrong = _compare(named, present)
        try:
            others = list(wrong_summaries(self._folder))
        except BROKEN:
            # The check `schema` names the file.
            others = []
        if others:
            more = f", and of {len(others) - 1} more rows" if len(others) > 1 else ""
            wrong.append(f"human_verdict of row {others[0]}{more} is not what its verdicts say")
        return compared, wrong

    def _card_rows(self, found: Mapping[str, int]) -> tuple[int, list[str]]:
        """The rows that the card's front matter states, where there is a card already."""
        path = self._folder / "README.md"
        if not path.is_file():
            return 0, []
        try:
            infos = DatasetCard.load(path, ignore_metadata_errors=True).data.dataset_info or []
            infos = [infos] if isinstance(infos, Mapping) else infos
            stated = {
                f"{info.get('config_name', 'default')}/{split['name']}": split["num_examples"]
                for info in infos
                for split in info["splits"]
            }
        except Exception as error:  # a card that somebody edited can hold anything
            return 1, [f"README.md: its front matter cannot be read ({type(error).__name__})"]
        return _compare(stated, found, "README.md: ")

    def _files(self) -> tuple[int, list[str]]:
        """The hash of each file that the manifest lists, where there is a manifest already.

        Hidden files are not the release's: a download leaves the Hub's and its client's notes.
        """
        listed = self._facts.get("files")
        if listed is None:
            return 0, []
        found = {
            name: _sha256(path)
            for path in sorted(self._folder.rglob("*"))
            if path.is_file()
            and (name := path.relative_to(self._folder).as_posix()) != "manifest.json"
            and not name.startswith(".")
        }
        stated = {
            name: facts.get("sha256") if isinstance(facts, Mapping) else facts
            for name, facts in listed.items()
        }
        return _compare(stated, found, "sha256 of ")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _stated_rows(configs: Any) -> Iterator[tuple[str, int]]:
    """Rows by "config/split", as a manifest has them (mapping) or a card's facts (list)."""
    if isinstance(configs, Mapping):
        for config, splits in configs.items():
            for split, made in splits.items():
                yield f"{config}/{split}", made["rows"]
        return
    for config in configs or []:
        for split in config["splits"]:
            yield f"{config['name']}/{split['name']}", split["rows"]


def _by_source(sources: Any) -> dict[str, dict[str, int]]:
    return {
        f"{source['name']} ({source['licence']})": {
            "rows": source["rows"],
            "kept": source["kept"],
        }
        for source in sources or []
    }


def _flat(value: Any, prefix: str) -> dict[str, Any]:
    if isinstance(value, list):
        value = dict(enumerate(value))
    if not isinstance(value, Mapping):
        return {prefix: value}
    return {
        key: leaf
        for name, child in value.items()
        for key, leaf in _flat(child, f"{prefix}.{name}" if prefix else str(name)).items()
    }


def _compare(
    stated: Mapping[str, Any], found: Mapping[str, Any], where: str = ""
) -> tuple[int, list[str]]:
    """How many figures were compared, and a phrase on each that differs."""
    left, right = _flat(stated, ""), _flat(found, "")
    wrong = []
    for key in sorted(left.keys() | right.keys()):
        one, other = left.get(key, _ABSENT), right.get(key, _ABSENT)
        if not _same(one, other):
            wrong.append(f"{where}{key} is stated as {_said(one)}, and is {_said(other)}")
    return len(left.keys() | right.keys()), wrong


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, int | float):
        # Sums of the same numbers in another order differ in the last digits.
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-12)
    return one is not _ABSENT and other is not _ABSENT and one == other


def _said(value: Any) -> str:
    return "missing" if value is _ABSENT else f"{value!r:.80}"
