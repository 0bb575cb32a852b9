"""What all task types share whose input is one text or a pair and whose output is one vector a row."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from mtsmart.data.batch import Batch, pad_inputs
from mtsmart.data.encoding import Rows
from mtsmart.errors import DataError
from mtsmart.task_types.base import TaskType


class SequenceTask(TaskType):
    """Logits (B, C); a subclass adds its labels."""

    label_dtype: torch.dtype

    @abstractmethod
    def encode_label(self, value: Any, row: int) -> int | float:
        """A gold value as a number; ``row`` (from 0) is for errors."""

    def signature(self) -> dict[str, Any]:
        definition = self.definition
        return {
            "task_type": definition.task_type,
            "text": definition.text,
            "label": definition.label,
            "labels": definition.labels,
        }

    def encode(self, rows: Rows, tokenizer: PreTrainedTokenizerBase, max_length: int, with_labels: bool) -> Rows:
        columns = [self._texts(rows, column) for column in self.definition.text]
        tokens = tokenizer(
            *columns,
            truncation="longest_first" if len(columns) > 1 else True,
            max_length=max_length,
            return_attention_mask=False,
        )
        encoded: Rows = {name: tokens[name] for name in ("input_ids", "token_type_ids") if name in tokens}
        if with_labels:
            values = zip(rows[self.definition.label], rows["row"], strict=True)
            encoded["labels"] = [self.encode_label(value, row) for value, row in values]
        return encoded

    def _texts(self, rows: Rows, column: str) -> list[str]:
        for value, row in zip(rows[column], rows["row"], strict=True):
            if not isinstance(value, str):
                raise self.row_error("is no text", row, column, value)
        return rows[column]

    def row_error(self, message: str, row: int, column: str, value: Any, hint: str | None = None) -> DataError:
        """A DataError for one source row (from 0)."""
        return DataError(message, file=f"row {row + 1}", key=column, value=value, hint=hint)

    def collate(self, features: Sequence[dict[str, Any]], pad_token_id: int) -> Batch:
        targets = {}
        if "labels" in features[0]:
            targets["labels"] = torch.tensor([row["labels"] for row in features], dtype=self.label_dtype)
        return Batch(self.name, pad_inputs(features, pad_token_id), targets, [row["row"] for row in features])

    def divergence(self, logits: Tensor, target: Tensor, batch: Batch, role: str) -> Tensor:
        return self._divergences[role](logits, target).mean()

    def references(self, batch: Batch) -> list[Any]:
        return batch.targets["labels"].tolist()
