"""Groups of tasks: the best sum of mean affinities, searched for among all groupings, or by merging."""

import itertools

import numpy as np
import pytest

from mtsmart.affinity.groups import MOST_SEARCHED, best_groups, value_of


def named(groups):
    return {frozenset(group) for group in groups}


def test_two_that_help_each_other_and_a_third_that_harms():
    affinity = np.array([[9.0, 0.5, -1.0], [0.4, 9.0, -1.0], [-1.0, -1.0, 9.0]])
    assert named(best_groups(affinity)) == {frozenset({0, 1}), frozenset({2})}


def test_the_value_is_the_sum_of_the_mean_affinity_onto_each_task():
    affinity = np.array([[9.0, 1.0, 2.0], [3.0, 9.0, 4.0], [5.0, 6.0, 9.0]])
    assert value_of([[0, 1, 2]], affinity) == pytest.approx((3 + 5) / 2 + (1 + 6) / 2 + (2 + 4) / 2)
    assert value_of([[0, 2], [1]], affinity) == 5 + 2
    assert value_of([[0], [1], [2]], affinity) == 0


def test_tasks_that_all_harm_each_other_stay_alone():
    affinity = -np.ones((4, 4))
    assert named(best_groups(affinity)) == {frozenset({task}) for task in range(4)}


def test_tasks_that_all_help_each_other_alike_are_one_group():
    assert best_groups(np.ones((4, 4))) == [[0, 1, 2, 3]]


def test_the_search_finds_the_best_of_all_groupings():
    """Compared with all ways to give each of five tasks one of five groups."""
    affinity = np.random.default_rng(0).normal(size=(5, 5))
    best = max(
        value_of([[task for task in range(5) if labels[task] == label] for label in set(labels)], affinity)
        for labels in itertools.product(range(5), repeat=5)
    )
    assert value_of(best_groups(affinity), affinity) == pytest.approx(best)


def test_many_tasks_are_merged():
    """Twelve tasks of three kinds."""
    kinds = np.arange(MOST_SEARCHED + 3) % 3
    affinity = np.where(kinds[:, None] == kinds[None, :], 1.0, -1.0)
    assert named(best_groups(affinity)) == {frozenset(np.flatnonzero(kinds == kind).tolist()) for kind in range(3)}
