"""The roles that a divergence plays in the objective, and the kinds of its one-pass directions."""

from __future__ import annotations

from enum import Enum, StrEnum


class Role(Enum):
    """What a divergence compares a prediction with; the value is the key of a task's YAML that chooses the divergence.

    Attributes:
        ADVERSARIAL: the model's own prediction, without or with a perturbation of the input.
        PROXIMAL: the prediction of an average of earlier weights (MBPP).
        DISTILLATION: a prediction that stays fixed: that of finished runs, or the model's own as a constant.
    """

    ADVERSARIAL = "adv_loss"
    PROXIMAL = "prox_loss"
    DISTILLATION = "kd_loss"


class OnePass(StrEnum):
    """How the direction of a perturbation is taken from the clean pass; the value is that of ``smart.direction``.

    Attributes:
        FISHER: drawn by the divergence's Hessian.
        PREDICTED: away from the model's own decision.
    """

    FISHER = "fisher"
    PREDICTED = "predicted"
