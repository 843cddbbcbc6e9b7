"""One row as rich shows it: the instruction, and draft, critique and refinement side by side."""

from collections.abc import Iterator, Mapping
from typing import Any

from builders.rows.reasons import REASONS


def answers_panel(row: Mapping[str, Any], title: str) -> Any:
    """A ledger row's draft, critique and refinement side by side, as rich shows them."""
    from rich.panel import Panel
    from rich.table import Table
    from rich.text import Text

    from builders.critique.render import render_feedback

    table = Table(expand=True, show_lines=False, box=None)
    columns = {
        f"draft{_score(row['draft_score'])}": row["draft"],
        "critique": render_feedback(row["critique"]) if row["critique"] else row["critic_reply"],
        f"refinement{_score(row['refinement_score'])}": row["refinement"],
    }
    for heading in columns:
        table.add_column(heading, ratio=1, overflow="fold")
    # Text, not str: square brackets in a model's text are not markup.
    table.add_row(*(Text(text or "—") for text in columns.values()))
    grid = Table.grid(expand=True)
    for role, text in _before(row):
        grid.add_row(Text(f"{role}: {text}", style="dim", overflow="fold"))
    grid.add_row(Text(row["instruction"], style="bold", overflow="fold"))
    if row["criteria"] is not None:
        grid.add_row(Text(f"criteria: {row['criteria']}", style="dim", overflow="fold"))
    if row["reason"]:
        detail = f": {row['detail']}" if row["detail"] else ""
        dropped = "dropped: " if row["status"] == "dropped" else ""
        reason = f"{dropped}{row['reason']} ({REASONS[row['reason']]}){detail}"
        grid.add_row(Text(reason, style="red"))
    grid.add_row(table)
    for control in row["control_scores"]:
        grid.add_row(Text(_control(control), style="dim", overflow="fold"))
    return Panel(grid, title=Text(title), title_align="left")


def _before(row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What the model was sent before the instruction: each turn's role and text."""
    if row["system"] is not None:
        yield "system", row["system"]
    for turn in row["history"]:
        yield turn["role"], turn["content"]


def _score(score: int | None) -> str:
    return "" if score is None else f" · {score}/10"


def _control(control: Mapping[str, Any]) -> str:
    """Another scorer's scores in a line; a dash where it gave none, and why."""
    draft, refinement = (control[f"{part}_score"] or "–" for part in ("draft", "refinement"))
    detail = f" ({control['detail']})" if control["detail"] else ""
    return f"{control['model']}: draft {draft}, refinement {refinement}{detail}"
