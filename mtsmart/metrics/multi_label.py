"""Scores of sets of labels: (C,) of 0 and 1 a row. ``macro_f1`` serves them too."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mtsmart.metrics.scores import METRICS


@METRICS.register("micro_f1")
def micro_f1(predictions: Sequence[np.ndarray], references: Sequence[np.ndarray]) -> float:
    """F1 over all decisions of all labels together; 0 when no label is ever predicted."""
    from sklearn.metrics import f1_score

    return float(f1_score(np.asarray(references), np.asarray(predictions), average="micro", zero_division=0))


@METRICS.register("subset_accuracy")
def subset_accuracy(predictions: Sequence[np.ndarray], references: Sequence[np.ndarray]) -> float:
    """Share of rows whose labels are all right, none missing and none too many."""
    return float(np.mean((np.asarray(predictions) == np.asarray(references)).all(axis=-1)))
