"""Intervals and tests against scipy, an exhaustive bootstrap, and what they promise on synthetic seeds."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from mtsmart.metrics.statistics import (
    bootstrap_interval,
    clear,
    expanded_level,
    holm,
    paired_difference,
    summarize,
)

SCORES = st.lists(st.integers(0, 1000).map(lambda n: n / 1000), min_size=2, max_size=8, unique=True)


@given(SCORES)
def test_summary_against_scipy(values):
    found = summarize(values)
    assert found.mean == pytest.approx(np.mean(values), abs=1e-12)
    assert found.std == pytest.approx(stats.tstd(values), abs=1e-12)
    assert found.error == pytest.approx(stats.sem(values), abs=1e-12)


def test_one_value_has_no_spread():
    assert summarize([0.5]).std is None
    assert paired_difference([0.5], [0.4]).low is None


def test_the_interval_is_that_of_all_resamples():
    """Of five values all 5^5 resamples can be drawn: their quantiles are what the random ones estimate."""
    values = np.array([0.61, 0.64, 0.58, 0.66, 0.63])
    means = np.sort([np.mean(drawn) for drawn in itertools.product(values, repeat=5)])
    tail = (1 - expanded_level(5)) / 2
    low, high = bootstrap_interval(values)
    assert low == pytest.approx(np.quantile(means, tail), abs=0.002)
    assert high == pytest.approx(np.quantile(means, 1 - tail), abs=0.002)


def test_the_interval_is_scipys_at_the_expanded_level():
    values = np.random.default_rng(3).normal(size=12)
    expected = stats.bootstrap(
        (values,), np.mean, confidence_level=expanded_level(12), method="percentile", n_resamples=50_000, rng=1
    ).confidence_interval
    assert bootstrap_interval(values) == pytest.approx(tuple(expected), abs=0.02)


@pytest.mark.parametrize("count", [3, 5, 10, 30])
def test_the_expanded_level_gives_students_width(count):
    """z at that level, times sqrt((n - 1) / n) by which a bootstrap's spread is too small, is Student's quantile."""
    z = stats.norm.ppf((1 + expanded_level(count)) / 2)
    assert z * math.sqrt((count - 1) / count) == pytest.approx(stats.t.ppf(0.975, count - 1))


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=3, max_size=8, unique=True))
def test_paired_differences_against_scipy(pairs):
    arm, plain = map(list, zip(*pairs, strict=True))
    found = paired_difference(arm, plain)
    gaps = np.subtract(arm, plain)
    assert found.mean == pytest.approx(gaps.mean(), abs=1e-12)
    assert (found.wins, found.losses) == ((gaps > 0).sum(), (gaps < 0).sum())
    assert found.low <= found.mean + 1e-12 and found.mean <= found.high + 1e-12
    assert gaps.min() - 1e-12 <= found.low and found.high <= gaps.max() + 1e-12
    if np.ptp(gaps) > 1e-6:
        assert found.p == pytest.approx(stats.ttest_rel(arm, plain).pvalue, rel=1e-6, abs=1e-9)


def test_a_difference_that_is_always_the_same():
    same, more = paired_difference([0.5, 0.6], [0.5, 0.6]), paired_difference([0.75, 0.5], [0.5, 0.25])
    assert (same.low, same.high, same.p) == (0, 0, 1) and not same.excludes_zero
    assert (more.low, more.high, more.p) == (0.25, 0.25, 0.5) and more.excludes_zero
    rounded = paired_difference([0.6055, 0.6], [0.615, 0.6095])  # -0.0095 twice, but for the last digits
    assert np.ptp(np.subtract([0.6055, 0.6], [0.615, 0.6095])) > 0 and rounded.p == 0.5


def test_the_same_values_give_the_same_interval():
    values = [0.1, 0.5, 0.3, 0.35]
    assert bootstrap_interval(values) == bootstrap_interval(values)


def test_holms_correction():
    """The example of the definition: sorted p times n, n - 1, ..., never falling, at most 1."""
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert holm([]) == []


@pytest.mark.parametrize("seeds", [5, 10])
@pytest.mark.parametrize("arms", [1, 6])
def test_arms_that_are_the_same_are_told_apart_in_at_most_one_table_of_twenty(seeds, arms):
    """Every arm of a table draws from one distribution: how many of the tables call any difference clear."""
    rng, tables = np.random.default_rng(seeds * 10 + arms), 80
    alarms = 0
    for _ in range(tables):
        plain = 0.6 + rng.normal(scale=0.015, size=seeds)
        found = [paired_difference(plain + rng.normal(scale=0.01, size=seeds), plain) for _ in range(arms)]
        alarms += any(clear(found))
    # 95 % of them must be right; two standard errors of the count are granted to chance.
    assert alarms <= 0.05 * tables + 2 * math.sqrt(0.05 * 0.95 * tables)


def test_a_large_difference_is_seen():
    rng = np.random.default_rng(0)
    plain = rng.normal(0.6, 0.01, size=5)
    found = [paired_difference(plain + shift + rng.normal(0, 0.002, size=5), plain) for shift in (0.03, -0.03, 0)]
    assert clear(found) == [True, True, False]
