"""The unperturbed forward pass of a batch. Training, tests and benchmarks make it with the same function."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from mtsmart.data.batch import Batch, Share
from mtsmart.losses import OnePass, Role
from mtsmart.models.dropout import DropoutMasks
from mtsmart.models.multitask import MultiTaskModel
from mtsmart.registry import form_of, wrong_result
from mtsmart.task_types import TaskType


@dataclass
class Pass(ABC):
    """A forward pass without perturbation, as far as the search for a perturbation needs it.

    Attributes:
        model: the student.
        batch: what the encoder reads.
        inputs_embeds: (B, T, H) word embeddings, part of the graph. Where they are frozen, they are so only if a
            term needs their gradient.
        logits: the logits, part of the graph.
        masks: the dropout masks of this pass.
    """

    model: MultiTaskModel
    batch: Batch
    inputs_embeds: Tensor
    logits: Tensor
    masks: DropoutMasks

    @property
    def trained_embeds(self) -> Tensor:
        """``inputs_embeds`` for a further pass of the loss: a constant where the word embeddings are frozen.

        Where they are, only a direction needs their gradient, so further passes build no graph for it.
        """
        return self.inputs_embeds.detach() if self.inputs_embeds.is_leaf else self.inputs_embeds

    @abstractmethod
    def forward(self, inputs_embeds: Tensor) -> Tensor:
        """The student's logits for word embeddings (B, T, H), with dropout masks of their own."""

    @abstractmethod
    def mean_divergence(self, logits: Tensor, target: Tensor, role: Role) -> Tensor:
        """The mean of the divergence over what this process has of the batch, a scalar."""

    @abstractmethod
    def direction(self, logits: Tensor, kind: OnePass) -> Tensor:
        """A scalar whose gradient in the embeddings is a direction in which the divergence grows."""


@dataclass
class CleanPass(Pass):
    """What the clean pass of a batch gives to regularisers.

    Attributes:
        task: the batch's task.
        loss: the task's loss against gold labels, a scalar, part of the graph. For a part of a batch it is that part's
            share. It is 0 for a batch without gold labels.
        backward: adds the gradients of a scalar to the student's at once. For methods that need several backward
            passes in an update. They return the last term instead of calling this.
    """

    task: TaskType
    loss: Tensor
    backward: Callable[[Tensor], None]

    @property
    def is_labelled(self) -> bool:
        """Whether the batch has gold labels."""
        return is_labelled(self.task, self.batch)

    def forward(self, inputs_embeds: Tensor) -> Tensor:
        """The student's logits for word embeddings (B, T, H), with dropout masks of their own."""
        return task_logits(self.model, self.task, self.batch, inputs_embeds)

    def criterion(self, logits: Tensor) -> Tensor:
        """The loss of other logits against the gold labels, a scalar scaled as ``loss`` is; 0 without labels."""
        return loss_of(self.task, logits, self.batch)

    def mean_divergence(self, logits: Tensor, target: Tensor, role: Role) -> Tensor:
        """The task's own mean."""
        return self.task.divergence(logits, target, self.batch, role)

    def divergence(self, logits: Tensor, target: Tensor, role: Role) -> Tensor:
        """The task's divergence, a scalar: the batch's own mean, or a part's share in that of the whole batch."""
        return self.batch.scaled(self.mean_divergence(logits, target, role), Share.DIVERGENCE)

    def direction(self, logits: Tensor, kind: OnePass) -> Tensor:
        """The task's own direction."""
        return self.task.direction(logits, logits.detach(), self.batch, kind)


def clean_pass(
    model: MultiTaskModel,
    task: TaskType,
    batch: Batch,
    *,
    keep_masks: bool = True,
    differentiate_inputs: bool = True,
    scale: float = 1.0,
) -> CleanPass:
    """Embed, encode, head and criterion of a batch.

    Args:
        model: in training or evaluation mode, as the caller wants it.
        task: the batch's task.
        batch: on the model's device.
        keep_masks: whether a later pass will replay the dropout masks of this one.
        differentiate_inputs: whether a regulariser may ask for the gradient of the word embeddings. That goes through
            the encoder, also where it is frozen.
        scale: factor of what ``CleanPass.backward`` differentiates: the task's weight over the batches of an update.
    """
    inputs_embeds = embedded(model, batch, differentiate_inputs)
    masks = DropoutMasks(inputs_embeds.device, seen=operations_are_seen(model), keep=keep_masks)
    with masks.recorded():
        logits = task_logits(model, task, batch, inputs_embeds)
    loss = loss_of(task, logits, batch)
    return CleanPass(model, batch, inputs_embeds, logits, masks, task, loss, partial(differentiate, scale))


def embedded(model: MultiTaskModel, batch: Batch, in_graph: bool) -> Tensor:
    """Word embeddings (B, T, H); ``in_graph``: their gradient may be asked for, also where they are frozen."""
    inputs_embeds = model.embed(batch.inputs["input_ids"])
    if in_graph and not inputs_embeds.requires_grad:  # because the word embeddings are frozen
        inputs_embeds.requires_grad_()
    return inputs_embeds


def loss_of(task: TaskType, logits: Tensor, batch: Batch) -> Tensor:
    """The criterion against the batch's gold labels, a scalar; 0 without gold labels."""
    if not is_labelled(task, batch):
        return logits.sum() * 0.0
    loss: Any = task.criterion(logits, batch)
    if not isinstance(loss, Tensor) or loss.numel() != 1:
        hint = "It must give the mean over what counts in the batch, one number in a tensor"
        raise wrong_result(type(task), f"gives what is {form_of(loss)}", hint, hook="criterion", task=task.name)
    return batch.scaled(loss, Share.CRITERION)


def is_labelled(task: TaskType, batch: Batch) -> bool:
    """Whether a batch has gold labels; predictions of a teacher are none."""
    return task.definition.has_labels and bool(batch.targets)


def task_logits(model: MultiTaskModel, task: TaskType, batch: Batch, inputs_embeds: Tensor) -> Tensor:
    """The task's logits of a model for word embeddings (B, T, H)."""
    return task.adapt(model(task.head_name, inputs_embeds, batch.inputs), batch)


def differentiate(scale: float, loss: Tensor) -> None:
    """Add the gradients of ``scale * loss`` to those of the parameters, and keep the graph."""
    # A backward pass has the dtypes of its forward pass. Under autocast it would round once more what is float32.
    with torch.autocast(loss.device.type, enabled=False):
        # The word embeddings are also in the graph of the clean pass, so that must stay. What belongs to the loss alone
        # is freed when the method drops it.
        (scale * loss).backward(retain_graph=True)


def operations_are_seen(model: MultiTaskModel) -> bool:
    """Whether each operation of a forward pass can be watched as it runs, which replaying masks on a CPU needs."""
    encoder = model.encoder
    return model.device.type == "cpu" and not (encoder.recomputes or encoder.compiled)
