"""The plots of cards and reports.

The same figures give the same bytes, regardless of the user's matplotlib settings.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import matplotlib
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

# From the Okabe-Ito palette: distinct with any color blindness, and in grayscale.
GRAY, BLUE, ORANGE, GREEN = "#999999", "#0072B2", "#E69F00", "#009E73"
_DRAFT, _REFINEMENT = BLUE, ORANGE
INK = "#333333"
_SCORES = range(1, 11)
_BAR = 0.4
# Curves with fewer points than this get a marker at each.
_MAX_MARKED = 20
_TOO_FEW = "fewer than 20 records each"
# Space above the tallest bar for the labels of the means.
_HEADROOM = 1.3
# Beyond these scores a label would be cut off on that side.
_LEFT_EDGE, _RIGHT_EDGE = 3.4, 7.6


def plot_scores(draft: Mapping[str, int], refinement: Mapping[str, int], path: Path) -> None:
    """Write a PNG histogram of the scores (keys "1" to "10") of drafts and refinements.

    Two bars per score, as in Figure 3 of arXiv 2406.07168, with the means marked.
    """
    with canvas() as figure:
        axes = figure.add_subplot()
        _bars(axes, draft, -_BAR / 2, _DRAFT, "draft")
        _bars(axes, refinement, _BAR / 2, _REFINEMENT, "refinement")
        _decorate(axes, max(*draft.values(), *refinement.values(), 1))
        _mark_means(axes, _mean(draft), _mean(refinement))
        figure.legend(loc="outside upper center", ncols=2, frameon=False)
        save_png(figure, path)


@contextmanager
def canvas() -> Iterator[Figure]:
    """A figure of 1600 × 800 pixels with matplotlib's default settings instead of the user's."""
    with matplotlib.rc_context(dict(matplotlib.rcParamsDefault)):
        matplotlib.rcParams.update({"font.size": 12, "text.color": INK, "axes.edgecolor": INK})
        figure = Figure(figsize=(8, 4), dpi=200, layout="constrained")
        FigureCanvasAgg(figure)
        yield figure


def save_png(figure: Figure, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # By default, matplotlib writes its version into the file.
    figure.savefig(path, format="png", metadata={"Software": None})


def style_axes(axes: Axes, *, grid: Literal["both", "x", "y"] = "both") -> None:
    """Light grid lines behind the data, and no frame at the top and right."""
    axes.grid(axis=grid, color="#DDDDDD", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def as_percent(axis: Axis) -> None:
    """Label the ticks of an axis with shares between 0 and 1 as percentages."""
    axis.set_major_formatter(FuncFormatter(lambda share, _: f"{share:.0%}"))


def _mean(counts: Mapping[str, int]) -> float | None:
    total = sum(counts.values())
    return sum(int(score) * count for score, count in counts.items()) / total if total else None


def _bars(axes: Axes, counts: Mapping[str, int], offset: float, color: str, label: str) -> None:
    places = [score + offset for score in _SCORES]
    heights = [counts[str(score)] for score in _SCORES]
    axes.bar(places, heights, _BAR, color=color, label=label, zorder=2)


def _decorate(axes: Axes, tallest: int) -> None:
    axes.set_xticks(list(_SCORES))
    axes.set_xlim(0.4, 10.6)
    axes.set_ylim(0, tallest * _HEADROOM)
    axes.set_xlabel("independent score")
    axes.set_ylabel("kept rows")
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=True, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    style_axes(axes, grid="y")


def _mark_means(axes: Axes, draft: float | None, refinement: float | None) -> None:
    """Draw a line at each mean, labeled on the side away from the other, each on its own row."""
    marks = [
        (mean, color, name, row)
        for mean, color, name, row in (
            (draft, _DRAFT, "draft", 0.96),
            (refinement, _REFINEMENT, "refinement", 0.87),
        )
        if mean is not None
    ]
    for place, (mean, color, name, row) in enumerate(sorted(marks)):
        leftward = (place == 0 or mean > _RIGHT_EDGE) and mean > _LEFT_EDGE
        # A white outline, so that the line is visible on a bar of the same color.
        halo = [patheffects.withStroke(linewidth=4, foreground="white")]
        axes.axvline(mean, 0, row, color=color, linewidth=2, path_effects=halo, zorder=3)
        axes.text(
            mean + (-0.12 if leftward else 0.12),
            row,
            f"{name}: mean {mean:.2f}",
            transform=axes.get_xaxis_transform(),
            horizontalalignment="right" if leftward else "left",
            verticalalignment="center",
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5},
            zorder=4,
        )


def plot_losses(history: Sequence[Mapping[str, float]], path: Path) -> None:
    """Write a PNG of a trainer's log history: training and held-out loss by step."""
    curves = (("loss", "training", _DRAFT), ("eval_loss", "held out", _REFINEMENT))
    with canvas() as figure:
        axes = figure.add_subplot()
        for key, label, color in curves:
            points = [(entry["step"], entry[key]) for entry in history if key in entry]
            if points:
                # A single point is not visible as a line.
                marker = "o" if len(points) < _MAX_MARKED else None
                axes.plot(*zip(*points, strict=True), color=color, marker=marker, label=label)
        axes.set_xlabel("step")
        axes.set_ylabel("loss")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        style_axes(axes)
        if axes.lines:
            figure.legend(loc="outside upper center", ncols=2, frameon=False)
        save_png(figure, path)


