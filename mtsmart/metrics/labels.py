"""Scores of labels: precision, recall and F1, scores of probabilities, and scores of each label alone.

Predictions and references are label numbers, or an array (C,) of 0 and 1 for each row. Probabilities are (N, C).
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from mtsmart.metrics.scores import METRICS, Metric

_OF_PROBABILITIES: set[Metric] = set()
_OF_EACH_LABEL: set[Metric] = set()
_PREFIX = "label_"


def of_probabilities(metric: Metric) -> Metric:
    """Decorator of a metric whose first argument is the table (N, C) of each label's probability."""
    _OF_PROBABILITIES.add(metric)
    return metric


def takes_probabilities(metric: Metric) -> bool:
    """Whether a metric's first argument is the table of probabilities, and not the predictions."""
    return metric in _OF_PROBABILITIES


def of_each_label(metric: Metric) -> Metric:
    """Decorator of a metric (predictions, references, C) that gives one score for each of C labels."""
    _OF_EACH_LABEL.add(metric)
    return metric


def gives_each_label(metric: Metric) -> bool:
    """Whether a metric gives one score for each label."""
    return metric in _OF_EACH_LABEL


def takes_predictions(metric: Metric) -> bool:
    """Whether a metric makes one score of the predictions."""
    return not (takes_probabilities(metric) or gives_each_label(metric))


def name_for_label(metric: str, label: str) -> str:
    """What the score of one label is called: ``label_f1`` gives f1[LABEL]."""
    return f"{metric.removeprefix(_PREFIX)}[{label}]"


def gold_table(references: Sequence[Any], count: int) -> np.ndarray:
    """(N, C) of 0 and 1, from label numbers or from arrays of 0 and 1."""
    gold = np.asarray(references, dtype=np.int64)
    return gold.reshape(-1, count) if gold.ndim == 2 else np.eye(count, dtype=np.int64)[gold]


# Of predictions ------------------------------------------------------------------------------------------------------


@METRICS.register("f1")
def f1(predictions: Sequence[int], references: Sequence[int]) -> float:
    """F1 of the second of two labels (index 1), as GLUE scores MRPC and QQP; 0 if it is never predicted."""
    return _figure("f1", predictions, references, average="binary")


@METRICS.register("precision")
def precision(predictions: Sequence[int], references: Sequence[int]) -> float:
    """How often the second of two labels (index 1) is right where it is predicted; 0 if it is never predicted."""
    return _figure("precision", predictions, references, average="binary")


@METRICS.register("recall")
def recall(predictions: Sequence[int], references: Sequence[int]) -> float:
    """How many rows of the second of two labels (index 1) are found; 0 if there are none."""
    return _figure("recall", predictions, references, average="binary")


@METRICS.register("macro_f1")
def macro_f1(predictions: Sequence[Any], references: Sequence[Any]) -> float:
    """The unweighted mean of the labels' F1."""
    return _figure("f1", predictions, references, average="macro")


@METRICS.register("macro_precision")
def macro_precision(predictions: Sequence[Any], references: Sequence[Any]) -> float:
    """The unweighted mean of the labels' precision; it is 0 for a label that is never predicted."""
    return _figure("precision", predictions, references, average="macro")


@METRICS.register("macro_recall")
def macro_recall(predictions: Sequence[Any], references: Sequence[Any]) -> float:
    """The unweighted mean of the labels' recall."""
    return _figure("recall", predictions, references, average="macro")


@METRICS.register("micro_f1")
def micro_f1(predictions: Sequence[np.ndarray], references: Sequence[np.ndarray]) -> float:
    """F1 over all decisions of all labels together; 0 if no label is ever predicted."""
    return _figure("f1", predictions, references, average="micro")


@METRICS.register("micro_precision")
def micro_precision(predictions: Sequence[np.ndarray], references: Sequence[np.ndarray]) -> float:
    """Precision over all decisions of all labels together; 0 if no label is ever predicted."""
    return _figure("precision", predictions, references, average="micro")


