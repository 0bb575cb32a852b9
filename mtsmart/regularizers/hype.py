"""HyPe: random noise on what each layer gets, in the training passes.

Yuan et al. 2022, "HyPe: Better Pre-trained Language Model Fine-tuning with Hidden Representation Perturbation",
section 3: the input h of each layer becomes h + z, with z ~ N(0, sigma^2) or U(-sigma, sigma).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import Field

from mtsmart.config.sections import RunConfig
from mtsmart.errors import ConfigError
from mtsmart.regularizers import (
    LARGEST,
    REGULARIZERS,
    ChangesPasses,
    Context,
    MethodSettings,
    MethodText,
    Preset,
    Regularizer,
    Rounded,
)
from mtsmart.regularizers.shared.base import places_of

if TYPE_CHECKING:  # torch is imported where it is used: the tables of sweeps read this file without it
    from torch import Tensor, nn

    from mtsmart.data.batch import Batch
    from mtsmart.models.encoder import Encoder
    from mtsmart.task_types import TaskType

_ROUNDED = 1e-3  # hidden states are about 1 large; bfloat16 has steps of 4e-3 to 8e-3 there


class HypeSettings(MethodSettings):
    """Complete values."""

    weight: float = Field(ge=0, le=LARGEST, description="factor of the noise; 0 switches the method off")
    noise: float = Field(ge=0, le=LARGEST, description="sigma: deviation of normal noise, or bound of uniform noise")
    distribution: Literal["normal", "uniform"] = Field(description="of the noise")


_PAPER = HypeSettings(weight=1.0, noise=1e-5, distribution="normal")


@REGULARIZERS.register("hype")
class Hype(Regularizer[HypeSettings], ChangesPasses):
    """Adds noise to the input of each layer. There is no term: the losses and the other terms see the noise."""

    Settings = HypeSettings
    presets = (
        Preset("paper", _PAPER, "Yuan et al. 2022, section 4: normal noise"),
        Preset("uniform", _PAPER.model_copy(update={"distribution": "uniform"}), "the same, uniform noise"),
    )
    per_task = True
    order = 5
    still = None  # it has no term
    text = MethodText(
        title="HyPe",
        formula="h + z in place of the input h of each layer, where z is normal or uniform noise",
        paper="Yuan et al. 2022, HyPe, section 3",
        cost="no pass; drawing the noise",
        use="as a little more dropout; beside the other methods, whose passes of a batch have the same noise",
        evidence="no significant gain on the four small tasks of experiments/methods",
    )

    @classmethod
    def build(cls, config: RunConfig, context: Context) -> Self | None:
        """The method as an experiment configures it.

        Raises:
            ConfigError: the layers run where the noise does not reach them.
        """
        built = super().build(config, context)
        if built is not None:
            _check(config, context)
        return built

    @classmethod
    def rounded(cls, settings: Mapping[str, HypeSettings], encoder: Encoder) -> list[Rounded]:
        """The noise, where no task has any that bfloat16 keeps."""
        noise = max(one.weight * one.noise for one in settings.values())
        setting = f"hype.noise={noise:g}"
        text = (
            f"{setting}: bfloat16 rounds so little away, so the method does nothing; use a larger noise or "
            "training.precision=float32"
        )
        return [Rounded(setting, text)] if noise < _ROUNDED else []

    @contextmanager
    def around(self, task: TaskType, batch: Batch) -> Iterator[None]:
        """Inside it, each training pass adds the same noise."""
        encoder = self.context.model.encoder
        noise = _LayerNoise(self.settings[task.name], batch, encoder.time_first)
        with ExitStack() as hooks:
            start = encoder.register_forward_pre_hook(lambda module, given: noise.begin())
            hooks.callback(start.remove)
            for layer in encoder.layer_modules:
                hook = layer.register_forward_pre_hook(noise.add, with_kwargs=True)
                hooks.callback(hook.remove)
            yield

    @classmethod
    def summary(cls, settings: HypeSettings) -> str:
        """The noise."""
        return f"{settings.distribution} noise {settings.weight * settings.noise:g}"


class _LayerNoise:
    """The noise of one batch: each pass draws it anew from the batch's seed, layer by layer."""

    def __init__(self, settings: HypeSettings, batch: Batch, time_first: bool) -> None:
        self._settings = settings
        self._batch = batch
        self._time_first = time_first

    def begin(self) -> None:
        """Start at the first layer."""
        from mtsmart.regularizers.shared.noise import Noise

        self._noise = Noise(self._batch, self._batch.attention_mask.device, Hype.name)

    def add(self, layer: nn.Module, given: tuple[Any, ...], named: dict[str, Any]) -> Any:
        """A hook: the layer's arguments with the noise on the hidden states."""
        if not layer.training:
            return None
        if given:
            return (self._noised(given[0]), *given[1:]), named
        return given, {**named, "hidden_states": self._noised(named["hidden_states"])}

    def _noised(self, hidden: Tensor) -> Tensor:
        like = hidden.transpose(0, 1) if self._time_first else hidden
        is_normal = self._settings.distribution == "normal"
        drawn = self._noise.of_sequences(like) if is_normal else self._noise.uniform_of_sequences(like)
        drawn = drawn.transpose(0, 1) if self._time_first else drawn
        return hidden + self._settings.weight * self._settings.noise * drawn


def _check(config: RunConfig, context: Context) -> None:
    """Refuse a run whose layers would not see the noise, or would see another one in the backward pass."""
    key = places_of(Hype, config.parts, {name: task.definition for name, task in context.tasks.items()}).method_key
    if config.training.compile:
        hint = "Leave training.compile out"
        raise ConfigError("does not go with a compiled encoder", key=key, hint=hint)
    if context.model.encoder.recomputes:
        hint = "Leave encoder.gradient_checkpointing out"
        raise ConfigError("does not go with layers that the backward pass runs again", key=key, hint=hint)
    if not context.model.encoder.layer_modules:
        hint = "Use another encoder, or switch it off"
        raise ConfigError("the encoder has no list of layers", key=key, hint=hint)
