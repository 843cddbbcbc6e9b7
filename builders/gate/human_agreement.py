"""How far people agree with the model and with each other: the check `human-agreement`.

The figures are those of the release's own verdicts and ledger, rows that were dropped on people's
word included: what remains was chosen by these very verdicts.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq

from builders.gate.check import Check
from builders.gate.layout import UNREADABLE
from builders.gate.settings import GateSettings
from builders.release.agreement import review_of, summaries_of

Review = Mapping[str, Any]

NAME = "human-agreement"
_LIMITS = ("min_agreement", "min_alpha", "min_verdicts")
# What keeps the figures from being computed: the check `schema` says more of it.
BROKEN = (KeyError, TypeError, ValueError, *UNREADABLE)


def read_review(folder: Path) -> tuple[Review | None, str | None]:
    """What the release's verdicts say (`review_of`), and what keeps that from being computed."""
    try:
        return review_of(folder), None
    except BROKEN as error:
        return None, (str(error).splitlines() or ["no reason given"])[0][:200]


def human_agreement(review: Review | None, problem: str | None, settings: GateSettings) -> Check:
    """The agreement under the settings' limits; `review` and `problem` as `read_review` has them.

    A limit holds the figure itself, and not the end of its interval.
    """
    limits = {name: getattr(settings, name) for name in _LIMITS}
    asked = ", ".join(_limit(name, limit) for name, limit in limits.items() if limit is not None)
    if problem is not None:
        return Check(NAME, "fail", f"It cannot be computed: {problem}.", limits)
    if review is None:
        said = "No person has judged these rows"
        if asked:
            return Check(NAME, "fail", f"{said}, and the recipe asks for {asked}.", limits)
        return Check(NAME, "warn", f"{said}.", limits)
    found = review["gate"]
    figures = {**found, **limits}
    missed = [
        _limit(name, limits[name])
        for name, value in (
            ("min_agreement", found["agreement"]["value"]),
            ("min_alpha", found["alpha"]["value"]),
            ("min_verdicts", found["verdicts"]),
        )
        if limits[name] is not None and (value is None or value < limits[name])
    ]
    if missed:
        return Check(NAME, "fail", f"{_said(found)}; asked for: {', '.join(missed)}.", figures)
    return Check(NAME, "pass" if found["verdicts"] else "warn", f"{_said(found)}.", figures)


def _limit(name: str, value: float) -> str:
    if name == "min_agreement":
        return f"{name} {value:.1%}"
    return f"{name} {value:,}" if name == "min_verdicts" else f"{name} {value:.2f}"


def _said(found: Review) -> str:
    agreement, alpha = found["agreement"], found["alpha"]
    model = "undefined"
    if agreement["value"] is not None:
        shares = (agreement[key] for key in ("value", "low", "high"))
        model = "{:.1%} ({:.1%} to {:.1%})".format(*shares)
    people = "undefined"
    if alpha["value"] is not None:
        people = "{:.2f} ({:.2f} to {:.2f})".format(
            *(alpha[key] for key in ("value", "low", "high"))
        )
    verdicts = "1 verdict" if found["verdicts"] == 1 else f"{found['verdicts']:,} verdicts"
    return (
        f"{verdicts}: the model's agreement with people is {model}, weighted to all rows drawn "
        f"from, and Krippendorff's alpha between people {people}"
    )


def _figure(figure: Mapping[str, float | None], form: str) -> str:
    if figure["value"] is None:
        return "undefined"
    value, low, high = (format(figure[key], form) for key in ("value", "low", "high"))
    return f"{value} ({low} to {high})"


def wrong_summaries(folder: Path) -> Iterator[str]:
    """The ids of `feedback` rows whose `human_verdict` is not what the release's verdicts say."""
    expected = summaries_of(folder)
    for path in sorted((folder / "feedback").glob("*.parquet")):
        with pq.ParquetFile(path) as file:
            if "human_verdict" not in file.schema_arrow.names:
                continue
            for batch in file.iter_batches(columns=["id", "human_verdict"]):
                # Nobody was asked about most rows.
                if not expected and batch["human_verdict"].null_count == len(batch):
                    continue
                told = pc.is_valid(batch["human_verdict"]).to_pylist()
                for at, row_id in enumerate(batch["id"].to_pylist()):
                    summary = batch["human_verdict"][at].as_py() if told[at] else None
                    if summary != expected.get(row_id):
                        yield str(row_id)
