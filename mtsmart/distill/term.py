"""Distillation: predictions of finished runs as a second target beside the gold labels.

Hinton, Vinyals and Dean 2015, "Distilling the Knowledge in a Neural Network", section 2: both sides are softened by a
temperature T, and the term is multiplied by T^2, because its gradients shrink as 1 / T^2.
"""

from __future__ import annotations

from torch import Tensor

from mtsmart.regularizers import REGULARIZERS, CleanPass, Regularizer, Setting

TEACHER = "teacher"
"""Where a batch's targets hold the teachers' logits, in the form of the task's adapted logits."""


class DistillationRegularizer(Regularizer):
    """Makes a batch's loss ``(1 - weight) * L + weight * T^2 * div(student / T, teacher / T)``.

    Batches without teachers' logits are left alone. Task types without a temperature (regression) have T = 1.

    Args:
        weight: from 0 (gold labels alone) to 1 (teachers alone).
        temperature: T.
    """

    def __init__(self, weight: float, temperature: float) -> None:
        self.weight, self.temperature = weight, temperature

    def loss(self, clean: CleanPass) -> tuple[Tensor, dict[str, Tensor]] | None:
        """See :class:`Regularizer`; the figure is ``KD``, the divergence with its factor T^2."""
        target = clean.batch.targets.get(TEACHER)
        if target is None:
            return None
        t = self.temperature if clean.task.tempered else 1.0
        kd = t**2 * clean.divergence(clean.logits / t, target / t, "kd_loss")
        return self.weight * (kd - clean.loss), {"KD": kd.detach()}


@REGULARIZERS.register("distillation")
def _distillation(setting: Setting) -> Regularizer | None:
    config = setting.config.distill
    if config is None or config.weight == 0:
        return None
    return DistillationRegularizer(config.weight, config.temperature)
