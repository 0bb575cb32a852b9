"""SAM and ASAM: the step takes its gradient from the place nearby where the loss is highest.

Foret et al. 2021, "Sharpness-Aware Minimization for Efficiently Improving Generalization", algorithm 1:
e = rho g / ||g||, and the step uses the gradient at w + e.

Kwon et al. 2021, "ASAM: Adaptive Sharpness-Aware Minimization for Scale-Invariant Learning of Deep Neural Networks",
algorithm 1: e = rho T^2 g / ||T g|| with T = |w| + eta.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from mtsmart.regularizers import LARGEST, REGULARIZERS, MethodSettings, MethodText, Preset, Regularizer

if TYPE_CHECKING:  # torch is imported where it is used: the tables of sweeps read this file without it
    from torch import Tensor, nn

    from mtsmart.models.multitask import MultiTaskModel

_ETA = 0.01  # Kwon et al. 2021, section 5; it keeps weights of 0 from standing still
_LEAST = 1e-12  # of a norm that divides


class SamSettings(MethodSettings):
    """Complete values."""

    switch: ClassVar[str] = "rho"

    rho: float = Field(ge=0, le=LARGEST, description="how far away the gradient is taken; 0: off")
    adaptive: bool = Field(description="ASAM: each weight moves in proportion to its own size")


@REGULARIZERS.register("sam")
class Sam(Regularizer[SamSettings]):
    """Computes the gradients of an update twice: at the weights, and at the weights plus e.

    The gradients are those of the whole update, with all its batches and terms. The second pass draws dropout masks of
    its own, as in the published code. Logged figures are those of the first pass.
    """

    Settings = SamSettings
    presets = (
        Preset("paper", SamSettings(rho=0.05, adaptive=False), "Foret et al. 2021, section 3"),
        Preset("adaptive", SamSettings(rho=0.5, adaptive=True), "Kwon et al. 2021, section 5"),
    )
    # Methods with a later place change the gradient that SAM has found, such as L2-SP, whose own has no sharpness.
    order = 70
    takes_parts = False
    still = None  # it has no term
    text = MethodText(
        title="SAM",
        formula="gradient at w + e, e = rho g / ||g||; adaptive: e = rho T^2 g / ||T g||, T = |w| + 0.01",
        paper="Foret et al. 2021, algorithm 1; Kwon et al. 2021, ASAM, algorithm 1",
        cost="each update computes its gradients twice",
        use="few or noisy labels, where a flat minimum generalises better; it takes twice the time",
        evidence="no significant gain on the four small tasks of experiments/methods",
    )

    def before_step(self, model: MultiTaskModel, again: Callable[[], None]) -> None:
        """Put the gradient at the place nearby in the place of the one that is there."""
        import torch

        from mtsmart.models.weights import trained

        moved = [weights for weights in trained(model).values() if weights.grad is not None]
        before = [weights.detach().clone() for weights in moved]
        with torch.no_grad():
            for weights, step in zip(moved, self.steps(moved), strict=True):
                weights.add_(step)
        again()
        with torch.no_grad():
            for weights, value in zip(moved, before, strict=True):
                weights.copy_(value)

    def steps(self, parameters: list[nn.Parameter]) -> list[Tensor]:
        """e for each parameter, from the gradients that are there."""
        import torch

        settings = next(iter(self.settings.values()))
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        scales: list[Tensor | float] = [1.0] * len(gradients)
        if settings.adaptive:
            scales = [parameter.detach().abs() + _ETA for parameter in parameters]
        scaled = [scale * gradient for scale, gradient in zip(scales, gradients, strict=True)]
        factor = settings.rho / torch.nn.utils.get_total_norm(scaled).clamp(min=_LEAST)
        return [factor * scale * each for scale, each in zip(scales, scaled, strict=True)]

    @classmethod
    def summary(cls, settings: SamSettings) -> str:
        """Rho and the form."""
        return f"rho {settings.rho:g}{', adaptive' if settings.adaptive else ''}"
