"""Criteria against closed forms."""

import numpy as np
import pytest
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


def test_binary_cross_entropy_is_hugging_faces_multi_label_loss_when_averaged():
    logits, labels = torch.randn(5, 4), torch.randint(2, (5, 4)).float()
    rows = CRITERIA["binary_cross_entropy"](logits, labels)
    p = torch.sigmoid(logits.double())
    expected = -(labels * p.log() + (1 - labels) * (1 - p).log()).mean(-1)
    np.testing.assert_allclose(rows, expected, atol=1e-6)
    assert float(rows.mean()) == pytest.approx(float(torch.nn.BCEWithLogitsLoss()(logits, labels)), rel=1e-6)


def test_listwise_cross_entropy_is_the_cross_entropy_against_normalised_relevances():
    logits = np.random.default_rng(0).normal(size=(3, 3))
    relevances = np.array([[0.0, 1.0, 0.0], [2.0, 1.0, 0.0], [0.0, 0.0, 0.0]])
    result = CRITERIA["listwise_cross_entropy"](torch.tensor(logits), torch.tensor(relevances))
    second = log_softmax(logits[1])
    expected = [-log_softmax(logits[0])[1], -(2 * second[0] + second[1]) / 3, 0.0]
    np.testing.assert_allclose(result, expected, atol=1e-6)
    plain = CRITERIA["cross_entropy"](torch.tensor(logits[:1]), torch.tensor([1]))
    assert float(result[0]) == pytest.approx(float(plain), rel=1e-6)
