"""A record: what annotators are shown of a row, and the questions they answer.

A blind record does not say which answer is the draft or what a model thinks of either; only the
critique names the answer that it is about. An assisted record shows the model's verdict as well.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from builders.critique.render import numbered
from builders.review.reviewable import reviewable_row
from builders.rows import Row

# The texts of a record. A file of a review has a column for each.
FIELDS = ("instruction", "answer_a", "answer_b", "critique")
# The questions in the order of the page. The last two ask for texts and are optional. These names
# are stored with every dataset on a review server: a new name could not be read there.
QUESTIONS = (
    "better",
    "score_a",
    "score_b",
    "weaknesses_real",
    "suggestions_actionable",
    "refinement_introduces_error",
    "corrected_critique",
    "corrected_refinement",
)
# The one that is asked about pairs without a critique.
ANSWERS_ONLY = ("better",)
# The critique of such a pair.
NO_CRITIQUE = {"weaknesses": [], "suggestions": [], "score": None}
CHOICES = ("A", "B", "tie")
SCORES = tuple(range(1, 11))
# Answer A and answer B, by order.
_ANSWERS = {
    "draft_first": ("draft", "refinement"),
    "refinement_first": ("refinement", "draft"),
}


def records(
    rows: Iterable[Mapping[str, Any]], drawn: Iterable[Mapping[str, Any]], *, assisted: bool
) -> Iterator[Row]:
    """The record of each row that was drawn, in the order of `rows`."""
    left = {row["id"]: row for row in drawn}
    for row in rows:
        if drawn_row := left.pop(row["id"], None):
            yield record_of(row, drawn_row, assisted=assisted)


def record_of(row: Mapping[str, Any], drawn: Mapping[str, Any], *, assisted: bool = False) -> Row:
    """The record of a reviewable row: {id, fields, context, suggestions}.

    `row` has the columns `builders.review.source.SHOWN`. `id` is the review's key. `fields` has the
    texts of FIELDS, of which the instruction includes its `context` {system, history, instruction,
    criteria}, for pages that can show these apart. `suggestions` has a value by question, none
    unless `assisted`. Source, models, scores and stratum stay in the review's folder: whatever a
    record has can be read by its annotators.
    """
    known = reviewable_row(row)
    if known is None:
        raise ValueError(f"row {row['id']} has nothing to compare")
    first, second = _ANSWERS[drawn["order"]]
    letter = letters(drawn["order"])
    critique, critiqued = critique_text(row["critique"]), row["critique"] != NO_CRITIQUE
    suggestions = {}
    if assisted:
        suggestions = {
            "better": _better(known.margin, letter),
            f"score_{letter['draft'].lower()}": known.draft_score,
            f"score_{letter['refinement'].lower()}": known.refinement_score,
            "corrected_critique": critique,
            "corrected_refinement": row["refinement"],
        }
    return {
        "id": drawn["record"],
        "fields": {
            "instruction": instruction_text(row),
            "answer_a": row[first],
            "answer_b": row[second],
            # Pairs of an evaluation have none; its heading would say whose answer is which.
            "critique": f"{critique_heading(letter['draft'])}\n\n{critique}" if critiqued else "",
        },
        "context": {
            "system": row["system"],
            "history": [dict(turn) for turn in row["history"]],
            "instruction": row["instruction"],
            "criteria": row["criteria"],
        },
        "suggestions": {name: value for name, value in suggestions.items() if value is not None},
    }


def _better(margin: int | None, letter: Mapping[str, str]) -> str | None:
    if not margin:
        return None if margin is None else "tie"
    return letter["refinement" if margin > 0 else "draft"]


def letters(order: str) -> dict[str, str]:
    """Which answer, A or B, is the draft and which the refinement."""
    return dict(zip(_ANSWERS[order], CHOICES[:2], strict=True))


def instruction_text(row: Mapping[str, Any]) -> str:
    """The instruction, below its system prompt, the turns before it and its criteria, if any."""
    before = []
    if row["system"] is not None:
        before.append(f"System prompt\n{row['system']}")
    if row["history"]:
        turns = (f"{turn['role'].capitalize()}: {turn['content']}" for turn in row["history"])
        before.append("\n\n".join(["Conversation so far", *turns]))
    if row["criteria"] is not None:
        before.append(f"What a good answer has to do\n{row['criteria']}")
    if not before:
        return row["instruction"]
    return "\n\n".join([*before, f"Instruction\n{row['instruction']}"])


def critique_heading(letter: str) -> str:
    return f"This critique is about answer {letter}."


def critique_text(critique: Mapping[str, Any]) -> str:
    """Weaknesses and suggestions as plain text that `parse_critique` can read."""
    return "\n\n".join(
        f"{title}:\n{numbered(critique[title.lower()])}" for title in ("Weaknesses", "Suggestions")
    )
