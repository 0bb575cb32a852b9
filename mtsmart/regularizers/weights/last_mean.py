"""Mean of the last evaluations: the mean of the weights of the last n evaluations is scored and kept.

Vaswani et al. 2017, "Attention Is All You Need", section 6.1, which averages the last 5 checkpoints.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from mtsmart.regularizers import REGULARIZERS, Context, MethodText, Preset
from mtsmart.regularizers.shared.averaging import Averaging, AveragingSettings

if TYPE_CHECKING:
    from torch import Tensor

    from mtsmart.models.multitask import MultiTaskModel


class LastMeanSettings(AveragingSettings):
    """Complete values."""

    switch: ClassVar[str] = "evaluations"

    evaluations: int = Field(ge=0, le=100, description="how many of the last evaluations count; 0: off")


@REGULARIZERS.register("last_mean")
class LastMean(Averaging[LastMeanSettings]):
    """Keeps the weights of the last evaluations on the CPU, and averages them at each evaluation."""

    Settings = LastMeanSettings
    presets = (Preset("paper", LastMeanSettings(evaluations=5), "Vaswani et al. 2017, section 6.1"),)
    order = 52
    still = None  # it has no term
    text = MethodText(
        title="Mean of the last evaluations",
        formula="mean of the weights at the last n evaluations; it is scored and kept",
        paper="Vaswani et al. 2017, section 6.1",
        cost="none; n copies of the trained weights in the memory of the processor",
        use="scores that jump from one evaluation to the next; with few evaluations it is the mean of all of them",
        evidence="not compared in experiments/evidence",
    )

    def __init__(self, context: Context, settings: Mapping[str, LastMeanSettings]) -> None:
        super().__init__(context, settings)
        self.last: list[dict[str, Tensor]] = []

    def before_evaluation(self, model: MultiTaskModel) -> None:
        """Take the weights in, and leave the oldest out."""
        from mtsmart.models.weights import frozen, state_of

        own = {name: tensor.clone() for name, tensor in state_of(model, frozen(model).values()).items()}
        self.last = [*self.last, own][-self.config.evaluations :]
        self._average()

    def _average(self) -> None:
        self.count = len(self.last)
        if self.last:
            self.average.load({name: _mean([each[name] for each in self.last]) for name in self.last[0]})

    def head_rests(self, head: Mapping[str, Tensor]) -> None:
        """Earlier evaluations have this head, too, so that the next mean has it."""
        super().head_rests(head)
        for each in self.last:
            each |= {name: tensor.detach().cpu().clone() for name, tensor in head.items() if name in each}

    def start(self, model: MultiTaskModel, updates: int) -> None:
        """Nothing of what was before counts."""
        super().start(model, updates)
        self.last = []

    def tensors(self) -> dict[str, Tensor]:
        """The weights of each evaluation: ``<number>.<name>``."""
        return {f"{number}.{name}": one for number, each in enumerate(self.last) for name, one in each.items()}

    def load_state(self, state: dict[str, Any], tensors: dict[str, Tensor]) -> None:
        """Continue with the weights of a resume point."""
        self.updates = int(state["updates"])
        self.last = [{} for _ in range(int(state["count"]))]
        for key, tensor in tensors.items():
            number, _, name = key.partition(".")
            self.last[int(number)][name] = tensor
        self._average()

    @classmethod
    def summary(cls, settings: LastMeanSettings) -> str:
        """How many, and what is kept."""
        return f"of {settings.evaluations}, keeps the {settings.keep}"


def _mean(tensors: list[Tensor]) -> Tensor:
    """The mean, computed in float64; the last one of tensors that hold whole numbers."""
    if not tensors[0].is_floating_point():
        return tensors[-1]
    total = sum(tensor.double() for tensor in tensors[1:]) + tensors[0].double()
    return (total / len(tensors)).to(tensors[0].dtype)
