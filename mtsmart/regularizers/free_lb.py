"""FreeLB: the loss is that of K perturbed inputs, found by ascent on the same loss.

Zhu et al. 2020, "FreeLB: Enhanced Adversarial Training for Natural Language Understanding", algorithm 1: delta starts
as uniform noise; K times the gradient of L(f(x + delta), y) / K is added to that of the weights, and delta takes a
normalised gradient step inside an l2 ball. One backward pass gives both gradients, so the ascent steps are free.
"""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from mtsmart.regularizers import (
    LARGEST,
    REGULARIZERS,
    Alarm,
    Figure,
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


class FreeLbSettings(MethodSettings):
    """Complete values. Lengths are l2 norms over all tokens of a text, in ``epsilon_unit``."""

    weight: float = Field(
        ge=0, le=LARGEST, description="1: the perturbed losses take the place of the clean one; 0 switches it off"
    )
    steps: int = Field(ge=1, le=16, description="K: perturbed passes")
    step_size: float = Field(gt=0, le=LARGEST, description="alpha: length of one step")
    epsilon: float = Field(gt=0, le=LARGEST, description="radius of the ball that the perturbation stays in")
    noise: float = Field(
        ge=0, le=LARGEST, description="length that uniform noise of the start has at most; the algorithm takes epsilon"
    )
    epsilon_unit: Literal["relative", "token", "absolute"] = Field(
        description="unit of lengths: times the RMS of all word embeddings; times that of the text's own tokens; "
        "or as they are"
    )
    dropout: Literal["shared", "independent", "off"] = Field(
        description="masks of the perturbed passes: the clean pass's in all of them, new ones, or none"
    )
    every: int = Field(ge=1, description="perturb on every n-th update only, with n times the weight")

    scope: ClassVar[str] = "sentence"

    @property
    def replaced(self) -> dict[str, str]:
        """After the only pass there is no step."""
        return dict.fromkeys(("step_size", "epsilon"), "steps=1") if self.steps == 1 else {}


_PAPER = FreeLbSettings(
    weight=1.0,
    steps=3,
    step_size=6e-2,
    epsilon=1.4e-1,
    noise=1.6e-1,
    epsilon_unit="absolute",
    dropout="shared",
    every=1,
)


@REGULARIZERS.register("free_lb")
class FreeLb(InputRegularizer[FreeLbSettings]):
    """Adds ``weight * (mean of the K perturbed losses - L)``: with weight 1, exactly the K-step sum is left."""

    Settings = FreeLbSettings
    presets = (Preset("paper", _PAPER, "Zhu et al. 2020, the released settings for RTE on RoBERTa-large"),)
    per_task = True
    order = 16
    differentiates = True
    takes_parts = False  # with sharded weights, a run takes one backward pass for each batch
    still = MappingProxyType({"noise": 0.0, "steps": 1})
    text = MethodText(
        title="FreeLB",
        formula="mean over K of L(f(x + delta_k), y) in place of L(f(x), y); delta_k+1 = P(delta_k + alpha g / ||g||)",
        paper="Zhu et al. 2020, FreeLB, algorithm 1",
        cost="K forward passes, which are also differentiated",
        use="labelled texts; lengths are for the embeddings of one encoder, so set them anew for another, or in "
        "epsilon_unit=relative",
        evidence="no significant gain on the four small tasks of experiments/methods",
    )
    figures = (
        Figure(
            "free_lb",
            "FreeLB's term",
            "as the task's loss",
            "free_lb is by how much FreeLB's perturbations raise the task's loss",
            is_term=True,
            alarm=Alarm(2.0, "lower its step size or radius"),
        ),
    )

    @classmethod
    def reach(cls, settings: FreeLbSettings, width: int) -> Reach:
        """The shortest of the lengths that matter, spread over the numbers of one token: a text has more."""
        keys = ("noise",) if settings.steps == 1 else ("epsilon", "step_size")
        key = min(keys, key=lambda name: float(getattr(settings, name)))
        return Reach(key, getattr(settings, key) / math.sqrt(width))

    @classmethod
    def gold_share(cls, settings: FreeLbSettings, task: str) -> float:
        """The perturbed losses take the place of the clean one."""
        return settings.weight

    def term(self, clean: CleanPass, settings: FreeLbSettings) -> Term | None:
        """What the perturbations change in the loss; None for a batch without gold labels.

        All passes but the last one are differentiated here, so that only one graph is in memory at a time.
        """
        if not clean.is_labelled:
            return None
        delta = self._start(clean, settings)
        before = clean.loss.new_zeros(())
        for _ in range(settings.steps - 1):
            share, delta = self._step(clean, delta, settings)
            before = before + share
        value = before + self._share(clean, delta, settings) - clean.loss
        return Term(value, {"free_lb": value.detach()})

    def _start(self, clean: CleanPass, settings: FreeLbSettings) -> Tensor:
        """Uniform noise / sqrt(N), where N counts the numbers of a text's embeddings. (B, T, E)."""
        from mtsmart.regularizers.shared.noise import Noise

        embeds = clean.inputs_embeds.detach()
        real = clean.batch.attention_mask.unsqueeze(-1).to(embeds.dtype)
        numbers = real.sum(1, keepdim=True) * embeds.shape[-1]
        drawn = Noise(clean.batch, embeds.device, self.name).uniform_of_sequences(embeds)
        return settings.noise * self.unit(clean, settings) * drawn * real / numbers.sqrt()

    def _share(self, clean: CleanPass, delta: Tensor, settings: FreeLbSettings) -> Tensor:
        """L(f(x + delta), y) / K, a scalar."""
        with self.dropout(clean, settings):
            logits = clean.forward(clean.trained_embeds + delta)
        return clean.criterion(logits) / settings.steps

    def _step(self, clean: CleanPass, delta: Tensor, settings: FreeLbSettings) -> tuple[Tensor, Tensor]:
        """Differentiate one perturbed pass.

        Returns:
            its share in the loss, and the next perturbation (B, T, E).
        """
        from mtsmart.regularizers.shared.perturbation import Ball, Norm, Scope, ascend

        at = delta.requires_grad_(True)
        share = self._share(clean, at, settings)
        clean.backward(settings.every * settings.weight * share)
        assert at.grad is not None
        unit = self.unit(clean, settings)
        ball = Ball(settings.epsilon * unit, Norm.L2, Scope.SENTENCE)
        real = clean.batch.attention_mask.unsqueeze(-1).to(at.dtype)
        return share.detach(), ascend(real, ball, settings.step_size * unit, at.detach(), at.grad)

    @classmethod
    def summary(cls, settings: FreeLbSettings) -> str:
        """Weight, steps and radius."""
        return f"weight {settings.weight:g}, {settings.steps} steps, epsilon {settings.epsilon:g}"