def plot_calibration(
    scores: Sequence[Mapping[str, Any]], margins: Sequence[Mapping[str, Any]], path: Path
) -> None:
    """Write a PNG of two panels: mean human score by model score, and preference by margin.

    `scores` are [{score, human: {value, low, high}}], `margins` [{margin, preferred: {value, low,
    high}}] with shares between 0 and 1. Figures with the value None are not drawn, and a panel
    without any says so.
    """
    with canvas() as figure:
        left, right = figure.subplots(1, 2)
        left.plot((1, 10), (1, 10), color=GRAY, linestyle="--", linewidth=1, zorder=1)
        _points(left, [(one["score"], one["human"]) for one in scores], _DRAFT)
        left.set_xticks(list(_SCORES))
        left.set_yticks(list(_SCORES))
        left.set_xlim(0.5, 10.5)
        left.set_ylim(0.5, 10.5)
        left.set_xlabel("model score")
        left.set_ylabel("mean human score")
        right.axhline(0.5, color=GRAY, linestyle="--", linewidth=1, zorder=1)
        right.axvline(0, color="#DDDDDD", linewidth=0.8, zorder=1)
        _points(right, [(one["margin"], one["preferred"]) for one in margins], _REFINEMENT)
        right.set_ylim(-0.03, 1.03)
        if not any(one["preferred"]["value"] is not None for one in margins):
            right.set_xlim(-9.5, 9.5)
        right.xaxis.set_major_locator(MaxNLocator(integer=True))
        as_percent(right.yaxis)
        right.set_xlabel("model's margin (refinement − draft)")
        right.set_ylabel("people who prefer the refinement")
        for axes in (left, right):
            style_axes(axes)
        save_png(figure, path)


def _ends(figure: Mapping[str, Any]) -> tuple[float, float]:
    """The interval, or the value twice if there is none."""
    low, high = figure["low"], figure["high"]
    return (figure["value"],) * 2 if low is None or high is None else (low, high)


def _points(axes: Axes, points: Sequence[tuple[int, Mapping[str, Any]]], color: str) -> None:
    """Draw a point with an error bar for each figure that has a value."""
    known = [(x, figure) for x, figure in points if figure["value"] is not None]
    values = [figure["value"] for _, figure in known]
    # By rounding, an interval can exclude its own value by a tiny amount.
    ends = [_ends(figure) for _, figure in known]
    below = [max(0.0, value - low) for value, (low, _) in zip(values, ends, strict=True)]
    above = [max(0.0, high - value) for value, (_, high) in zip(values, ends, strict=True)]
    if not known:
        where = {"transform": axes.transAxes, "ha": "center", "va": "center"}
        axes.text(0.5, 0.5, _TOO_FEW, bbox={"facecolor": "white", "edgecolor": "none"}, **where)
    axes.errorbar(
        [x for x, _ in known],
        values,
        yerr=[below, above],
        fmt="o",
        color=color,
        ecolor=INK,
        elinewidth=1.2,
        capsize=3,
        zorder=3,
    )
