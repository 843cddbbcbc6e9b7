"""What people said in a review of an evaluation's pairs."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from builders.errors import BadInput
from builders.evaluation.pairs import read_pairs
from builders.evaluation.verdicts import Verdicts
from builders.review.folder import digest_of, open_review
from builders.review.verdicts import Verdict, unassisted_sample, valid_verdicts

# The reference's answer stands as the draft, the model's as the refinement.
_PREFERENCE = {"draft": 0.0, "refinement": 1.0, "tie": 0.5}
_SAME = "the same answers"


def read_review(path: Path, evaluation: Path) -> Verdicts:
    """The verdicts of a review of this evaluation; BadInput if it is of another, or has none.

    Pairs of equal answers are ties that nobody need be asked about.
    """
    review = open_review(path)
    if review.facts.source.digest != digest_of(evaluation):
        raise BadInput(
            f"{path}: a review of {review.facts.source.name}, not of {evaluation} as it is now"
        )
    verdicts = [
        row
        for row in unassisted_sample(valid_verdicts(review.included_verdicts()))
        if row["better"] is not None
    ]
    if not verdicts:
        raise BadInput(f"{path}: nobody said which answer is better; {review.next_command}")
    shares = _shares(verdicts)
    sampled = [row for row in review.drawn() if not row["calibration"]]
    asked = {item_and_part(row["id"])[0] for row in verdicts}
    stratum = {item_and_part(row["id"])[0]: row["stratum"] for row in sampled}
    sizes = {row["stratum"]: row["stratum_rows"] for row in sampled}
    same, different = set(), set()
    for row in read_pairs(evaluation, ["id", "draft", "refinement"]):
        item, part = item_and_part(row["id"])
        if row["draft"] != row["refinement"]:
            different.add(item)
            continue
        same.add((item, part))
    # Items that were drawn for another part, and those that nobody could be asked about.
    certain = {item for item, _ in same} - different
    shares |= {(item, part): 0.5 for item, part in same if item in asked or item in certain}
    if certain:
        stratum |= dict.fromkeys(certain, _SAME)
        sizes[_SAME] = len(certain)
    return Verdicts(
        review.facts.name,
        shares,
        len({row["annotator"] for row in verdicts}),
        len(verdicts),
        stratum=stratum,
        sizes=sizes,
    )


def _shares(verdicts: Iterable[Verdict]) -> dict[tuple[str, str], float]:
    values: dict[tuple[str, str], list[float]] = {}
    for row in verdicts:
        values.setdefault(item_and_part(row["id"]), []).append(_PREFERENCE[row["better"]])
    return {key: float(np.mean(own)) for key, own in values.items()}


def item_and_part(pair: str) -> tuple[str, str]:
    item, _, part = pair.rpartition("-")
    return item, part
