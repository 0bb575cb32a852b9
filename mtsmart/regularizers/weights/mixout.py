"""Mixout: in each update some weights are replaced by their pretrained values, as dropout replaces outputs by zero.

Lee, Cho and Kang 2020, "Mixout: Effective Regularization to Finetune Large-scale Pretrained Language Models",
section 3. With M ~ Bernoulli(p) for each weight, the passes of an update use
(M w0 + (1 - M) w - p w0) / (1 - p), whose mean is w.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from mtsmart.regularizers import REGULARIZERS, MethodSettings, MethodText, Preset
from mtsmart.regularizers.shared.anchored import Anchored

if TYPE_CHECKING:  # torch is imported where it is used: the tables of sweeps read this file without it
    from torch import Tensor, nn

    from mtsmart.models.multitask import MultiTaskModel

_PLACE = 3  # of the numbers that this method draws from the run's seed


class MixoutSettings(MethodSettings):
    """Complete values."""

    switch: ClassVar[str] = "p"

    p: float = Field(ge=0, lt=1, description="probability with which a weight is replaced; 0: off")


@REGULARIZERS.register("mixout")
class Mixout(Anchored[MixoutSettings]):
    """Puts mixed weights into the encoder while the gradients of an update are computed.

    All batches and passes of an update have the same mask, also those of other methods. The gradient of a weight is
    that of the mixed weight times (1 - M) / (1 - p), as the chain rule says. The optimizer and evaluations see the
    weights themselves. Mixed are the pretrained matrices that are no embeddings.
    """

    Settings = MixoutSettings
    presets = (Preset("paper", MixoutSettings(p=0.7), "Lee et al. 2020, one of the published p"),)
    order = 65
    takes_parts = False
    still = None  # it has no term
    text = MethodText(
        title="Mixout",
        formula="passes use (M w0 + (1 - M) w - p w0) / (1 - p), M ~ Bernoulli(p) for each weight",
        paper="Lee, Cho and Kang 2020, Mixout, section 3",
        cost="none; three copies of the encoder's matrices",
        use="few rows on a large encoder whose fine-tuning sometimes fails; set encoder.dropout=0 beside it",
        evidence="no significant gain on the four small tasks of experiments/methods",
    )

    def chosen(self, model: MultiTaskModel) -> dict[str, nn.Parameter]:
        """The pretrained matrices that are no embeddings."""
        from mtsmart.regularizers.shared.pretrained import mixable

        return mixable(model)

    @contextmanager
    def differentiating(self, model: MultiTaskModel) -> Iterator[None]:
        """Mix; at the end put the weights back, and turn the gradients into those of the weights."""
        import torch

        from mtsmart.regularizers.shared.pretrained import generator_of

        p = self.config.p
        weights = self.weights(model)
        generator = generator_of(model.device, self.context.seed, _PLACE, self.updates)
        before: dict[str, Tensor] = {}
        kept: dict[str, Tensor] = {}
        with torch.no_grad():
            for name, one in weights.items():
                before[name] = one.detach().clone()
                kept[name] = torch.empty_like(before[name]).bernoulli_(1 - p, generator=generator) / (1 - p)
                # The published form with (1 - M) / (1 - p) as the factor of w - w0.
                one.copy_(self.first[name] + kept[name] * (one - self.first[name]))
        try:
            yield
        finally:
            with torch.no_grad():
                for name, one in weights.items():
                    one.copy_(before[name])
                    if one.grad is not None:
                        one.grad.mul_(kept[name])
