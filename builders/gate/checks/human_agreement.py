"""The check `human-agreement`: how far people agree with the model and with each other.

The figures are computed from the release's own verdicts and ledger, including rows that people's
verdicts dropped: the rows that remain were chosen by these very verdicts.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow.compute as pc

from builders.errors import BadInput, reason_of
from builders.files.parquet import open_parquet
from builders.gate.release_files import UNREADABLE
from builders.manifest import Check
from builders.release.reviews.agreement import (
    OF_KEPT_ROWS,
    of_kept_rows,
    review_of,
    summaries_of,
)
from builders.settings import GateSettings
from builders.wording import counted

NAME = "human-agreement"
# The settings with a limit: the figure that each is compared with, and how it is written.
_LIMITS: dict[str, tuple[str, Callable[[float], str]]] = {
    "min_agreement": ("agreement", "{:.1%}".format),
    "min_balanced": ("balanced", "{:.1%}".format),
    "min_over_always_refinement": (
        "over_always_refinement",
        lambda value: f"{points(value)} points",
    ),
    "min_alpha": ("alpha", "{:.2f}".format),
    "min_verdicts": ("verdicts", "{:,}".format),
}
# What prevents the figures from being computed; the check `schema` has the details.
BROKEN = (KeyError, TypeError, ValueError, BadInput, *UNREADABLE)


def points(share: float) -> str:
    """A difference of shares in percentage points.

    >>> points(-0.052)
    '-5.2'
    """
    return f"{100 * share:+.1f}"


def read_review(
    folder: Path, stated: Mapping[str, Any] | None = None
) -> tuple[Mapping[str, Any] | None, str | None]:
    """What `review_of` says of the release, and why it cannot be computed, if so.

    `stated` is what its manifest says. Before it said how many people find a row wrong, it took
    one.
    """
    try:
        return review_of(folder, (stated or {}).get("wrong_votes", 1)), None
    except BROKEN as error:
        return None, reason_of(error)


def human_agreement(
    review: Mapping[str, Any] | None,
    problem: str | None,
    settings: GateSettings,
    designs: Sequence[Mapping[str, Any]] = (),
) -> Check:
    """Compare the agreement with the settings' limits.

    The first two arguments are those of `read_review`; `designs` says how each review was made. A
    limit applies to the figure itself, not to the end of its interval.
    """
    limits = {name: getattr(settings, name) for name in _LIMITS}
    if problem is not None:
        sentence = f"It cannot be computed: {problem}."
        return Check(name=NAME, status="fail", sentence=sentence, figures=limits)
    if review is None:
        sentence = "No person has judged these rows"
        if asked := _missed(limits, {}):
            sentence += f", and the recipe asks for {asked}"
        return Check(
            name=NAME,
            status="fail" if asked else "warn",
            sentence=f"{sentence}.",
            figures=limits,
        )
    gate = review["gate"]
    values = {
        key: figure["value"] if isinstance(figure, Mapping) else figure
        for key, figure in gate.items()
    }
    sentence = _sentence(gate)
    if missed := _missed(limits, values):
        sentence += f"; asked for: {missed}"
    if gate["verdicts"] and of_kept_rows(designs):
        sentence += f". {OF_KEPT_ROWS}"
    return Check(
        name=NAME,
        status="fail" if missed else "pass" if gate["verdicts"] else "warn",
        sentence=f"{sentence}.",
        figures={**gate, **limits},
    )


def _missed(limits: Mapping[str, float | None], values: Mapping[str, float | None]) -> str:
    """The limits that a value is below, or that have no value, as text."""
    missed = []
    for name, limit in limits.items():
        figure, written = _LIMITS[name]
        value = values.get(figure)
        if limit is not None and (value is None or value < limit):
            missed.append(f"{name} {written(limit)}")
    return ", ".join(missed)


def _sentence(gate: Mapping[str, Any]) -> str:
    more = _figure(gate["over_always_refinement"], points)
    return (
        f"{counted(gate['verdicts'], 'verdict')}: the model's agreement with people is "
        f"{_percent(gate['agreement'])}, weighted "
        'to all rows that the sample was drawn from; that of "always the refinement" is '
        f"{_percent(gate['always_refinement'])}, which makes a difference of {more} points, and "
        f'that of "the longer answer" {_percent(gate["longer"])}; balanced, the model\'s is '
        f"{_percent(gate['balanced'])}; Krippendorff's alpha between people is "
        f"{_figure(gate['alpha'], '{:.2f}'.format)}"
    )


def _percent(figure: Mapping[str, Any]) -> str:
    return _figure(figure, "{:.1%}".format)


def _figure(figure: Mapping[str, float | None], written: Callable[[float], str]) -> str:
    if figure["value"] is None:
        return "undefined"
    # A figure of few records has no interval.
    if figure["low"] is None or figure["high"] is None:
        return written(figure["value"])
    value, low, high = (written(figure[key]) for key in ("value", "low", "high"))
    return f"{value} ({low} to {high})"


def wrong_summaries(folder: Path) -> Iterator[str]:
    """The ids of `feedback` rows whose `human_verdict` is not what the release's verdicts say."""
    expected = summaries_of(folder)
    for path in sorted((folder / "feedback").glob("*.parquet")):
        with open_parquet(path) as file:
            if "human_verdict" not in file.schema_arrow.names:
                continue
            for batch in file.iter_batches(columns=["id", "human_verdict"]):
                # Most rows have no verdict.
                if not expected and batch["human_verdict"].null_count == len(batch):
                    continue
                has_summary = pc.is_valid(batch["human_verdict"]).to_pylist()
                for at, row_id in enumerate(batch["id"].to_pylist()):
                    summary = batch["human_verdict"][at].as_py() if has_summary[at] else None
                    if summary != expected.get(row_id):
                        yield str(row_id)
