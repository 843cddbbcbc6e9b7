"""From a frozen set and judges' scores to an audit: every figure, and the rows behind them."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from builders.audit.frozen import FrozenSet, instruction_key
from builders.audit.judge import Judge
from builders.audit.result import (
    AUDIT_SCHEMA,
    Audit,
    AuditedPairs,
    AuditedSet,
    AuditSettings,
    Compared,
    Role,
)
from builders.audit.statistics.agreement import (
    by_group,
    credit,
    flip_rate,
    judge_agreement,
    length_band,
)
from builders.audit.statistics.bias import bias, premium
from builders.audit.statistics.calibration import corp, score_error
from builders.audit.statistics.clusters import numbered, share_with_interval
from builders.audit.statistics.paired import Comparison, compare
from builders.audit.statistics.people import alt_test, people_agreement, share_of
from builders.errors import BadInput
from builders.rows import Row

_VALUES = {"a": 0.0, "b": 1.0, "tie": 0.5}
_LIST_ITEM = re.compile(r"^\s*(?:[-*•]|\d{1,3}[.)])\s+\S", re.M)
# Fewer items are no list.
_LIST_ITEMS = 2


@dataclass(frozen=True)
class Panel:
    """The judges of an audit: the model, those it is compared with, and controls for its taste."""

    model: Judge
    compared: Sequence[tuple[Role, Judge]] = ()
    controls: Sequence[Judge] = ()


@dataclass(frozen=True)
class Leaks:
    """The pairs that a judge of the panel was trained on, and what is known of its training."""

    ids: frozenset[str] = frozenset()
    sentence: str = "What the model was trained on is not known."


def measure(
    frozen: FrozenSet,
    pairs: Sequence[Row],
    panel: Panel,
    *,
    leaks: Leaks,
    look: int,
    made_at: datetime,
    settings: AuditSettings | None = None,
    own_names: Iterable[str] = (),
    cost: Mapping[str, Any] | None = None,
) -> tuple[Audit, list[Row]]:
    """The audit of `pairs`, some or all of the set's, and its rows of `JUDGMENT_ROWS`.

    `own_names` are the names under which the model wrote answers. BadInput if the model or a
    control judge has not scored all pairs; a comparison is of the pairs that both have scored.
    """
    settings = settings or AuditSettings()
    for judge in (panel.model, *panel.controls):
        if missing := sum(pair["id"] not in judge.scores for pair in pairs):
            raise BadInput(
                f"{judge.facts.name} has no scores of {missing:,} of these {len(pairs):,} pairs; "
                "--limit takes fewer pairs"
            )
    clean = [pair for pair in pairs if pair["id"] not in leaks.ids]
    ids = [pair["id"] for pair in clean]
    shares = np.array([share_of(_choices(pair)) for pair in clean], float)
    clusters = numbered([instruction_key(pair) for pair in clean])
    weights = np.array([1 / pair["inclusion_probability"] for pair in clean], float)
    scores = panel.model.array(ids)
    margins = scores[:, 1] - scores[:, 0]
    attributes = _attributes(clean, frozen, set(own_names))
    controls = [(judge.facts.name, _margins(judge, ids)) for judge in panel.controls]
    decided = ~np.isnan(shares)

    def baseline(values: np.ndarray) -> Any:
        return share_with_interval(credit(values, shares)[decided], clusters[decided])

    baselines = {"the longer answer": baseline(attributes["longer"])}
    if frozen.facts.answers == "draft and refinement":
        baselines["always the refinement"] = baseline(np.ones(len(ids)))
    choices = [_choices(pair) for pair in clean]
    audit = Audit(
        schema=AUDIT_SCHEMA,
        made_at=made_at,
        look=look,
        set=_set_facts(frozen),
        model=panel.model.facts,
        controls=[judge.facts for judge in panel.controls],
        settings=settings,
        pairs=AuditedPairs(
            asked=len(pairs),
            leaked=len(pairs) - len(clean),
            audited=len(clean),
            decided=int(decided.sum()),
            answers=scores.size,
            unreadable=_unreadable(panel.model, int(np.isnan(scores).sum())),
            contamination=leaks.sentence,
            score_probability=panel.model.score_probability,
        ),
        agreement=judge_agreement(
            margins,
            shares,
            clusters,
            weights,
            {name: values for name, values in attributes.items() if name in _BALANCED},
        ),
        by_source=by_group(margins, shares, clusters, [pair["source"] for pair in clean]),
        by_length=by_group(margins, shares, clusters, list(map(_band, clean))),
        baselines=baselines,
        people=people_agreement(choices),
        alt_test=alt_test(margins, choices),
        comparisons=[
            _compared(judge, role, panel.model, ids, shares, clusters, settings)
            for role, judge in panel.compared
        ],
        attributes={name: int((values != 0).sum()) for name, values in attributes.items()},
        bias={
            name: bias(margins, shares, values, clusters, controls)
            for name, values in attributes.items()
        },
        premium=premium(margins, shares, attributes["refinement"], clusters, controls)
        if "refinement" in attributes
        else None,
        calibration=corp(margins, shares),
        scores=score_error(scores.ravel(), _people_scores(clean).ravel()),
        flips=_flips(panel.model),
        cost=dict(cost or {}),
    )
    return audit, list(_judgments(pairs, panel, leaks))


# The attributes that agreement is balanced by.
_BALANCED = ("refinement", "longer")


def _choices(pair: Row) -> dict[str, float]:
    return {choice["person"]: _VALUES[choice["better"]] for choice in pair["choices"]}


def _margins(judge: Judge, ids: Sequence[str]) -> np.ndarray:
    scores = judge.array(ids)
    return scores[:, 1] - scores[:, 0]


def _compared(
    judge: Judge,
    role: Role,
    model: Judge,
    ids: Sequence[str],
    shares: np.ndarray,
    clusters: np.ndarray,
    settings: AuditSettings,
) -> Compared:
    # An earlier audit may be of fewer pairs.
    known = ~np.isnan(shares) & np.array([pair in judge.scores for pair in ids], bool)
    new, old = (credit(_margins(one, ids), shares)[known] for one in (model, judge))
    return Compared(
        judge=judge.facts,
        role=role,
        agreement=share_with_interval(old, clusters[known]),
        same_instrument=judge.facts.instrument == model.facts.instrument,
        figures=compare(new, old, clusters[known], margin=settings.margin, alpha=settings.alpha),
    )


def _attributes(pairs: Sequence[Row], frozen: FrozenSet, own: set[str]) -> dict[str, np.ndarray]:
    """+1 where B alone has the attribute, −1 where A alone has it, else 0; by name."""

    def sign(of: Any) -> np.ndarray:
        return np.array([np.sign(of(pair, "b") - of(pair, "a")) for pair in pairs], float)

    found = {
        "own text": sign(lambda pair, side: int(pair[f"writer_{side}"] in own)),
        "longer": sign(lambda pair, side: len(pair[f"answer_{side}"])),
        "has a list": sign(
            lambda pair, side: len(_LIST_ITEM.findall(pair[f"answer_{side}"])) >= _LIST_ITEMS
        ),
        "shown first": sign(_shown_first),
    }
    if frozen.facts.answers == "draft and refinement":
        found["refinement"] = np.ones(len(pairs))
    return {name: values for name, values in found.items() if name in _ALWAYS or values.any()}


_ALWAYS = ("longer", "refinement")


def _shown_first(pair: Row, side: str) -> int:
    """How often people saw the answer first, where all saw the same one first."""
    shown = {choice["shown_first"] for choice in pair["choices"]}
    return int(shown == {side})


def _band(pair: Row) -> str:
    return length_band(len(pair["answer_a"]), len(pair["answer_b"]))


def _people_scores(pairs: Sequence[Row]) -> np.ndarray:
    """People's mean scores of A and B, (n, 2), NaN where nobody gave one."""
    means = []
    for pair in pairs:
        for side in ("a", "b"):
            known = [one[f"score_{side}"] for one in pair["choices"]]
            known = [score for score in known if score is not None]
            means.append(sum(known) / len(known) if known else np.nan)
    return np.array(means, float).reshape(-1, 2)


