"""Do the intervals of win rates hold the truth, and does a file of 805 judgments take seconds?

    python -m bench.evaluate [--smoke] [--draws 1000]

Simulated: a judge with a taste for length compares a model's draft and refinement with a reference,
in both orders, on n instructions of different difficulty. The truth of a figure is its value on
200,000 instructions of the same kind. Measured: how often the 95% intervals hold it. And the time
of `srt evaluate --annotations` on 805 rows with difficulties and anchors, in a process of its own.

Claims: every interval holds the truth in 93% to 97% of draws, give or take what is due to their
number, and the file takes at most 5 seconds of CPU.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track
from scipy.special import expit

from bench.common import Spent, numbers, options, show, spending, verdict
from builders.evaluation.statistics.length_control import (
    Anchors,
    length_controlled,
    length_controlled_difference,
)
from builders.evaluation.statistics.people import corrected_rate
from builders.evaluation.statistics.win_rate import (
    balanced_win_rate,
    consistency,
    difference,
    win_rate,
)

_POPULATION, _ROWS = 200_000, 805
_LEAST, _MOST = 0.93, 0.97
# The judge: its taste for length and places, and how much people agree with it.
_TASTE, _FIRST, _GAIN = 0.8, 0.25, 0.35
_PEOPLE = 100


@dataclass(frozen=True)
class Judged:
    """Judgments of n instructions: a draft, its refinement, and what people would say."""

    longer: np.ndarray
    longer_refined: np.ndarray
    difficulty: np.ndarray
    draft: np.ndarray
    refined: np.ndarray
    orders: np.ndarray
    people: np.ndarray
    people_draft: np.ndarray


def judged(n: int, seed: int) -> Judged:
    chance = np.random.default_rng(seed)
    difficulty = chance.normal(size=n)
    longer = chance.normal(30, 300, n)
    refined = longer + chance.normal(120, 80, n)
    # What draft and refinement of one instruction have in common beyond its difficulty.
    shared = chance.normal(scale=0.7, size=n)
    worth = -0.5 + 0.7 * difficulty + shared
    noise = chance.random((2, n))

    def orders(worth: np.ndarray, longer: np.ndarray) -> np.ndarray:
        logits = worth + _TASTE * np.tanh(longer / 300)
        return np.stack(
            [noise[0] < expit(logits + _FIRST), noise[1] < expit(logits - _FIRST)]
        ).astype(float)

    def people(worth: np.ndarray, y: np.ndarray) -> np.ndarray:
        own = (chance.random(n) < expit(worth)).astype(float)
        return np.where(chance.random(n) < 0.6, y[0], own)

    before, after = orders(worth, longer), orders(worth + _GAIN, refined)
    return Judged(
        longer,
        refined,
        difficulty,
        before.mean(axis=0),
        after.mean(axis=0),
        after,
        people(worth + _GAIN, after),
        people(worth, before),
    )


def figures(one: Judged, people: int, seed: int = 0) -> Iterator[tuple[str, dict]]:
    """Every figure with an interval, by name; `people` were asked about so many instructions."""
    n = len(one.longer)
    clusters = np.arange(n)
    yield "raw", win_rate(one.refined, clusters)
    yield "balanced by length", balanced_win_rate(one.refined, one.longer_refined, clusters)
    yield "refinement − draft", difference(one.refined, one.draft, clusters)
    both = consistency(*one.orders, clusters)
    yield "same winner in both orders", both["same"]
    yield "the answer shown first", both["first"]
    anchors = Anchors(*(np.tile(pair, 50) for pair in ((0.35, 0.65), (0.8, -0.8), (0.0, 0.0))))
    for name, given in (
        ("minimal", (None, None)),
        ("difficulty", (one.difficulty, None)),
        ("difficulty and anchors", (one.difficulty, anchors)),
    ):
        found = length_controlled(one.refined, one.longer_refined, clusters, *given)
        yield f"at equal length, {name}", found["value"]
        if name != "difficulty and anchors":
            # With anchors, weight and intercept depend on the ratio of rows to anchors.
            yield f"taste for length, {name}", found["longer_wins"]
    yield (
        "refinement − draft at equal length",
        length_controlled_difference(
            (one.refined, one.longer_refined),
            (one.draft, one.longer),
            clusters,
            one.difficulty,
        ),
    )
    drawn = np.random.default_rng(seed).choice(n, people, replace=False)
    asked = np.full(n, np.nan)
    asked[drawn] = one.people[drawn]
    yield "corrected by people", corrected_rate(asked, one.refined, clusters)["estimate"]
    asked[drawn] -= one.people_draft[drawn]
    change = corrected_rate(asked, one.refined - one.draft, clusters, least=-1.0)
    yield "refinement − draft, corrected", change["estimate"]


def truths(population: int) -> dict[str, float]:
    one = judged(population, seed=1_000_000)
    found = {name: figure["value"] for name, figure in figures(one, _PEOPLE)}
    found["corrected by people"] = float(one.people.mean())
    found["refinement − draft, corrected"] = float((one.people - one.people_draft).mean())
    return found


def coverage(n: int, draws: int, truth: dict[str, float]) -> dict[str, float]:
    held = dict.fromkeys(truth, 0)
    for seed in track(
        range(draws), f"{n} instructions", console=Console(stderr=True), transient=True
    ):
        for name, figure in figures(judged(n, seed), min(_PEOPLE, n), seed):
            held[name] += figure["low"] <= truth[name] <= figure["high"]
    return {name: count / draws for name, count in held.items()}


def time_of_a_file() -> Spent:
    """The time of `srt evaluate` on a full-size file, the interpreter's start included."""
    one = judged(_ROWS, seed=0)
    rows = [
        {
            "instruction": f"Instruction {number}: do it.",
            "output_1": "r" * 1500,
            "output_2": "a" * max(0, 1500 + round(longer)),
            "generator_1": "reference",
            "generator_2": "model",
            "preference": 1 + y,
        }
        for number, (longer, y) in enumerate(zip(one.longer, one.draft, strict=True))
    ]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "annotations.json").write_text(json.dumps(rows))
        hard = (f"Instruction {n}: do it.,{d:.4f}\n" for n, d in enumerate(one.difficulty))
        (folder / "difficulty.csv").write_text("instruction,difficulty\n" + "".join(hard))
        anchors = (
            f"{n},{tanh},{y}\n" for n in range(_ROWS) for tanh, y in ((0.8, 0.35), (-0.8, 0.65))
        )
        (folder / "anchors.csv").write_text("index,tanh,preference\n" + "".join(anchors))
        files = [f"--{key}={folder / key}" for key in ("difficulty", "anchors")]
        command = [sys.executable, "-m", "pipelines", "evaluate", *(f"{one}.csv" for one in files)]
        command += [f"--annotations={folder / 'annotations.json'}", f"--out={folder / 'out'}"]
        with spending() as spent:
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return spent


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--draws", type=int, default=1000, help="evaluations to simulate")
    parser.add_argument("--sizes", type=numbers, default=[100, 400, 805], help="instructions")
    arguments = parser.parse_args()
    draws = 10 if arguments.smoke else arguments.draws
    truth = truths(2_000 if arguments.smoke else _POPULATION)
    held = {n: coverage(n, draws, truth) for n in arguments.sizes}
    rows = [
        [name, f"{value:.3f}", *(f"{held[n][name]:.1%}" for n in held)]
        for name, value in truth.items()
    ]
    show(
        f"intervals that hold the truth, {draws:,} draws, by instructions",
        ["", "truth", *map(str, held)],
        rows,
    )
    # Two standard errors of a share of 95%.
    chance = 2 * (0.95 * 0.05 / draws) ** 0.5
    outside = [
        f"{name} ({n})"
        for n in held
        for name, value in held[n].items()
        if not _LEAST - chance <= value <= _MOST + chance
    ]
    spent = time_of_a_file()
    print()
    for name in outside:
        print(f"outside: {name}")
    verdict("figures outside 93% to 97%", len(outside), "0", not outside)
    print(f"805 rows: {spent.seconds:.1f} s, of which {spent.cpu:.1f} s on the CPU\n")
    verdict("CPU seconds of 805 rows", spent.cpu, "at most 5", spent.cpu <= 5)


if __name__ == "__main__":
    main()
