"""Scores of predictions against references, from scikit-learn and scipy."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from mtsmart.registry import Registry

Metric = Callable[..., Any]
"""(predictions, references), both in the form that the task type's ``decode`` and ``references`` return -> a score.

:mod:`mtsmart.metrics.labels` has metrics that take probabilities, or give one score for each label.
"""
METRICS: Registry[Metric] = Registry(
    "metric",
    group="mtsmart.metrics",
    needs=["__call__"],
    elsewhere={
        **dict.fromkeys(["matthews_correlation", "matthews_corrcoef", "matthews"], "mcc"),
        **dict.fromkeys(["seqeval", "ner_f1", "span_f1", "overall_f1"], "entity_f1"),
        **dict.fromkeys(["auroc", "roc_auc", "roc_auc_score", "rocauc"], "auc"),
        **dict.fromkeys(["em", "exact_match", "squad"], "answer_exact"),
        **dict.fromkeys(["f1_weighted", "weighted_f1", "f1_score"], "macro_f1"),
        **dict.fromkeys(["log_loss", "cross_entropy", "loss"], "nll"),
        **dict.fromkeys(["qwk", "kappa", "cohen_kappa"], "quadratic_kappa"),
        **dict.fromkeys(["mean_squared_error"], "mse"),
        **dict.fromkeys(["mean_absolute_error"], "mae"),
        **dict.fromkeys(["map", "ap"], "average_precision"),
    },
)

_LOWER_IS_BETTER: set[Metric] = set()


def lower_is_better(metric: Metric) -> Metric:
    """Decorator of a metric that is better where it is lower, and so never the main one."""
    _LOWER_IS_BETTER.add(metric)
    return metric


def is_better_lower(metric: Metric) -> bool:
    """Whether a metric is better where it is lower."""
    return metric in _LOWER_IS_BETTER


@METRICS.register("accuracy")
def accuracy(predictions: Sequence[int], references: Sequence[int]) -> float:
    """The share of equal labels."""
    return float(np.mean(np.asarray(predictions) == np.asarray(references)))


@METRICS.register("mcc")
def mcc(predictions: Sequence[int], references: Sequence[int]) -> float:
    """Matthews correlation; 0 if all predictions are one label."""
    from sklearn.metrics import matthews_corrcoef

    return float(matthews_corrcoef(references, predictions))


@METRICS.register("pearson")
def pearson(predictions: Sequence[float], references: Sequence[float]) -> float:
    """Pearson correlation; 0 if one side is constant, because it is undefined then."""
    from scipy.stats import pearsonr

    return 0.0 if _constant(predictions, references) else float(pearsonr(predictions, references).statistic)


@METRICS.register("spearman")
def spearman(predictions: Sequence[float], references: Sequence[float]) -> float:
    """Spearman rank correlation; 0 if one side is constant, because it is undefined then."""
    from scipy.stats import spearmanr

    return 0.0 if _constant(predictions, references) else float(spearmanr(predictions, references).statistic)


@METRICS.register("mse")
@lower_is_better
def mse(predictions: Sequence[float], references: Sequence[float]) -> float:
    """The mean squared error, in the squared unit of the labels; lower is better, so never the main metric."""
    from sklearn.metrics import mean_squared_error

    return float(mean_squared_error(references, predictions))


@METRICS.register("rmse")
@lower_is_better
def rmse(predictions: Sequence[float], references: Sequence[float]) -> float:
    """The root of the mean squared error, in the unit of the labels; lower is better, so never the main metric."""
    from sklearn.metrics import root_mean_squared_error

    return float(root_mean_squared_error(references, predictions))


@METRICS.register("mae")
@lower_is_better
def mae(predictions: Sequence[float], references: Sequence[float]) -> float:
    """The mean absolute error, in the unit of the labels; lower is better, so never the main metric."""
    from sklearn.metrics import mean_absolute_error

    return float(mean_absolute_error(references, predictions))


@METRICS.register("r2")
def r2(predictions: Sequence[float], references: Sequence[float]) -> float:
    """The share of the references' variance that is explained; NaN if they are all equal, because it is undefined."""
    from sklearn.metrics import r2_score

    return math.nan if _constant(references) else float(r2_score(references, predictions))


def _constant(*sides: Sequence[float]) -> bool:
    return any(len(side) < 2 or bool(np.ptp(np.asarray(side, dtype=np.float64)) == 0) for side in sides)
