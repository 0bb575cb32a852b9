"""Batches: rows of one task as tensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor


@dataclass
class Batch:
    """Rows of one task.

    Attributes:
        task: the task's name.
        inputs: ``input_ids`` (B, T) int64, ``attention_mask`` (B, T) int64, and what else the encoder takes.
        targets: what the task type's criterion needs, for example ``labels`` (B,); empty without gold labels.
        rows: source row of each of the B rows.
    """

    task: str
    inputs: dict[str, Tensor]
    targets: dict[str, Tensor] = field(default_factory=dict)
    rows: list[int] = field(default_factory=list)

    @property
    def attention_mask(self) -> Tensor:
        """(B, T) int64, 1 on real tokens."""
        return self.inputs["attention_mask"]

    def to(self, device: torch.device) -> Batch:
        """The batch on ``device``; copies from pinned memory do not wait."""

        def move(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
            return {name: tensor.to(device, non_blocking=True) for name, tensor in tensors.items()}

        return Batch(self.task, move(self.inputs), move(self.targets), self.rows)

    def pin_memory(self) -> Batch:
        """The batch in page-locked memory (called by torch's DataLoader)."""
        self.inputs = {name: tensor.pin_memory() for name, tensor in self.inputs.items()}
        self.targets = {name: tensor.pin_memory() for name, tensor in self.targets.items()}
        return self


def pad_inputs(features: Sequence[Mapping[str, Any]], pad_token_id: int) -> dict[str, Tensor]:
    """Pad token sequences on the right to the longest.

    Always on the right, whatever the tokenizer prefers: then positions count from the first token both for token
    ids and for ``inputs_embeds``, in every architecture.

    Args:
        features: B rows with ``input_ids`` and, for encoders that have them, ``token_type_ids``.
        pad_token_id: fills ``input_ids``; the rest is filled with 0.

    Returns:
        tensors (B, T) int64, ``attention_mask`` among them.
    """
    longest = max(len(row["input_ids"]) for row in features)
    names = [name for name in ("input_ids", "token_type_ids") if name in features[0]]
    fill = {"input_ids": pad_token_id, "token_type_ids": 0}
    tensors = {name: torch.full((len(features), longest), fill[name], dtype=torch.int64) for name in names}
    mask = torch.zeros((len(features), longest), dtype=torch.int64)
    for index, row in enumerate(features):
        length = len(row["input_ids"])
        mask[index, :length] = 1
        for name in names:
            tensors[name][index, :length] = torch.as_tensor(row[name], dtype=torch.int64)
    return {**tensors, "attention_mask": mask}
