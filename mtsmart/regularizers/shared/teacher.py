"""A teacher that follows the student slowly: a moving average of its weights."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.optim.swa_utils import get_ema_multi_avg_fn

from mtsmart.data.batch import Batch
from mtsmart.models.multitask import MultiTaskModel
from mtsmart.models.weights import frozen, load_state, state_of, teacher_of, trained
from mtsmart.regularizers.shared.clean_pass import task_logits
from mtsmart.task_types import TaskType


class MovingAverage:
    """A copy of the student in evaluation mode. It gets no gradient and moves only by ``follow``.

    What is frozen in the student is shared and not copied: it is neither averaged nor stored.

    Args:
        student: the teacher starts as its copy.
    """

    def __init__(self, student: MultiTaskModel) -> None:
        self.model = teacher_of(student)
        if student.encoder.compiled:  # a copy is not compiled
            self.model.encoder.compile_shapes(student.encoder.compiled)
        self._shared = list(frozen(student).values())
        copies = dict(self.model.named_parameters())
        self._tensors = [copies[name] for name in trained(student)]

    @torch.no_grad()
    def logits(self, task: TaskType, batch: Batch) -> Tensor:
        """The teacher's logits for a batch."""
        return task_logits(self.model, task, batch, self.model.embed(batch.inputs["input_ids"]))

    @torch.no_grad()
    def follow(self, student: MultiTaskModel, beta: float) -> None:
        """teacher <- (1 - beta) student + beta teacher."""
        # The function of torch's AveragedModel without AveragedModel itself: that one copies the weights at its
        # first call instead of averaging, and reads a counter from the device at every call.
        get_ema_multi_avg_fn(beta)(self._tensors, list(trained(student).values()), None)

    @torch.no_grad()
    def distance(self, student: MultiTaskModel) -> float:
        """||theta - teacher|| / ||theta|| of the trained weights theta; waits for the device."""
        pairs = list(zip(trained(student).values(), self._tensors, strict=True))
        difference = torch.stack([(theta - teacher).norm() for theta, teacher in pairs]).norm()
        return float(difference / torch.stack([theta.norm() for theta, _ in pairs]).norm())

    def copy(self, student: MultiTaskModel) -> None:
        """Become what the student is now."""
        load_state(self.model, state_of(student), self._shared)

    @torch.no_grad()
    def replace(self, tensors: Mapping[str, Tensor]) -> None:
        """Take these tensors of the student, by their names in it. All others stay as they are."""
        for name, own in self.model.state_dict(keep_vars=True).items():
            if name in tensors:
                own.copy_(tensors[name])

    def tensors(self) -> dict[str, Tensor]:
        """The weights, for a resume point."""
        return state_of(self.model, self._shared)

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Take the weights of a resume point."""
        load_state(self.model, tensors, self._shared)
