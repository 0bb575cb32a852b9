"""VAT: the prediction must stay that of the clean input where the input moves in the worst direction.

Miyato et al. 2018, "Virtual Adversarial Training: A Regularization Method for Supervised and Semi-Supervised Learning",
equations 5 to 8 and section 3.3: KL(f(x) || f(x + r)) with a constant f(x), and r of length epsilon along the direction
that power iteration finds. It needs no labels. Miyato et al. 2017, "Adversarial Training Methods for Semi-Supervised
Text Classification", perturb the word embeddings of a whole text, as here.
"""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from mtsmart.losses import Role
from mtsmart.regularizers import (
    LARGEST,
    REGULARIZERS,
    Alarm,
    Figure,
    Idle,
    InputRegularizer,
    MethodSettings,
    MethodText,
    Preset,
    Reach,
    Term,
)

if TYPE_CHECKING:  # torch is imported where it is used: the tables of sweeps read this file without it
    from torch import Tensor

    from mtsmart.regularizers import CleanPass


class VatSettings(MethodSettings):
    """Complete values. Lengths are l2 norms over all tokens of a text."""

    weight: float = Field(ge=0, le=LARGEST, description="alpha: factor of the divergence; 0 switches the method off")
    epsilon: float = Field(ge=0, le=LARGEST, description="length of the perturbation, in epsilon_unit")
    epsilon_unit: Literal["relative", "token", "absolute"] = Field(
        description="unit of epsilon and xi: times the RMS of all word embeddings; times that of the text's own "
        "tokens; or as they are"
    )
    xi: float = Field(gt=0, le=LARGEST, description="length at which the direction's gradient is taken")
    steps: int = Field(ge=0, le=16, description="K: power iterations; 0 leaves a random direction")
    dropout: Literal["shared", "independent", "off"] = Field(
        description="masks of the perturbed passes: the clean pass's, new ones, or none in both predictions"
    )
    every: int = Field(ge=1, description="add the term on every n-th update only, with n times the weight")

    scope: ClassVar[str] = "sentence"

    @property
    def replaced(self) -> dict[str, str]:
        """Without steps no gradient is taken."""
        return {"xi": "steps=0"} if self.steps == 0 else {}


# Miyato et al. 2017 perturb embeddings that have variance 1, which is what lengths relative to the RMS mean.
_PAPER = VatSettings(weight=1.0, epsilon=5.0, epsilon_unit="relative", xi=0.1, steps=1, dropout="shared", every=1)


@REGULARIZERS.register("vat")
class Vat(InputRegularizer[VatSettings]):
    """Adds ``weight * KL(f(x) || f(x + r))``, where f(x) is a constant."""

    Settings = VatSettings
    presets = (
        Preset("paper", _PAPER, "Miyato et al. 2017, section 4, and the released code's xi; K and alpha of 2018"),
    )
    per_task = True
    order = 14
    without_labels = True
    still = MappingProxyType({"epsilon": 0.0})
    text = MethodText(
        title="VAT",
        formula="KL(f(x) || f(x + r)), ||r|| = epsilon over a text, r along the gradient of the divergence; "
        "f(x) is a constant",
        paper="Miyato et al. 2018, virtual adversarial training, equations 5 to 8",
        cost="1 forward pass, which is also differentiated; for each of the K steps 1 forward pass, and 1 backward "
        "pass to the embeddings",
        use="few labelled and many unlabelled texts of a task (`label: null`)",
        evidence="no significant gain on the four small tasks of experiments/methods",
    )
    figures = (
        Figure(
            "vat",
            "VAT's term",
            "nats; squared label units for regression",
            "vat is VAT's divergence of the perturbed from the clean prediction, without its weight",
            is_term=True,
            alarm=Alarm(1.0, "lower its weight or epsilon"),
            idle=Idle(1e-4, "at this length it changes nothing; a larger epsilon would"),
        ),
    )

    @classmethod
    def reach(cls, settings: VatSettings, width: int) -> Reach:
        """The shorter of the two lengths, spread over the numbers of one token: a text has more."""
        key = "xi" if settings.steps and settings.xi < settings.epsilon else "epsilon"
        return Reach(key, getattr(settings, key) / math.sqrt(width))

    def term(self, clean: CleanPass, settings: VatSettings) -> Term:
        """The divergence from the clean prediction, which is a fixed target, as a teacher's is."""
        target = self.reference(clean, settings).detach()
        perturbation = self._perturbation(clean, target, settings)
        with self.dropout(clean, settings):
            perturbed = clean.forward(clean.trained_embeds + perturbation)
        value = clean.divergence(perturbed, target, Role.DISTILLATION)
        return Term(value, {"vat": value.detach()})

    def _perturbation(self, clean: CleanPass, target: Tensor, settings: VatSettings) -> Tensor:
        """R (B, T, E), detached."""
        from mtsmart.regularizers.shared.noise import Noise
        from mtsmart.regularizers.shared.perturbation import Ball, Norm, Scope, power_iteration

        embeds = clean.inputs_embeds.detach()

        def divergence(r: Tensor) -> Tensor:
            with self.dropout(clean, settings):
                logits = clean.forward(embeds + r)
            return clean.mean_divergence(logits, target, Role.DISTILLATION)

        unit = self.unit(clean, settings)
        ball = Ball(settings.epsilon * unit, Norm.L2, Scope.SENTENCE)
        start = Noise(clean.batch, embeds.device, self.name).of_sequences(embeds)
        mask = clean.batch.attention_mask
        return power_iteration(divergence, start, mask, ball, settings.steps, settings.xi * unit)

    @classmethod
    def summary(cls, settings: VatSettings) -> str:
        """Weight and length."""
        return f"weight {settings.weight:g}, epsilon {settings.epsilon:g} ({settings.epsilon_unit})"
