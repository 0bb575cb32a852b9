"""Scores of rankings against closed forms and scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import ndcg_score

from mtsmart.metrics import METRICS


@pytest.mark.parametrize(
    ("name", "scores", "relevances", "expected"),
    [
        ("mrr", [[3.0, 2.0, 1.0], [1.0, 2.0]], [[0, 0, 1], [0, 1]], (1 / 3 + 1) / 2),
        ("mrr", [[1.0, 1.0]], [[1, 0]], 0.5),  # equal scores: the worse one first
        ("mrr", [[1.0, 2.0]], [[0, 0]], 0.0),
        ("mrr", [[1.0, 2.0, 3.0]], [[2, 1, 0]], 0.5),  # the first relevant one, not the most relevant
        ("top1", [[1.0, 2.0, 3.0], [2.0, 1.0]], [[2, 1, 0], [2, 1]], 0.5),
        ("top1", [[1.0, 1.0]], [[1, 0]], 0.0),
        ("top1", [[1.0, 2.0]], [[0, 0]], 0.0),
        ("ndcg", [[5.0]], [[1]], 1.0),
        ("ndcg", [[5.0]], [[0]], 0.0),
        ("ndcg", [[2.0, 1.0]], [[0, 1]], 1 / np.log2(3)),
        ("ndcg", [[2.0, 1.0]], [[0, 0]], 0.0),
        ("ndcg", [[3.0, 2.0, 1.0]], [[3, 2, 0]], 1.0),
    ],
)
def test_score(name, scores, relevances, expected):
    assert METRICS[name](scores, relevances) == pytest.approx(expected)


def test_ndcg_of_lists_of_mixed_length_is_the_mean_of_each_ones():
    rng = np.random.default_rng(0)
    lengths = [2, 5, 3, 2, 5]
    scores = [rng.normal(size=n).tolist() for n in lengths]
    relevances = [rng.integers(0, 3, size=n).tolist() for n in lengths]
    expected = np.mean([ndcg_score([gold], [given]) for gold, given in zip(relevances, scores, strict=True)])
    assert METRICS["ndcg"](scores, relevances) == pytest.approx(expected)
