"""The picture of an evaluation: win rates from draft to refinement, and beside them lengths."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from cards.evaluation_report import figures, parts_of
from cards.plots import BLUE, GRAY, INK, ORANGE, as_percent, canvas, save_png, style_axes

_COLORS = {"draft": BLUE, "refinement": ORANGE, "answer": ORANGE}
# Balanced stays in the table.
_SHOWN = ("raw", "at equal length", "corrected by people", "corrected by the checker")
_APART = 0.14


def plot_evaluation(evaluation: Mapping[str, Any], path: Path) -> None:
    """Write a PNG: a row for each kind of win rate, and a bar for each mean length."""
    parts = parts_of(evaluation)
    rows = [
        (name, [estimate_of(evaluation["parts"][part]) for part in parts])
        for name, estimate_of, _ in figures(evaluation)
        if name in _SHOWN
    ]
    rows = [row for row in rows if any(one["value"] is not None for one in row[1])]
    with canvas() as figure:
        figure.set_size_inches(9, 1.9 + 0.75 * max(len(rows), 1))
        left, right = figure.subplots(1, 2, width_ratios=[3, 1.2])
        _win_rates(left, rows, parts, evaluation["reference"]["name"])
        _lengths(right, evaluation, parts)
        if len(parts) > 1:
            figure.legend(
                *left.get_legend_handles_labels(),
                loc="outside upper center",
                ncols=len(parts),
                frameon=False,
            )
        save_png(figure, path)


def _win_rates(
    axes: Axes,
    rows: Sequence[tuple[str, Sequence[Mapping[str, Any]]]],
    parts: Sequence[str],
    reference: str,
) -> None:
    for place, (_, estimates) in enumerate(rows):
        known = [one["value"] for one in estimates if one["value"] is not None]
        axes.plot([min(known), max(known)], [place, place], color=GRAY, linewidth=4, alpha=0.5)
        for number, (part, one) in enumerate(zip(parts, estimates, strict=True)):
            if one["value"] is None:
                continue
            # The intervals lie above and below the line, so that neither hides the other.
            at = place + (number - (len(parts) - 1) / 2) * 2 * _APART
            color = _COLORS[part]
            axes.plot([one["low"], one["high"]], [at, at], color=color, linewidth=2)
            label = part if place == 0 else None
            axes.plot(one["value"], place, "o", color=color, markersize=9, label=label, zorder=3)
    axes.axvline(0.5, color=INK, linewidth=1, linestyle=":")
    axes.set_yticks(range(len(rows)), [name for name, _ in rows])
    axes.set_ylim(max(len(rows), 1) - 0.5, -0.5)
    name = reference if len(reference) <= 28 else f"{reference[:27]}…"
    axes.set_xlabel(f"preferred to {name} (95% intervals)")
    axes.xaxis.set_major_locator(MaxNLocator(nbins=7, steps=[1, 2, 5, 10]))
    as_percent(axes.xaxis)
    style_axes(axes, grid="x")


def _lengths(axes: Axes, evaluation: Mapping[str, Any], parts: Sequence[str]) -> None:
    reference = evaluation["parts"][parts[0]]["reference_characters"]
    bars = [("reference", reference, GRAY)]
    bars += [(part, evaluation["parts"][part]["characters"], _COLORS[part]) for part in parts]
    for place, (_, length, color) in enumerate(bars):
        axes.barh(place, length, 0.6, color=color, zorder=2)
        axes.annotate(
            f"{length:,.0f}",
            (length, place),
            xytext=(4, 0),
            textcoords="offset points",
            verticalalignment="center",
        )
    axes.set_yticks(range(len(bars)), [name for name, _, _ in bars])
    axes.set_ylim(len(bars) - 0.5, -0.5)
    axes.set_xlim(0, 1.35 * max(max(length for _, length, _ in bars), 1))
    axes.set_xticks([])
    axes.set_xlabel("mean characters")
    style_axes(axes, grid="x")
    axes.spines[["bottom"]].set_visible(False)
