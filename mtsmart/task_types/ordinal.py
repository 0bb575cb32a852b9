"""Ordinal classification: one of C ordered labels, such as star ratings, for one text or a pair."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

import datasets
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from mtsmart.data.batch import Batch
from mtsmart.errors import ConfigError
from mtsmart.losses import CRITERIA
from mtsmart.losses.divergences import OF_BITS
from mtsmart.metrics import METRICS
from mtsmart.models.heads import HeadSpec
from mtsmart.task_types.details.interface import HasProbabilities
from mtsmart.task_types.details.likelihoods import costs_of_bits, set_bits
from mtsmart.task_types.details.one_label import OneLabelEach
from mtsmart.task_types.interface.base import TASK_TYPES, Outputs, refuse_unread
from mtsmart.task_types.interface.decides import Decides
from mtsmart.task_types.interface.explains_outputs import ExplainsDecoding, GivesLabelProbabilities, Portable
from mtsmart.task_types.interface.splits_batches import SplitsBatches
from mtsmart.task_types.shared.head_specs import head_spec_of
from mtsmart.task_types.shared.label_weights import (
    ClassWeightOptions,
    WeighsLabels,
    weighted_mean,
)
from mtsmart.task_types.shared.named_labels import NamedLabels
from mtsmart.task_types.shared.reductions import stack
from mtsmart.task_types.shared.sequence import SequenceTask
from mtsmart.task_types.windows.options import LongTextOptions


@CRITERIA.register("threshold_cross_entropy")
def threshold_cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean binary cross-entropy of the C - 1 questions "above label c?" (Frank and Hall 2001).

    logits (B, C - 1), labels (B,) int64 -> (B,).
    """
    above = (labels.unsqueeze(-1) > torch.arange(logits.shape[-1], device=labels.device)).float()
    return F.binary_cross_entropy_with_logits(logits.float(), above, reduction="none").mean(-1)


@METRICS.register("quadratic_kappa")
def quadratic_kappa(predictions: Sequence[int], references: Sequence[int]) -> float:
    """Cohen's kappa with quadratic weights: agreement beyond chance, where far misses count more; 0 if undefined.

    Labels that nobody has lie between others all the same, so a miss over them is as far as it is with them.
    """
    from sklearn.metrics import cohen_kappa_score

    found = {*predictions, *references}
    if len(found) < 2:
        return 0.0
    return float(cohen_kappa_score(references, predictions, labels=range(max(found) + 1), weights="quadratic"))


class OrdinalOptions(ClassWeightOptions, LongTextOptions):
    """How much each label counts in the loss, and how long texts are read."""


@TASK_TYPES.register("ordinal")
class Ordinal(
    SequenceTask,
    NamedLabels,
    WeighsLabels,
    Decides,
    ExplainsDecoding,
    GivesLabelProbabilities,
    SplitsBatches,
    OneLabelEach,
    HasProbabilities,
    Portable,
):
    """Logits (B, C - 1): output c says how likely the label is above label c; labels (B,) int64 by name, in order."""

    losses = ("threshold_cross_entropy",)
    divergences = OF_BITS
    metrics = ("quadratic_kappa", "spearman", "accuracy", "macro_f1", "balanced_accuracy")
    Options = OrdinalOptions
    label_dtype = torch.int64
    problem_type = "multi_label_classification"  # each output answers a question of its own: sigmoid, not softmax

    def check(self) -> None:
        super().check()
        refuse_unread(self, "project")
        if self.definition.labels is None:
            raise ConfigError("is required for task type 'ordinal', lowest first", key=f"{self.name}.labels")
        self.check_shared_labels()
        self.check_loss_options(smoothed="", focal="")

    @property
    def head_spec(self) -> HeadSpec:
        names = [f">{label}" for label in self.labels[:-1]]
        return head_spec_of(self.definition, "sequence_classification", len(names), names, self.window_pooling)

    def encode_label(self, value: Any, row: int) -> int:
        """The place of a label."""
        return self.label_index(value, row)

    def criterion(self, logits: Tensor, batch: Batch) -> Tensor:
        """The loss, a scalar; with class weights the sum of weighted losses divided by the sum of the rows' weights."""
        labels = batch.targets["labels"]
        weights = self.label_weights(labels.device)
        if weights is None:
            return super().criterion(logits, batch)
        return weighted_mean(self._criterion(logits, labels), weights[labels])

    def count_labels(self, batch: Batch) -> float:
        """The sum of the rows' weights."""
        labels = batch.targets["labels"]
        weights = self.label_weights(labels.device)
        return len(batch.rows) if weights is None else float(weights[labels].sum())

    def count_each(self, features: datasets.Dataset) -> tuple[Sequence[float], float]:
        """How many rows have each label."""
        return np.bincount(features["labels"][:], minlength=len(self.labels)).tolist(), len(features)

    def changed(self, logits: Tensor, other: Tensor, batch: Batch) -> Tensor:
        """The share of rows whose predicted label differs."""
        return ((logits > 0).sum(-1) != (other > 0).sum(-1)).float().mean()

    def decoding_rule(self) -> str:
        """What the outputs mean, and how many of them make the label."""
        order = ", ".join(self.labels)
        return (
            f"the labels, lowest first, are {order}; output `>label` is the probability (sigmoid) of being above that "
            "label, and the predicted label is the one with as many labels below it as outputs are above 0.5"
        )

    def decode(self, outputs: Outputs) -> list[int]:
        """Each row's place: the number of labels that it is above."""
        return (stack(outputs.logits) > 0).sum(-1).tolist()

    def describe(self, outputs: Outputs, tokenizer: PreTrainedTokenizerBase) -> list[dict[str, Any]]:
        """The label's name, and how likely the row is above each label."""
        above = torch.sigmoid(stack(outputs.logits).double()).tolist()
        return [
            {"prediction": self.labels[place], **dict(zip(self._keys, row, strict=True))}
            for place, row in zip(self.decode(outputs), above, strict=True)
        ]

    @property
    def _keys(self) -> list[str]:
        return [f"p(>{label})" for label in self.labels[:-1]]

    def label_probabilities(self, prediction: Mapping[str, Any]) -> list[float]:
        """How likely the row has each label: above the one before, and not above itself.

        The outputs are independent, so a row may be likelier above a label than above a lower one. Then the lower
        probability counts for both. The predicted label is the median, which need not be the most likely label.
        """
        above = list(accumulate((prediction[key] for key in self._keys), min, initial=1.0))
        return [here - further for here, further in zip(above, [*above[1:], 0.0], strict=True)]

    def how_decoded(self) -> dict[str, Any]:
        return {"kind": "place", "labels": self.labels}

    def costs(self, outputs: Outputs, references: Sequence[int]) -> np.ndarray:
        """(N,) float64: the negative log-likelihood of the answers to "above label c?", summed over the labels."""
        return costs_of_bits(stack(outputs.logits), self._above(references))

    def events(self, outputs: Outputs, references: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        """Each "above label c": its probability, and whether the row's label is above."""
        return set_bits(stack(outputs.logits), self._above(references))

    def _above(self, references: Sequence[int]) -> np.ndarray:
        """(N, C - 1) bool: whether each row's label is above label c."""
        above: np.ndarray = np.asarray(references)[:, None] > np.arange(len(self.labels) - 1)
        return above

    def baseline(self, train: Sequence[int], references: Sequence[int]) -> list[int]:
        """The most frequent label."""
        return [Counter(train).most_common(1)[0][0]] * len(references)
