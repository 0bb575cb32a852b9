"""MBPP: momentum Bregman proximal point, one slowly moving teacher for all tasks.

Jiang et al. 2020, equations 4 to 6 and algorithm 1: each batch adds mu * div(f(x; theta), f(x; teacher)), and the
teacher follows by teacher <- (1 - beta) theta + beta teacher once every S updates.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.optim.swa_utils import get_ema_multi_avg_fn

from mtsmart.config.regularization import Mbpp
from mtsmart.models.files import load_state, state_of
from mtsmart.models.multitask import MultiTaskModel
from mtsmart.regularizers.base import CleanPass, Regularizer, is_due


class MbppRegularizer(Regularizer):
    """Adds ``weight * div(f(x; theta), f(x; teacher))``; the teacher is in evaluation mode and gets no gradient.

    Args:
        model: the student; the teacher starts as its copy.
        config: complete settings.
        total_updates: length of training, of which ``early`` is a share.
    """

    def __init__(self, model: MultiTaskModel, config: Mbpp, total_updates: int) -> None:
        self.config, self.total_updates, self.updates = config, total_updates, 0
        self.teacher = copy.deepcopy(model).eval().requires_grad_(False)
        if model.encoder.compiled:  # which a copy is not
            self.teacher.encoder.compile_shapes(model.encoder.compiled)
        self._teacher_tensors = list(self.teacher.parameters())

    def beta(self) -> float:
        """Momentum of the teacher at the present update."""
        early = self.updates <= self.config.early * self.total_updates
        return self.config.early_beta if early else self.config.beta

    def loss(self, clean: CleanPass) -> tuple[Tensor, dict[str, Tensor]] | None:
        """See :class:`Regularizer`."""
        if not is_due(self.updates, self.config.every):
            return None
        with torch.no_grad():
            inputs = clean.batch.inputs
            inputs_embeds = self.teacher.embed(inputs["input_ids"])
            target = clean.task.adapt(self.teacher(clean.task.head_name, inputs_embeds, inputs), clean.batch)
        term = clean.divergence(clean.logits, target, "kd_loss")
        return self.config.every * self.config.weight * term, {"D": term.detach()}

    def start(self, model: MultiTaskModel, updates: int) -> None:
        """The teacher is a copy of the present student."""
        load_state(self.teacher, state_of(model))
        self.updates = updates

    @torch.no_grad()
    def after_update(self, model: Callable[[], MultiTaskModel]) -> None:
        """Move the teacher when S updates have passed."""
        self.updates += 1
        if self.updates % self.config.inner_steps:
            return
        # The foreach function of AveragedModel, without AveragedModel itself: that one copies the weights at its
        # first call instead of averaging, and reads a counter from the device at every call.
        get_ema_multi_avg_fn(self.beta())(self._teacher_tensors, list(model().parameters()), None)

    @torch.no_grad()
    def measure(self, model: MultiTaskModel) -> dict[str, float]:
        """``teacher_distance``: ||theta - teacher|| / ||theta||."""
        pairs = list(zip(model.parameters(), self._teacher_tensors, strict=True))
        difference = torch.stack([(theta - teacher).norm() for theta, teacher in pairs]).norm()
        return {"teacher_distance": float(difference / torch.stack([theta.norm() for theta, _ in pairs]).norm())}

    def tensors(self) -> dict[str, Tensor]:
        """The teacher's weights."""
        return state_of(self.teacher)

    def state_dict(self) -> dict[str, Any]:
        """How many updates the teacher has seen."""
        return {"updates": self.updates}

    def load_state(self, state: dict[str, Any], tensors: dict[str, Tensor]) -> None:
        """Continue with the teacher of a checkpoint."""
        self.updates = int(state["updates"])
        load_state(self.teacher, tensors)
