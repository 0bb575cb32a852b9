"""What all task types share whose input is one text or a pair and whose output is one vector a row."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import datasets
import torch
from transformers import PreTrainedTokenizerBase

from mtsmart.data.batch import Batch, pad, pad_inputs
from mtsmart.data.encoding import Rows
from mtsmart.data.tokenizing import tokenize
from mtsmart.errors import ConfigError
from mtsmart.task_types.base import TaskType


class SequenceTask(TaskType):
    """Logits (B, C); a subclass adds its labels."""

    label_dtype: torch.dtype

    def check(self) -> None:
        super().check()
        if self.head_type == "san":
            self._check_san()

    def _check_san(self) -> None:
        if len(self.definition.text) != 2:
            message = "is for pairs: it needs two text columns"
        elif self.problem_type == "multi_label_classification":
            message = f"averages which one label is right: it does not go with '{self.definition.task_type}'"
        else:
            return
        raise ConfigError(message, key=f"{self.name}.head.type", value="san", hint="Use head type native or plain")

    def check_shared_labels(self) -> None:
        """Refuse a shared head whose outputs are not this task's.

        Raises:
            ConfigError: they have other names or another order.
        """
        if self.shared is not None and self.shared.labels != self.head_spec.labels:
            labels = self.definition.labels
            raise ConfigError("are not those of the shared head", key=f"{self.name}.labels", value=labels)

    @abstractmethod
    def encode_label(self, value: Any, row: int) -> Any:
        """A gold value as a number, or a list of numbers; ``row`` (from 0) is for errors."""

    def encode(self, rows: Rows, tokenizer: PreTrainedTokenizerBase, max_length: int, with_labels: bool) -> Rows:
        columns = [self.texts(rows, column) for column in self.definition.text]
        encoded = tokenize(columns, tokenizer, max_length, segments=self.head_type == "san")
        encoded["row"] = rows["row"]
        if with_labels:
            values = zip(rows[self.definition.label], rows["row"], strict=True)
            encoded["labels"] = [self.encode_label(value, row) for value, row in values]
        return encoded

    def signature(self) -> dict[str, Any]:
        return {**super().signature(), "segments": self.head_type == "san"}

    def input_signature(self) -> dict[str, Any]:
        return {"input": "sequence", "text": self.definition.text, "segments": self.head_type == "san"}

    def collate(self, features: Sequence[dict[str, Any]], tokenizer: PreTrainedTokenizerBase, seed: int) -> Batch:
        targets = {}
        if "labels" in features[0]:
            targets["labels"] = torch.tensor([row["labels"] for row in features], dtype=self.label_dtype)
        inputs = pad_inputs(features, tokenizer)
        if "segments" in features[0]:
            inputs["segments"] = pad([row["segments"] for row in features], 0, tokenizer.padding_side)
        return Batch(self.name, inputs, targets, [row["row"] for row in features])

    def references(self, features: datasets.Dataset) -> list[Any]:
        return list(features["labels"])
