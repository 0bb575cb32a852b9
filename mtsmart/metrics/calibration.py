"""How well probabilities agree with what happens, and the temperature that makes them agree better.

A temperature divides all logits of a task (Guo et al. 2017, "On Calibration of Modern Neural Networks"). It changes
how sure the predictions are, and none of the predictions.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

BINS = 15
"""How many bins of equal width the expected calibration error has, as in the paper."""

COLDEST = 0.05
HOTTEST = 20.0
"""A temperature outside these bounds says nothing more about so few rows."""


@dataclass(frozen=True)
class Bin:
    """The events whose probability lies in one interval.

    Attributes:
        count: how many there are.
        probability: their mean probability.
        share: how many of them happened, from 0 to 1.
    """

    count: int
    probability: float
    share: float


def reliability(probabilities: np.ndarray, happened: np.ndarray, bins: int = BINS) -> list[Bin]:
    """The bins of equal width that hold an event, from the lowest probability to the highest.

    Args:
        probabilities: (M,) float64 in [0, 1], one for each event.
        happened: (M,) bool.
        bins: how many intervals [0, 1] is cut into. An event on an edge belongs to the lower interval.
    """
    edges = np.linspace(0.0, 1.0, bins + 1)
    places = np.searchsorted(edges[1:-1], probabilities)
    return [
        Bin(int(inside.sum()), float(probabilities[inside].mean()), float(happened[inside].mean()))
        for inside in (places == place for place in range(bins))
        if inside.any()
    ]


def calibration_error(bins: list[Bin]) -> float:
    """The expected calibration error: the mean distance of share and probability, weighted by the bins' counts."""
    total = sum(each.count for each in bins)
    return sum(each.count * abs(each.share - each.probability) for each in bins) / total if total else 0.0


def fit_temperature(loss: Callable[[float], float]) -> float:
    """The temperature of the smallest loss; 1 if none is better.

    Args:
        loss: temperature -> negative log-likelihood of the labels, a finite number.
    """
    from scipy.optimize import minimize_scalar

    bounds = (math.log(COLDEST), math.log(HOTTEST))
    found = minimize_scalar(lambda power: loss(math.exp(power)), bounds=bounds, method="bounded")
    temperature = math.exp(found.x)
    return temperature if loss(temperature) < loss(1.0) else 1.0
