"""NoisyTune: each pretrained tensor gets a little noise before training, in proportion to its own spread.

Wu et al. 2022, "NoisyTune: A Little Noise Can Help You Finetune Pretrained Language Models Better", equation 1:
W <- W + U(-lambda / 2, lambda / 2) * std(W).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from mtsmart.regularizers import LARGEST, REGULARIZERS, MethodSettings, MethodText, Preset
from mtsmart.regularizers.shared.anchored import OnPretrained

if TYPE_CHECKING:  # torch is imported where it is used: the tables of sweeps read this file without it
    from mtsmart.models.multitask import MultiTaskModel

_PLACE = 1  # of the numbers that this method draws from the run's seed


class NoisyTuneSettings(MethodSettings):
    """Complete values."""

    switch: ClassVar[str] = "noise"

    noise: float = Field(
        ge=0, le=LARGEST, description="lambda: the width of the noise in standard deviations of a tensor; 0: off"
    )


@REGULARIZERS.register("noisy_tune")
class NoisyTune(OnPretrained[NoisyTuneSettings]):
    """Changes the weights once, when a new run begins; a resumed run goes on with the weights that it has.

    Only weights of the pretrained encoder that are trained get noise. A teacher or an average of the weights starts
    from the weights with noise.
    """

    Settings = NoisyTuneSettings
    presets = (Preset("paper", NoisyTuneSettings(noise=0.15), "Wu et al. 2022, section 3"),)
    order = 60
    changes_start = True
    still = None  # it has no term
    text = MethodText(
        title="NoisyTune",
        formula="W <- W + U(-lambda / 2, lambda / 2) * std(W), once before training",
        paper="Wu et al. 2022, NoisyTune, equation 1",
        cost="none",
        use="few rows on a large encoder, which may be fitted too closely to what it was pretrained on",
        evidence="no significant gain on the four small tasks of experiments/methods",
    )

    def begin(self, model: MultiTaskModel) -> None:
        """Add the noise."""
        import torch

        from mtsmart.regularizers.shared.pretrained import generator_of, pretrained

        # Drawn on the CPU, so that a run has the same noise on each device.
        generator = generator_of(torch.device("cpu"), self.context.seed, _PLACE)
        with torch.no_grad():
            for weights in pretrained(model).values():
                noise = torch.rand(weights.shape, generator=generator) - 0.5
                if weights.numel() > 1:  # a single number has no spread
                    weights.add_(noise.to(weights) * self.config.noise * weights.std())
