"""The pictures of a card: the same bytes for the same figures, whatever the user's settings."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

# Okabe and Ito's blue and orange: apart for every kind of colour blindness, and in grey.
_DRAFT, _REFINEMENT = "#0072B2", "#E69F00"
_SERIES = ("#999999", "#0072B2", "#E69F00", "#009E73")
_INK = "#333333"
_SCORES = range(1, 11)
_BAR = 0.4
# Curves of fewer points show each of them.
_MARKED = 20
# Room above the tallest bar for the labels of the means.
_HEADROOM = 1.3
# Beyond these scores a label would leave the picture on that side.
_LEFT_EDGE, _RIGHT_EDGE = 3.4, 7.6


def plot_scores(draft: Mapping[str, int], refinement: Mapping[str, int], path: Path) -> None:
    """Write a PNG of how often each score (keys "1" to "10") was given; 1600 × 800 pixels.

    Two bars for each score, as in Figure 3 of arXiv 2406.07168, with the means marked.
    """
    with _canvas() as figure:
        axes = figure.add_subplot()
        _bars(axes, draft, -_BAR / 2, _DRAFT, "draft")
        _bars(axes, refinement, _BAR / 2, _REFINEMENT, "refinement")
        _decorate(axes, max(*draft.values(), *refinement.values(), 1))
        _mark_means(axes, _mean(draft), _mean(refinement))
        figure.legend(loc="outside upper center", ncols=2, frameon=False)
        _save(figure, path)


@contextmanager
def _canvas() -> Iterator[Figure]:
    """A figure of 1600 × 800 pixels, under matplotlib's own settings and not the user's."""
    with matplotlib.rc_context(dict(matplotlib.rcParamsDefault)):
        matplotlib.rcParams.update({"font.size": 12, "text.color": _INK, "axes.edgecolor": _INK})
        figure = Figure(figsize=(8, 4), dpi=200, layout="constrained")
        FigureCanvasAgg(figure)
        yield figure


def _save(figure: Figure, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # matplotlib would write its version into the file.
    figure.savefig(path, format="png", metadata={"Software": None})


def _mean(counts: Mapping[str, int]) -> float | None:
    total = sum(counts.values())
    return sum(int(score) * count for score, count in counts.items()) / total if total else None


def _bars(axes: Axes, counts: Mapping[str, int], offset: float, colour: str, label: str) -> None:
    places = [score + offset for score in _SCORES]
    heights = [counts[str(score)] for score in _SCORES]
    axes.bar(places, heights, _BAR, color=colour, label=label, zorder=2)


def _decorate(axes: Axes, tallest: int) -> None:
    axes.set_xticks(list(_SCORES))
    axes.set_xlim(0.4, 10.6)
    axes.set_ylim(0, tallest * _HEADROOM)
    axes.set_xlabel("independent score")
    axes.set_ylabel("kept rows")
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=True, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.grid(axis="y", color="#DDDDDD", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def _mark_means(axes: Axes, draft: float | None, refinement: float | None) -> None:
    """A line at each mean, labelled on the side away from the other one, each on its own row."""
    marks = [
        (mean, colour, name, row)
        for mean, colour, name, row in (
            (draft, _DRAFT, "draft", 0.96),
            (refinement, _REFINEMENT, "refinement", 0.87),
        )
        if mean is not None
    ]
    for place, (mean, colour, name, row) in enumerate(sorted(marks)):
        leftward = (place == 0 or mean > _RIGHT_EDGE) and mean > _LEFT_EDGE
        # White around the line sets it off from a bar of its own colour.
        halo = [patheffects.withStroke(linewidth=4, foreground="white")]
        axes.axvline(mean, 0, row, color=colour, linewidth=2, path_effects=halo, zorder=3)
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
    """Write a PNG of a trainer's log: loss by step, on training rows and on held-out ones."""
    curves = (("loss", "training", _DRAFT), ("eval_loss", "held out", _REFINEMENT))
    with _canvas() as figure:
        axes = figure.add_subplot()
        for key, label, colour in curves:
            points = [(entry["step"], entry[key]) for entry in history if key in entry]
            if points:
                # A single point has no line.
                marker = "o" if len(points) < _MARKED else None
                axes.plot(*zip(*points, strict=True), color=colour, marker=marker, label=label)
        axes.set_xlabel("step")
        axes.set_ylabel("loss")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(color="#DDDDDD", linewidth=0.8)
        axes.spines[["top", "right"]].set_visible(False)
        if axes.lines:
            figure.legend(loc="outside upper center", ncols=2, frameon=False)
        _save(figure, path)


