"""Means over seeds, and differences between arms that are paired by seed.

With a handful of seeds the plain bootstrap is too sure of itself: of five differences without a true one, its 95 %
interval leaves 0 out one time in seven. So the interval's level is the one that makes up for it on normal data
(Hesterberg 2015, "What Teachers Should Know About the Bootstrap", section 4.4: the expanded percentile interval). No
interval made of resampled means leaves the range of the values, which holds the true mean of n values with probability
1 - 2^(1 - n) at most: for fewer than five there is none. A difference is called significant only where a paired t-test,
corrected for the number of arms, agrees with the interval.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_RESAMPLES = 20_000
_LEVEL = 0.95
_FEWEST = 5  # values of which an interval is made
_DIGITS = 12  # beyond them, scores differ by rounding alone


@dataclass(frozen=True)
class Summary:
    """Of n values: their mean, standard deviation (n - 1) and standard error; the last two are None for one value."""

    count: int
    mean: float
    std: float | None
    error: float | None


@dataclass(frozen=True)
class Difference:
    """An arm minus the baseline, paired by seed.

    Attributes:
        mean: of the differences.
        low, high: the 95 % bootstrap interval of the mean; None for fewer than five pairs.
        p: of the paired t-test; None for fewer than two pairs.
        wins, losses: pairs in which the arm is better, or worse; the rest are ties.
    """

    mean: float
    low: float | None
    high: float | None
    p: float | None
    wins: int
    losses: int

    @property
    def excludes_zero(self) -> bool:
        """Whether the interval leaves 0 out."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


def summarize(values: Sequence[float]) -> Summary:
    """The summary of at least one value."""
    array = np.asarray(values, dtype=np.float64)
    std = float(array.std(ddof=1)) if len(array) > 1 else None
    return Summary(len(array), float(array.mean()), std, None if std is None else std / math.sqrt(len(array)))


def paired_difference(values: Sequence[float], baseline: Sequence[float]) -> Difference:
    """Compare an arm's values with the baseline's, which belong to the same seeds in the same order."""
    found = np.round(np.asarray(values, dtype=np.float64) - np.asarray(baseline, dtype=np.float64), _DIGITS)
    low, high = bootstrap_interval(found)
    return Difference(float(found.mean()), low, high, _p_value(found), int((found > 0).sum()), int((found < 0).sum()))


def bootstrap_interval(values: Sequence[float] | np.ndarray) -> tuple[float, float] | tuple[None, None]:
    """The expanded percentile interval of the mean, 95 %; the same for the same values, none for fewer than five."""
    from scipy import stats

    array = np.asarray(values, dtype=np.float64)
    if len(array) < _FEWEST:
        return None, None
    found = stats.bootstrap(
        (array,),
        np.mean,
        confidence_level=expanded_level(len(array)),
        n_resamples=_RESAMPLES,
        method="percentile",
        rng=np.random.default_rng(0),
    )
    return float(found.confidence_interval.low), float(found.confidence_interval.high)


def expanded_level(count: int) -> float:
    """The level at which a percentile interval of ``count`` normal values is as wide as Student's 95 % interval."""
    from scipy import stats

    quantile = stats.t.ppf((1 + _LEVEL) / 2, count - 1) * math.sqrt(count / (count - 1))
    return float(1 - 2 * stats.norm.sf(quantile))


def holm(p_values: Sequence[float], count: int | None = None) -> list[float]:
    """The p-values corrected for their number (Holm 1979), in their order; ``count`` includes those not known yet."""
    corrected, highest, count = [0.0] * len(p_values), 0.0, len(p_values) if count is None else count
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        highest = max(highest, min(1.0, (count - rank) * p_values[index]))
        corrected[index] = highest
    return corrected


def significant(differences: Sequence[Difference], count: int | None = None) -> list[bool]:
    """Which of one table's differences are significant: the interval leaves 0 out, and Holm's p is below 0.05.

    Args:
        differences: those there are.
        count: how many the finished table will have; None: these.
    """
    corrected = holm([1.0 if difference.p is None else difference.p for difference in differences], count)
    return [difference.excludes_zero and p < 1 - _LEVEL for difference, p in zip(differences, corrected, strict=True)]


def _p_value(differences: np.ndarray) -> float | None:
    from scipy import stats

    if len(differences) < 2:
        return None
    if np.ptp(differences) == 0:  # where the t-test divides by zero: the share of sign flips with as large a mean
        return 1.0 if differences[0] == 0 else float(2.0 ** (1 - len(differences)))
    return float(stats.ttest_1samp(differences, 0).pvalue)
