"""A plot of shares with their intervals: a group of bars for each question."""

import textwrap
from collections.abc import Mapping
from pathlib import Path

from cards.plots import BLUE, GRAY, GREEN, INK, ORANGE, as_percent, canvas, save_png, style_axes

_COLORS = (GRAY, BLUE, ORANGE, GREEN)


def plot_shares(groups: Mapping[str, Mapping[str, Mapping[str, float]]], path: Path) -> None:
    """Write a PNG of `groups`: {question: {series: {value, low, high}}}, between 0 and 1."""
    series = list(next(iter(groups.values())))
    width = 0.8 / len(series)
    with canvas() as figure:
        axes = figure.add_subplot()
        for number, name in enumerate(series):
            shares = [group[name] for group in groups.values()]
            places = [at + (number - (len(series) - 1) / 2) * width for at in range(len(groups))]
            values = [share["value"] or 0.0 for share in shares]
            lows = [share["low"] or 0.0 for share in shares]
            highs = [share["high"] or 0.0 for share in shares]
            axes.bar(
                places,
                values,
                width,
                yerr=[
                    [value - low for value, low in zip(values, lows, strict=True)],
                    [high - value for value, high in zip(values, highs, strict=True)],
                ],
                color=_COLORS[number % len(_COLORS)],
                label=name,
                zorder=2,
                error_kw={"ecolor": INK, "elinewidth": 1.2, "capsize": 3, "zorder": 3},
            )
        # Wrapped, because long questions would overlap.
        axes.set_xticks(range(len(groups)), [textwrap.fill(question, 18) for question in groups])
        axes.set_ylim(0, 1)
        as_percent(axes.yaxis)
        style_axes(axes, grid="y")
        figure.legend(loc="outside upper center", ncols=len(series), frameon=False)
        save_png(figure, path)
