"""Scores against closed forms; undefined cases."""

import pytest

from mtsmart.metrics import METRICS


@pytest.mark.parametrize(
    ("name", "predictions", "references", "expected"),
    [
        ("accuracy", [0, 1, 1, 0], [0, 1, 0, 0], 0.75),
        ("f1", [0, 1, 1, 0], [0, 1, 0, 1], 0.5),
        ("f1", [0, 0], [1, 1], 0.0),
        ("macro_f1", [0, 1, 1, 0], [0, 1, 0, 1], 0.5),
        ("mcc", [1, 1, 0, 0], [1, 0, 1, 0], 0.0),
        ("mcc", [1, 1], [1, 0], 0.0),
        ("mcc", [1, 0], [1, 0], 1.0),
        ("pearson", [1.0, 2.0, 3.0], [2.0, 4.0, 6.0], 1.0),
        ("pearson", [1.0, 1.0], [1.0, 2.0], 0.0),
        ("spearman", [1.0, 2.0, 9.0], [1.0, 4.0, 5.0], 1.0),
        ("spearman", [3.0], [1.0], 0.0),
    ],
)
def test_score(name, predictions, references, expected):
    assert METRICS[name](predictions, references) == pytest.approx(expected)
