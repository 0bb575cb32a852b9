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
    expanded_level,
    holm,
    paired_difference,
    significant,
    summarize,
)

SCORE = st.integers(0, 1000).map(lambda n: n / 1000)
SCORES = st.lists(SCORE, min_size=2, max_size=8, unique=True)


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


@pytest.mark.parametrize(("count", "lowest"), [(5, 0.90), pytest.param(10, 0.93, marks=pytest.mark.slow)])
def test_the_interval_holds_the_true_mean(count, lowest):
    """Of normal values; of five, no resampled mean can leave the range that holds it with probability 15/16."""
    rng, draws = np.random.default_rng(count), 400
    intervals = [bootstrap_interval(rng.normal(size=count)) for _ in range(draws)]
    covered = sum(low <= 0 <= high for low, high in intervals) / draws
    assert lowest - 2 * math.sqrt(lowest * (1 - lowest) / draws) < covered < 0.99


@pytest.mark.parametrize("count", [2, 3, 4])
def test_fewer_than_five_values_have_no_interval_and_no_clear_difference(count):
    values = np.linspace(0.6, 0.6001, count)
    assert bootstrap_interval(values) == (None, None)
    assert significant([paired_difference(values + 0.3 + values / 9, values)]) == [False]


@pytest.mark.parametrize("count", [5, 10, 30])
def test_the_expanded_level_gives_students_width(count):
    """z at that level, times sqrt((n - 1) / n) by which a bootstrap's spread is too small, is Student's quantile."""
    z = stats.norm.ppf((1 + expanded_level(count)) / 2)
    assert z * math.sqrt((count - 1) / count) == pytest.approx(stats.t.ppf(0.975, count - 1))


@given(st.lists(st.tuples(SCORE, SCORE), min_size=5, max_size=8, unique=True))
def test_paired_differences_against_scipy(pairs):
    arm, plain = map(list, zip(*pairs, strict=True))
    found = paired_difference(arm, plain)
    gaps = np.subtract(arm, plain)
    assert found.mean == pytest.approx(gaps.mean(), abs=1e-12)
    assert (found.wins, found.losses) == ((gaps > 1e-9).sum(), (gaps < -1e-9).sum())
    assert found.low <= found.mean + 1e-12 and found.mean <= found.high + 1e-12
    assert gaps.min() - 1e-12 <= found.low and found.high <= gaps.max() + 1e-12
    if np.ptp(gaps) > 1e-9:
        assert found.p == pytest.approx(stats.ttest_rel(arm, plain).pvalue, rel=1e-6, abs=1e-9)


def test_a_difference_that_is_always_the_same():
    """Scores of 277 rows, one row better for every seed: the differences differ in their last digits."""
    right = np.array([150, 153, 149, 155, 160])
    plain, better = right / 277, (right + 1) / 277
    same, more = paired_difference(plain, plain), paired_difference(better, plain)
    assert (same.low, same.high, same.p, same.wins, same.losses) == (0, 0, 1, 0, 0) and not same.excludes_zero
    assert (more.p, more.wins) == (2**-4, 5) and more.excludes_zero and significant([more]) == [False]
    assert np.ptp(better - plain) > 0


def test_the_same_values_give_the_same_interval():
    values = [0.1, 0.5, 0.3, 0.35, 0.2]
    found = bootstrap_interval(values)
    assert found == bootstrap_interval(values) and found[0] < found[1]


def test_holms_correction():
    """The example of the definition: sorted p times n, n - 1, ..., never falling, at most 1."""
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert holm([]) == []


@pytest.mark.parametrize(
    ("arms", "seeds"), [(6, 5), *(pytest.param(*case, marks=pytest.mark.slow) for case in ((1, 5), (1, 10), (6, 10)))]
)
def test_arms_that_are_the_same_are_told_apart_in_at_most_one_table_of_twenty(seeds, arms):
    """Every arm of a table draws from one distribution: how many of the tables call any difference significant."""
    rng, tables = np.random.default_rng(seeds * 10 + arms), 80
    alarms = 0
    for _ in range(tables):
        plain = 0.6 + rng.normal(scale=0.015, size=seeds)
        found = [paired_difference(plain + rng.normal(scale=0.01, size=seeds), plain) for _ in range(arms)]
        alarms += any(significant(found))
    # 95 % of them must be right; two standard errors of the count are granted to chance.
    assert alarms <= 0.05 * tables + 2 * math.sqrt(0.05 * 0.95 * tables)


@pytest.mark.parametrize("seeds", [5, 6, 8])
def test_rows_more_or_less_by_chance_are_no_difference(seeds):
    """Scores of few rows take few values, and so their differences are often the same."""
    rng, tables = np.random.default_rng(seeds), 200
    alarms = 0
    for _ in range(tables):
        plain = rng.integers(140, 160, size=seeds) / 277
        alarms += significant([paired_difference(plain + rng.integers(-1, 2, size=seeds) / 277, plain)])[0]
    assert alarms <= 0.05 * tables + 2 * math.sqrt(0.05 * 0.95 * tables)


def test_a_large_difference_is_seen():
    rng = np.random.default_rng(0)
    plain = rng.normal(0.6, 0.01, size=5)
    found = [paired_difference(plain + shift + rng.normal(0, 0.002, size=5), plain) for shift in (0.03, -0.03, 0)]
    assert significant(found) == [True, True, False]
