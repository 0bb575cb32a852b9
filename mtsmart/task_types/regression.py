"""Regression: one number for one text or a pair."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mtsmart.errors import ConfigError
from mtsmart.models.heads import HeadSpec
from mtsmart.task_types.base import TASK_TYPES
from mtsmart.task_types.sequence import SequenceTask
from mtsmart.tasks.definition import TaskDefinition


@TASK_TYPES.register("regression")
class Regression(SequenceTask):
    """Logits (B, 1) in the labels' own unit, labels (B,) float32."""

    losses = ("mse",)
    divergences = ("mse",)
    metrics = ("pearson", "spearman")
    label_dtype = torch.float32

    @classmethod
    def check(cls, name: str, definition: TaskDefinition) -> None:
        super().check(name, definition)
        for key in ("labels", "project"):
            if getattr(definition, key) is not None:
                raise ConfigError("does not go with task type 'regression'", key=f"{name}.{key}")

    @property
    def head_spec(self) -> HeadSpec:
        head = self.definition.head
        return HeadSpec("sequence_classification", 1, head.type, head.dropout)

    def encode_label(self, value: Any, row: int) -> float:
        """A finite number, also from text."""
        try:
            number = float(value)
        except (TypeError, ValueError):
            number = math.nan
        if not math.isfinite(number):
            raise self.row_error("is no finite number", row, self.definition.label, value)
        return number

    def decode(self, logits: Tensor) -> list[float]:
        return logits.float().squeeze(-1).tolist()

    def describe(self, logits: Tensor) -> list[dict[str, Any]]:
        return [{"prediction": score} for score in self.decode(logits)]

    def baseline(self, train: Sequence[float]) -> float:
        """The mean, whose correlation with anything counts as 0."""
        return float(np.mean(train))
