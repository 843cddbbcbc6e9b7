"""A judge's scores of the pairs of a set, whether it was just asked or the scores were on file."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict

from builders.audit.frozen import FrozenSet
from builders.errors import BadInput
from builders.files.hashes import sha256_of_file, sha256_of_files
from builders.files.tables import read_table
from builders.rows import Row

_WEIGHTS = (".safetensors", ".bin", ".pt", ".pth")
# A pair's scores of A and B, None if unreadable.
Scores = Mapping[str, tuple[float | None, float | None]]


class JudgeFacts(BaseModel):
    """Which judge it was, and how it was asked.

    `weights` says which model it is: the digest of its training.json or of a table of scores, or
    its name. `files` is a digest of its weights on this machine, None if they are elsewhere.
    `template` is a digest of the prompt; it and the sampling make up the instrument: scores of two
    instruments differ for more reasons than training.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    name: str
    kind: str
    weights: str | None = None
    files: str | None = None
    template: str | None = None
    sampling: dict[str, Any] = {}

    @property
    def is_expected(self) -> bool:
        """Whether its scores are expectations, and not those that it wrote."""
        return self.sampling.get("scores") == "expected"

    @property
    def instrument(self) -> str:
        """A digest of everything but the weights: how the model was asked."""
        return _sha256([self.template, self.sampling])

    @property
    def fingerprint(self) -> str:
        which = [self.name, self.kind, self.weights, self.files]
        return _sha256([*which, self.template, self.sampling])


@dataclass(frozen=True)
class Judge:
    """`again` has the scores of a second pass over some pairs; `unreadable` counts by reason.

    `leaked` are pairs that an earlier audit found in the judge's training data. If the scores are
    expectations, `score_probability` is how likely a score was at all, on average.
    """

    facts: JudgeFacts
    scores: Scores
    again: Scores = field(default_factory=dict)
    unreadable: Mapping[str, int] = field(default_factory=dict)
    leaked: frozenset[str] = frozenset()
    score_probability: float | None = None

    def array(self, ids: Sequence[str], *, again: bool = False) -> np.ndarray:
        """The scores of A and B of these pairs, (n, 2), NaN where there is none."""
        scores = self.again if again else self.scores
        rows = [scores.get(pair, (None, None)) for pair in ids]
        return np.array([[np.nan if x is None else x for x in row] for row in rows], float).reshape(
            -1, 2
        )


def _sha256(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def weights_sha256(folder: Path) -> str | None:
    """A digest of the weights in a model's folder; None if it has none, or is no folder."""
    if not folder.is_dir():
        return None
    paths = [path for path in folder.iterdir() if path.suffix in _WEIGHTS and path.is_file()]
    return _sha256(sha256_of_files(paths, folder)) if paths else None


def stored_judge(frozen: FrozenSet) -> Judge:
    """The scores that the set has from the ledger; BadInput if it has none."""
    scores = {pair["id"]: (pair["score_a"], pair["score_b"]) for pair in frozen.pairs}
    if all(None in own for own in scores.values()):
        raise BadInput(f"stored: the set {frozen.name} has no scores")
    facts = JudgeFacts(name="stored", kind="stored", weights=frozen.digest)
    return Judge(facts, scores, unreadable=_missing(scores.values()))


def control_judges(frozen: FrozenSet) -> list[Judge]:
    """The other scorers whose scores the set has from the ledger, by name."""
    scores: dict[str, dict[str, tuple[float | None, float | None]]] = {}
    for pair in frozen.pairs:
        for control in pair["control_scores"]:
            own = scores.setdefault(control["model"], {})
            own[pair["id"]] = (control["score_a"], control["score_b"])
    return [
        Judge(
            JudgeFacts(name=name, kind="stored", weights=frozen.digest),
            own,
            unreadable=_missing(own.values()),
        )
        for name, own in sorted(scores.items())
        if any(None not in pair for pair in own.values())
    ]


def judge_of_file(path: Path, frozen: FrozenSet) -> Judge:
    """Scores from a table with `id`, `score_a` and `score_b`; empty ones are unreadable.

    BadInput if a row is not like that, an id is not in the set or comes twice, or one has no row.
    """
    ids, scores = {pair["id"] for pair in frozen.pairs}, {}
    for place, row in read_table(path):
        pair = str(row.get("id"))
        if pair not in ids:
            raise BadInput(f"{place}: the set {frozen.name} has no pair {pair!r}")
        if pair in scores:
            raise BadInput(f"{place}: pair {pair} has scores already")
        scores[pair] = (_score(row, "score_a", place), _score(row, "score_b", place))
    if missing := sorted(ids - scores.keys()):
        raise BadInput(f"{path}: {len(missing):,} pairs have no scores, {missing[0]} among them")
    facts = JudgeFacts(name=path.name.split(".")[0], kind="file", weights=sha256_of_file(path))
    return Judge(facts, scores, unreadable=_missing(scores.values()))


def _score(row: Row, key: str, place: str) -> float | None:
    if key not in row:
        raise BadInput(f"{place}: no column {key!r}; id, score_a and score_b are needed")
    value = row[key]
    if value is None or value == "":
        return None
    try:
        score = float(value)
    except (TypeError, ValueError):
        raise BadInput(f"{place}: {key} is {value!r}, not a number") from None
    if not np.isfinite(score):
        raise BadInput(f"{place}: {key} is {value!r}, not a finite number")
    return score


def _missing(scores: Iterable[tuple[float | None, float | None]]) -> dict[str, int]:
    missing = Counter("no score" for own in scores for score in own if score is None)
    return dict(missing)
