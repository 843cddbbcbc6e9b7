"""What annotators corrected, as ledger rows with the source `human`."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from builders.critique.parse import Rejection, parse_critique
from builders.critique.replies.text import clean
from builders.instructions.sources import unique_id
from builders.review.verdicts import Verdict, is_correction
from builders.rows import Row
from builders.rows.ids import instruction_id
from builders.rows.schema import CALL, HUMAN, new_ledger_row, validate_ledger_row

_FROM_ORIGINAL = ("license", "task", "system", "history", "instruction", "criteria", "draft")


def corrections(
    verdicts: Iterable[Verdict], originals: Mapping[str, Mapping[str, Any]]
) -> list[Row]:
    """A ledger row for each original that was corrected, with the original's id as `corrects`.

    The latest of several corrections of a row counts. `originals` are by id, with the columns
    `builders.review.source.SHOWN`. The scores are the annotator's, of the answers as shown. A
    correction that cannot be used becomes a dropped row, with the reason.
    """
    submitted = sorted(
        filter(is_correction, verdicts), key=lambda row: (row["submitted_at"], row["annotator"])
    )
    latest = {row["id"]: row for row in submitted}
    # The ids of corrections of each draft of an instruction, which end as the drafts' own do.
    ids: defaultdict[str, dict[str, int]] = defaultdict(dict)
    corrected = []
    for row_id, verdict in sorted(latest.items()):
        draft = row_id.removeprefix(instruction_id(row_id))
        row = _corrected_row(verdict, originals[row_id], ids[draft])
        corrected.append({"corrects": row_id, **row, "id": row["id"] + draft})
    return corrected


def _corrected_row(verdict: Verdict, original: Mapping[str, Any], ids: dict[str, int]) -> Row:
    reply, refinement = (
        text and clean(text).strip()
        for text in (verdict["corrected_critique"], verdict["corrected_refinement"])
    )
    refinement = refinement or original["refinement"]
    critique, reason = _critique(verdict, original)
    reason = reason or _reason_unusable(verdict, original, refinement)
    row = {
        **new_ledger_row(**{name: original[name] for name in _FROM_ORIGINAL}),
        "id": unique_id(HUMAN, original["instruction"], ids, original["history"]),
        "source": HUMAN,
        "critic_reply": reply,
        "critique": critique,
        "refinement": refinement,
        **_scores(verdict),
        "status": "dropped" if reason else "kept",
        "reason": reason,
        "detail": f"corrects {original['id']}",
        "calls": [_call(verdict["annotator"])],
    }
    validate_ledger_row(row)
    return row


def _critique(
    verdict: Verdict, original: Mapping[str, Any]
) -> tuple[dict[str, Any] | None, str | None]:
    """The corrected critique with the annotator's score, or the reason it cannot be read."""
    text = verdict["corrected_critique"]
    if text is None:
        return {**original["critique"], "score": verdict["draft_score"]}, None
    parsed = parse_critique(text)
    if isinstance(parsed, Rejection):
        return None, parsed.reason
    return {**parsed.as_row(), "score": verdict["draft_score"]}, None


def _reason_unusable(verdict: Verdict, original: Mapping[str, Any], refinement: str) -> str | None:
    for answer in ("draft", "refinement"):
        if verdict[f"{answer}_score"] is None:
            return f"{answer}_score_missing"
    return "no_change" if refinement == original["draft"] else None


def _scores(verdict: Verdict) -> Row:
    """The annotator's scores, each with the empty assessment that a ledger row needs beside it."""
    columns: Row = {}
    for answer in ("draft", "refinement"):
        score = verdict[f"{answer}_score"]
        columns[f"{answer}_score"] = score
        columns[f"{answer}_assessment"] = {"weaknesses": [], "suggestions": [], "score": score}
    return columns


def _call(annotator: str) -> Row:
    """The annotator in place of a model that was called."""
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
