"""Shouting: how loud a text is, a number from 0 to 10."""

from __future__ import annotations

from typing import Any

from mtsmart.task_types import TASK_TYPES
from mtsmart.task_types.interface.base import Outputs
from mtsmart.task_types.regression import Regression


@TASK_TYPES.register("shout")
class Shout(Regression):
    """Regression whose predictions stay between 0 and 10."""

    def decode(self, outputs: Outputs) -> list[float]:
        """The predicted numbers, cut to the scale."""
        return [min(10.0, max(0.0, number)) for number in super().decode(outputs)]

    def encode_label(self, value: Any, row: int) -> float:
        """A number, or a text of which the exclamation marks are counted."""
        return float(value.count("!")) if isinstance(value, str) and "!" in value else super().encode_label(value, row)
