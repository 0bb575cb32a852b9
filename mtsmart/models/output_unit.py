"""The unit of a head's numbers: a head that learns standardised labels gives (label - mean) / std."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

MEAN = "mean"
STD = "std"
SMALLEST_STD = math.ulp(0.0)


@dataclass(frozen=True)
class OutputUnit:
    """label = output * std + mean. The default is the labels' own unit.

    Attributes:
        mean: of the training labels.
        std: their standard deviation (divided by n); above 0.
    """

    mean: float = 0.0
    std: float = 1.0

    @classmethod
    def of_labels(cls, labels: Sequence[float]) -> OutputUnit:
        """The unit in which at least one label has mean 0 and standard deviation 1. Equal labels keep their scale."""
        values = np.asarray(labels, dtype=np.float64)
        if np.ptp(values) == 0:
            return cls(float(values[0]), 1.0)
        mean = float(values.mean())
        centred = values - mean
        largest = float(np.abs(centred).max())  # The squares of very small or large numbers are no numbers any more.
        return cls(mean, largest * math.sqrt(float(np.square(centred / largest).mean())))

    @classmethod
    def of_numbers(cls, numbers: Mapping[str, float]) -> OutputUnit:
        """The unit that ``to_numbers`` wrote. A run that stored none has the labels' own."""
        return cls(numbers.get(MEAN, 0.0), numbers.get(STD, 1.0))

    def to_numbers(self) -> dict[str, float]:
        """The two numbers by name; none for the labels' own unit."""
        return {} if self == OutputUnit() else {MEAN: self.mean, STD: self.std}

    def from_labels(self, labels: Sequence[float]) -> np.ndarray:
        """Labels in this unit: (B,) float64."""
        standard: np.ndarray = (np.asarray(labels, dtype=np.float64) - self.mean) / self.std
        return standard

    def to_labels(self, outputs: Tensor) -> Tensor:
        """Outputs in the unit of the labels, float64."""
        return outputs.double() * self.std + self.mean

    def from_unit(self, outputs: Tensor, other: OutputUnit) -> Tensor:
        """Outputs that have another unit in this one, float32."""
        if other == self:
            return outputs
        return ((other.to_labels(outputs) - self.mean) / self.std).float()


def fold(unit: OutputUnit, module: nn.Module) -> bool:
    """Make a module's outputs labels, by changing the weights of its last linear layer.

    Returns:
        False, and nothing is changed, if that layer has no bias that could hold the mean.
    """
    linear = [layer for layer in module.modules() if isinstance(layer, nn.Linear) and layer.out_features == 1]
    if not linear or linear[-1].bias is None:
        return False
    with torch.no_grad():
        linear[-1].weight.copy_(linear[-1].weight.double() * unit.std)
        linear[-1].bias.copy_(unit.to_labels(linear[-1].bias))
    return True
