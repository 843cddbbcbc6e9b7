"""What people corrected, as ledger rows of their own: source `human`, with who it was from."""

from collections.abc import Iterable, Mapping
from typing import Any

from builders.parse import Rejection, parse_critique
from builders.replies.outcome import clean
from builders.review.record import CORRECTIONS
from builders.schema import CALL, HUMAN, LEDGER, validate_ledger_row
from builders.sources import unique_id

_KEPT_OF_ORIGINAL = ("licence", "task", "system", "instruction", "draft")

Row = dict[str, Any]


def corrections(
    verdicts: Iterable[Mapping[str, Any]], originals: Mapping[str, Mapping[str, Any]]
) -> list[Row]:
    """A row for each original that somebody corrected, with `corrects`, its id, before the rest.

    Of several corrections of one row the latest counts. `originals` are by id, with the columns
    `builders.review.source.SHOWN`. Scores are the annotator's, of the answers as they were shown.
    A correction that cannot be used is there as a dropped row, with the reason.
    """
    ids: dict[str, int] = {}
    return [
        {"corrects": row_id, **_corrected(verdict, originals[row_id], ids)}
        for row_id, verdict in sorted(_latest(verdicts).items())
    ]


def _latest(verdicts: Iterable[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    texts = [
        row
        for row in verdicts
        if row["status"] == "submitted" and any(row[name] is not None for name in CORRECTIONS)
    ]
    texts.sort(key=lambda row: (row["submitted_at"], row["annotator"]))
    return {row["id"]: row for row in texts}


def _corrected(verdict: Mapping[str, Any], original: Mapping[str, Any], ids: dict[str, int]) -> Row:
    critique, reason = _critique(verdict, original)
    refinement = _text(verdict["corrected_refinement"]) or original["refinement"]
    if reason is None:
        reason = _problem(verdict, original, refinement)
    row = {
        **dict.fromkeys(LEDGER),
        **{name: original[name] for name in _KEPT_OF_ORIGINAL},
        "id": unique_id(HUMAN, original["instruction"], ids),
        "source": HUMAN,
        "critic_reply": _text(verdict["corrected_critique"]),
        "critique": critique,
        "refinement": refinement,
        **_scores(verdict),
        "status": "kept" if reason is None else "dropped",
        "reason": reason,
        "detail": f"corrects {original['id']}",
        "calls": [_call(verdict["annotator"])],
    }
    validate_ledger_row(row)
    return row


def _critique(
    verdict: Mapping[str, Any], original: Mapping[str, Any]
) -> tuple[dict[str, Any] | None, str | None]:
    """The critique as corrected, with the person's score, or why it cannot be read."""
    text = verdict["corrected_critique"]
    if text is None:
        return {**original["critique"], "score": verdict["draft_score"]}, None
    read = parse_critique(text)
    if isinstance(read, Rejection):
        return None, read.reason
    return {**read.as_row(), "score": verdict["draft_score"]}, None


def _problem(
    verdict: Mapping[str, Any], original: Mapping[str, Any], refinement: str
) -> str | None:
    for part in ("draft", "refinement"):
        if verdict[f"{part}_score"] is None:
            return f"{part}_score_missing"
    return "no_change" if refinement == original["draft"] else None


def _scores(verdict: Mapping[str, Any]) -> Row:
    found: Row = {}
    for part in ("draft", "refinement"):
        score = verdict[f"{part}_score"]
        found[f"{part}_score"] = score
        found[f"{part}_assessment"] = {"weaknesses": [], "suggestions": [], "score": score}
    return found


def _call(annotator: str) -> Row:
    """Who wrote it, in the place of a model's call."""
    return {
        **dict.fromkeys(CALL),
        "step": "critique",
        "model": annotator,
        "endpoint": HUMAN,
        "tokens_in": 0,
        "tokens_out": 0,
        "attempts": 0,
        "failures": [],
    }


def _text(text: str | None) -> str | None:
    return text and clean(text).strip()
