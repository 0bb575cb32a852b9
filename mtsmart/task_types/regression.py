"""Regression: one number for one text or a pair.

The head learns labels that are standardised by the mean and the standard deviation of the training labels. So the
learning rate, and the weights of regularisers, mean the same for labels from 0 to 1 and for labels in the thousands.
Predictions, scores and exported models have the unit of the labels.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, ClassVar

import datasets
import numpy as np
import torch
from pydantic import Field
from transformers import PreTrainedTokenizerBase

from mtsmart.data.batch import Batch
from mtsmart.models.heads import HeadSpec
from mtsmart.models.output_unit import MEAN, SMALLEST_STD, STD, OutputUnit
from mtsmart.task_types.details.interface import ExplainsErrors
from mtsmart.task_types.interface.base import TASK_TYPES, Outputs, refuse_unread
from mtsmart.task_types.interface.explains_outputs import HasUnit, Portable
from mtsmart.task_types.interface.learns_from_labels import LearnsFromLabels, Numbers
from mtsmart.task_types.shared.head_specs import head_spec_of
from mtsmart.task_types.shared.labels import LARGEST, number_of, size_hint
from mtsmart.task_types.shared.reductions import stack
from mtsmart.task_types.shared.rows import row_error
from mtsmart.task_types.shared.sequence import SequenceTask
from mtsmart.task_types.windows.options import LongTextOptions

_FAR = 3  # standard deviations between two means
_WIDE = 5  # times another standard deviation
_GROUPED = re.compile(r"[-+]?[0-9.]+[,_][0-9,._]+")


class RegressionOptions(LongTextOptions):
    """In which unit the head learns."""

    standardize: bool = Field(
        True,
        description="learn (label - mean) / std of the training labels, undone in predictions, scores and exports; "
        "false: the labels as they are",
    )


@TASK_TYPES.register("regression")
class Regression(SequenceTask, HasUnit, LearnsFromLabels, ExplainsErrors, Portable):
    """Logits (B, 1) and batches' labels (B,) float32, both in units of the training labels' standard deviation.

    Predictions and references are in the unit of the labels. A run that stored no mean and no standard deviation has
    logits in the unit of the labels. Equal training labels are only shifted.
    """

    losses = ("mse",)
    divergences = ("mse",)
    metrics = ("pearson", "spearman", "mse", "rmse", "mae", "r2")
    Options = RegressionOptions
    label_dtype = torch.float32
    problem_type = "regression"
    tempered = False
    belongs_to_head = True
    is_right_or_wrong = False
    decoding_ranges: ClassVar = {MEAN: (-LARGEST, LARGEST), STD: (SMALLEST_STD, 2 * LARGEST)}

    options: RegressionOptions

    def check(self) -> None:
        super().check()
        refuse_unread(self, "labels", "project")  # its labels are numbers, which have no names

    @property
    def head_spec(self) -> HeadSpec:
        return head_spec_of(self.definition, "sequence_classification", 1, windows=self.window_pooling)

    def encode_label(self, value: Any, row: int) -> float:
        """A finite number, also from text."""
        number = number_of(value)
        if number is None:
            hint = size_hint(value)
            message = "is too large a number" if hint else "is not a finite number"
            if isinstance(value, str) and _GROUPED.fullmatch(value.strip()):
                hint = "Write numbers with a point alone: 1.5 or 1500"
            raise row_error(message, row, self.label, value, hint)
        return number

    def collate(self, features: Sequence[dict[str, Any]], tokenizer: PreTrainedTokenizerBase, seed: int) -> Batch:
        batch = super().collate(features, tokenizer, seed)
        if "labels" in features[0]:
            standard = self.unit.from_labels([row["labels"] for row in features])
            batch.targets["labels"] = torch.tensor(standard, dtype=self.label_dtype)
        return batch

    # The unit of the logits -------------------------------------------------------------------------------------

    @property
    def unit(self) -> OutputUnit:
        """The mean and the standard deviation of the training labels, or the labels' own unit."""
        return OutputUnit.of_numbers(self.decoding)

    def learn(self, features: datasets.Dataset) -> None:
        """Take the unit from the training labels, unless the user wants their own."""
        unit = OutputUnit.of_labels(self.references(features)) if self.options.standardize else OutputUnit()
        self.use(unit.to_numbers())

    def learnt(self) -> dict[str, float]:
        """The mean and the standard deviation; empty for the labels' own unit."""
        return self.unit.to_numbers()

    def use(self, numbers: Numbers) -> None:
        """Use a unit that ``learnt`` gave."""
        self.decoding = OutputUnit.of_numbers(numbers).to_numbers()

    def misfit(self, features: datasets.Dataset) -> str | None:
        """A text if the labels' mean or spread is far from the unit in use."""
        unit = self.unit
        values = self.references(features)
        labels = OutputUnit.of_labels(values)
        spread = 1.0 if min(values) == max(values) else labels.std / unit.std
        is_far = abs(labels.mean - unit.mean) > _FAR * unit.std or not 1 / _WIDE <= spread <= _WIDE
        if unit == OutputUnit() or not is_far:
            return None
        return (
            f"the training labels have mean {labels.mean:.4g} and standard deviation {labels.std:.4g}, and the head "
            f"keeps the unit of labels with mean {unit.mean:.4g} and standard deviation {unit.std:.4g}"
        )

    # From logits to predictions ---------------------------------------------------------------------------------

    def decode(self, outputs: Outputs) -> list[float]:
        """The predicted numbers, in the unit of the labels."""
        return self.unit.to_labels(stack(outputs.logits)).squeeze(-1).tolist()

    def describe(self, outputs: Outputs, tokenizer: PreTrainedTokenizerBase) -> list[dict[str, Any]]:
        """The predicted numbers."""
        return [{"prediction": score} for score in self.decode(outputs)]

    def how_decoded(self) -> dict[str, Any]:
        return {"kind": "number", "mean": self.unit.mean, "std": self.unit.std}

    def costs(self, outputs: Outputs, references: Sequence[float]) -> np.ndarray:
        """(N,) float64: the distance of each prediction from its label, in the unit of the labels."""
        costs: np.ndarray = np.abs(np.asarray(self.decode(outputs)) - np.asarray(references))
        return costs

    def in_words(self, value: float) -> str:
        """A number with four digits."""
        return f"{value:.4g}"

    def baseline(self, train: Sequence[float], references: Sequence[float]) -> list[float]:
        """The mean; the correlation of a constant with anything counts as 0."""
        return [float(np.mean(train))] * len(references)
