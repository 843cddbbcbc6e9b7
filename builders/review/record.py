"""A record: what annotators are shown of a row, and what they are asked.

Which answer is the draft they are not told, nor what any model thinks of either; the critique
alone names the answer that it is of. `--assisted` shows the model's verdict on purpose.
"""

from collections.abc import Mapping
from typing import Any

from builders.feedback import numbered
from builders.review.candidates import candidate
from builders.review.sampling import score_bin

FIELDS = ("instruction", "answer_a", "answer_b", "critique")
CHOICES = ("A", "B", "tie")
SCORES = tuple(range(1, 11))
# The order of the questions on the page. The two texts are optional.
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
CORRECTIONS = QUESTIONS[-2:]
# Hidden from annotators; for those who look at the answers by group.
METADATA = (
    "source",
    "draft_model",
    "critic_model",
    "score_bin",
    "margin",
    "length_delta",
    "stratum",
)
_YES_OR_NO = {"yes": True, "no": False}
# Answer A and answer B, by what was shown first.
_PARTS = {
    "draft_first": ("draft", "refinement"),
    "refinement_first": ("refinement", "draft"),
}


def record_of(
    row: Mapping[str, Any], drawn: Mapping[str, Any], *, assisted: bool = False
) -> dict[str, Any]:
    """The record of a row that was drawn: {id, fields, metadata, suggestions}.

    `row` has the columns `builders.review.source.SHOWN`, and something to compare. `id` is the
    review's key, `suggestions` a value by question, empty unless `assisted`. Metadata that the
    row has not is left out.
    """
    first, second = _PARTS[drawn["order"]]
    critique = critique_text(row["critique"])
    fields = {
        "instruction": instruction_text(row),
        "answer_a": row[first],
        "answer_b": row[second],
        "critique": f"Of answer {letters(drawn['order'])['draft']}\n\n{critique}",
    }
    return {
        "id": drawn["record"],
        "fields": fields,
        "metadata": _metadata(row, drawn["stratum"]),
        "suggestions": _suggestions(row, drawn["order"], critique) if assisted else {},
    }


def letters(order: str) -> dict[str, str]:
    """Which answer, A or B, the draft and the refinement are."""
    return dict(zip(_PARTS[order], CHOICES[:2], strict=True))


def instruction_text(row: Mapping[str, Any]) -> str:
    """The instruction, under the system prompt that went with it, if any."""
    if row["system"] is None:
        return row["instruction"]
    return f"System prompt\n{row['system']}\n\nInstruction\n{row['instruction']}"


def critique_text(critique: Mapping[str, Any]) -> str:
    """Weaknesses and suggestions as plain text that `builders.parse.parse_critique` reads back."""
    return "\n\n".join(
        f"{title}:\n{numbered(critique[title.lower()])}" for title in ("Weaknesses", "Suggestions")
    )


def _metadata(row: Mapping[str, Any], stratum: str) -> dict[str, Any]:
    seen = candidate(row)
    if seen is None:
        raise ValueError(f"row {row['id']} has nothing to compare")
    values = {
        "source": row["source"],
        "draft_model": row["draft_model"],
        "critic_model": row["critic_model"],
        "score_bin": score_bin(seen.draft_score),
        "margin": seen.margin,
        "length_delta": seen.refinement_characters - seen.draft_characters,
        "stratum": stratum,
    }
    return {name: value for name, value in values.items() if value is not None}


def _suggestions(row: Mapping[str, Any], order: str, critique: str) -> dict[str, Any]:
    """What the model says of the questions that it has an answer to."""
    letter, seen = letters(order), candidate(row)
    margin = seen.margin if seen else None
    chosen = "refinement" if (margin or 0) > 0 else "draft"
    values = {
        "better": None if margin is None else letter[chosen] if margin else "tie",
        f"score_{letter['draft'].lower()}": row["draft_score"],
        f"score_{letter['refinement'].lower()}": row["refinement_score"],
        "corrected_critique": critique,
        "corrected_refinement": row["refinement"],
    }
    return {name: value for name, value in values.items() if value is not None}


def answers_of(given: Mapping[str, Any], order: str) -> dict[str, Any]:
    """What a response says, as columns of VERDICTS; what was not answered is None.

    `given` is its values by question.
    """
    parts = {letter: part for part, letter in letters(order).items()}
    return {
        "better": _meant(given.get("better"), parts),
        **{f"{part}_score": given.get(f"score_{letter.lower()}") for letter, part in parts.items()},
        "weaknesses_real": given.get("weaknesses_real"),
        **{
            name: _meant(given.get(name), _YES_OR_NO)
            for name in ("suggestions_actionable", "refinement_introduces_error")
        },
        **{name: _text(given.get(name)) for name in CORRECTIONS},
    }


def _meant(answer: Any, meanings: Mapping[str, Any]) -> Any:
    """What an answer means; one that is unknown is left for the validator to refuse."""
    return meanings.get(answer, answer) if isinstance(answer, str) else answer


def _text(value: Any) -> Any:
    """A blank text is none."""
    return None if isinstance(value, str) and not value.strip() else value
