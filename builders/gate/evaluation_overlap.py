"""Rows that ask what models are evaluated on: the check `evaluation-overlap`."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from builders.dedup import normalise
from builders.gate.check import Check, FirstRows
from builders.gate.evaluation_sets import EvaluationSet

GRAM = 13
# Words in a row that many prompts of one set share are its template, not a prompt.
_TEMPLATE = 10
# Scripts without spaces count a character as a word.
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W_\u3040-\u30ff\u3400-\u9fff]+")


def words_of(text: str) -> list[str]:
    return _WORD.findall(normalise(text))


def _grams(words: Sequence[str]) -> Iterable[int]:
    """Hashes of the sequences of 13 words; of a shorter text, of the whole."""
    for start in range(max(1, len(words) - GRAM + 1)):
        yield hash(" ".join(words[start : start + GRAM]))


class EvaluationIndex:
    """Finds the sets that have 13 words in a row with a text, or a shorter prompt whole."""

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
        """The numbers of the sets that `text` overlaps with."""
        words = words_of(text)
        if not words:
            return set()
        index = self._long if len(words) >= GRAM else self._short
        if not index:
            return set()
        return {number for gram in _grams(words) for number in index.get(gram, ())}


class EvaluationOverlap:
    """Compares the kept rows' instructions and system prompts with `sets`.

    `absent` names sets that were wanted and are not there.
    """

    def __init__(
        self, sets: Sequence[EvaluationSet], absent: Sequence[str], *, fails: bool
    ) -> None:
        self._sets = sets
        self._absent = list(absent)
        self._fails = fails
        self._index = EvaluationIndex(sets)
        self._kept = 0
        self._by_set: Counter[int] = Counter()
        self._rows = FirstRows()

    def see(self, row: Mapping[str, Any]) -> None:
        if row["status"] != "kept":
            return
        self._kept += 1
        texts = (row["instruction"], row["system"])
        found = {number for text in texts if text for number in self._index.sets_of(text)}
        self._by_set.update(found)
        if found:
            self._rows.add(row["id"])

    def result(self) -> Check:
        figures = {
            "kept": self._kept,
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
            return Check("evaluation-overlap", "warn", sentence, figures)
        names = ", ".join(
            f"{one.name} ({self._by_set[number]:,})" for number, one in enumerate(self._sets)
        )
        sentence = (
            f"{self._rows.count:,} of {self._kept:,} kept rows share {GRAM} words in a row, or a "
            f"shorter prompt, with an evaluation set: {names}."
        )
        if self._absent:
            sentence += f" Not compared, for want of a copy: {', '.join(self._absent)}."
        status = "pass" if not self._rows.count else "fail" if self._fails else "warn"
        return Check("evaluation-overlap", status, sentence, figures, self._rows.ids)
