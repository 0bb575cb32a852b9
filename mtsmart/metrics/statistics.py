"""Means over seeds, and differences between arms that are paired by seed.

With few seeds the intervals of the plain bootstrap are too narrow: for five differences whose true mean is 0, its 95 %
interval excludes 0 one time in seven. So a higher level is used, the one that is right for normal data (Hesterberg
2015, "What Teachers Should Know About the Bootstrap", section 4.4: the expanded percentile interval). An interval of
resampled means is never wider than the range of the values, and that range holds the true mean of n values with
probability 1 - 2^(1 - n) at most; so there is no interval for fewer than five values. A difference is called
significant only if a paired t-test, corrected for the number of arms, agrees with the interval.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_RESAMPLES = 20_000
_LEVEL = 0.95
_FEWEST = 5  # values that an interval needs
_DIGITS = 12  # decimals; beyond them scores differ only by rounding


@dataclass(frozen=True)
class Summary:
    """The mean, standard deviation (n - 1) and standard error of n values; the last two are None for a single value."""

    count: int
    mean: float
    std: float | None
    error: float | None


@dataclass(frozen=True)
class Difference:
    """An arm minus the baseline, paired by seed.

    Attributes:
        mean: the mean of the differences.
        low, high: the 95 % bootstrap interval of the mean; None for fewer than five pairs.
        p: the p-value of the paired t-test; None for fewer than two pairs.
        wins: the number of pairs in which the arm is better.
        losses: the number of pairs in which the arm is worse; the other pairs are ties.
    """

    mean: float
    low: float | None
    high: float | None
    p: float | None
    wins: int
    losses: int

    @property
    def excludes_zero(self) -> bool:
        """Whether 0 is outside the interval."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


def summarize(values: Sequence[float]) -> Summary:
    """The summary of at least one value."""
    array = np.asarray(values, dtype=np.float64)
    std = float(array.std(ddof=1)) if len(array) > 1 else None
    return Summary(len(array), float(array.mean()), std, None if std is None else std / math.sqrt(len(array)))


def paired_difference(values: Sequence[float], baseline: Sequence[float]) -> Difference:
    """Compare an arm's values with the baseline's; both belong to the same seeds in the same order."""
    found = np.round(np.asarray(values, dtype=np.float64) - np.asarray(baseline, dtype=np.float64), _DIGITS)
    low, high = bootstrap_interval(found)
    return Difference(float(found.mean()), low, high, _p_value(found), int((found > 0).sum()), int((found < 0).sum()))


def bootstrap_interval(values: Sequence[float] | np.ndarray) -> tuple[float, float] | tuple[None, None]:
    """The expanded 95 % percentile interval of the mean; (None, None) for fewer than five values.

    Equal values give the equal interval: the resampling has a fixed seed.
    """
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
    """The p-values corrected for their number (Holm 1979), in their order.

    Args:
        p_values: those that are known.
        count: how many there will be in the end; None: these.
    """
    total = len(p_values) if count is None else count
    corrected = [0.0] * len(p_values)
    highest = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        highest = max(highest, min(1.0, (total - rank) * p_values[index]))
        corrected[index] = highest
    return corrected


def significant(differences: Sequence[Difference], count: int | None = None) -> list[bool]:
    """Which of one table's differences are significant: 0 is outside the interval, and Holm's p is below 0.05.

    Args:
        differences: those that are known.
        count: how many the finished table will have; None: these.
    """
    corrected = holm([1.0 if difference.p is None else difference.p for difference in differences], count)
    return [difference.excludes_zero and p < 1 - _LEVEL for difference, p in zip(differences, corrected, strict=True)]


def _p_value(differences: np.ndarray) -> float | None:
    from scipy import stats

    if len(differences) < 2:
        return None
    if np.ptp(differences) == 0:  # the t-test would divide by zero; this is the sign-flip test
        return 1.0 if differences[0] == 0 else float(2.0 ** (1 - len(differences)))
    return float(stats.ttest_1samp(differences, 0).pvalue)
