"""Single answers labeled as desirable or not, the rows that KTO trains on (arXiv 2402.01306).

A kept row's refinement is desirable, and its draft is not. So is not a refinement that was dropped
because it scored below its draft: the critic made the answer worse. Rows that were dropped for any
other reason give nothing, and neither does a draft that scored as high as its refinement.

`to_kto` is the definition. A release makes the same rows by columns
(`builders.training.kto_table`).
"""

from collections.abc import Iterator, Mapping
from typing import Any

from builders.critique.prompts import chat
from builders.rows import Row

# The one reason for dropping a row that says something about an answer, with the scores for it.
REASON = "margin"


def is_worsened(row: Mapping[str, Any]) -> bool:
    """Whether a ledger row was dropped because its refinement scored below its draft."""
    scores = (row["refinement_score"], row["draft_score"])
    return row["reason"] == REASON and None not in scores and scores[0] < scores[1]


def to_kto(row: Mapping[str, Any]) -> Iterator[Row]:
    """The labeled answers of one ledger row, kept or dropped."""
    differs = row["draft"] != row["refinement"]
    if row["status"] == "kept":
        if differs and row["draft_score"] < row["refinement_score"]:
            yield _labeled(row, "draft", False)
        yield _labeled(row, "refinement", True)
    # Redaction can make the answers of a dropped row equal.
    elif is_worsened(row) and differs:
        yield _labeled(row, "refinement", False)


def _labeled(row: Mapping[str, Any], turn: str, label: bool) -> Row:
    return {
        "id": row["id"],
        "turn": turn,
        "prompt": chat(row["instruction"], row["system"], row["history"]),
        "completion": [{"role": "assistant", "content": row[turn]}],
        "label": label,
        "score": row[f"{turn}_score"],
    }
