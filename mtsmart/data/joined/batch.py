"""A batch of rows that several tasks label."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from mtsmart.data.batch import Batch, pad_inputs
from mtsmart.data.loader import Collate


@dataclass
class JoinedBatch(Batch):
    """Rows that several tasks label. Its task is the tasks' names with ``+`` between them; it has no targets itself.

    Attributes:
        members: one batch for each task that labels some of the rows. Its inputs are those of its own rows, with the
            padding of all rows.
        places: for each member, (B_k,) int64: which of the B rows are its own; None where all are.
    """

    members: list[Batch] = field(default_factory=list)
    places: list[Tensor | None] = field(default_factory=list)

    def to(self, device: torch.device) -> JoinedBatch:
        """The batch on ``device``; a copy from pinned memory does not wait for the device."""
        return replace(
            self,
            inputs={name: tensor.to(device, non_blocking=True) for name, tensor in self.inputs.items()},
            members=[member.to(device) for member in self.members],
            places=[None if rows is None else rows.to(device, non_blocking=True) for rows in self.places],
        )

    def pin_memory(self) -> JoinedBatch:
        """The batch in page-locked memory (called by torch's DataLoader)."""
        inputs = {name: tensor.pin_memory() for name, tensor in self.inputs.items()}
        return replace(self, inputs=inputs, members=[member.pin_memory() for member in self.members])


def collate_joined(tokenizer: PreTrainedTokenizerBase, collate: Mapping[str, Collate]) -> Collate:
    """What makes one batch of rows that :class:`JoinedSplit` gives.

    Args:
        tokenizer: pads.
        collate: task -> what makes a batch of its own rows.
    """
    return partial(_collated, tokenizer, dict(collate))


def _collated(
    tokenizer: PreTrainedTokenizerBase,
    collate: Mapping[str, Collate],
    features: list[dict[str, Any]],
    seed: int,
) -> JoinedBatch:
    texts = [next(one for one in row.values() if one is not None) for row in features]
    inputs = pad_inputs(texts, tokenizer)
    members = []
    places: list[Tensor | None] = []
    for task, make in collate.items():
        own = [(place, one) for place, row in enumerate(features) if (one := row[task]) is not None]
        if not own:
            continue
        numbers = torch.tensor([place for place, _ in own])
        member = make([one for _, one in own], seed)
        members.append(replace(member, inputs=rows_of(inputs, numbers), seed=seed))
        places.append(None if len(own) == len(features) else numbers)
    rows = list(range(len(features)))
    return JoinedBatch("+".join(collate), inputs, rows=rows, seed=seed, members=members, places=places)


def rows_of(inputs: Mapping[str, Tensor], rows: Tensor) -> dict[str, Tensor]:
    """Some rows of each tensor."""
    return {name: tensor[rows] for name, tensor in inputs.items()}