@METRICS.register("micro_recall")
def micro_recall(predictions: Sequence[np.ndarray], references: Sequence[np.ndarray]) -> float:
    """Recall over all decisions of all labels together."""
    return _figure("recall", predictions, references, average="micro")


@METRICS.register("subset_accuracy")
def subset_accuracy(predictions: Sequence[np.ndarray], references: Sequence[np.ndarray]) -> float:
    """The share of rows whose labels are all right: none is missing, and none is too many."""
    return float(np.mean((np.asarray(predictions) == np.asarray(references)).all(axis=-1)))


@METRICS.register("balanced_accuracy")
def balanced_accuracy(predictions: Sequence[Any], references: Sequence[Any]) -> float:
    """The mean recall of the labels that the references have; of sets of labels, the mean over the labels."""
    from sklearn.metrics import balanced_accuracy_score

    gold = np.asarray(references)
    found = np.asarray(predictions)
    columns = [(found, gold)] if gold.ndim == 1 else list(zip(found.T, gold.T, strict=True))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of labels that only the predictions have
        return float(np.mean([balanced_accuracy_score(own, guess) for guess, own in columns]))


@METRICS.register("label_f1")
@of_each_label
def label_f1(predictions: Sequence[Any], references: Sequence[Any], count: int) -> list[float]:
    """F1 of each label alone, as f1[LABEL]."""
    return _figures("f1", predictions, references, count)


@METRICS.register("label_precision")
@of_each_label
def label_precision(predictions: Sequence[Any], references: Sequence[Any], count: int) -> list[float]:
    """Precision of each label alone, as precision[LABEL]."""
    return _figures("precision", predictions, references, count)


@METRICS.register("label_recall")
@of_each_label
def label_recall(predictions: Sequence[Any], references: Sequence[Any], count: int) -> list[float]:
    """Recall of each label alone, as recall[LABEL]."""
    return _figures("recall", predictions, references, count)


def _figure(name: str, predictions: Sequence[Any], references: Sequence[Any], average: str) -> float:
    from sklearn import metrics

    score: Callable[..., Any] = getattr(metrics, f"{name}_score")
    return float(score(np.asarray(references), np.asarray(predictions), average=average, zero_division=0))


def _figures(name: str, predictions: Sequence[Any], references: Sequence[Any], count: int) -> list[float]:
    from sklearn import metrics

    score: Callable[..., Any] = getattr(metrics, f"{name}_score")
    gold = gold_table(references, count)
    found = gold_table(predictions, count)
    return [float(value) for value in score(gold, found, average=None, zero_division=0)]


# Of probabilities ----------------------------------------------------------------------------------------------------


@METRICS.register("auc")
@of_probabilities
def auc(probabilities: np.ndarray, references: Sequence[Any]) -> float:
    """Area under the ROC curve: of the second of two labels, or the mean of each label against the rest.

    A label that all rows have, or none, is left out of the mean; NaN if no label is left.
    """
    from sklearn.metrics import roc_auc_score

    return _mean_over_labels(roc_auc_score, probabilities, references, lambda gold: 0 < gold.sum() < len(gold))


@METRICS.register("average_precision")
@of_probabilities
def average_precision(probabilities: np.ndarray, references: Sequence[Any]) -> float:
    """Mean precision over the recalls: of the second of two labels, or the mean of each label against the rest.

    A label that no row has is left out of the mean; NaN if no label is left.
    """
    from sklearn.metrics import average_precision_score

    return _mean_over_labels(average_precision_score, probabilities, references, lambda gold: gold.sum() > 0)


def _mean_over_labels(
    score: Callable[..., Any],
    probabilities: np.ndarray,
    references: Sequence[Any],
    is_defined: Callable[[np.ndarray], bool],
) -> float:
    gold = gold_table(references, probabilities.shape[1])
    is_binary = np.ndim(references) == 1 and gold.shape[1] == 2
    columns = [1] if is_binary else range(gold.shape[1])
    scores = [float(score(gold[:, c], probabilities[:, c])) for c in columns if is_defined(gold[:, c])]
    return float(np.mean(scores)) if scores else math.nan
