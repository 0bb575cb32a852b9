"""The whole objective as one module: loss = w_k * (L_k + lambda_k R_k + mu D_k) for a batch of task k."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import torch
from torch import Tensor, nn

from mtsmart.data.batch import Batch
from mtsmart.models.dropout import DropoutMasks
from mtsmart.models.multitask import MultiTaskModel
from mtsmart.regularizers import CleanPass, Regularizer
from mtsmart.task_types.base import TaskType


class TrainStep(nn.Module):
    """Embed, encode, head, criterion, and every regulariser, in one forward.

    One module, because DDP allows several forwards in one step only inside the module that it wraps.

    Args:
        model: the student.
        tasks: task name -> task type.
        regularizers: what is added to each batch's loss.
    """

    def __init__(
        self, model: MultiTaskModel, tasks: Mapping[str, TaskType], regularizers: Mapping[str, Regularizer]
    ) -> None:
        super().__init__()
        self.model, self.tasks, self.regularizers = model, dict(tasks), dict(regularizers)

    def forward(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        """The objective of one batch.

        Returns:
            the loss to differentiate (a scalar), and detached scalars to log: ``loss`` (the task's own) and what
            the regularisers report.
        """
        task = self.tasks[batch.task]
        inputs_embeds = self.model.embed(batch.inputs["input_ids"])
        if not inputs_embeds.requires_grad:  # frozen word embeddings; SMART asks for their gradient all the same
            inputs_embeds.requires_grad_()
        masks = DropoutMasks(inputs_embeds.device, self._operations_are_seen(inputs_embeds.device))
        forward = partial(self._logits, task, batch)
        with masks.recorded():
            logits = forward(inputs_embeds)
        loss = batch.scaled(task.criterion(logits, batch), "criterion")
        figures = {"loss": loss.detach()}
        clean = CleanPass(task, batch, inputs_embeds, logits, loss, forward, masks)
        for regularizer in self.regularizers.values():
            term = regularizer.loss(clean)
            if term is not None:
                loss = loss + term[0]
                figures.update(term[1])
        return task.definition.weight * loss, figures

    def _operations_are_seen(self, device: torch.device) -> bool:
        encoder = self.model.encoder
        return device.type == "cpu" and not (encoder.recomputes or encoder.compiled)

    def _logits(self, task: TaskType, batch: Batch, inputs_embeds: Tensor) -> Tensor:
        return task.adapt(self.model(task.head_name, inputs_embeds, batch.inputs), batch)
