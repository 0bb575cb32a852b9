"""One forward pass for the tasks of a joined batch: the encoder reads all rows once, and each head its own rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from mtsmart.data.batch import Batch, Share
from mtsmart.data.joined.batch import JoinedBatch
from mtsmart.losses import OnePass, Role
from mtsmart.losses.directions import drawing
from mtsmart.models.dropout import DropoutMasks
from mtsmart.models.multitask import MultiTaskModel
from mtsmart.regularizers.shared.clean_pass import (
    CleanPass,
    Pass,
    differentiate,
    embedded,
    loss_of,
    operations_are_seen,
)
from mtsmart.regularizers.shared.noise import Noise
from mtsmart.task_types import TaskType


@dataclass
class JoinedPass(Pass):
    """The passes of several tasks together. Its logits are those of all tasks one after the other, in one row.

    Attributes:
        members: the clean pass of each task. They do not keep dropout masks, and their embeddings may be a part of all.
        places: for each member, which of the rows are its own; None where all are.
        weights: task -> its factor in the divergence and in the direction.
    """

    members: list[CleanPass]
    places: list[Tensor | None]
    weights: Mapping[str, float]

    def forward(self, inputs_embeds: Tensor) -> Tensor:
        """The logits of all tasks for word embeddings (B, T, H) of all rows, from one pass of the encoder."""
        return _in_one_row(self._logits_of(self.model, inputs_embeds))

    @torch.no_grad()
    def logits_of(self, model: MultiTaskModel) -> list[Tensor]:
        """The logits of each task by another model with the same heads, such as a teacher."""
        return self._logits_of(model, model.embed(self.batch.inputs["input_ids"]))

    def _logits_of(self, model: MultiTaskModel, inputs_embeds: Tensor) -> list[Tensor]:
        tasks = [member.task for member in self.members]
        batches = [member.batch for member in self.members]
        return _all_logits(model, tasks, self.batch, batches, self.places, inputs_embeds)

    def split(self, logits: Tensor) -> Iterator[Tensor]:
        """The logits of each task, in the shape that the task knows."""
        shapes = [member.logits.shape for member in self.members]
        pieces = logits.split([shape.numel() for shape in shapes])
        for piece, shape in zip(pieces, shapes, strict=True):
            yield piece.view(shape)

    def mean_divergence(self, logits: Tensor, target: Tensor, role: Role) -> Tensor:
        """The weighted sum of the tasks' divergences."""
        values = [
            self.weights[member.task.name] * member.batch.scaled(member.mean_divergence(own, other, role), _SHARE)
            for member, own, other in zip(self.members, self.split(logits), self.split(target), strict=True)
        ]
        return torch.stack(values).sum()

    def direction(self, logits: Tensor, kind: OnePass) -> Tensor:
        """The weighted sum of the tasks' directions, each with the random numbers that it has alone."""
        values = []
        for member, own in zip(self.members, self.split(logits), strict=True):
            with drawing(Noise(member.batch, own.device).of_rows):
                direction = member.batch.scaled(member.direction(own, kind), _SHARE)
            values.append(self.weights[member.task.name] * direction)
        return torch.stack(values).sum()


_SHARE = Share.DIVERGENCE


def joined_pass(
    model: MultiTaskModel,
    tasks: Mapping[str, TaskType],
    batch: JoinedBatch,
    *,
    keep_masks: bool,
    differentiate_inputs: bool,
    weights: Mapping[str, float],
    scales: Mapping[str, float],
) -> JoinedPass:
    """Embed and encode all rows once, and compute each task's logits and loss.

    Args:
        model: in training or evaluation mode, as the caller wants it.
        tasks: by name.
        batch: on the model's device.
        keep_masks: whether a later pass of all tasks will replay the dropout masks of this one.
        differentiate_inputs: whether the gradient of the word embeddings may be asked for.
        weights: task -> its factor in the divergence.
        scales: task -> as ``scale`` of :func:`mtsmart.regularizers.clean_pass`.
    """
    inputs_embeds = embedded(model, batch, differentiate_inputs)
    masks = DropoutMasks(inputs_embeds.device, seen=operations_are_seen(model), keep=keep_masks)
    types = [tasks[member.task] for member in batch.members]
    with masks.recorded():
        found = _all_logits(model, types, batch, batch.members, batch.places, inputs_embeds)
    members = []
    for member, rows, task, logits in zip(batch.members, batch.places, types, found, strict=True):
        own = _rows(inputs_embeds, rows)
        loss = loss_of(task, logits, member)
        backward = partial(differentiate, scales[task.name])
        members.append(CleanPass(model, member, own, logits, masks.not_kept(), task, loss, backward))
    return JoinedPass(model, batch, inputs_embeds, _in_one_row(found), masks, members, batch.places, weights)


def _all_logits(
    model: MultiTaskModel,
    tasks: Sequence[TaskType],
    whole: Batch,
    batches: Sequence[Batch],
    places: Sequence[Tensor | None],
    inputs_embeds: Tensor,
) -> list[Tensor]:
    outputs = model.encoder(inputs_embeds, whole.inputs)
    return [
        task.adapt(model.logits(task.head_name, _rows_of(outputs, rows), batch.inputs), batch)
        for task, batch, rows in zip(tasks, batches, places, strict=True)
    ]


def _rows_of(outputs: Any, rows: Tensor | None) -> Any:
    """Some rows of a Hugging Face model output."""
    if rows is None:
        return outputs
    return type(outputs)(**{name: _rows(value, rows) for name, value in outputs.items()})


def _rows(value: Any, rows: Tensor | None) -> Any:
    return value[rows] if rows is not None and isinstance(value, Tensor) else value


def _in_one_row(logits: Sequence[Tensor]) -> Tensor:
    return torch.cat([one.flatten() for one in logits])
