"""L2-SP: pretrained weights are drawn to where they started, and new ones to zero.

Li, Grandvalet and Davoine 2018, "Explicit Inductive Bias for Transfer Learning with Convolutional Networks",
section 3: alpha / 2 ||w - w0||^2 over the pretrained weights, and beta / 2 ||w||^2 over the new ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from mtsmart.regularizers import (
    LARGEST,
    REGULARIZERS,
    Context,
    Figure,
    MethodSettings,
    MethodText,
    Preset,
)
from mtsmart.regularizers.shared.anchored import Anchored

if TYPE_CHECKING:  # torch is imported where it is used: the tables of sweeps read this file without it
    from torch import Tensor, nn

    from mtsmart.models.multitask import MultiTaskModel


class L2SpSettings(MethodSettings):
    """Complete values."""

    switch: ClassVar[str] = "alpha"

    alpha: float = Field(
        ge=0, le=LARGEST, description="strength of the pull of pretrained weights to their start; 0: off"
    )
    beta: float = Field(ge=0, le=LARGEST, description="strength of the pull of heads and adapters to 0")


@REGULARIZERS.register("l2_sp")
class L2Sp(Anchored[L2SpSettings]):
    """Adds the penalty's exact gradient once an update, before clipping.

    The penalty takes the place of weight decay for the pretrained weights: with optimizer.weight_decay they are drawn
    to zero, too. Of the new weights it leaves alone the heads of tasks that are drawn no longer, and what must not
    decay either (``Encoder.undecayed``), because 0 is not where it does nothing.
    """

    Settings = L2SpSettings
    presets = (
        Preset("paper", L2SpSettings(alpha=0.1, beta=0.01), "Li et al. 2018: beta, and one of the published alphas"),
    )
    order = 80
    takes_parts = False
    still = None  # it has no term of a batch
    text = MethodText(
        title="L2-SP",
        formula="alpha / 2 ||w - w0||^2 for pretrained weights + beta / 2 ||w||^2 for heads and adapters",
        paper="Li, Grandvalet and Davoine 2018, section 3",
        cost="none; a copy of the encoder's weights",
        use="few rows, or tasks near to what the encoder knows; set optimizer.weight_decay=0 beside it",
        evidence="no significant gain on the four small tasks of experiments/methods",
    )
    figures = (Figure("l2_sp", "L2-SP's penalty", "of the loss", "l2_sp is the penalty of L2-SP", in_tables=False),)

    def __init__(self, context: Context, settings: Mapping[str, L2SpSettings]) -> None:
        super().__init__(context, settings)
        self._resting: set[str] = set()

    @classmethod
    def reason_idle(cls, context: Context) -> str | None:
        """Never: it draws new weights to zero, too."""
        return None

    def before_step(self, model: MultiTaskModel, again: Callable[[], None]) -> None:
        """Add the gradient: alpha (w - w0), and beta w."""
        import torch

        with torch.no_grad():
            for weights, pull in self._pulls(model):
                weights.grad = pull if weights.grad is None else weights.grad.add_(pull)

    def head_rests(self, head: Mapping[str, Tensor]) -> None:
        """A head that no task trains any more is not pulled either."""
        self._resting |= head.keys()

    def measure(self, model: MultiTaskModel) -> dict[str, float]:
        """The penalty."""
        import torch

        def squares(tensors: Sequence[Tensor]) -> float:
            return float(torch.stack([each.square().sum() for each in tensors]).sum()) if tensors else 0.0

        with torch.no_grad():
            moved = squares([weights - self.first[name] for name, weights in self.weights(model).items()])
            new = squares(self._new(model))
        return {"l2_sp": (self.config.alpha * moved + self.config.beta * new) / 2}

    def _pulls(self, model: MultiTaskModel) -> Iterator[tuple[nn.Parameter, Tensor]]:
        """Each parameter that is pulled, and the penalty's gradient in it."""
        for name, weights in self.weights(model).items():
            yield weights, self.config.alpha * (weights - self.first[name])
        for weights in self._new(model):
            yield weights, self.config.beta * weights

    def _new(self, model: MultiTaskModel) -> list[nn.Parameter]:
        """The new weights that are pulled to 0."""
        from mtsmart.regularizers.shared.pretrained import fresh

        left = self._resting | {f"encoder.{name}" for name in model.encoder.undecayed}
        return [weights for name, weights in fresh(model, self.first.tensors()).items() if name not in left]

    @classmethod
    def summary(cls, settings: L2SpSettings) -> str:
        """Alpha and beta."""
        return f"alpha {settings.alpha:g}, beta {settings.beta:g}"
