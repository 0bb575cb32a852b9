"""The two roles that a divergence plays in the objective."""

from __future__ import annotations

from enum import Enum


class Role(Enum):
    """What a divergence compares a prediction with; the value is the key of a task's YAML that chooses the divergence.

    Attributes:
        ADVERSARIAL: the model's own prediction, without or with a perturbation of the input.
        TEACHER: the prediction of a teacher: an average of earlier weights, or a finished run.
    """

    ADVERSARIAL = "adv_loss"
    TEACHER = "kd_loss"
