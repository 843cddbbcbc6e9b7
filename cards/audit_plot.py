"""The picture of an audit: agreement above, and below it the differences with their margin."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes

from cards.audit_report import agreement_rows
from cards.audit_sentences import stand_in
from cards.plots import BLUE, GRAY, GREEN, ORANGE, as_percent, canvas, save_png, style_axes

_VERDICTS = {"fell": ORANGE, "not worse": GREEN, "inconclusive": GRAY}
_LONGEST = 44


def plot_audit(audit: Mapping[str, Any], path: Path) -> None:
    """Write a PNG: a forest plot of agreement with people, and of each difference below it."""
    rows = [row for row in agreement_rows(audit) if row[1]["value"] is not None]
    comparisons = [one for one in audit["comparisons"] if one["figures"]["pairs"]]
    heights = [max(len(rows), 1), len(comparisons) + 0.5]
    with canvas() as figure:
        figure.set_size_inches(
            _width(rows, comparisons),
            1.4 + 0.42 * (len(rows) + (len(comparisons) + 3 if comparisons else 0)),
        )
        if not comparisons:
            _agreement(figure.add_subplot(), rows, stand_in(audit))
        else:
            above, below = figure.subplots(2, height_ratios=heights)
            _agreement(above, rows, stand_in(audit))
            _differences(below, comparisons)
        save_png(figure, path)


def _width(rows: Sequence[tuple[str, Any]], comparisons: Sequence[Mapping[str, Any]]) -> float:
    """Inches that leave the plots 5 beside the names."""
    names = [_short(name) for name, _ in rows]
    names += [_against(one) for one in comparisons]
    return 5.5 + 0.09 * max(map(len, names), default=0)


def _agreement(axes: Axes, rows: Sequence[tuple[str, Mapping[str, Any]]], others: str) -> None:
    if not rows:
        axes.text(0.5, 0.5, f"{others} decided no pair", ha="center", transform=axes.transAxes)
    for place, (name, one) in enumerate(rows):
        color = BLUE if place == 0 else GRAY if name.startswith("rule: ") else "#333333"
        if one["low"] is not None:
            axes.plot([one["low"], one["high"]], [place, place], color=color, linewidth=2)
        axes.plot(one["value"], place, "o", color=color, markersize=7)
    axes.axvline(0.5, color=GRAY, linewidth=1, linestyle=":")
    axes.annotate(
        "a coin",
        (0.5, 1),
        xycoords=("data", "axes fraction"),
        xytext=(4, -10),
        textcoords="offset points",
        color=GRAY,
    )
    axes.set_yticks(range(len(rows)), [_short(name) for name, _ in rows])
    axes.set_ylim(max(len(rows), 1) - 0.5, -0.5)
    axes.set_xlabel(f"agreement with {others} (95% interval)")
    as_percent(axes.xaxis)
    style_axes(axes, grid="x")


def _differences(axes: Axes, comparisons: Sequence[Mapping[str, Any]]) -> None:
    for place, one in enumerate(comparisons):
        figures = one["figures"]
        color = _VERDICTS[figures["verdict"]]
        ends = _ends(figures)
        axes.plot(ends, [place, place], color=color, linewidth=2)
        axes.plot(100 * figures["difference"], place, "o", color=color, markersize=7)
        axes.annotate(
            figures["verdict"],
            (ends[1], place),
            xytext=(8, 0),
            textcoords="offset points",
            verticalalignment="center",
        )
    margin = -100 * comparisons[0]["figures"]["margin"]
    axes.axvline(0, color="#333333", linewidth=1)
    axes.axvline(margin, color=ORANGE, linewidth=1, linestyle="--")
    axes.annotate(
        "margin",
        (margin, 0),
        xycoords=("data", "axes fraction"),
        xytext=(-4, 3),
        textcoords="offset points",
        horizontalalignment="right",
        color=ORANGE,
    )
    names = [_against(one) for one in comparisons]
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    low = min(_ends(one["figures"])[0] for one in comparisons)
    high = max(_ends(one["figures"])[1] for one in comparisons)
    room = 0.25 * (max(high, 0) - min(low, margin) + 1)
    # More on the right, where the verdict stands.
    axes.set_xlim(min(low, margin) - room, max(high, 0) + 1.6 * room)
    axes.set_xlabel("agrees less  ←  points of agreement  →  agrees more\n(90% interval)")
    style_axes(axes, grid="x")


def _ends(figures: Mapping[str, Any]) -> list[float]:
    """The ends of an interval in points; with very few pairs it is wider than can be."""
    return [100 * max(figures["low"], -1.0), 100 * min(figures["high"], 1.0)]


def _against(comparison: Mapping[str, Any]) -> str:
    return _short(f"against {comparison['judge']['name']}")


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"
