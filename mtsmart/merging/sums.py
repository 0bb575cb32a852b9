"""Weighted sums of the tensors of models, in float64."""

from __future__ import annotations

import math
from collections.abc import Mapping

from torch import Size, Tensor

_LEAST = 1e-9  # of a sum of weights that divides


class WeightedSum:
    """Adds up tensors of the same names and shapes. One model is in memory at a time, beside the sum.

    A sum of equal tensors whose weights sum to 1 is that tensor to the bit: float64 holds what is rounded away.
    """

    def __init__(self) -> None:
        self.weight = 0.0
        self._count = 0
        self._first: dict[str, Tensor] = {}
        self._total: dict[str, Tensor] = {}

    def add(self, weight: float, tensors: Mapping[str, Tensor]) -> None:
        """Add ``weight`` times the tensors. Of those that hold no real numbers the first ones stay.

        Raises:
            ValueError: their names or shapes are others than those of the first tensors.
        """
        if self._count > 0 and _shapes(tensors) != _shapes(self._first):  # add_ would broadcast in silence.
            raise ValueError("the tensors have other names or shapes than the first ones")
        self._count += 1
        self.weight += weight
        if self._count == 1:
            self._first = dict(tensors)
            self._total = {name: weight * one.double() for name, one in tensors.items() if one.is_floating_point()}
            return
        for name, total in self._total.items():
            total.add_(weight * tensors[name].double())

    @property
    def is_single(self) -> bool:
        """Whether only one model has been added."""
        return self._count == 1

    @property
    def has_mean(self) -> bool:
        """Whether the weights have a sum by which one can divide."""
        return math.fabs(self.weight) > _LEAST

    def total(self) -> dict[str, Tensor]:
        """The sum, in the dtypes of the first tensors."""
        return self._in_first_form(1.0)

    def mean(self) -> dict[str, Tensor]:
        """The sum divided by that of the weights; of one model its own tensors, whatever its weight."""
        return self._first if self.is_single else self._in_first_form(self.weight)

    def _in_first_form(self, divisor: float) -> dict[str, Tensor]:
        summed = {name: (one / divisor).to(self._first[name].dtype) for name, one in self._total.items()}
        return {**self._first, **summed}


def _shapes(tensors: Mapping[str, Tensor]) -> dict[str, Size]:
    return {name: one.shape for name, one in tensors.items()}
