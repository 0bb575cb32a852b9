"""Scores of label sets against closed forms."""

import numpy as np
import pytest

from mtsmart.metrics import METRICS

GOLD = [np.array(row) for row in ([1, 1, 0], [0, 0, 0], [0, 1, 0], [1, 0, 0])]
GIVEN = [np.array(row) for row in ([1, 0, 0], [0, 0, 0], [0, 1, 1], [1, 0, 0])]


@pytest.mark.parametrize(
    ("name", "expected"),
    [("micro_f1", 2 * 3 / (4 + 4)), ("macro_f1", (1 + 2 / 3 + 0) / 3), ("subset_accuracy", 0.5)],
)
def test_score(name, expected):
    assert METRICS[name](GIVEN, GOLD) == pytest.approx(expected)


def test_nothing_predicted_and_nothing_there_is_zero():
    nothing = [np.zeros(3, dtype=int)] * 2
    assert METRICS["micro_f1"](nothing, nothing) == 0.0
    assert METRICS["subset_accuracy"](nothing, nothing) == 1.0