def _unreadable(judge: Judge, missing: int) -> dict[str, int]:
    """The audited answers without a score, by reason where no leaked pair is among them."""
    reasons = Counter(judge.unreadable)
    if reasons.total() != missing:
        return {"no score": missing} if missing else {}
    return dict(sorted(reasons.items()))


def _flips(judge: Judge) -> Any:
    ids = sorted(judge.again)
    return flip_rate(judge.array(ids), judge.array(ids, again=True))


def _set_facts(frozen: FrozenSet) -> AuditedSet:
    facts = frozen.facts
    version = f" {facts.source.version}" if facts.source.version else ""
    return AuditedSet(
        name=facts.name,
        digest=facts.digest,
        license=facts.license,
        judged_by=facts.judged_by,
        answers=facts.answers,
        source=f"{facts.source.kind} {facts.source.name}{version}",
        frozen_at=facts.frozen_at,
        pairs=facts.counts.pairs,
        people=facts.counts.people,
    )


def _judgments(pairs: Sequence[Row], panel: Panel, leaks: Leaks) -> Iterable[Row]:
    clusters = numbered([instruction_key(pair) for pair in pairs])
    judges = [
        ("model", panel.model),
        *panel.compared,
        *(("control", judge) for judge in panel.controls),
    ]
    for role, judge in judges:
        for times, scores in ((1, judge.scores), (2, judge.again)):
            for pair, cluster in zip(pairs, clusters.tolist(), strict=True):
                if pair["id"] not in scores:
                    continue
                score_a, score_b = scores[pair["id"]]
                share = share_of(_choices(pair))
                yield {
                    "id": pair["id"],
                    "judge": judge.facts.name,
                    "role": role,
                    "times": times,
                    "score_a": score_a,
                    "score_b": score_b,
                    "share": None if np.isnan(share) else share,
                    "cluster": cluster,
                    "weight": 1 / pair["inclusion_probability"],
                    "leaked": pair["id"] in leaks.ids,
                }


