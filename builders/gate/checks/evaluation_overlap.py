"""The check `evaluation-overlap`: kept rows that repeat what models are evaluated on."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from builders.duplicates.exact import normalize
from builders.gate.check import FirstRows, labeled_rows
from builders.gate.checks.evaluation_sets import EvaluationSet
from builders.manifest import Check
from builders.wording import counted

GRAM = 13
_COLUMNS = ["id", "system", "history", "instruction"]
# A sequence of words that so many prompts of one set share is its template.
_TEMPLATE = 10
# In scripts without spaces, a character counts as a word.
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W_\u3040-\u30ff\u3400-\u9fff]+")


def words_of(text: str) -> list[str]:
    return _WORD.findall(normalize(text))


def _grams(words: Sequence[str]) -> Iterable[int]:
    """Hashes of all sequences of 13 words, or of the whole if it is shorter."""
    for start in range(max(1, len(words) - GRAM + 1)):
        # Not Python's hash, which differs from process to process.
        gram = " ".join(words[start : start + GRAM])
        yield xxhash.xxh3_64_intdigest(gram.encode(errors="replace"))


class EvaluationIndex:
    """Finds the sets that share 13 consecutive words with a text, or a shorter prompt."""

    def __init__(self, sets: Sequence[EvaluationSet]) -> None:
        self._long: dict[int, list[int]] = {}
        self._short: dict[int, list[int]] = {}
        for number, one in enumerate(sets):
            self._add(number, one)

    def _add(self, number: int, one: EvaluationSet) -> None:
        shared: Counter[int] = Counter()
        short: set[int] = set()
        for words in {tuple(words_of(prompt)) for prompt in one.prompts}:
            if len(words) >= GRAM:
                shared.update(set(_grams(words)))
            elif words:
                short.update(_grams(words))
        for gram, prompts in shared.items():
            if prompts < _TEMPLATE:
                self._long.setdefault(gram, []).append(number)
        for gram in short:
            self._short.setdefault(gram, []).append(number)

    def sets_of(self, text: str) -> set[int]:
        """The numbers of the sets that `text` overlaps."""
        words = words_of(text)
        if not words:
            return set()
        index = self._long if len(words) >= GRAM else self._short
        if not index:
            return set()
        return {number for gram in _grams(words) for number in index.get(gram, ())}


class EvaluationOverlap:
    """Compares the user's turns and the system prompts of kept rows with `sets`, each by itself.

    With `labeled`, those of dropped rows in the config `kto`, too. `absent` names known sets that
    this machine does not have.
    """

    def __init__(
        self,
        sets: Sequence[EvaluationSet],
        absent: Sequence[str],
        *,
        fails: bool,
        labeled: bool = False,
    ) -> None:
        self._sets = sets
        self._absent = list(absent)
        self._fails = fails
        self._index = EvaluationIndex(sets)
        self._with_labeled = labeled
        self._begin()

    def without_rows(self) -> "EvaluationOverlap":
        """One that compares with the same sets, and has seen no row."""
        other = copy(self)
        other._begin()
        return other

    def _begin(self) -> None:
        self._kept = 0
        self._labeled = 0 if self._with_labeled else None
        self._by_set: Counter[int] = Counter()
        self._rows = FirstRows()

    def see(self, rows: pa.Table) -> None:
        kept = rows.select(_COLUMNS).filter(pc.equal(rows["status"], "kept"))
        self._kept += len(kept)
        if self._labeled is not None:
            labeled = labeled_rows(rows).select(_COLUMNS)
            self._labeled += len(labeled)
            kept = pa.concat_tables([kept, labeled])
        if self._sets:
            for row in kept.to_pylist():
                self._compare(row)

    def _compare(self, row: Mapping[str, Any]) -> None:
        before = (turn["content"] for turn in row["history"] if turn["role"] == "user")
        texts = (row["instruction"], row["system"], *before)
        found = {number for text in texts if text for number in self._index.sets_of(text)}
        self._by_set.update(found)
        if found:
            self._rows.add(row["id"])

    def add(self, other: "EvaluationOverlap") -> None:
        """Take over what another one found, in rows behind these."""
        self._kept += other._kept
        if self._labeled is not None:
            self._labeled += other._labeled
        self._by_set.update(other._by_set)
        self._rows.extend(other._rows)

    def result(self) -> Check:
        figures = {
            "kept": self._kept,
            **({} if self._labeled is None else {"labeled": self._labeled}),
            "rows": self._rows.count,
            "words_in_a_row": GRAM,
            "sets": [
                {
                    "name": one.name,
                    "prompts": len(one.prompts),
                    "sha256": one.sha256,
                    "rows": self._by_set[number],
                }
                for number, one in enumerate(self._sets)
            ],
            "absent": self._absent,
        }
        if not self._sets:
            sentence = "Compared with no evaluation set: none was named, and none is in the cache."
            return Check(
                name="evaluation-overlap", status="warn", sentence=sentence, figures=figures
            )
        names = ", ".join(
            f"{one.name} ({self._by_set[number]:,})" for number, one in enumerate(self._sets)
        )
        dropped = counted(self._labeled or 0, "dropped row")
        labeled = f" and {dropped} in `kto`" if self._labeled else ""
        sentence = (
            f"{self._rows.count:,} of {counted(self._kept, 'kept row')}{labeled} share {GRAM} "
            f"words in a row, or a shorter prompt, with an evaluation set: {names}."
        )
        if self._absent:
            sentence += f" Not compared, because there is no copy: {', '.join(self._absent)}."
        return Check(
            name="evaluation-overlap",
            status="pass" if not self._rows.count else "fail" if self._fails else "warn",
            sentence=sentence,
            figures=figures,
            rows=self._rows.ids,
        )
