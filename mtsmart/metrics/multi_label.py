"""Scores of sets of labels: an array (C,) of 0 and 1 for each row. ``macro_f1`` takes them too."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mtsmart.metrics.scores import METRICS


@METRICS.register("micro_f1")
def micro_f1(predictions: Sequence[np.ndarray], references: Sequence[np.ndarray]) -> float:
    """F1 over all decisions of all labels together; 0 if no label is ever predicted."""
    from sklearn.metrics import f1_score

    return float(f1_score(np.asarray(references), np.asarray(predictions), average="micro", zero_division=0))


@METRICS.register("subset_accuracy")
def subset_accuracy(predictions: Sequence[np.ndarray], references: Sequence[np.ndarray]) -> float:
    """The share of rows whose labels are all right: none is missing, and none is too many."""
    return float(np.mean((np.asarray(predictions) == np.asarray(references)).all(axis=-1)))
