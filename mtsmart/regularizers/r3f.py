"""R3F: the prediction must not change when small random noise is added to the word embeddings.

Aghajanyan et al. 2020, "Better Fine-Tuning by Reducing Representational Collapse", section 3: the loss gets
lambda * KL_S(f(x) || f(x + z)), with the symmetric KL divergence and z ~ N(0, sigma^2) or U(-sigma, sigma).
"""

from __future__ import annotations

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
    Needs,
    Preset,
    Reach,
    Term,
)

if TYPE_CHECKING:  # torch is imported where it is used: the tables of sweeps read this file without it
    from torch import Tensor

    from mtsmart.regularizers import CleanPass


class R3fSettings(MethodSettings):
    """Complete values."""

    weight: float = Field(ge=0, le=LARGEST, description="lambda: factor of the divergence; 0 switches the method off")
    noise: float = Field(
        ge=0, le=LARGEST, description="sigma: deviation of normal noise, or bound of uniform noise, in epsilon_unit"
    )
    distribution: Literal["normal", "uniform"] = Field(description="of the noise")
    epsilon_unit: Literal["relative", "token", "absolute"] = Field(
        description="unit of noise: times the RMS of all word embeddings; times that of each token's own; or as it is"
    )
    dropout: Literal["shared", "independent", "off"] = Field(
        description="masks of the noised pass: the clean pass's, new ones, or none in both predictions"
    )
    every: int = Field(ge=1, description="add the term on every n-th update only, with n times the weight")

    scope: ClassVar[str] = "token"


# The paper takes lambda from {0.1, 0.5, 1, 5} and chooses the distribution for each task. In its released code, the
# noised pass has dropout masks of its own, and its embeddings are constants; here gradients flow through both sides.
_PAPER = R3fSettings(
    weight=1.0, noise=1e-5, distribution="uniform", epsilon_unit="absolute", dropout="independent", every=1
)


@REGULARIZERS.register("r3f")
class R3f(InputRegularizer[R3fSettings]):
    """Adds ``weight * div(f(x + z), f(x))`` with gradients through both sides."""

    Settings = R3fSettings
    presets = (Preset("paper", _PAPER, "Aghajanyan et al. 2020, section 4; the released code's lambda and noise"),)
    per_task = True
    order = 12
    without_labels = True
    still = MappingProxyType({"noise": 0.0})
    text = MethodText(
        title="R3F",
        formula="div(f(x + z), f(x)), where z is normal or uniform noise on the word embeddings",
        paper="Aghajanyan et al. 2020, R3F, section 3",
        cost="1 forward pass, which is also differentiated",
        use="as SMART, without the search for a direction; with the published noise and dropout the term is mostly "
        "that of R-Drop",
        evidence="not compared in experiments/evidence",
    )
    figures = (
        Figure(
            "r3f",
            "R3F's term",
            "nats; squared label units for regression",
            "r3f is R3F's divergence of the noised from the clean prediction, without its weight",
            is_term=True,
            alarm=Alarm(1.0, "lower its weight or noise"),
            idle=Idle(1e-4, "at this noise it changes nothing; a larger noise would"),
        ),
    )

    @classmethod
    def reach(cls, settings: R3fSettings, width: int) -> Reach:
        """The noise itself."""
        return Reach("noise", settings.noise)

    def needs(self, task: str) -> Needs:
        """The masks where the noised pass shares them."""
        return Needs(masks=self.settings[task].dropout == "shared")

    def term(self, clean: CleanPass, settings: R3fSettings) -> Term:
        """The divergence of the two predictions."""
        reference = self.reference(clean, settings)
        embeds = clean.trained_embeds + self._noise(clean, settings)
        with self.dropout(clean, settings):
            noised = clean.forward(embeds)
        value = clean.divergence(noised, reference, Role.ADVERSARIAL)
        return Term(value, {"r3f": value.detach()})

    def _noise(self, clean: CleanPass, settings: R3fSettings) -> Tensor:
        """Z (B, T, E), 0 on padding."""
        from mtsmart.regularizers.shared.noise import Noise

        embeds = clean.inputs_embeds.detach()
        noise = Noise(clean.batch, embeds.device, self.name)
        is_normal = settings.distribution == "normal"
        drawn = noise.of_sequences(embeds) if is_normal else noise.uniform_of_sequences(embeds)
        real = clean.batch.attention_mask.unsqueeze(-1).to(embeds.dtype)
        return settings.noise * self.unit(clean, settings) * drawn * real

    @classmethod
    def summary(cls, settings: R3fSettings) -> str:
        """Weight and noise."""
        return f"weight {settings.weight:g}, {settings.distribution} noise {settings.noise:g} ({settings.epsilon_unit})"
