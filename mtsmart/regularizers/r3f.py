"""R3F: the prediction must not change when small random noise is added to the word embeddings.

Aghajanyan et al. 2020, "Better Fine-Tuning by Reducing Representational Collapse", section 3: the loss gets
lambda * KL_S(f(x) || f(x + z)), with the symmetric KL divergence and z ~ N(0, sigma^2) or U(-sigma, sigma). R4F also
bounds how much the head can stretch: no linear map of it has a singular value above 1.
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
    Preset,
    Reach,
    Term,
)

if TYPE_CHECKING:  # torch is imported where it is used: the tables of sweeps read this file without it
    from torch import Tensor

    from mtsmart.models.multitask import MultiTaskModel
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
    bounded_head: bool = Field(
        description="R4F: after each update, a linear map of the head whose largest singular value is above 1 is "
        "divided by it; maps that the head shares with the encoder stay"
    )

    scope: ClassVar[str] = "token"


# The paper takes lambda from {0.1, 0.5, 1, 5} and chooses the distribution for each task. In its released code, the
# noised pass has dropout masks of its own, and its embeddings are constants; here gradients flow through both sides.
_PAPER = R3fSettings(
    weight=1.0,
    noise=1e-5,
    distribution="uniform",
    epsilon_unit="absolute",
    dropout="independent",
    every=1,
    bounded_head=False,
)


@REGULARIZERS.register("r3f")
class R3f(InputRegularizer[R3fSettings]):
    """Adds ``weight * div(f(x + z), f(x))`` with gradients through both sides."""

    Settings = R3fSettings
    presets = (
        Preset("paper", _PAPER, "Aghajanyan et al. 2020, section 4; the released code's lambda and noise"),
        Preset("r4f", _PAPER.model_copy(update={"bounded_head": True}), "the same, with R4F's bound on the head"),
    )
    per_task = True
    order = 12
    whole_only = ("bounded_head",)
    without_labels = True
    still = MappingProxyType({"noise": 0.0})
    text = MethodText(
        title="R3F",
        formula="div(f(x + z), f(x)), where z is normal or uniform noise on the word embeddings",
        paper="Aghajanyan et al. 2020, R3F, section 3",
        cost="1 forward pass, which is also differentiated",
        use="as SMART, without the search for a direction; with the published noise and dropout the term is mostly "
        "that of R-Drop",
        evidence="no significant gain on the four small tasks of experiments/methods",
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

    def bounded(self) -> list[str]:
        """The heads that R4F bounds."""
        on = [task for task, settings in self.settings.items() if settings.is_on and settings.bounded_head]
        return sorted({self.context.tasks[task].head_name for task in on})

    def after_step(self, model: MultiTaskModel) -> None:
        """Bring the heads' linear maps back into their bound."""
        import torch

        own = {id(parameter) for parameter in model.encoder.parameters()}
        with torch.no_grad():
            for head in self.bounded():
                for module in model.head(head).modules():
                    if isinstance(module, torch.nn.Linear) and id(module.weight) not in own:
                        largest = torch.linalg.matrix_norm(module.weight.float(), 2)
                        module.weight.div_(largest.clamp_min(1.0).to(module.weight.dtype))

    @classmethod
    def summary(cls, settings: R3fSettings) -> str:
        """Weight and noise."""
        bound = ", bounded head" if settings.bounded_head else ""
        noise = f"{settings.distribution} noise {settings.noise:g} ({settings.epsilon_unit})"
        return f"weight {settings.weight:g}, {noise}{bound}"
