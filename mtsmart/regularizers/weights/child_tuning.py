"""Child-Tuning: in each update only a part of the encoder's weights gets its gradient.

Xu et al. 2021, "Raise a Child in Large Language Model: Towards Effective and Generalizable Fine-tuning", sections 2.2
and 2.3. ``kind: free`` (F) draws another part in each update and scales its gradients by one over the share that it
keeps. ``kind: task`` (D) keeps, during the whole run, the weights with the largest Fisher information of the run's
first batches.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from mtsmart.errors import ConfigError
from mtsmart.regularizers import REGULARIZERS, Context, MethodSettings, MethodText, Preset
from mtsmart.regularizers.shared.anchored import OnPretrained

if TYPE_CHECKING:  # torch is imported where it is used: the tables of sweeps read this file without it
    from torch import Tensor

    from mtsmart.models.multitask import MultiTaskModel

_PLACE = 2  # of the numbers that this method draws from the run's seed


class ChildTuningSettings(MethodSettings):
    """Complete values."""

    switch: ClassVar[str] = "masked"

    masked: float = Field(
        ge=0, lt=1, description="share of the encoder's weights that get no gradient: 1 - p of the paper; 0: off"
    )
    kind: Literal["free", "task"] = Field(
        description="free: another part in each update; task: the part that matters most for the tasks, the whole run"
    )
    batches: int = Field(
        ge=1, le=1_000_000, description="task: how many updates' batches the Fisher information is measured with"
    )

    @property
    def replaced(self) -> dict[str, str]:
        """A part that is drawn needs no measurement."""
        return {"batches": "kind=free"} if self.kind == "free" else {}


@REGULARIZERS.register("child_tuning")
class ChildTuning(OnPretrained[ChildTuningSettings]):
    """Sets gradients of the pretrained encoder's weights to 0, before clipping.

    Weight decay still moves these weights, and so does Adam's memory of earlier gradients where the part changes. The
    Fisher information is the mean, over the updates that a new run would begin with, of the squared gradient of the
    whole objective with dropout; these updates change nothing.
    """

    Settings = ChildTuningSettings
    presets = (
        Preset(
            "paper",
            ChildTuningSettings(masked=0.7, kind="free", batches=100),
            "Xu et al. 2021: p = 0.3",
        ),
        Preset(
            "task",
            ChildTuningSettings(masked=0.7, kind="task", batches=100),
            "Xu et al. 2021: p = 0.3",
        ),
    )
    order = 90
    takes_parts = False
    still = None  # it has no term
    text = MethodText(
        title="Child-Tuning",
        formula="g <- g * M / p, M ~ Bernoulli(p) in each update (free); g <- g * M with a fixed M (task)",
        paper="Xu et al. 2021, Child-Tuning, sections 2.2 and 2.3",
        cost="none (free); the first batches once more before training, and a mask of the encoder (task)",
        use="few rows on a large encoder",
        evidence="no significant gain on the four small tasks of experiments/methods",
    )

    def __init__(self, context: Context, settings: Mapping[str, ChildTuningSettings]) -> None:
        from mtsmart.regularizers.shared.pretrained import pretrained

        super().__init__(context, settings)
        self._names = list(pretrained(context.model))
        self.fisher: dict[str, Tensor] = {}
        self.masks: dict[str, Tensor] = {}
        self._seen = 0

    def start(self, model: MultiTaskModel, updates: int) -> None:
        """Begin with a new run, or with a resumed one that adds the method.

        Raises:
            ConfigError: a resumed run cannot measure what its first updates would have shown.
        """
        super().start(model, updates)
        if updates > 0 and self.config.kind == "task":
            message = "is measured before a run's first update, so a resumed run cannot add it"
            hint = "Use child_tuning.kind=free, or begin a new run"
            raise ConfigError(message, key="child_tuning.kind", value="task", hint=hint)

    @property
    def probes(self) -> int:
        """As many as the Fisher information is measured with."""
        return self.config.batches if self.config.kind == "task" else 0

    def probe(self, model: MultiTaskModel) -> None:
        """Add an update's squared gradients to the Fisher information."""
        import torch

        from mtsmart.regularizers.shared.pretrained import named

        self._seen += 1
        for name, weights in named(model, self._names).items():
            square = torch.zeros_like(weights) if weights.grad is None else weights.grad.square()
            before = self.fisher.get(name)
            self.fisher[name] = square if before is None else before + (square - before) / self._seen

    def before_step(self, model: MultiTaskModel, again: Callable[[], None]) -> None:
        """Mask the gradients."""
        from mtsmart.models.dropout import draw
        from mtsmart.regularizers.shared.pretrained import generator_of, named

        if self.config.kind == "task" and self.fisher:
            self._settle_masks()
        kept = 1 - self.config.masked
        generator = generator_of(model.device, self.context.seed, _PLACE, self.updates)
        for name, weights in named(model, self._names).items():
            gradient = weights.grad
            if self.config.kind == "free":
                # Drawn for each tensor, so that the draws do not depend on which tensors have a gradient.
                mask = draw(weights.new_empty(weights.shape, requires_grad=False), kept, generator)
                if gradient is not None:
                    gradient.mul_(mask.div_(kept))
            elif gradient is not None:
                gradient.mul_(self.masks[name])

    def _settle_masks(self) -> None:
        """Keep the weights with the largest Fisher information, of all tensors together."""
        import torch

        together = torch.cat([each.flatten() for each in self.fisher.values()])
        least = max(1, round(self.config.masked * together.numel()))
        threshold = together.kthvalue(least).values
        self.masks = {name: each > threshold for name, each in self.fisher.items()}
        self.fisher = {}

    def tensors(self) -> dict[str, Tensor]:
        """The masks."""
        return self.masks

    def load_state(self, state: dict[str, Any], tensors: dict[str, Tensor]) -> None:
        """Continue with the masks of a resume point."""
        super().load_state(state, tensors)
        device = self.context.model.device
        self.masks = {name: tensor.to(device) for name, tensor in tensors.items()}

    @classmethod
    def summary(cls, settings: ChildTuningSettings) -> str:
        """Kind and share."""
        return f"{settings.kind}, masks {settings.masked:.0%}"
