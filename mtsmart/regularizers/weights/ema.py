"""EMA: an exponential moving average of the weights is scored and kept.

Polyak and Juditsky 1992, "Acceleration of Stochastic Approximation by Averaging"; in the form of Tarvainen and Valpola
2017, "Mean teachers are better role models", section 2: m <- beta m + (1 - beta) w after each update. While the
average is young it is the plain mean of the weights so far (beta_t = min(beta, 1 - 1 / t)).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from mtsmart.regularizers import REGULARIZERS, MethodText, Preset
from mtsmart.regularizers.shared.averaging import Averaging, AveragingSettings

if TYPE_CHECKING:
    from mtsmart.models.multitask import MultiTaskModel


class EmaSettings(AveragingSettings):
    """Complete values."""

    switch: ClassVar[str] = "beta"

    beta: float = Field(
        ge=0, lt=1, description="memory of the average, which looks back 1 / (1 - beta) updates; 0: off"
    )


@REGULARIZERS.register("ema")
class Ema(Averaging[EmaSettings]):
    """Moves an average after each update. Training itself does not change."""

    Settings = EmaSettings
    presets = (
        Preset("paper", EmaSettings(beta=0.999), "Tarvainen and Valpola 2017, section 3: beta after the ramp"),
        Preset("short", EmaSettings(beta=0.99), "Tarvainen and Valpola 2017, section 3: beta in the ramp"),
    )
    order = 50
    still = None  # it has no term
    text = MethodText(
        title="EMA",
        formula="m <- beta m + (1 - beta) w after each update; m is scored and kept",
        paper="Polyak and Juditsky 1992; Tarvainen and Valpola 2017, section 2",
        cost="none; a copy of the trained weights",
        use="scores that jump from one evaluation to the next, and rates that end high",
        evidence="no significant gain on the four small tasks of experiments/methods",
    )

    def after_update(self, model: Callable[[], MultiTaskModel]) -> None:
        """Move the average."""
        super().after_update(model)
        self.count += 1
        self.average.follow(model(), min(self.config.beta, 1 - 1 / self.count))

    @classmethod
    def summary(cls, settings: EmaSettings) -> str:
        """Beta, and what is kept."""
        return f"beta {settings.beta:g}, keeps the {settings.keep}"
