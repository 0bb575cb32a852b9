"""Multi-label classification: any number of C labels for one text or a pair."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import datasets
import numpy as np
import torch
from pydantic import Field
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from mtsmart.data.batch import Batch
from mtsmart.errors import ConfigError, did_you_mean
from mtsmart.models.heads import HeadSpec
from mtsmart.task_types.interface.base import TASK_TYPES, LabelColumn, Outputs, TaskOptions
from mtsmart.task_types.interface.decides import Decides
from mtsmart.task_types.interface.fits_decoding import FitsDecoding
from mtsmart.task_types.interface.writes_text import WritesText
from mtsmart.task_types.shared.head_specs import head_spec_of
from mtsmart.task_types.shared.labels import LabelNames, items_of, joined, list_hint
from mtsmart.task_types.shared.reductions import stack
from mtsmart.task_types.shared.rows import row_error
from mtsmart.task_types.shared.sequence import SequenceTask
from mtsmart.tasks.definition import TaskDefinition


class MultiLabelOptions(TaskOptions):
    """How labels are read and predicted."""

    separator: str = Field(",", min_length=1, description="text between the labels of a row whose labels are one text")
    threshold: float | Literal["tuned"] = Field(
        0.5, description="probability above which a label is predicted; tuned: that of best micro F1 on validation"
    )


@TASK_TYPES.register("multi_label")
class MultiLabel(SequenceTask, Decides, FitsDecoding, WritesText):
    """Logits (B, C), labels (B, C) float32 of 0 and 1; a row may have none of the labels.

    Each label is a decision of its own (Bernoulli). The loss is the binary cross-entropy, as for Hugging Face's problem
    type ``multi_label_classification``. Loss and divergences are averaged over labels.
    """

    losses = ("binary_cross_entropy",)
    divergences = ("bernoulli_symmetric_kl", "bernoulli_symmetric_kl_detached", "bernoulli_kl", "bernoulli_js")
    metrics = ("micro_f1", "macro_f1", "subset_accuracy")
    Options = MultiLabelOptions
    label_column = LabelColumn.MAY_BE_EMPTY
    label_dtype = torch.float32
    problem_type = "multi_label_classification"
    decoding_ranges: ClassVar = {"threshold": (0.0, 1.0)}

    options: MultiLabelOptions

    def __init__(self, name: str, definition: TaskDefinition, shared_head: HeadSpec | None = None) -> None:
        super().__init__(name, definition, shared_head)
        self._names = LabelNames(self.labels)

    def check(self) -> None:
        super().check()
        definition = self.definition
        if definition.labels is None:
            raise ConfigError("is required for task type 'multi_label'", key=f"{self.name}.labels")
        if definition.project is not None:
            raise ConfigError("does not go with task type 'multi_label'", key=f"{self.name}.project")
        threshold = self.options.threshold
        if threshold != "tuned" and not 0 < threshold < 1:
            hint = "Give a probability between 0 and 1, or 'tuned'"
            raise ConfigError("is not a threshold", key=f"{self.name}.options.threshold", value=threshold, hint=hint)
        self.check_shared_labels()

    @property
    def head_spec(self) -> HeadSpec:
        return head_spec_of(self.definition, "sequence_classification", len(self.labels), self.labels)

    @property
    def threshold(self) -> float:
        """The probability above which a label is predicted."""
        given = self.options.threshold
        return self.decoding.get("threshold", 0.5) if given == "tuned" else given

    def encode_label(self, value: Any, row: int) -> list[int]:
        """0 or 1 for each label.

        The value is a list of names or numbers, or a text: a JSON list, or names with the separator between them.
        """
        if isinstance(value, str):
            found = items_of(value, self.options.separator)
            value = value if found is None else found
        column = self.definition.label
        if not isinstance(value, list):
            raise row_error("is not a list of labels", row, column, value, list_hint(column))
        chosen = [self._names.find(name) for name in value]
        if None in chosen:
            wrong = value[chosen.index(None)]
            raise row_error("is not one of the task's labels", row, column, wrong, self._hint(wrong))
        return [int(index in chosen) for index in range(len(self.labels))]

    def _hint(self, wrong: Any) -> str:
        """What may be meant by an unknown label: another label, or part of a label that has the separator in it."""
        hint = did_you_mean(wrong, self.labels)
        separator = self.options.separator
        within = next((label for label in self.labels if separator in label), None)
        if within is None:
            return hint
        return (
            f"{hint} Label '{within}' holds the separator '{separator}': in text give a JSON list, "
            "or set options.separator"
        )

    def changed(self, logits: Tensor, other: Tensor, batch: Batch) -> Tensor:
        """The share of decisions, label by label, that differ at a probability of 0.5."""
        return ((logits > 0) != (other > 0)).float().mean()

    def fit(self, outputs: Outputs, references: Sequence[Any]) -> None:
        """With ``threshold: tuned``, find the one threshold of best micro F1."""
        if self.options.threshold == "tuned":
            gold = np.asarray(references, dtype=bool)
            self.decoding["threshold"] = best_threshold(_probabilities(outputs).ravel(), gold.ravel())

    def decode(self, outputs: Outputs) -> list[np.ndarray]:
        """(C,) int64 of 0 and 1 for each row."""
        return list((_probabilities(outputs) > self.threshold).astype(np.int64))

    def references(self, features: datasets.Dataset) -> list[np.ndarray]:
        return [np.asarray(row, dtype=np.int64) for row in features["labels"]]

    def describe(self, outputs: Outputs, tokenizer: PreTrainedTokenizerBase) -> list[dict[str, Any]]:
        """The names of the predicted labels, and each label's probability."""
        return [
            {
                "prediction": [label for label, is_set in zip(self.labels, decisions, strict=True) if is_set],
                **{f"p({label})": p for label, p in zip(self.labels, row, strict=True)},
            }
            for decisions, row in zip(self.decode(outputs), _probabilities(outputs).tolist(), strict=True)
        ]

    def text_of(self, column: str, value: Any) -> Any:
        """Predicted labels as a label column in csv or tsv has them."""
        return joined(value, self.options.separator) if column == "prediction" else value

    def baseline(self, train: Sequence[Any], references: Sequence[Any]) -> list[np.ndarray]:
        """The most frequent labels, as many of them as give the best micro F1."""
        counts = np.sum(train, axis=0)
        order = np.argsort(-counts, kind="stable")
        hits = np.cumsum(counts[order])
        predicted = len(train) * np.arange(1, len(counts) + 1)
        best = int(np.argmax(2 * hits / (predicted + counts.sum())))
        constant = np.zeros(len(counts), dtype=np.int64)
        constant[order[: best + 1]] = 1
        return [constant] * len(references)


def best_threshold(probabilities: np.ndarray, gold: np.ndarray) -> float:
    """The threshold of best F1: halfway between the two probabilities that it separates.

    Args:
        probabilities: (N,) float64.
        gold: (N,) bool.
    """
    order = np.argsort(-probabilities, kind="stable")
    ranked = probabilities[order]
    hits = np.cumsum(gold[order])
    scores = 2 * hits / (np.arange(1, len(ranked) + 1) + gold.sum())
    following = np.append(ranked[1:], 0.0)
    scores[ranked == following] = -1.0  # no threshold separates equal probabilities
    best = int(np.argmax(scores))
    middle = float((ranked[best] + following[best]) / 2)
    return middle if middle < ranked[best] else float(following[best])


def _probabilities(outputs: Outputs) -> np.ndarray:
    """(N, C) float64."""
    probabilities: np.ndarray = torch.sigmoid(stack(outputs.logits).double()).numpy()
    return probabilities
