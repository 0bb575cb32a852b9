"""How good the probabilities of labels are, and not only the decisions. Lower is better for all of them.

Probabilities are (N, C) float64, references are label numbers (N,).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mtsmart.metrics.calibration import calibration_error, reliability
from mtsmart.metrics.labels import gold_table, of_probabilities
from mtsmart.metrics.scores import METRICS, lower_is_better

_SMALLEST = 1e-12  # A wrong label of which a model is entirely sure would cost infinitely much.


@METRICS.register("nll")
@of_probabilities
@lower_is_better
def nll(probabilities: np.ndarray, references: Sequence[int]) -> float:
    """The mean negative log-probability of the right label, in nats; probabilities below 1e-12 count as that."""
    gold = np.asarray(references, dtype=np.int64)
    right = probabilities[np.arange(len(gold)), gold]
    return float(-np.log(np.maximum(right, _SMALLEST)).mean())


@METRICS.register("brier")
@of_probabilities
@lower_is_better
def brier(probabilities: np.ndarray, references: Sequence[int]) -> float:
    """The mean over rows of the summed squared errors of all labels, from 0 to 2 (Brier 1950)."""
    errors = probabilities - gold_table(references, probabilities.shape[1])
    return float((errors**2).sum(1).mean())


@METRICS.register("ece")
@of_probabilities
@lower_is_better
def ece(probabilities: np.ndarray, references: Sequence[int]) -> float:
    """The expected calibration error of the likeliest label, in 15 bins (Guo et al. 2017)."""
    is_right = probabilities.argmax(1) == np.asarray(references)
    return calibration_error(reliability(probabilities.max(1), is_right))
