"""RecAdam: training begins near the pretrained weights and is gradually left to the task.

Chen et al. 2020, "Recall and Learn: Fine-tuning Deep Pretrained Language Models with Less Forgetting", algorithm 1.
With lambda(t) = 1 / (1 + exp(-k (t - t0))) a pretrained weight moves by lambda(t) times the optimizer's step, and by
-rate (1 - lambda(t)) gamma (w - w0), which the optimizer's moments do not see (decoupled).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, ClassVar, Self

from pydantic import Field

from mtsmart.config.sections import RunConfig
from mtsmart.errors import warn
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
    from mtsmart.models.multitask import MultiTaskModel
    from mtsmart.regularizers.shared.pretrained import Start


class RecAdamSettings(MethodSettings):
    """Complete values."""

    switch: ClassVar[str] = "gamma"

    gamma: float = Field(ge=0, le=LARGEST, description="strength of the pull to the pretrained weights; 0: off")
    k: float = Field(gt=0, le=LARGEST, description="how fast the pull gives way to the task")
    t0: int = Field(ge=0, description="the update at which both have half of their strength")


@REGULARIZERS.register("rec_adam")
class RecAdam(Anchored[RecAdamSettings]):
    """Shortens the optimizer's step of pretrained weights, and pulls them back after it.

    The optimizer's step includes weight decay here. Heads are trained as usual. Where rate * (1 - lambda) * gamma is
    above 1, the pull ends at the pretrained weights instead of passing them.
    """

    Settings = RecAdamSettings
    presets = (
        Preset(
            "paper",
            RecAdamSettings(gamma=5000.0, k=0.1, t0=250),
            "Chen et al. 2020: gamma, one k and one t0",
        ),
    )
    order = 95
    takes_parts = False
    still = None  # it has no term
    text = MethodText(
        title="RecAdam",
        formula="w <- w + lambda(t) step - rate (1 - lambda(t)) gamma (w - w0), lambda(t) = 1 / (1 + exp(-k (t - t0)))",
        paper="Chen et al. 2020, Recall and Learn, algorithm 1 with the decoupled penalty",
        cost="none; two copies of the encoder's weights",
        use="encoders that should forget little; t0 must be well below the length of the run",
        evidence="no significant gain on the four small tasks of experiments/methods",
    )
    figures = (
        Figure("lambda", "RecAdam's lambda", "1", "lambda is the share of the optimizer's step", in_tables=False),
    )

    def __init__(self, context: Context, settings: Mapping[str, RecAdamSettings]) -> None:
        super().__init__(context, settings)
        self._before: Start | None = None

    @classmethod
    def build(cls, config: RunConfig, context: Context) -> Self | None:
        """The method as an experiment configures it, with a warning where the run ends before the task has its turn."""
        built = super().build(config, context)
        if built is not None and built.config.t0 >= context.total_updates:
            text = (
                f"rec_adam.t0={built.config.t0}: the run has only {context.total_updates} updates, so its encoder "
                "stays near the pretrained weights; use a smaller one"
            )
            warn(text)
        return built

    def share(self, update: int) -> float:
        """lambda(t), with updates counted from 1."""
        exponent = -self.config.k * (update - self.config.t0)
        return 1 / (1 + math.exp(min(exponent, 700.0)))  # float64 holds exp(700)

    def before_step(self, model: MultiTaskModel, again: Callable[[], None]) -> None:
        """Keep the weights from before the optimizer's step."""
        from mtsmart.regularizers.shared.pretrained import Start

        if self._before is None:
            self._before = Start(self.weights(model))
        else:
            self._before.follow(self.weights(model))

    def after_step(self, model: MultiTaskModel) -> None:
        """Shorten the step, and pull the weights back."""
        import torch

        assert self._before is not None
        share = self.share(self.updates + 1)
        rate = self.context.learning_rate(self.updates)
        pull = min(1.0, rate * (1 - share) * self.config.gamma)
        weights = self.weights(model)
        if not weights:
            return
        with torch.no_grad():
            # An update that is not finite moves nothing, and then there is no pull either.
            moved = torch.stack([(one != self._before[name]).any() for name, one in weights.items()]).any()
            for name, one in weights.items():
                before = self._before[name]
                back = pull * (before - self.first[name])
                one.copy_(torch.where(moved, before + share * (one - before) - back, one))

    def measure(self, model: MultiTaskModel) -> dict[str, float]:
        """lambda of the last update."""
        return {"lambda": self.share(self.updates)}

    @classmethod
    def summary(cls, settings: RecAdamSettings) -> str:
        """Gamma, k and t0."""
        return f"gamma {settings.gamma:g}, k {settings.k:g}, t0 {settings.t0}"
