"""Regression: one number for one text or a pair."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from transformers import PreTrainedTokenizerBase

from mtsmart.errors import ConfigError
from mtsmart.models.heads import HeadSpec
from mtsmart.task_types.interface.base import TASK_TYPES, Outputs
from mtsmart.task_types.shared.head_specs import head_spec_of
from mtsmart.task_types.shared.labels import number_of, size_hint
from mtsmart.task_types.shared.reductions import stack
from mtsmart.task_types.shared.rows import row_error
from mtsmart.task_types.shared.sequence import SequenceTask


@TASK_TYPES.register("regression")
class Regression(SequenceTask):
    """Logits (B, 1) in the unit of the labels, labels (B,) float32."""

    losses = ("mse",)
    divergences = ("mse",)
    metrics = ("pearson", "spearman")
    label_dtype = torch.float32
    problem_type = "regression"
    tempered = False

    def check(self) -> None:
        super().check()
        for key in ("labels", "project"):
            if getattr(self.definition, key) is not None:
                raise ConfigError("does not go with task type 'regression'", key=f"{self.name}.{key}")

    @property
    def head_spec(self) -> HeadSpec:
        return head_spec_of(self.definition, "sequence_classification", 1)

    def encode_label(self, value: Any, row: int) -> float:
        """A finite number, also from text."""
        number = number_of(value)
        if number is None:
            hint = size_hint(value)
            message = "is too large a number" if hint else "is not a finite number"
            raise row_error(message, row, self.definition.label, value, hint)
        return number

    def decode(self, outputs: Outputs) -> list[float]:
        """The predicted numbers."""
        return stack(outputs.logits).squeeze(-1).tolist()

    def describe(self, outputs: Outputs, tokenizer: PreTrainedTokenizerBase) -> list[dict[str, Any]]:
        """The predicted numbers."""
        return [{"prediction": score} for score in self.decode(outputs)]

    def baseline(self, train: Sequence[float], references: Sequence[float]) -> list[float]:
        """The mean; the correlation of a constant with anything counts as 0."""
        return [float(np.mean(train))] * len(references)
