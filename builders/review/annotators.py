"""How each annotator worked: facts, from which no conclusion is drawn here."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import groupby
from statistics import median
from typing import Any

from builders.review.agreement import QUESTIONS, krippendorff_alpha
from builders.review.counted import Ratings, Verdict, ratings_of, unassisted


def by_annotator(verdicts: Sequence[Verdict]) -> list[dict[str, Any]]:
    """One block of facts for each annotator, in the order of their pseudonyms.

    {annotator, submitted, discarded, assisted, median_seconds, agreement, alpha_without,
    straight_lining}. All but the counts are of unassisted, submitted verdicts.
    """
    counted = unassisted(verdicts)
    ratings = ratings_of(counted, "better")
    names = sorted({row["annotator"] for row in verdicts})
    return [
        {
            "annotator": name,
            **_counts([row for row in verdicts if row["annotator"] == name]),
            **_manner([row for row in counted if row["annotator"] == name]),
            "agreement": with_the_others(ratings, name),
            "alpha_without": _alpha_without(ratings, name),
        }
        for name in names
    ]


def _counts(rows: Sequence[Verdict]) -> dict[str, int]:
    submitted = [row for row in rows if row["status"] == "submitted"]
    return {
        "submitted": len(submitted),
        "discarded": len(rows) - len(submitted),
        "assisted": sum(row["assisted"] for row in submitted),
    }


def _manner(rows: Sequence[Verdict]) -> dict[str, Any]:
    seconds = [row["seconds"] for row in rows if row["seconds"] is not None]
    # Of two submitted in one instant, the record's key decides.
    ordered = sorted(rows, key=lambda row: (row["submitted_at"], row["record"]))
    return {
        "median_seconds": float(median(seconds)) if seconds else None,
        "straight_lining": {
            "choice": straight_lining([shown_choice(row) for row in ordered]),
            "scores": straight_lining([shown_scores(row) for row in ordered]),
            "weaknesses_real": straight_lining([row["weaknesses_real"] for row in ordered]),
        },
    }


def shown_choice(row: Verdict) -> str | None:
    """What was chosen as the annotator saw it: `first`, `second` or `tie`."""
    better = row["better"]
    if better is None or better == "tie":
        return better
    return "first" if row["order"] == f"{better}_first" else "second"


def shown_scores(row: Verdict) -> str | None:
    """The two scores as the annotator gave them, that of the answer shown first before."""
    scores = [row["draft_score"], row["refinement_score"]]
    if None in scores:
        return None
    if row["order"] == "refinement_first":
        scores.reverse()
    return "{} and {}".format(*scores)


def straight_lining(answers: Sequence[str | None]) -> dict[str, Any]:
    """How uniform the answers to one question are, in the order in which they were given.

    {of, most_common, share, longest_run}: the commonest answer, its share, and the length of the
    longest run of one and the same answer. An answer that was not given is passed over.
    """
    given = [answer for answer in answers if answer is not None]
    if not given:
        return {"of": 0, "most_common": None, "share": None, "longest_run": 0}
    answer, times = min(Counter(given).items(), key=lambda item: (-item[1], item[0]))
    return {
        "of": len(given),
        "most_common": answer,
        "share": times / len(given),
        "longest_run": max(sum(1 for _ in run) for _, run in groupby(given)),
    }


def with_the_others(ratings: Ratings, name: str) -> dict[str, Any]:
    """How often `name` answers as the others do: {value, of}, `of` in records.

    A record counts once, by the share of the others on it who gave the same answer.
    """
    shares = []
    for answers in ratings.values():
        others = [answer for other, answer in answers.items() if other != name]
        if name in answers and others:
            shares.append(others.count(answers[name]) / len(others))
    return {"value": sum(shares) / len(shares) if shares else None, "of": len(shares)}


def _alpha_without(ratings: Ratings, name: str) -> float | None:
    """Nominal alpha of everybody else."""
    rest: Mapping[str, dict[str, Any]] = {
        record: {other: answer for other, answer in answers.items() if other != name}
        for record, answers in ratings.items()
    }
    return krippendorff_alpha(rest, QUESTIONS["better"][0], "nominal")
