"""Confidence penalty: predictions that are too certain cost something.

Pereyra et al. 2017, "Regularizing Neural Networks by Penalizing Confident Output Distributions", equation 4, in a form
that fits every task type: the divergence of the prediction from that of logits that are all 0.
"""

from __future__ import annotations

import torch
from pydantic import Field

from mtsmart.losses import Role
from mtsmart.regularizers import (
    LARGEST,
    REGULARIZERS,
    CleanPass,
    Figure,
    MethodSettings,
    MethodText,
    Preset,
    Regularizer,
    Term,
)


class ConfidenceSettings(MethodSettings):
    """Complete values."""

    weight: float = Field(ge=0, le=LARGEST, description="factor of the penalty; 0 switches it off")


@REGULARIZERS.register("confidence")
class Confidence(Regularizer[ConfidenceSettings]):
    """Adds ``weight * div(f(x), uniform)``."""

    Settings = ConfidenceSettings
    presets = (Preset("paper", ConfidenceSettings(weight=0.1), "Pereyra et al. 2017, section 4"),)
    per_task = True
    still = None  # the penalty is positive wherever the model prefers a label
    text = MethodText(
        title="Confidence penalty",
        formula="C = div(f(x), uniform)",
        paper="Pereyra et al. 2017, equation 4",
        cost="none",
        use="noisy labels",
        evidence="none",
    )
    figures = (
        Figure("C", "the confidence penalty", "nats", "C is the divergence from the uniform prediction", is_term=True),
    )

    def term(self, clean: CleanPass, settings: ConfidenceSettings) -> Term:
        """The penalty of the clean prediction."""
        uniform = torch.zeros_like(clean.logits)
        value = clean.divergence(clean.logits, uniform, Role.ADVERSARIAL)
        return Term(value, {"C": value.detach()})
