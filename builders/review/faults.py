"""Whether people found a row wrong."""

from collections.abc import Callable, Iterable

from builders.review.verdicts import Verdict, one_vote_each

_FAULTS: tuple[tuple[str, Callable[[Verdict], bool]], ...] = (
    ("the draft is better", lambda row: row["better"] == "draft"),
    ("no weakness is real", lambda row: row["weaknesses_real"] == "none"),
    ("the refinement introduces an error", lambda row: bool(row["refinement_introduces_error"])),
)


def reason_wrong(verdicts: Iterable[Verdict], votes: int = 1) -> str | None:
    """What more than half of the verdicts that count, and `votes` at least, hold against a row.

    None if nothing does. It goes into the row's `detail`: "2 of 3 say that no weakness is real".
    """
    counted = one_vote_each(verdicts)
    reasons = []
    for fault, has_fault in _FAULTS:
        times = sum(map(has_fault, counted))
        if 2 * times > len(counted) and times >= votes:
            reasons.append(f"{times} of {len(counted)} say that {fault}")
    return "; ".join(reasons) or None
