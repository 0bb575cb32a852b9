"""Multi-label classification: any number of C labels for one text or a pair."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Literal, Self

import datasets
import numpy as np
import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from mtsmart.data.batch import Batch
from mtsmart.data.encoding import Rows
from mtsmart.errors import ConfigError, DataError, did_you_mean, shorten
from mtsmart.losses.criteria import FOCAL_GAMMA, weighted_binary_focal
from mtsmart.losses.divergences import OF_BITS
from mtsmart.metrics.label_counts import LabelCounts, counts_of_table
from mtsmart.models.heads import HeadSpec
from mtsmart.task_types.details.interface import CountsLabels, HasProbabilities
from mtsmart.task_types.details.likelihoods import costs_of_bits, set_bits
from mtsmart.task_types.interface.base import TASK_TYPES, LabelColumn, Outputs, loss_of, refuse_unread
from mtsmart.task_types.interface.decides import Decides
from mtsmart.task_types.interface.explains_outputs import Portable
from mtsmart.task_types.interface.fits_decoding import FitsDecoding
from mtsmart.task_types.interface.reads_labels import Seen, Survey
from mtsmart.task_types.interface.scores_labels import ScoresLabels, check_main_metric
from mtsmart.task_types.interface.writes_text import WritesText
from mtsmart.task_types.shared.head_specs import head_spec_of
from mtsmart.task_types.shared.label_weights import LossOptions, WeighsLabels
from mtsmart.task_types.shared.labels import bit_of, exact_number, items_of, joined, list_hint
from mtsmart.task_types.shared.named_labels import NamedLabels, surveyed
from mtsmart.task_types.shared.reductions import stack
from mtsmart.task_types.shared.rows import row_error
from mtsmart.task_types.shared.sequence import SequenceTask
from mtsmart.task_types.windows.options import LongTextOptions
from mtsmart.tasks.definition import TaskDefinition
from mtsmart.tasks.habits import columns_hint

_SEPARATORS = (",", ";", "|", "/", " ")
_KNOWN = 10_000  # different lists that are kept, so that none of them is looked at twice


class MultiLabelOptions(LossOptions, LongTextOptions):
    """How labels are read, learned and predicted."""

    separator: str = Field(",", min_length=1, description="text between the labels of a row whose labels are one text")
    threshold: float | Literal["tuned"] = Field(
        0.5, description="probability above which a label is predicted; tuned: that of best micro F1 on validation"
    )


@TASK_TYPES.register("multi_label")
class MultiLabel(
    SequenceTask,
    NamedLabels,
    WeighsLabels,
    Decides,
    FitsDecoding,
    ScoresLabels,
    WritesText,
    CountsLabels,
    HasProbabilities,
    Portable,
):
    """Logits (B, C), labels (B, C) float32 of 0 and 1; a row may have none of the labels.

    Each label is a decision of its own (Bernoulli). The loss is the binary cross-entropy, as for Hugging Face's problem
    type ``multi_label_classification``. Loss and divergences are averaged over labels. A class weight is a factor of
    the rows that have the label, as torch's ``pos_weight``; balanced: the rows without it divided by the rows with it.

    Attributes:
        vectors: whether each row's labels are a list of 0 and 1, as the whole column shows.
    """

    losses = ("binary_cross_entropy", "binary_focal")
    divergences = OF_BITS
    metrics = (
        *("micro_f1", "macro_f1", "subset_accuracy", "balanced_accuracy", "micro_precision", "micro_recall"),
        *("macro_precision", "macro_recall", "auc", "average_precision", "label_f1", "label_precision", "label_recall"),
    )
    Options = MultiLabelOptions
    label_column = LabelColumn.MAY_BE_EMPTY
    label_dtype = torch.float32
    several_columns = True
    problem_type = "multi_label_classification"
    decoding_ranges: ClassVar = {"threshold": (0.0, 1.0)}

    options: MultiLabelOptions

    def __init__(self, name: str, definition: TaskDefinition, shared_head: HeadSpec | None = None) -> None:
        super().__init__(name, definition, shared_head)
        self.vectors = False

    def check(self) -> None:
        super().check()
        refuse_unread(self, "project")
        definition = self.definition
        if definition.labels is None:
            hint = columns_hint(definition.label)
            raise ConfigError("is required for task type 'multi_label'", key=f"{self.name}.labels", hint=hint)
        threshold = self.options.threshold
        if threshold != "tuned" and not 0 < threshold < 1:
            hint = "Give a probability between 0 and 1, or 'tuned'"
            raise ConfigError("is not a threshold", key=f"{self.name}.options.threshold", value=threshold, hint=hint)
        self.check_shared_labels()
        check_main_metric(self)
        self.check_loss_options(smoothed="binary_cross_entropy", focal="binary_focal")
        loss = loss_of(self)
        if self.options.class_weights is not None and loss not in self.losses:
            key = f"{self.name}.options.class_weights"
            raise ConfigError(f"does not go with loss '{loss}'", key=key, hint=f"Use loss: {self.losses[0]}")
        self._check_columns(definition.label_columns if isinstance(definition.label, list) else [])

    def _check_columns(self, columns: list[str]) -> None:
        """Refuse several label columns that do not say which label each of them is."""
        known = set(columns) & set(self.labels)
        if columns and (len(columns) != len(self.labels) or 0 < len(known) < len(columns)):
            hint = f"Name them like the columns ({', '.join(columns)}), or leave them out"
            raise ConfigError("are not those of the columns", key=f"{self.name}.labels", value=self.labels, hint=hint)
        if columns and self.definition.labels_from is not None:
            message = "does not go with several label columns"
            raise ConfigError(message, key=f"{self.name}.labels_from", value=self.definition.labels_from)

    @property
    def head_spec(self) -> HeadSpec:
        return head_spec_of(
            self.definition, "sequence_classification", len(self.labels), self.labels, self.window_pooling
        )

    @property
    def threshold(self) -> float:
        """The probability above which a label is predicted."""
        given = self.options.threshold
        return self.decoding.get("threshold", 0.5) if given == "tuned" else given

    # Labels ---------------------------------------------------------------------------------------------------

    def signature(self) -> dict[str, Any]:
        """That of all texts and pairs, and whether labels are lists of 0 and 1."""
        return super().signature() | ({"vectors": True} if self.vectors else {})

    def survey(self, rows: datasets.Dataset) -> Survey:
        """What the lists hold; several columns of 0 and 1 say themselves what they are."""
        found = Survey()
        if isinstance(self.definition.label, list):
            return found
        known: set[str] = set()
        for cell in self.label_cells(rows):
            text = repr(cell.value)
            if text not in known:
                self._add(cell, found)
                known.update([text] if len(known) < _KNOWN else [])
            if found.unknown:
                break
        return found

    def _add(self, cell: Seen, found: Survey) -> None:
        items = self._items(cell.value)
        bits = None if items is None else self._bits(items)
        if items is None:
            found.unknown = True
        elif bits is None:
            found.other = found.other or cell
            surveyed(self.names, [Seen(item, cell.row) for item in items], found)
        else:
            found.vector = found.vector or cell
            found.twins = found.twins or (cell if len(set(bits)) < len(bits) else None)

    def judged(self, survey: Survey) -> tuple[Self, str | None]:
        if survey.vector is None:
            return super().judged(survey)
        if survey.twins is None and survey.other is not None:
            # Lists of 0 and 1 are places of two labels, because the column holds shorter lists of them too.
            places = {0: survey.vector, 1: survey.vector} if self.names.numbered else {}
            return super().judged(replace(survey, numbers={**survey.numbers, **places}))
        bits = next((name for name in self.labels if exact_number(name) in (0, 1)), None)
        if survey.other is not None:
            raise self._mixed(survey.vector, survey.other)
        if bits is not None:
            message = f"may be 0 or 1 for each label, or labels that are called '{bits}' and the like"
            hint = "Give the labels other names"
        else:
            other = copy.copy(self)
            other.vectors = True
            return other, None
        raise row_error(message, survey.vector.row, self.label, survey.vector.value, hint)

    def _mixed(self, vector: Seen, other: Seen) -> DataError:
        """The error for a list of 0 and 1 and another list; it is about a row of the column that is read."""
        hint = "Give 0 or 1 for each label in all rows, or names in all rows"
        vectors = "list of 0 and 1 as long as the labels"
        if vector.in_training:
            message = f"is no {vectors}, and the training rows hold such lists, as {shorten(vector.value)}"
            return row_error(message, other.row, self.label, other.value, hint)
        where = "and the training rows hold" if other.in_training else "in a column that holds"
        message = f"is a {vectors}, {where} other lists, such as {shorten(other.value)}"
        return row_error(message, vector.row, self.label, vector.value, hint)

    def label_values(self, rows: Rows) -> list[Any]:
        columns = self.definition.label_columns
        if len(columns) == 1 and isinstance(self.definition.label, str):
            return super().label_values(rows)
        return [list(cells) for cells in zip(*(rows[column] for column in columns), strict=True)]

    def encode_label(self, value: Any, row: int) -> list[int]:
        """0 or 1 for each label.

        The value is a list of names or numbers; or a list of 0 and 1, one for each label, as the whole column or an
        entry that occurs twice shows; or such a list as a text: in JSON, or with the separator between.
        """
        if isinstance(self.definition.label, list):
            return self._of_columns(value, row)
        column = self.label
        items = self._items(value)
        if items is None:
            raise row_error("is not a list of labels", row, column, value, self._list_hint(value))
        bits = self._bits(items)
        if bits is not None and (self.vectors or (self.names.numbered and len(set(bits)) < len(bits))):
            return bits
        if self.vectors:
            message = f"is not a list of 0 and 1 for the {len(self.labels)} labels, as other rows have"
            raise row_error(message, row, column, value)
        chosen = [self.names.find(name) for name in items]
        if None in chosen:
            wrong = items[chosen.index(None)]
            raise row_error("is not one of the task's labels", row, column, wrong, self._hint(wrong))
        return [int(index in chosen) for index in range(len(self.labels))]

    def _of_columns(self, cells: list[Any], row: int) -> list[int]:
        """Each label's 0 or 1, from the column that has its name, or from the column in its place."""
        columns = self.definition.label_columns
        bits = {}
        for column, cell in zip(columns, cells, strict=True):
            bit = bit_of(cell)
            if bit is None:
                raise row_error("is not 0 or 1, false or true", row, column, cell)
            bits[column] = bit
        by_name = set(columns) == set(self.labels)
        return [bits[label] for label in self.labels] if by_name else list(bits.values())

    def _items(self, value: Any) -> list[Any] | None:
        """The entries of a row's list; None if it is none."""
        if isinstance(value, str):
            value = items_of(value, self.options.separator)
        return value if isinstance(value, list) else None

    def _bits(self, items: list[Any]) -> list[int] | None:
        """A list of 0 and 1, one for each label; None for another list."""
        if len(items) != len(self.labels):
            return None
        bits = [bit_of(item) for item in items]
        return None if None in bits else [bit for bit in bits if bit is not None]

    def _list_hint(self, value: Any) -> str:
        """What to write for a value that is no list of labels."""
        if not isinstance(value, Mapping):
            return list_hint(self.label)
        return f"Read its parts as columns: label: [{', '.join(f'{self.label}.{name}' for name in value)}]"

    def _hint(self, wrong: Any) -> str:
        """What may be meant by an unknown label: another label, or part of a label that has the separator in it."""
        hint = did_you_mean(wrong, self.labels)
        separator = self.options.separator
        other = next((sign for sign in _SEPARATORS if sign != separator and self._are_labels(str(wrong), sign)), None)
        if other is not None:
            return f"If it holds several labels, write options: {{separator: '{other}'}}"
        within = next((label for label in self.labels if separator in label), None)
        if within is None:
            return hint
        return (
            f"{hint} Label '{within}' holds the separator '{separator}': in text give a JSON list, "
            "or set options.separator"
        )

    def _are_labels(self, text: str, separator: str) -> bool:
        """Whether a text holds several labels, or a list of 0 and 1, with this separator between them."""
        items = [item for item in text.split(separator) if item.strip()]
        return len(items) > 1 and (self._bits(items) is not None or None not in map(self.names.find, items))

    def criterion(self, logits: Tensor, batch: Batch) -> Tensor:
        """The loss against the gold labels, a scalar: the mean over rows and labels, whatever their weights."""
        labels = batch.targets["labels"]
        weights = self.label_weights(labels.device)
        smoothing = self.options.label_smoothing
        if self.definition.loss == "binary_focal":
            gamma = FOCAL_GAMMA if self.options.gamma is None else self.options.gamma
            return weighted_binary_focal(logits, labels, gamma, weights).mean()
        if weights is None and smoothing == 0:
            return super().criterion(logits, batch)
        soft = labels * (1 - smoothing) + smoothing / 2
        return F.binary_cross_entropy_with_logits(logits.float(), soft, pos_weight=weights)

    def count_each(self, features: datasets.Dataset) -> tuple[Sequence[float], float]:
        """How many rows have each label."""
        return np.asarray(features["labels"][:]).sum(axis=0).tolist(), len(features)

    def balanced_weight(self, count: float, total: float, present: int) -> float:
        """The rows without the label divided by the rows with it; 1 for a label that all rows have."""
        return (total - count) / count if count < total else 1.0

    def probabilities(self, outputs: Outputs) -> np.ndarray:
        """(N, C) float64: the sigmoid of the logits."""
        return _probabilities(outputs)

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
        return [np.asarray(row, dtype=np.int64) for row in features["labels"][:]]

    def describe(self, outputs: Outputs, tokenizer: PreTrainedTokenizerBase) -> list[dict[str, Any]]:
        """The names of the predicted labels, and each label's probability."""
        return [
            {
                "prediction": [label for label, is_set in zip(self.labels, decisions, strict=True) if is_set],
                **{f"p({label})": p for label, p in zip(self.labels, row, strict=True)},
            }
            for decisions, row in zip(self.decode(outputs), _probabilities(outputs).tolist(), strict=True)
        ]

    def how_decoded(self) -> dict[str, Any]:
        return {"kind": "labels", "labels": self.labels, "threshold": self.threshold}

    def costs(self, outputs: Outputs, references: Sequence[np.ndarray]) -> np.ndarray:
        """(N,) float64: the negative log-likelihood of each row's labels, summed over the labels."""
        return costs_of_bits(stack(outputs.logits), np.asarray(references))

    def events(self, outputs: Outputs, references: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Each label of each row: its probability, and whether the row has it."""
        return set_bits(stack(outputs.logits), np.asarray(references))

    def in_words(self, value: np.ndarray) -> str:
        """The names of the labels that are set."""
        return joined([label for label, is_set in zip(self.labels, value, strict=True) if is_set], ", ")

    def label_counts(
        self, predictions: Sequence[np.ndarray], references: Sequence[np.ndarray]
    ) -> Mapping[str, LabelCounts]:
        """Label -> its counts, in the order of the labels."""
        return counts_of_table(self.labels, np.asarray(predictions), np.asarray(references))

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
