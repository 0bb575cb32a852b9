"""Groups of tasks that should be trained together.

Fifty et al. 2021, section 4: a grouping is as good as the sum over tasks of the mean affinity onto each task from the
others of its group. A task that is alone adds 0. Here each task belongs to one group.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

MOST_SEARCHED = 9  # tasks; they have 21,147 groupings, and one more has five times as many
_ROUNDING = 1e-12  # Sums of the same numbers in another order differ by less.
Groups = list[list[int]]
"""The places of the tasks of each group."""


def best_groups(affinity: np.ndarray) -> Groups:
    """The best grouping; of two that are equally good the one with fewer groups.

    All groupings are compared for up to nine tasks. For more, the two groups whose union gains most become one, until
    every union loses.

    Args:
        affinity: (K, K) float; row i has the affinity of task i onto each task.
    """
    count = len(affinity)
    if count > MOST_SEARCHED:
        return _merged(affinity)
    return max(_partitions(list(range(count))), key=lambda groups: (_rounded(value_of(groups, affinity)), -len(groups)))


def _rounded(value: float) -> float:
    return round(value, 9)


def value_of(groups: Sequence[Sequence[int]], affinity: np.ndarray) -> float:
    """The sum over tasks of the mean affinity onto each from the others of its group."""
    return sum(_value_of_group(group, affinity) for group in groups)


def _value_of_group(group: Sequence[int], affinity: np.ndarray) -> float:
    if len(group) == 1:
        return 0.0
    inside = affinity[np.ix_(group, group)]
    return float(inside.sum() - np.trace(inside)) / (len(group) - 1)


def _partitions(tasks: list[int]) -> Iterator[Groups]:
    """All groupings of the tasks: the first one alone, or in one of the groups of the others."""
    if not tasks:
        yield []
        return
    first = tasks[0]
    for groups in _partitions(tasks[1:]):
        yield [[first], *groups]
        for place, group in enumerate(groups):
            yield [*groups[:place], [first, *group], *groups[place + 1 :]]


def _merged(affinity: np.ndarray) -> Groups:
    groups: Groups = [[task] for task in range(len(affinity))]
    while len(groups) > 1:
        pairs = [(one, other) for one in range(len(groups)) for other in range(one)]
        gains = [_gain(groups[one], groups[other], affinity) for one, other in pairs]
        best = int(np.argmax(gains))
        if gains[best] < -_ROUNDING:
            break
        one, other = pairs[best]
        union = sorted(groups[one] + groups[other])
        groups = [group for place, group in enumerate(groups) if place not in (one, other)] + [union]
    return sorted(groups)


def _gain(one: Sequence[int], other: Sequence[int], affinity: np.ndarray) -> float:
    union = _value_of_group([*one, *other], affinity)
    return union - _value_of_group(one, affinity) - _value_of_group(other, affinity)
