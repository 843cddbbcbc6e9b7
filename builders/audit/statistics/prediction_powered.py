"""A mean of people's verdicts, corrected by a judge's verdicts on many more items.

Prediction-powered inference with a fitted slope (PPI++: 2301.09633, 2311.01453), which survey
statistics knows as the generalized regression estimator (GREG):

    θ = λ·f̄_N + Σ_S w·(y − λf) / Σ_S w
    V = σ̂²_y / N + Σ_h (N_h / N)²·(1 − n_h / N_h)·s²_{e,h} / n_h,   e = y − λf

of a sample S that was drawn at random within strata h. The second term is the error of the sample
and remains for "these items only"; the first is that of the items as a sample of a population.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from builders.errors import BadInput

LEAST_VERDICTS = 30


@dataclass(frozen=True)
class Corrected:
    """`value` ± `half_width` (95%); `effective` verdicts without a judge would be as precise."""

    value: float
    error: float
    half_width: float
    slope: float
    verdicts: int
    effective: float


def prediction_powered(
    y: np.ndarray,
    f: np.ndarray,
    all_f: np.ndarray,
    *,
    strata: np.ndarray | None = None,
    stratum_sizes: dict[int, int] | None = None,
    clusters: np.ndarray | None = None,
    these_only: bool = False,
) -> Corrected:
    """The mean of y over all N items, from n verdicts `y`, the judge's `f` there and `all_f` (N).

    `strata` (n) has the stratum of each verdict and `stratum_sizes` its number of items; without
    them the sample is simple. `clusters` (n) are instructions that were drawn as a whole. BadInput
    below 30 verdicts, or if a stratum has a single one and more items.
    """
    y, f, all_f = (np.asarray(values, float) for values in (y, f, all_f))
    n, total = len(y), len(all_f)
    if n < LEAST_VERDICTS:
        raise BadInput(f"{n} verdicts are too few to correct a judge by; {LEAST_VERDICTS} are not")
    strata = np.zeros(n, int) if strata is None else np.asarray(strata)
    sizes = {0: total} if stratum_sizes is None else stratum_sizes
    clusters = np.arange(n) if clusters is None else clusters
    counts = {name: int((strata == name).sum()) for name in sizes}
    if single := [name for name in sizes if counts[name] < min(2, sizes[name])]:
        raise BadInput(f"stratum {single[0]} has {counts[single[0]]} verdict(s); 2 are needed")
    weights = np.array([sizes[name] / counts[name] for name in strata.tolist()])
    slope = _slope(y, f, weights)
    value, error, freedom = _estimate(
        y, f, all_f, slope, weights, strata, sizes, clusters, these_only
    )
    _, plain, _ = _estimate(y, f, all_f, 0.0, weights, strata, sizes, clusters, these_only)
    return Corrected(
        value=value,
        error=error,
        half_width=float(stdtrit(freedom, 0.975)) * error if error else 0.0,
        slope=slope,
        verdicts=n,
        effective=n * (plain / error) ** 2 if error else float(n),
    )


def _slope(y: np.ndarray, f: np.ndarray, weights: np.ndarray) -> float:
    """The weighted least-squares slope of y on f, within [0, 1]; 0 if f is constant."""
    centered = f - weights @ f / weights.sum()
    spread = float(weights @ centered**2)
    return float(np.clip((weights * centered) @ y / spread, 0.0, 1.0)) if spread > 1e-12 else 0.0


def _estimate(
    y: np.ndarray,
    f: np.ndarray,
    all_f: np.ndarray,
    slope: float,
    weights: np.ndarray,
    strata: np.ndarray,
    sizes: dict[int, int],
    clusters: np.ndarray,
    these_only: bool,
) -> tuple[float, float, int]:
    """θ, its standard error, and the degrees of freedom."""
    residuals = y - slope * f
    weight, total = weights.sum(), sum(sizes.values())
    mean = float(weights @ residuals / weight)
    variance, freedom = 0.0, 0
    for name, size in sizes.items():
        own = strata == name
        n = int(own.sum())
        names, places = np.unique(clusters[own], return_inverse=True)
        groups = len(names)
        if groups < 2:
            continue
        # The spread of the mean of n residuals, from the totals of their clusters.
        sums = np.bincount(places, residuals[own] - residuals[own].mean())
        of_mean = groups / (groups - 1) * float(sums @ sums) / n**2
        variance += (size / total) ** 2 * (1 - n / size) * of_mean
        freedom += groups - 1
    if not these_only:
        deviations = y - weights @ y / weight
        variance += float(weights @ deviations**2 / weight) * len(y) / (len(y) - 1) / total
    return slope * float(all_f.mean()) + mean, float(np.sqrt(variance)), max(freedom, 1)
