"""Churn: on how many rows two runs that differ only in their seed disagree."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_FEWEST = 3  # runs: without one of them there must be a pair


def churn_values(answers: Sequence[Sequence[int]]) -> list[float]:
    """One value for each of N runs. Their mean is the mean share of rows on which two of the runs disagree.

    A run is in N - 1 of the pairs, so the pairs are not independent. The values are the jackknife's: N times the mean
    over all pairs, minus N - 1 times the mean over the pairs without the run. Their spread gives the standard error of
    the mean (Arvesen 1969, "Jackknifing U-statistics"), so intervals and paired differences hold for them too.

    Args:
        answers: (N, B) the predicted labels of the same B rows.

    Returns:
        N values; none for fewer than three runs.
    """
    count = len(answers)
    if count < _FEWEST:
        return []
    found = np.asarray(answers)
    of_runs = np.array([(found != run).mean(axis=1).sum() for run in found])  # each run against all others
    total = of_runs.sum() / 2
    mean = total / (count * (count - 1) / 2)
    without = (total - of_runs) / ((count - 1) * (count - 2) / 2)
    return [float(value) for value in count * mean - (count - 1) * without]