def plot_shares(groups: Mapping[str, Mapping[str, Mapping[str, float]]], path: Path) -> None:
    """Write a PNG of shares with their intervals: a group of bars for each question.

    `groups` are {question: {series: {value, low, high}}}, shares between 0 and 1.
    """
    series = list(next(iter(groups.values())))
    width = 0.8 / len(series)
    with _canvas() as figure:
        axes = figure.add_subplot()
        for number, name in enumerate(series):
            found = [group[name] for group in groups.values()]
            places = [at + (number - (len(series) - 1) / 2) * width for at in range(len(groups))]
            values = [one["value"] or 0.0 for one in found]
            below = [value - (one["low"] or 0.0) for value, one in zip(values, found, strict=True)]
            above = [(one["high"] or 0.0) - value for value, one in zip(values, found, strict=True)]
            axes.bar(
                places,
                values,
                width,
                yerr=[below, above],
                color=_SERIES[number % len(_SERIES)],
                label=name,
                zorder=2,
                error_kw={"ecolor": _INK, "elinewidth": 1.2, "capsize": 3, "zorder": 3},
            )
        # Beside each other, long questions would run into one.
        axes.set_xticks(range(len(groups)), [textwrap.fill(question, 18) for question in groups])
        axes.set_ylim(0, 1)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0%}"))
        axes.grid(axis="y", color="#DDDDDD", linewidth=0.8)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
        figure.legend(loc="outside upper center", ncols=len(series), frameon=False)
        _save(figure, path)


def plot_calibration(
    scores: Sequence[Mapping[str, Any]], margins: Sequence[Mapping[str, Any]], path: Path
) -> None:
    """Write a PNG of two panels: people's mean score by the model's, and preference by margin.

    `scores` are [{score, human: {value, low, high}}], `margins` [{margin, preferred: {value, low,
    high}}] with shares between 0 and 1; a value of None is not drawn.
    """
    with _canvas() as figure:
        left, right = figure.subplots(1, 2)
        left.plot((1, 10), (1, 10), color="#999999", linestyle="--", linewidth=1, zorder=1)
        _points(left, [(one["score"], one["human"]) for one in scores], _DRAFT)
        left.set_xticks(list(_SCORES))
        left.set_yticks(list(_SCORES))
        left.set_xlim(0.5, 10.5)
        left.set_ylim(0.5, 10.5)
        left.set_xlabel("the model's score")
        left.set_ylabel("people's mean score")
        right.axhline(0.5, color="#999999", linestyle="--", linewidth=1, zorder=1)
        right.axvline(0, color="#DDDDDD", linewidth=0.8, zorder=1)
        _points(right, [(one["margin"], one["preferred"]) for one in margins], _REFINEMENT)
        right.set_ylim(-0.03, 1.03)
        right.xaxis.set_major_locator(MaxNLocator(integer=True))
        right.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0%}"))
        right.set_xlabel("the model's margin for the refinement")
        right.set_ylabel("people who prefer it")
        for axes in (left, right):
            axes.grid(color="#EEEEEE", linewidth=0.8)
            axes.set_axisbelow(True)
            axes.spines[["top", "right"]].set_visible(False)
        _save(figure, path)


def _points(axes: Axes, points: Sequence[tuple[int, Mapping[str, Any]]], colour: str) -> None:
    """Each figure at its place, with its interval."""
    known = [(place, figure) for place, figure in points if figure["value"] is not None]
    values = [figure["value"] for _, figure in known]
    # An interval may miss its value by the last bit of a float.
    below = [max(0.0, figure["value"] - figure["low"]) for _, figure in known]
    above = [max(0.0, figure["high"] - figure["value"]) for _, figure in known]
    axes.errorbar(
        [place for place, _ in known],
        values,
        yerr=[below, above],
        fmt="o",
        color=colour,
        ecolor=_INK,
        elinewidth=1.2,
        capsize=3,
        zorder=3,
    )
