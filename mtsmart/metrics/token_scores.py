"""Scores of masked-token predictions.

For each row a prediction is a list of (best token id, log-probability of the gold token), and a reference is a list of
gold token ids. The tokens of all rows count alike. Without any token the accuracy is 0 and the perplexity 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from mtsmart.metrics.scores import METRICS, lower_is_better

_LARGEST = 709.0  # exp of more than this is no finite float

Guess = tuple[int, float]
"""Best token id, log-probability of the gold token."""


@METRICS.register("token_accuracy")
def token_accuracy(predictions: Sequence[Sequence[Guess]], references: Sequence[Sequence[int]]) -> float:
    """The share of the masked tokens that are predicted exactly."""
    pairs = zip(predictions, references, strict=True)
    hits = [guess[0] == gold for row, golds in pairs for guess, gold in zip(row, golds, strict=True)]
    return float(np.mean(hits)) if hits else 0.0


@METRICS.register("perplexity")
@lower_is_better
def perplexity(predictions: Sequence[Sequence[Guess]], references: Sequence[Sequence[int]]) -> float:
    """exp of the mean negative log-probability of the masked tokens; lower is better, so never the main metric."""
    losses = [-log_probability for row in predictions for _, log_probability in row]
    return math.exp(min(float(np.mean(losses)), _LARGEST)) if losses else 1.0
