"""SWA: the mean of the weights of the last part of training is scored and kept.

Izmailov et al. 2018, "Averaging Weights Leads to Wider Optima and Better Generalization", algorithm 1. The paper also
keeps the learning rate high in the last part: optimizer.schedule=constant.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from mtsmart.regularizers import REGULARIZERS, MethodText, Preset
from mtsmart.regularizers.shared.averaging import Averaging, AveragingSettings

if TYPE_CHECKING:
    from mtsmart.models.multitask import MultiTaskModel


class SwaSettings(AveragingSettings):
    """Complete values."""

    switch: ClassVar[str] = "share"

    share: float = Field(ge=0, le=1, description="the last share of all updates, whose weights are averaged; 0: off")
    interval: int = Field(ge=1, description="updates between two weights that are averaged")


@REGULARIZERS.register("swa")
class Swa(Averaging[SwaSettings]):
    """Averages in the last part of training. Before it the model itself is scored, and training does not change."""

    Settings = SwaSettings
    presets = (
        Preset("paper", SwaSettings(share=0.25, interval=1), "Izmailov et al. 2018: from three quarters of the budget"),
    )
    order = 51
    still = None  # it has no term
    text = MethodText(
        title="SWA",
        formula="mean of the weights after every n-th update of the last share of training; it is scored and kept",
        paper="Izmailov et al. 2018, algorithm 1",
        cost="none; a copy of the trained weights",
        use="training whose rate ends high (optimizer.schedule=constant), and rows that differ from those of training",
        evidence="no significant gain on the four small tasks of experiments/methods",
    )

    @property
    def first(self) -> int:
        """The number of the first update whose weights count, from 1."""
        counted = max(1, math.floor(self.config.share * self.context.total_updates))
        return self.context.total_updates - counted + 1

    def after_update(self, model: Callable[[], MultiTaskModel]) -> None:
        """Count the weights, if it is their turn."""
        super().after_update(model)
        late = self.updates - self.first
        if late >= 0 and late % self.config.interval == 0:
            self.add(model())

    @classmethod
    def summary(cls, settings: SwaSettings) -> str:
        """The share, and what is kept."""
        return f"the last {settings.share:.0%} of the updates, keeps the {settings.keep}"
