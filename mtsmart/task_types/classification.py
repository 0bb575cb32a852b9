"""Classification of one text or a pair into one of C labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import datasets
import numpy as np
import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from mtsmart.data.batch import Batch
from mtsmart.data.encoding import Rows
from mtsmart.errors import ConfigError, did_you_mean, nearest
from mtsmart.losses.criteria import focal
from mtsmart.losses.divergences import OF_SOFTMAX
from mtsmart.metrics.groups import GroupedLabel
from mtsmart.models.heads import HeadSpec
from mtsmart.task_types.details.interface import HasProbabilities
from mtsmart.task_types.details.likelihoods import costs_of_labels, likeliest
from mtsmart.task_types.details.one_label import OneLabelEach
from mtsmart.task_types.interface.base import TASK_TYPES, Outputs
from mtsmart.task_types.interface.decides import Decides
from mtsmart.task_types.interface.explains_outputs import Portable
from mtsmart.task_types.interface.reads_labels import Seen
from mtsmart.task_types.interface.scores_labels import ScoresLabels, check_main_metric
from mtsmart.task_types.interface.splits_batches import SplitsBatches
from mtsmart.task_types.shared.head_specs import head_spec_of
from mtsmart.task_types.shared.label_weights import LossOptions, WeighsLabels, weighted_mean
from mtsmart.task_types.shared.named_labels import NamedLabels
from mtsmart.task_types.shared.reductions import stack
from mtsmart.task_types.shared.sequence import SequenceTask
from mtsmart.task_types.shared.soft_labels import labels_named_in, probabilities_in, soft_hint
from mtsmart.task_types.windows.options import LongTextOptions
from mtsmart.tasks.definition import TaskDefinition

_OF_TWO = ("f1", "precision", "recall")  # metrics of the second of two labels


class ClassificationOptions(LossOptions, LongTextOptions):
    """What the label column holds, and how labels count in the loss."""

    soft_labels: bool = Field(
        False,
        description="the label column holds the probability of each label: a list in the order of the labels, or a "
        "mapping of names; a single name is sure",
    )
    group: str | None = Field(
        None,
        description="column of an id; rows with the same id are judged together by the metric group_exact, and held "
        "out together",
    )

    @property
    def columns_of_labels(self) -> list[str]:
        """The column of the groups."""
        return [] if self.group is None else [self.group]


@TASK_TYPES.register("classification")
class Classification(
    SequenceTask,
    NamedLabels,
    WeighsLabels,
    Decides,
    ScoresLabels,
    SplitsBatches,
    OneLabelEach,
    HasProbabilities,
    Portable,
):
    """Logits (B, C), labels (B,) int64 by name.

    With ``share_head`` the head may be another task's. Its labels are matched by name. With ``project`` several of them
    stand for one label of this task; the logit of that label is then the logarithm of their summed probability.
    """

    losses = ("cross_entropy", "focal")
    divergences = OF_SOFTMAX
    metrics = (
        *("accuracy", "f1", "macro_f1", "mcc", "balanced_accuracy", "precision", "recall", "macro_precision"),
        *("macro_recall", "auc", "average_precision", "label_f1", "label_precision", "label_recall", "group_exact"),
        *("nll", "brier", "ece"),
    )
    Options = ClassificationOptions
    label_dtype = torch.int64
    problem_type = "single_label_classification"

    options: ClassificationOptions

    def __init__(self, name: str, definition: TaskDefinition, shared_head: HeadSpec | None = None) -> None:
        super().__init__(name, definition, shared_head)
        self._groups = self._label_groups()
        self._criterion = self.with_gamma(self._criterion, focal)
        if self.options.soft_labels:
            self.label_dtype = torch.float32

    def check(self) -> None:
        super().check()
        labels = self.definition.labels
        if labels is None:
            raise ConfigError("is required for task type 'classification'", key=f"{self.name}.labels")
        for metric in self.definition.metrics or []:
            if metric in _OF_TWO and len(labels) != 2:
                hint = f"Use macro_{metric} for more than two labels"
                raise ConfigError("needs exactly two labels", key=f"{self.name}.metrics", value=metric, hint=hint)
            if metric == "group_exact" and self.options.group is None:
                hint = "Say options: {group: COLUMN}, with the column of an id that they share"
                message = "needs rows that belong together"
                raise ConfigError(message, key=f"{self.name}.metrics", value=metric, hint=hint)
        check_main_metric(self)
        self.check_loss_options(smoothed="cross_entropy", focal="focal")
        loss = self.definition.loss
        if self.options.soft_labels and loss not in (None, "cross_entropy"):
            message = "does not go with options.soft_labels"
            raise ConfigError(message, key=f"{self.name}.loss", value=loss, hint="Use loss: cross_entropy")

    @property
    def has_hard_labels(self) -> bool:
        return not self.options.soft_labels

    @property
    def head_spec(self) -> HeadSpec:
        return head_spec_of(
            self.definition, "sequence_classification", len(self.labels), self.labels, self.window_pooling
        )

    def encode_label(self, value: Any, row: int) -> int | list[float]:
        """The index of a label, or the probabilities of soft labels."""
        if self.options.soft_labels:
            return probabilities_in(value, self.names, row, self.label)
        return self.label_index(value, row)

    def encode(self, rows: Rows, tokenizer: PreTrainedTokenizerBase, max_length: int, with_labels: bool) -> Rows:
        """As for every sequence, and with labels ``group``, if rows belong together."""
        encoded = super().encode(rows, tokenizer, max_length, with_labels)
        if with_labels and self.options.group is not None:
            encoded["group"] = list(map(str, rows[self.options.group]))
        return encoded

    def label_items(self, rows: datasets.Dataset) -> Iterator[Seen]:
        """Each label; of soft labels those that are named, because a list of numbers names none."""
        if not self.options.soft_labels:
            return self.label_cells(rows)
        return (Seen(name, cell.row) for cell in self.label_cells(rows) for name in labels_named_in(cell.value))

    def hint_for(self, value: Any) -> str:
        """What may be meant by an unknown label: soft labels, or another label."""
        return soft_hint(value) or super().hint_for(value)

    # The objective ----------------------------------------------------------------------------------------------

    def criterion(self, logits: Tensor, batch: Batch) -> Tensor:
        """The loss against the gold labels, a scalar.

        With class weights it is the sum of the rows' weighted losses divided by the sum of the rows' weights, and with
        soft labels divided by the number of rows. Both are the mean of ``torch.nn.functional.cross_entropy``.
        """
        labels = batch.targets["labels"]
        weights = self.label_weights(labels.device)
        smoothing = self.options.label_smoothing
        if self.options.soft_labels or smoothing > 0:
            return F.cross_entropy(logits.float(), labels, weight=weights, label_smoothing=smoothing)
        if weights is None:
            return super().criterion(logits, batch)
        return weighted_mean(self._criterion(logits, labels), weights[labels])

    def count_labels(self, batch: Batch) -> float:
        """The sum of the rows' weights."""
        labels = batch.targets["labels"]
        weights = None if self.options.soft_labels else self.label_weights(labels.device)
        return len(batch.rows) if weights is None else float(weights[labels].sum())

    def count_each(self, features: datasets.Dataset) -> tuple[Sequence[float], float]:
        """How many rows have each label; with soft labels the sums of the probabilities."""
        labels = np.asarray(features["labels"][:])
        if self.options.soft_labels:
            return labels.sum(axis=0).tolist(), len(labels)
        return np.bincount(labels, minlength=len(self.labels)).tolist(), len(labels)

    def adapt(self, logits: Tensor, batch: Batch) -> Tensor:
        """The logits of this task's labels, if the shared head has others."""
        if self._groups is None:
            return logits
        log_probs = torch.log_softmax(logits.float(), dim=-1)
        return torch.stack([torch.logsumexp(log_probs[:, group], dim=-1) for group in self._groups], dim=-1)

    def changed(self, logits: Tensor, other: Tensor, batch: Batch) -> Tensor:
        """The share of rows whose likeliest label differs."""
        return (logits.argmax(-1) != other.argmax(-1)).float().mean()

    # From logits to predictions and scores ----------------------------------------------------------------------

    def decode(self, outputs: Outputs) -> list[int]:
        """The index of each row's likeliest label."""
        return stack(outputs.logits).argmax(-1).tolist()

    def references(self, features: datasets.Dataset) -> list[Any]:
        """The index of each row's label; of soft labels the most probable one. It knows the row's group, if any."""
        labels = super().references(features)
        if self.options.soft_labels:
            labels = np.asarray(labels).argmax(-1).tolist()
        return labels if self.options.group is None else list(map(GroupedLabel, labels, features["group"][:]))

    def probabilities(self, outputs: Outputs) -> np.ndarray:
        """(N, C) float64: the softmax of the logits."""
        table: np.ndarray = torch.softmax(stack(outputs.logits).double(), dim=-1).numpy()
        return table

    def describe(self, outputs: Outputs, tokenizer: PreTrainedTokenizerBase) -> list[dict[str, Any]]:
        """The label's name, and each label's probability."""
        probabilities = self.probabilities(outputs).tolist()
        return [
            {"prediction": self.labels[index], **{f"p({label})": p for label, p in zip(self.labels, row, strict=True)}}
            for index, row in zip(self.decode(outputs), probabilities, strict=True)
        ]

    def how_decoded(self) -> dict[str, Any]:
        return {"kind": "label", "labels": self.labels, "groups": self._groups}

    def costs(self, outputs: Outputs, references: Sequence[int]) -> np.ndarray:
        """(N,) float64: the negative log-likelihood of each row's label."""
        return costs_of_labels(stack(outputs.logits), references)

    def events(self, outputs: Outputs, references: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        """Each row's likeliest label: (N,) its probability, and (N,) bool whether it is right."""
        return likeliest(stack(outputs.logits), references)

    def baseline(self, train: Sequence[int], references: Sequence[int]) -> list[int]:
        """The most frequent label."""
        return [Counter(train).most_common(1)[0][0]] * len(references)

    def _label_groups(self) -> list[list[int]] | None:
        """For each of our labels the shared head's outputs that stand for it; None if the head's labels are ours."""
        source = None if self.shared_head is None else self.shared_head.labels
        if source is None or (source == self.labels and self.definition.project is None):
            return None
        project = self.definition.project or {label: label for label in source}
        for label in source:
            given = project.get(label)
            if given not in self.labels:
                near = nearest(label, project)
                meant = None if near is None or near == label else f"The shared head's label is '{label}', not '{near}'"
                raise ConfigError(
                    f"does not say which of {self.labels} the shared head's label '{label}' stands for",
                    key=f"{self.name}.project",
                    value=given,
                    hint=meant if given is None else did_you_mean(given, self.labels),
                )
        groups = [[i for i, label in enumerate(source) if project[label] == ours] for ours in self.labels]
        if not all(groups):
            missing = self.labels[groups.index([])]
            raise ConfigError(f"no label of the shared head stands for '{missing}'", key=f"{self.name}.project")
        return groups