@dataclass(frozen=True)
class Recomputed:
    """What the judgments of an audit come to: raw agreement, and the comparisons by role."""

    agreement: float | None
    comparisons: dict[str, Comparison]


def recompute(judgments: Sequence[Row], settings: AuditSettings) -> Recomputed:
    """The verdicts of an audit, computed again from its released rows with these settings."""
    by_role: dict[str, dict[str, Row]] = {}
    for row in judgments:
        if row["times"] == 1 and not row["leaked"] and row["role"] != "control":
            by_role.setdefault(row["role"], {})[row["id"]] = row
    model = by_role.pop("model", {})
    # The seed of the sign flips is fixed, and so is the order of the clusters.
    decided = sorted(
        (one for one in model if model[one]["share"] is not None),
        key=lambda one: (model[one]["cluster"], one),
    )

    def credits_of(rows: Mapping[str, Row], ids: Sequence[str]) -> np.ndarray:
        scores = [(rows[one]["score_a"], rows[one]["score_b"]) for one in ids]
        margins = [np.nan if None in own else own[1] - own[0] for own in scores]
        shares = np.array([model[one]["share"] for one in ids], float)
        return credit(np.array(margins, float), shares)

    def compared(rows: Mapping[str, Row]) -> Comparison:
        ids = [one for one in decided if one in rows]
        clusters = np.array([model[one]["cluster"] for one in ids], np.int64)
        new, old = credits_of(model, ids), credits_of(rows, ids)
        return compare(new, old, clusters, margin=settings.margin, alpha=settings.alpha)

    own = credits_of(model, decided)
    return Recomputed(
        float(own.mean()) if len(own) else None,
        {role: compared(rows) for role, rows in by_role.items()},
    )
