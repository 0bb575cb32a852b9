"""Criteria against closed forms."""

import numpy as np
import torch
from scipy.special import log_softmax

from mtsmart.losses import CRITERIA


def test_cross_entropy_is_the_negative_log_likelihood():
    logits = np.random.default_rng(0).normal(size=(4, 3))
    labels = [0, 2, 1, 2]
    expected = [-log_softmax(row)[label] for row, label in zip(logits, labels, strict=True)]
    result = CRITERIA["cross_entropy"](torch.tensor(logits), torch.tensor(labels))
    np.testing.assert_allclose(result, expected, atol=1e-6)


def test_mse_is_the_squared_error_per_row():
    result = CRITERIA["mse"](torch.tensor([[1.0], [3.0]]), torch.tensor([0.5, 5.0]))
    assert result.tolist() == [0.25, 4.0]
