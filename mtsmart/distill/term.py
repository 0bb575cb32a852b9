"""Distillation: predictions of finished runs are a second target beside the gold labels.

Hinton, Vinyals and Dean 2015, "Distilling the Knowledge in a Neural Network", section 2. A temperature T softens both
sides. The term is multiplied by T^2, because its gradients shrink as 1 / T^2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from mtsmart.losses import Role
from mtsmart.regularizers import (
    REGULARIZERS,
    Alarm,
    Figure,
    MethodSettings,
    MethodText,
    Regularizer,
    Term,
    has_first_defaults,
)

if TYPE_CHECKING:  # torch is imported where it is used: the tables of sweeps read this file without it
    from torch import Tensor

    from mtsmart.regularizers import CleanPass

TEACHER = "teacher"
"""The key of the teachers' logits in a batch's targets. They have the shape of the task's adapted logits."""


class DistillSettings(MethodSettings):
    """Learn from finished runs: their predictions for the training rows, computed once, are a second target."""

    weight: float = Field(
        0.5, ge=0, le=1, description="the weight of the teachers' term; the gold loss gets 1 - weight; 0: off"
    )
    teachers: list[str] = Field(
        min_length=1, description="the folders of the runs, or hub:owner/name; several form an ensemble"
    )
    # Candidates that do not exist have the logit -1e4. A temperature above 100 would give them a probability.
    temperature: float = Field(2.0, gt=0, le=100, description="it softens both sides; it has no effect on regression")
    tasks: list[str] | None = Field(
        None,
        min_length=1,
        description="null: all tasks for which every teacher has a head and whose type can be distilled",
    )


@REGULARIZERS.register("distill")
class Distill(Regularizer[DistillSettings]):
    """Makes a batch's loss ``(1 - weight) * L + weight * T^2 * div(student / T, teacher / T)``.

    The loss of batches without teachers' logits does not change. Task types without a temperature (regression) use
    T = 1.
    """

    Settings = DistillSettings
    order = 30
    without_labels = True
    counts_when_off = True
    paths = ("teachers",)
    goes_on = False
    text = MethodText(
        title="Distillation",
        formula="(1 - w) L + w T^2 div(f(x) / T, teachers / T)",
        paper="Hinton, Vinyals and Dean 2015, Distilling the Knowledge in a Neural Network, section 2",
        cost="none while training: the teachers' predictions are computed once and kept in files",
        use="a smaller encoder that should do what a larger one does, or an ensemble in one model",
        evidence="not compared in experiments/evidence",
    )
    figures = (
        Figure(
            "KD",
            "the distillation term",
            "nats times T^2; squared label units for regression",
            "KD is the divergence from the teachers' predictions with its factor T^2",
            is_term=True,
            alarm=Alarm(10.0, "lower its weight, or look at whether the teachers know this task"),
        ),
    )

    @classmethod
    def gold_share(cls, settings: DistillSettings, task: str) -> float:
        """The teachers' term takes the place of the gold loss in the tasks that they teach."""
        return settings.weight if settings.tasks is None or task in settings.tasks else 0.0

    def term(self, clean: CleanPass, settings: DistillSettings) -> Term | None:
        """KD minus the gold loss, because the weight of KD is taken from the gold loss."""
        from mtsmart.task_types.interface.distillable import Distillable

        target = clean.batch.targets.get(TEACHER)
        if target is None:
            return None
        t = settings.temperature if isinstance(clean.task, Distillable) and clean.task.tempered else 1.0
        kd = t**2 * clean.divergence(clean.logits / t, target / t, Role.DISTILLATION)
        return Term(kd - clean.loss, {"KD": kd.detach()})

    def load_state(self, state: dict[str, Any], tensors: dict[str, Tensor]) -> None:
        """Continue with the divergences that the run began with."""
        from mtsmart.task_types.interface.base import keep_first_divergences

        super().load_state(state, tensors)
        if has_first_defaults(state):
            keep_first_divergences(self.context.tasks.values(), Role.DISTILLATION)

    @classmethod
    def summary(cls, settings: DistillSettings) -> str:
        """The weight, the temperature and the teachers."""
        teachers = ", ".join(f"`{teacher}`" for teacher in settings.teachers)
        return f"weight {settings.weight:g}, temperature {settings.temperature:g}, taught by {teachers}"
