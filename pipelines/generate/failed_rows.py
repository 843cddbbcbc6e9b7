"""Rows that got no answer for a cause that may have passed: the same command tries them again."""

import re
from pathlib import Path

from builders.ledger.funnel import Funnel
from builders.ledger.run import Run
from builders.rows import Row
from builders.rows.ids import instruction_id
from builders.rows.read import read_rows
from builders.rows.schema import LEDGER_ROWS
from pipelines.llms.endpoint.http_replies import RejectedRequest

_PAID = "openai"
_REJECTED = re.compile(r"HTTP ([0-9]{3})(?:: (.*))?", re.DOTALL)
# Reasons of rows that no model was asked about.
_NOT_ASKED = (
    "no_instruction",
    "multi_turn",
    "bad_history",
    "duplicate",
    "trained_on",
    "reserved_for_audit",
    "draft_missing",
    "context_exceeded",
)


def rows_to_retry(run: Run) -> dict[str, Path]:
    """The part of each row of the ledger that is tried again, by id.

    Those are rows whose call failed for a cause that may pass, and the other drafts of their
    instructions, whose answers are stored: which of all of them is the best is decided again. None
    of a run whose next round was made from the rows as they are.
    """
    manifest = run.read_manifest()
    has_next = run.folder.with_name(f"{run.folder.name}-round2").exists()
    if has_next or (manifest and not manifest.funnel.dropped.get("call_failed")):
        return {}
    again: dict[str, Path] = {}
    for part in run.parts():
        rows = list(read_rows(part, LEDGER_ROWS, ["id", "reason", "detail", "calls"]))
        failed = {
            instruction_id(row["id"])
            for row in rows
            if row["reason"] == "call_failed"
            and row["calls"]
            and call_may_pass(row["calls"][-1], row["detail"])
        }
        again |= {row["id"]: part for row in rows if instruction_id(row["id"]) in failed}
    return again


def has_answers(done: Funnel) -> bool:
    """Whether a model has answered for any of the rows."""
    lost = sum(done.dropped[reason] for reason in ("call_failed", *_NOT_ASKED))
    return done.rows > lost


def call_may_pass(call: Row, detail: str | None) -> bool:
    """Whether a call that failed with this detail may succeed later: only an endpoint's may."""
    return call["endpoint"] == _PAID and may_pass(detail)


def may_pass(detail: str | None) -> bool:
    """An endpoint's failure may pass, unless it blames the request."""
    detail = detail or ""
    if match := _REJECTED.match(detail):
        return RejectedRequest(int(match[1]), match[2] or "").may_pass
    return "body is too large" not in detail
