"""Churn of seeds: the mean over pairs of runs, and the jackknife's spread of it."""

import itertools
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtsmart.metrics.churn import churn_values


def mean_over_pairs(answers):
    pairs = list(itertools.combinations(answers, 2))
    return sum(sum(a != b for a, b in zip(one, other, strict=True)) / len(one) for one, other in pairs) / len(pairs)


@given(st.integers(3, 6).flatmap(lambda n: st.lists(st.tuples(*[st.integers(0, 2)] * 4), min_size=n, max_size=n)))
def test_values_are_the_jackknifes_and_have_the_mean_over_pairs(answers):
    count = len(answers)
    whole = mean_over_pairs(answers)
    without = [mean_over_pairs(answers[:k] + answers[k + 1 :]) for k in range(count)]
    values = churn_values(answers)
    assert values == pytest.approx([count * whole - (count - 1) * part for part in without])
    assert statistics.fmean(values) == pytest.approx(whole)


def test_two_runs_have_no_spread():
    assert churn_values([[0, 1], [1, 1]]) == []


def test_the_values_spread_as_the_mean_does_over_other_seeds():
    """Runs that flip each label with a probability of their own: the mean of many such draws tells the true error."""
    drawn = np.random.default_rng(0)
    means, errors = [], []
    for _ in range(400):
        rates = drawn.uniform(0, 0.4, (10, 1))
        values = churn_values((drawn.random((10, 300)) < rates).astype(int).tolist())
        means.append(statistics.fmean(values))
        errors.append(statistics.stdev(values) / 10**0.5)
    assert statistics.fmean(errors) == pytest.approx(statistics.stdev(means), rel=0.15)
