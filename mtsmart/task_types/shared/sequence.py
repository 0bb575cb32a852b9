"""A start for task types whose input is one text or a pair, and whose output is one vector a row."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import datasets
import torch
from transformers import PreTrainedTokenizerBase

from mtsmart.data.batch import Batch
from mtsmart.data.encoding import Rows
from mtsmart.errors import ConfigError
from mtsmart.models.heads import HEADS_OF_PAIRS
from mtsmart.models.heads.windows import WINDOWS
from mtsmart.task_types.interface.distillable import Distillable
from mtsmart.task_types.interface.own_signature import OwnSignature, default_signature
from mtsmart.task_types.shared.rows import texts_of
from mtsmart.task_types.windows.reads_windows import ReadsWindows


class SequenceTask(ReadsWindows, Distillable, OwnSignature):
    """Logits (B, C). A subclass says how labels are read.

    Attributes:
        label_dtype: of the batch's ``targets["labels"]``.
    """

    label_dtype: torch.dtype

    def check(self) -> None:
        super().check()
        if not self._compares_texts:
            return
        kind = self._head_type
        if not self.reads_pairs:
            message = "is for pairs: it needs two text columns"
        elif kind == "san" and self.problem_type == "multi_label_classification":
            message = f"averages over labels of which one is right: it does not go with '{self.definition.task_type}'"
        else:
            return
        raise ConfigError(message, key=f"{self.name}.head.type", value=kind, hint="Use head type native or plain")

    def check_shared_labels(self) -> None:
        """Refuse a shared head whose outputs are not this task's.

        Raises:
            ConfigError: they have other names or another order.
        """
        if self.shared_head is not None and self.shared_head.labels != self.head_spec.labels:
            labels = self.definition.labels
            raise ConfigError("are not those of the shared head", key=f"{self.name}.labels", value=labels)

    @abstractmethod
    def encode_label(self, value: Any, row: int) -> Any:
        """A gold value as a number, or as a list of numbers.

        Args:
            value: as the label column holds it.
            row: the source row, counted from 0, for errors.

        Raises:
            DataError: the value is not a label of this task; the message names the row.
        """

    def label_values(self, rows: Rows) -> list[Any]:
        """Each row's gold value, as ``encode_label`` takes it."""
        return rows[self.label]

    def encode(self, rows: Rows, tokenizer: PreTrainedTokenizerBase, max_length: int, with_labels: bool) -> Rows:
        columns = [texts_of(rows, column) for column in self.definition.text]
        encoded = self.tokenized(columns, tokenizer, max_length, segments=self._compares_texts)
        encoded["row"] = rows["row"]
        if with_labels:
            values = zip(self.label_values(rows), rows["row"], strict=True)
            encoded["labels"] = [self.encode_label(value, row) for value, row in values]
        return encoded

    def signature(self) -> dict[str, Any]:
        """The default, whether the rows say which text each token belongs to, and of windows how they overlap."""
        found = default_signature(self)
        options = {name: value for name, value in found["options"].items() if name != WINDOWS}
        return {**found, "options": options, "segments": self._compares_texts, **self.signature_of_windows}

    def input_signature(self) -> dict[str, Any]:
        """All such task types read a text or a pair in the same way."""
        texts = {"text": self.definition.text, "segments": self._compares_texts}
        return {"input": "sequence", **texts, **self.signature_of_windows}

    def collate(self, features: Sequence[dict[str, Any]], tokenizer: PreTrainedTokenizerBase, seed: int) -> Batch:
        targets = {}
        if "labels" in features[0]:
            targets["labels"] = torch.tensor([row["labels"] for row in features], dtype=self.label_dtype)
        return Batch(self.name, self.padded(features, tokenizer), targets, [row["row"] for row in features])

    def references(self, features: datasets.Dataset) -> list[Any]:
        return list(features["labels"][:])

    def how_read(self, max_length: int) -> dict[str, Any]:
        texts = {"text": self.definition.text, "max_length": max_length}
        if self.windows is None:
            return {"kind": "texts", **texts}
        return {"kind": "windows", **texts, "overlap": self.windows.over(max_length).overlap}

    @property
    def reads_pairs(self) -> bool:
        """Whether the input is a pair of texts."""
        return len(self.definition.text) == 2

    @property
    def _head_type(self) -> str:
        """The type of the head, which may be another task's."""
        return self.definition.head.type if self.shared_head is None else self.shared_head.type

    @property
    def _compares_texts(self) -> bool:
        """Whether the head compares the two texts of a pair."""
        return self._head_type in HEADS_OF_PAIRS
