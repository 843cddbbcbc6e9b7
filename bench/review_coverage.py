"""How often the 95% intervals of a review's report hold the truth, in simulation.

    python -m bench.review_coverage --draws 1000

Three populations of 1,000 scored rows are planted, of a good, a fair and a poor critic, with what
each of three people would say about each row. The truth of a figure is its value where everyone has
been asked about all rows. Samples are drawn by `builders.review.sampling` and their figures
computed by `builders.review.statistics`, as `srt review push` and `srt review report` do. With an
overlap of 1, everyone answers 30 calibration records too, which alpha is computed from.

The first table has the share of intervals that hold the truth; groups are counted together. Some
figures have no interval in some of the draws, and a dash where there is none in a fifth of them.
The second table has how many rows of a uniform sample a sample is as good as, for the model's
agreement on all rows: by the sizes of the strata before anybody answers, and by the variance of the
estimates.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil, floor
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track
from scipy.stats import binom

from bench.common import numbers, options, show, verdict
from bench.planted_review import PEOPLE, Planted
from builders.review.sampling import SampledRow, sample
from builders.review.statistics.annotator_agreement import between_annotators
from builders.review.statistics.annotators import first_shown
from builders.review.statistics.answers import answers_of
from builders.review.statistics.design import effective_sample
from builders.review.statistics.intervals import Figure
from builders.review.statistics.model_agreement import model_against_people
from builders.review.statistics.reviewed import reviewed_records
from builders.review.strategies import STRATEGIES
from builders.rows import Row

_OVERLAPS = (1, 3)
_HEADLINE = "the model's agreement"
# The spread of the model's scores around the answers' worth, by population.
_NOISE = (0.4, 1.0, 2.0)
_ROWS = 1000
# Coverage has to be within these.
_LEAST, _MOST = 0.93, 0.97
# A figure with an interval in a smaller share of the draws has no coverage.
_OFTEN = 0.2


def figures_of(
    planted: Planted, verdicts: Sequence[Row], between: Sequence[Row]
) -> dict[str, dict[str, Figure]]:
    """The figures with intervals: {name: {group: figure}}.

    `verdicts` count for the model, `between` between annotators.
    """
    records = reviewed_records(verdicts, planted.known)
    trust, answers = model_against_people(records), answers_of(records)
    agreement = between_annotators(between)
    pair, scores = trust["pairwise"], trust["calibration"]["scores"]
    groups = {**trust["by_source"], **trust["by_length"]}
    better, questions = agreement["better"], answers["questions"]
    preferred = {
        f"{group} {name}": figure
        for kind in ("preferred_by_source", "preferred_by_length")
        for group, one in answers[kind].items()
        for name, figure in one["shares"].items()
    }
    plain = {
        _HEADLINE: pair["weighted"],
        "always the refinement": pair["always_refinement"],
        "the longer answer": pair["longer"],
        "model over always the refinement": pair["over_always_refinement"],
        "model over the longer answer": pair["over_longer"],
        "balanced agreement": pair["balanced"],
        "Spearman's rho": trust["correlation"]["spearman"],
        "Kendall's tau": trust["correlation"]["kendall"],
        "the answer shown first": first_shown(verdicts),
        "people's agreement": better["percent"],
        "alpha, better answer, nominal": better["alpha"]["nominal"],
        "alpha, better answer, ordinal": better["alpha"]["ordinal"],
        "alpha, weaknesses, nominal": agreement["weaknesses_real"]["alpha"]["nominal"],
        "alpha, errors, nominal": agreement["refinement_introduces_error"]["alpha"]["nominal"],
        "alpha, draft's score, interval": agreement["draft_score"]["alpha"]["interval"],
    }
    return {
        **{name: {"": figure} for name, figure in plain.items()},
        "people prefer: refinement, tie, draft": questions["better"]["shares"],
        "the same by source and length": preferred,
        "weaknesses real: all, some, none": questions["weaknesses_real"]["shares"],
        "suggestions actionable": {"": questions["suggestions_actionable"]["shares"]["yes"]},
        "refinement introduces an error": {
            "": questions["refinement_introduces_error"]["shares"]["yes"]
        },
        "people's mean score of all": answers["scores"],
        "agreement by source and length": {name: one["weighted"] for name, one in groups.items()},
        "people's mean score by the model's": {str(one["score"]): one["human"] for one in scores},
        "people within one point": {str(one["score"]): one["within_one"] for one in scores},
        "preference by margin": {
            str(one["margin"]): one["preferred"] for one in trust["calibration"]["margins"]
        },
    }


def truth_of(planted: Planted, overlap: int) -> dict[str, dict[str, float | None]]:
    """Each figure where all rows were asked about."""
    everyone = [SampledRow(name, "all", planted.rows, 1.0) for name in planted.known]
    between = planted.verdicts(everyone, len(PEOPLE))
    figures = figures_of(planted, planted.verdicts(everyone, overlap), between)
    return {
        name: {key: figure["value"] for key, figure in group.items()}
        for name, group in figures.items()
    }


@dataclass
class Coverage:
    """Of the intervals of one figure: how many there are and how many hold the truth."""

    printed: int = 0
    held: int = 0

    def see(self, figure: Figure, truth: float) -> None:
        # An interval of all rows is the value, give or take the order of a sum.
        self.printed += 1
        self.held += figure["low"] - 1e-9 <= truth <= figure["high"] + 1e-9


@dataclass
class Simulated:
    """The draws of one column: coverage by figure, and how far the model's agreement was off."""

    coverage: dict[str, Coverage] = field(default_factory=lambda: defaultdict(Coverage))
    errors: list[float] = field(default_factory=list)

    def see(self, figures: Mapping[str, Mapping[str, Figure]], truth: Mapping[str, Any]) -> None:
        for name, group in figures.items():
            for key, figure in group.items():
                if figure["low"] is not None and truth[name].get(key) is not None:
                    self.coverage[name].see(figure, truth[name][key])
        self.errors.append(figures[_HEADLINE][""]["value"] - truth[_HEADLINE][""])


