"""Batches: rows of one task as tensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase


class Share(Enum):
    """What a mean over a batch is of; these may count different values, for example of tokens.

    Attributes:
        CRITERION: what the task's loss is a mean of.
        DIVERGENCE: what the task's divergence is a mean of.
        SEQUENCES: token sequences, the B of (B, T, H).
    """

    CRITERION = "criterion"
    DIVERGENCE = "divergence"
    SEQUENCES = "sequences"


@dataclass(frozen=True)
class Part:
    """Which part of a batch this is, where several processes share its work.

    Attributes:
        rows: the number of the part's first row in the whole batch, and the number of rows of the whole batch.
        sequences: the same for token sequences.
        shares: the factor of a mean over the part. With it, the mean over the processes is the mean over the whole
            batch.
    """

    rows: tuple[int, int]
    sequences: tuple[int, int]
    shares: Mapping[Share, float]


@dataclass
class Batch:
    """Rows of one task.

    Attributes:
        task: the task's name.
        inputs: ``input_ids`` (B, T) int64, ``attention_mask`` (B, T) int64, and what else the encoder takes.
        targets: what the task type's criterion needs, for example ``labels`` (B,); empty without gold labels.
        rows: source row of each of the B rows.
        layout: what the task type needs to read the logits, with or without gold labels: which positions count,
            which rows belong together.
        seed: for random numbers of this batch alone; they are the same in every process.
        part: None for a whole batch.
    """

    task: str
    inputs: dict[str, Tensor]
    targets: dict[str, Tensor] = field(default_factory=dict)
    rows: list[int] = field(default_factory=list)
    layout: dict[str, Tensor] = field(default_factory=dict)
    seed: int = 0
    part: Part | None = None

    @property
    def whole_size(self) -> int:
        """Rows of the whole batch."""
        return len(self.rows) if self.part is None else self.part.rows[1]

    def scaled(self, mean: Tensor, share: Share) -> Tensor:
        """A mean over this part, scaled so that the mean over the processes is the mean over the whole batch.

        Args:
            mean: a scalar.
            share: what the mean is of.
        """
        return mean if self.part is None else self.part.shares[share] * mean

    def take(self, rows: slice, sequences: slice) -> Batch:
        """Some of the rows: ``sequences`` selects from ``inputs``, ``rows`` from everything else."""
        inputs = {name: tensor[sequences] for name, tensor in self.inputs.items()}
        targets = {name: tensor[rows] for name, tensor in self.targets.items()}
        layout = {name: tensor[rows] for name, tensor in self.layout.items()}
        return replace(self, inputs=inputs, targets=targets, rows=self.rows[rows], layout=layout)

    @property
    def attention_mask(self) -> Tensor:
        """(B, T) int64, 1 on real tokens."""
        return self.inputs["attention_mask"]

    def to(self, device: torch.device) -> Batch:
        """The batch on ``device``; a copy from pinned memory does not wait for the device."""

        def move(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
            return {name: tensor.to(device, non_blocking=True) for name, tensor in tensors.items()}

        return replace(self, inputs=move(self.inputs), targets=move(self.targets), layout=move(self.layout))

    def pin_memory(self) -> Batch:
        """The batch in page-locked memory (called by torch's DataLoader)."""
        for tensors in (self.inputs, self.targets, self.layout):
            tensors.update({name: tensor.pin_memory() for name, tensor in tensors.items()})
        return self


def pad_inputs(features: Sequence[Mapping[str, Any]], tokenizer: PreTrainedTokenizerBase) -> dict[str, Tensor]:
    """Pad token sequences to the longest, on the side that the tokenizer states (``load_encoder`` sets it).

    Args:
        features: B rows with ``input_ids`` and, where there are such, ``token_type_ids`` and ``segments``.
        tokenizer: gives the padding token and side.

    Returns:
        tensors (B, T) int64, ``attention_mask`` among them.
    """
    fill = {"input_ids": tokenizer.pad_token_id, "token_type_ids": 0, "segments": 0}
    padded = {
        name: pad([row[name] for row in features], fill[name], tokenizer.padding_side)
        for name in fill
        if name in features[0]
    }
    ones = [[1] * len(row["input_ids"]) for row in features]
    return {**padded, "attention_mask": pad(ones, 0, tokenizer.padding_side)}


def pad(sequences: Sequence[Sequence[int]], value: int, side: str) -> Tensor:
    """B sequences as one tensor (B, T) int64, filled up with ``value`` on the ``left`` or ``right``."""
    longest = max(map(len, sequences))
    padded = torch.full((len(sequences), longest), value, dtype=torch.int64)
    for index, sequence in enumerate(sequences):
        start = longest - len(sequence) if side == "left" else 0
        padded[index, start : start + len(sequence)] = torch.as_tensor(sequence, dtype=torch.int64)
    return padded