def simulate(
    planted: Sequence[Planted], strategy: str, overlap: int, size: int, draws: int
) -> Simulated:
    """`draws` reviews, in turn of each population."""
    found = Simulated()
    truths = [truth_of(one, overlap) for one in planted]
    label = f"{strategy}, overlap {overlap}, {size} rows"
    for seed in track(range(draws), label, console=Console(stderr=True), transient=True):
        one = seed % len(planted)
        verdicts, calibration = planted[one].review(strategy, size, overlap, seed)
        between = verdicts if overlap > 1 else calibration
        found.see(figures_of(planted[one], verdicts, between), truths[one])
    return found


def effective(planted: Planted, strategy: str, size: int) -> float:
    """The rows of a uniform sample that this one is as good as, by its strata."""
    drawn = sample(planted.known.values(), size, strategy, seed=0)
    strata = Counter((row.stratum, row.stratum_rows) for row in drawn)
    return effective_sample([rows for _, rows in strata], list(strata.values()))


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--draws", type=int, default=1000, help="reviews to simulate per column")
    parser.add_argument("--sizes", type=numbers, default=[50, 200], help="rows in a sample")
    arguments = parser.parse_args()
    draws = 3 if arguments.smoke else arguments.draws
    rows = 200 if arguments.smoke else _ROWS
    sizes = [50] if arguments.smoke else arguments.sizes
    planted = [Planted(rows, seed, noise) for seed, noise in enumerate(_NOISE)]
    columns = [
        (strategy, overlap, size)
        for strategy in STRATEGIES
        for overlap in _OVERLAPS
        for size in sizes
    ]
    simulated = {column: simulate(planted, *column, draws) for column in columns}
    show_coverage(simulated, draws)
    show_effective(simulated, planted, sizes)


def show_coverage(simulated: Mapping[tuple[str, int, int], Simulated], draws: int) -> None:
    names = dict.fromkeys(name for found in simulated.values() for name in found.coverage)
    lines, worst = [], {}
    for name in names:
        line: list[Any] = [name]
        for column, found in simulated.items():
            seen = found.coverage[name]
            if seen.printed < _OFTEN * draws:
                line.append(None)
                continue
            share = seen.held / seen.printed
            line.append(f"{share:.1%}")
            worst[name, column] = max(_LEAST - share, share - _MOST)
        lines.append(line)
    header = [f"{strategy} {overlap}/{size}" for strategy, overlap, size in simulated]
    show("Intervals that hold the truth, by strategy, overlap and rows", ["", *header], lines)
    outside = sum(over > 0 for over in worst.values())
    # Of cells whose intervals hold the truth in 95% of all possible draws.
    held = binom(draws, 0.95)
    by_chance = len(worst) * (held.cdf(ceil(_LEAST * draws) - 1) + held.sf(floor(_MOST * draws)))
    print()
    verdict(
        f"cells of {len(worst)} outside {_LEAST:.0%} to {_MOST:.0%}",
        outside,
        f"0; {by_chance:.1f} by chance alone",
        not outside,
    )


def show_effective(
    simulated: Mapping[tuple[str, int, int], Simulated],
    planted: Sequence[Planted],
    sizes: Sequence[int],
) -> None:
    lines = []
    for strategy in STRATEGIES:
        line: list[Any] = [strategy]
        for size in sizes:
            by_strata = [effective(one, strategy, size) for one in planted]
            spreads = [
                np.mean(np.square(simulated[name, 1, size].errors))
                for name in (strategy, STRATEGIES[0])
            ]
            line += [f"{np.mean(by_strata):.0f}", f"{size * spreads[1] / spreads[0]:.0f}"]
        lines.append(line)
    header = [f"{size}, by {how}" for size in sizes for how in ("strata", "variance")]
    show("Rows of a uniform sample that are as good", ["", *header], lines)


if __name__ == "__main__":
    main()
